"""All that the sandbox remembers: named tables of rows, and a journal that outlives the process.

The journal is a file of JSON lines `[table, key, row or null]`. A line is written before the request that caused it is
answered, so that what was answered survives SIGKILL; a torn last line is ignored. Each start, and each time that most
lines are history, writes it anew next to the old one and renames it.
"""

import os
from pathlib import Path
from typing import Any, Final

import orjson

Row = dict[str, Any]
"""Never changed in place: a change is a new row. So a copy of a table is a copy of the past."""

_HISTORY_LINES: Final = 50_000


class Store:
    """Tables by name, rows by key. `path` None remembers nothing beyond the process."""

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
        """Remove and return the row, None when there is none."""
        row = self.table(table).pop(key, None)
        if row is not None and self._path is not None:
            self._unwritten.append(orjson.dumps([table, key, None]))
        return row

    def flush(self) -> None:
        """Hand what changed to the operating system: it survives this process, though not a power cut."""
        if self._path is None or self._file is None or not self._unwritten:
            return
        data = memoryview(b"\n".join(self._unwritten) + b"\n")
        while data:
            data = data[os.write(self._file, data) :]
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
            table, key, row = orjson.loads(line)
            if row is None:
                self.table(table).pop(key, None)
            else:
                self.table(table)[key] = row

    def _rewrite(self, path: Path) -> None:
        self._unwritten.clear()
        lines = [orjson.dumps([name, key, row]) for name, table in self.tables.items() for key, row in table.items()]
        fresh = path.with_name(path.name + ".new")
        file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        data = memoryview(b"".join(line + b"\n" for line in lines))
        while data:
            data = data[os.write(file, data) :]
        os.replace(fresh, path)
        if self._file is not None:
            os.close(self._file)
        self._file, self._lines = file, len(lines)
