"""Connects to an engine as far as TLS, without a login: for a datastore whose users are other resources."""

import asyncio
import ssl
import struct
from contextlib import suppress
from typing import Final

from managed_databases.probe.classify import NotTheEngine
from managed_databases.probe.login import Login

_SSL_REQUEST: Final = struct.pack("!ii", 8, 80877103)
"""PostgreSQL's request for TLS."""
_MYSQL_SSL: Final = 0x0800
_MYSQL_CAPABILITIES: Final = 0x0200 | _MYSQL_SSL | 0x8000 | 0x80000
"""Protocol 4.1, TLS, secure connection, named plugins."""
_UTF8MB4: Final = 45
_LONGEST_GREETING: Final = 4096
_NO_TLS: Final = "it offers no TLS"


async def reach(login: Login, context: ssl.SSLContext) -> None:
    """Connect and hang up. Raises NotTheEngine and OSError."""
    direct = login.engine in ("redis", "kafka")
    reader, writer = await asyncio.open_connection(
        login.host, login.port, ssl=context if direct else None, limit=_LONGEST_GREETING
    )
    try:
        match login.engine:
            case "postgresql":
                await _ask_postgresql(reader, writer)
            case "mysql":
                await _ask_mysql(reader, writer)
        if not direct:
            await writer.start_tls(context, server_hostname=login.host)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _ask_postgresql(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(_SSL_REQUEST)
    await writer.drain()
    told = await reader.readexactly(1)
    if told != b"S":
        raise NotTheEngine(_NO_TLS if told == b"N" else "its answer cannot be understood")


async def _ask_mysql(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read the greeting, and ask for TLS with the packet that a login over TLS begins with."""
    head = await reader.readexactly(4)
    length = int.from_bytes(head[:3], "little")
    if not 1 <= length <= _LONGEST_GREETING:
        raise NotTheEngine("its answer cannot be understood")
    greeting = await reader.readexactly(length)
    if greeting[0] == 0xFF:  # an error instead of a greeting: such as a host that was shut out
        raise NotTheEngine("it refuses the connection")
    end_of_version = greeting.find(b"\0", 1)
    capabilities = greeting[end_of_version + 14 : end_of_version + 16]
    if greeting[0] != 10 or end_of_version < 0 or len(capabilities) != 2:
        raise NotTheEngine("its answer cannot be understood")
    if not int.from_bytes(capabilities, "little") & _MYSQL_SSL:
        raise NotTheEngine(_NO_TLS)
    body = struct.pack("<IIB23x", _MYSQL_CAPABILITIES, 1 << 24, _UTF8MB4)
    writer.write(len(body).to_bytes(3, "little") + b"\1" + body)
    await writer.drain()
