"""Logs in to Redis: one command of its protocol (RESP), which takes no driver."""

import asyncio
import ssl
from typing import Final

from managed_databases.probe.classify import LoginRefused, NotTheEngine
from managed_databases.probe.login import Login

_LONGEST_LINE: Final = 4096


async def log_in(login: Login, user: str, password: str, context: ssl.SSLContext) -> None:
    """Log in and out again. Raises LoginRefused, NotTheEngine and OSError."""
    reader, writer = await asyncio.open_connection(login.host, login.port, ssl=context, limit=_LONGEST_LINE)
    try:
        # "default" is Redis' name for the user of a login with a password only; before Redis 6 no user could be named.
        words = ("AUTH", password) if user == "default" else ("AUTH", user, password)
        writer.write(_command(*words))
        await writer.drain()
        _judge(await _line(reader))
    finally:
        writer.close()


def _command(*words: str) -> bytes:
    parts = (word.encode() for word in words)
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        line = await reader.readline()
    except ValueError as error:  # longer than the limit
        raise NotTheEngine("its answer cannot be understood") from error
    if not line.endswith(b"\r\n"):
        raise NotTheEngine("it closes the connection")
    return line.rstrip()


def _judge(line: bytes) -> None:
    if line == b"+OK":
        return
    if not line.startswith(b"-"):
        raise NotTheEngine("its answer cannot be understood")
    text = line[1:].decode(errors="replace")
    if "max number of clients" in text:
        raise LoginRefused("max number of clients")
    # Before Redis 6 a wrong password was a plain error.
    word = text.partition(" ")[0]
    raise LoginRefused("WRONGPASS" if word == "ERR" and "password" in text else _known(word))


def _known(word: str) -> str:
    return word if word in ("WRONGPASS", "NOAUTH", "NOPERM") else "ERR"
