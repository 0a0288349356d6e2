"""A proxy on localhost that makes tunnels, or says something else."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from api.wire_peers import (
    listening,
)


@dataclass
class Proxy:
    port: int = 0
    heads: list[bytes] = field(default_factory=list)
    ended: int = 0


@asynccontextmanager
async def proxying(
    said: bytes | None = None, *, then: str = "waits", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Proxy]:
    """A proxy of CONNECT; with `said`, one that says that instead, and `then` closes or waits."""
    proxy = Proxy()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        proxy.heads.append(head)
        if said is not None:
            writer.write(said)
            await writer.drain()
            if then == "waits":
                await reader.read()
            proxy.ended += 1
            return
        port = head.split(b" ")[1].decode().rpartition(":")[2]
        there, back = await asyncio.open_connection("127.0.0.1", int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")

        async def passing(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError):
                while data := await source.read(65536):
                    to.write(data)
            to.transport.abort()

        try:
            await asyncio.gather(passing(reader, back), passing(there, writer))
        finally:
            back.transport.abort()
        proxy.ended += 1

    async with listening(connected, tls=tls) as port:
        proxy.port = port
        yield proxy
