"""Asks a Redis for its parameters: `python redis.py REDIS_SERVER DUMPS` starts that program and writes redis-VERSION-config.tsv.

The columns: `value` is the default; the others are the answers to setting a parameter to its `own` value, to a `word` that no
parameter takes, and to numbers that are too `small`, `none` at all, and too `large`. Redis names types and ranges only there.
"""

import csv
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

TRIED: Final = {"word": "no-such-value", "small": "-99999999999999", "none": "0", "large": "999999999999999999"}

Reply = str | list[str]


def main(program: str, dumps: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        options = ["--port", "0", "--unixsocket", f"{folder}/s", "--dir", folder, "--logfile", f"{folder}/log"]
        server = subprocess.Popen([program, *options])
        try:
            with _connected(Path(folder, "s")) as connection:
                wire = Wire(connection)
                version = _version(wire.ask("INFO", "server"))
                rows = _rows(wire, folder)
        finally:
            server.kill()
            server.wait()
    with Path(dumps, f"redis-{version}-config.tsv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(["name", "value", "own", *TRIED])
        writer.writerows(rows)


def _rows(wire: "Wire", folder: str) -> list[list[str]]:
    told = wire.ask("CONFIG", "GET", "*")
    values = dict(zip(told[::2], told[1::2], strict=True))
    rows = []
    for name, value in sorted(values.items()):
        answers = [_set(wire, name, tried) for tried in (value, *TRIED.values())]
        _set(wire, name, value)
        rows.append([name, "" if folder in value else value, *answers])
    return rows


def _set(wire: "Wire", name: str, value: str) -> str:
    """Return the answer: OK, or the reason without the words before it."""
    return str(wire.ask("CONFIG", "SET", name, value)).rpartition(" - ")[2]


def _version(info: Reply) -> str:
    return next(line.partition(":")[2] for line in str(info).splitlines() if line.startswith("redis_version:"))


def _connected(path: Path) -> socket.socket:
    deadline = time.monotonic() + 30
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(path))
        except OSError:
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return connection


class Wire:
    """Redis' protocol, as far as it is needed here."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._answers = connection.makefile("rb")

    def ask(self, *words: str) -> Reply:
        encoded = [word.encode() for word in words]
        parts = [b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded]
        self._connection.sendall(b"*%d\r\n" % len(parts) + b"".join(parts))
        return self._reply()

    def _reply(self) -> Reply:
        line = self._answers.readline().decode().rstrip("\r\n")
        kind, rest = line[:1], line[1:]
        if kind == "$":
            return self._answers.read(int(rest) + 2)[:-2].decode()
        if kind == "*":
            return [str(self._reply()) for _ in range(int(rest))]
        return rest


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
