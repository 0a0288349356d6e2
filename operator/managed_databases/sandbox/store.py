"""The state of the sandbox: named tables of rows, and a journal that outlives the process.

The journal is a file of JSON lines. Each line is a list of `[table, key, row or null]` with everything that one request has
changed, so that the request counts as a whole or, if the line is torn, not at all. The line is written before the request is
answered, so that answered requests survive SIGKILL. At each start, and whenever most lines are outdated, the sandbox writes a new
journal beside the old one and renames it.
"""

import os
from pathlib import Path
from typing import Any, Final

import orjson

Row = dict[str, Any]
"""An object of the sandbox. A row is never changed in place: a change makes a new row, so a copy of a table keeps the past."""

_HISTORY_LINES: Final = 50_000


class Store:
    """Tables by name, with rows by key. With `path` None the state ends with the process."""

    def __init__(self, path: Path | None = None) -> None:
        self.tables: dict[str, dict[str, Row]] = {}
        self._path = path
        self._file: int | None = None
        self._unwritten: list[bytes] = []
        self._lines = 0
        if path is not None:
            self._load(path)
            self._rewrite(path)

    def table(self, name: str) -> dict[str, Row]:
        return self.tables.setdefault(name, {})

    def put(self, table: str, key: str, row: Row) -> None:
        self.table(table)[key] = row
        if self._path is not None:
            self._unwritten.append(orjson.dumps([table, key, row]))

    def remove(self, table: str, key: str) -> Row | None:
        """Remove and return the row; None if there is none."""
        row = self.table(table).pop(key, None)
        if row is not None and self._path is not None:
            self._unwritten.append(orjson.dumps([table, key, None]))
        return row

    def flush(self) -> None:
        """Write the changes to the file: they survive the process, but not a power cut."""
        if self._path is None or self._file is None or not self._unwritten:
            return
        _write(self._file, b"[" + b",".join(self._unwritten) + b"]\n")
        self._lines += len(self._unwritten)
        self._unwritten.clear()
        if self._lines > _HISTORY_LINES + 2 * sum(map(len, self.tables.values())):
            self._rewrite(self._path)

    def close(self) -> None:
        self.flush()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _load(self, path: Path) -> None:
        if not path.exists():
            return
        lines = path.read_bytes().split(b"\n")
        for line in lines[:-1]:  # what follows the last line feed is empty, or torn
            for table, key, row in orjson.loads(line):
                if row is None:
                    self.table(table).pop(key, None)
                else:
                    self.table(table)[key] = row

    def _rewrite(self, path: Path) -> None:
        self._unwritten.clear()
        lines = [orjson.dumps([[name, key, row]]) for name, table in self.tables.items() for key, row in table.items()]
        fresh = path.with_name(path.name + ".new")
        file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        _write(file, b"".join(line + b"\n" for line in lines))
        os.replace(fresh, path)
        if self._file is not None:
            os.close(self._file)
        self._file, self._lines = file, len(lines)


def _write(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]
