"""A real HTTP/1.1 server on localhost that says exactly the bytes a test wants, wrong ones too; and clients of it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from pydantic import SecretStr

from managed_databases.api import Client, StaticToken
from managed_databases.api.collections import USERS
from managed_databases.api.models import NewUser

Script = Callable[[asyncio.StreamWriter], Awaitable[None]]

CREATE = USERS.create(NewUser(name="app", datastore_id="d", password=SecretStr("a-password")))
EMPTY_LIST = b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"users": []}'
PATIENT_SECONDS = 60.0


def client_at(address: str, call_limit_seconds: float = PATIENT_SECONDS, max_connections: int = 16) -> Client:
    return Client(
        StaticToken(SecretStr("a-token")),
        endpoint=address,
        call_limit_seconds=call_limit_seconds,
        max_connections=max_connections,
    )


def says(answer: bytes, *, then_reset: bool = False) -> Script:
    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        if then_reset:
            await writer.drain()
            writer.transport.abort()

    return script


class WireServer:
    """Reads one request after another on each connection and lets `script` answer it."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.address = ""
        self.connections = self.open = 0
        self.requests: list[bytes] = []
        self.asked = asyncio.Event()
        self.at_once = self.max_at_once = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                length = next((int(h[15:]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:")), 0)
                self.requests.append(head + await reader.readexactly(length))
                self.asked.set()
                self.at_once += 1
                self.max_at_once = max(self.max_at_once, self.at_once)
                try:
                    await self.script(writer)
                    await writer.drain()
                finally:
                    self.at_once -= 1
        self.open -= 1
        writer.transport.abort()


@asynccontextmanager
async def serving(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[WireServer]:
    server = WireServer(script)
    connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not listener.is_serving():  # accepted while the listener was closed
            writer.transport.abort()
            return
        task = asyncio.ensure_future(server._serve(reader, writer))
        connections[task] = writer
        task.add_done_callback(connections.pop)

    listener = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    port = listener.sockets[0].getsockname()[1]
    server.address = f"{'http' if tls is None else 'https'}://127.0.0.1:{port}/v1"
    try:
        yield server
    finally:
        listener.close()
        open_ones = dict(connections)
        for task, writer in open_ones.items():
            task.cancel()
            writer.transport.abort()  # a task that is cancelled before its first step would leave it open
        await asyncio.gather(*open_ones, return_exceptions=True)
        for _ in range(10):  # aborted and just accepted connections close in the loop's next turns
            await asyncio.sleep(0)
