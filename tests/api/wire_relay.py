"""What stands between a client and a server, and passes on what the server sends as a test wants it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from api.wire_peers import (
    turns,
)


@dataclass
class Relay:
    """Stands between a client and a server, and passes on what the server sends as a test wants it."""

    port: int = 0
    passed: int | None = None
    """How many more bytes of the server are passed on before `let_go`."""
    held: list[tuple[asyncio.StreamWriter, bytes]] = field(default_factory=list)
    one_by_one: bool = False
    client_ended: list[asyncio.Event] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def pass_on(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        if self.passed is None:
            writer.write(data)
            return
        writer.write(data[: self.passed])
        self.held.append((writer, data[self.passed :]))
        self.passed = max(0, self.passed - len(data))

    def let_go(self) -> None:
        self.passed = None
        for writer, rest in self.held:
            writer.write(rest)
        self.held.clear()


@asynccontextmanager
async def relaying(to_port: int) -> AsyncIterator[Relay]:
    relay = Relay()
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        relay.writers.append(writer)
        ended = asyncio.Event()
        relay.client_ended.append(ended)
        there, back = await asyncio.open_connection("127.0.0.1", to_port)

        async def out() -> None:
            with suppress(ConnectionError):
                while data := await reader.read(65536):
                    back.write(data)
            ended.set()
            back.transport.abort()

        async def home() -> None:
            while data := await there.read(65536):
                if relay.one_by_one:
                    for byte in data:
                        writer.write(bytes([byte]))
                        await asyncio.sleep(0)
                    continue
                relay.pass_on(writer, data)
            writer.transport.abort()

        with suppress(ConnectionError, asyncio.CancelledError):
            await asyncio.gather(out(), home())
        writer.transport.abort()
        back.transport.abort()

    listener = await asyncio.start_server(connected, "127.0.0.1", 0)
    relay.port = listener.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await turns()
