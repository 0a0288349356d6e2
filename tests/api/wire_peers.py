"""What raw servers on localhost say and how they are reached, beyond whole answers to whole requests."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from api.wire_server import CREATE, Script, WireServer, client_at
from managed_databases.api import Client
from managed_databases.api.collections import USERS
from managed_databases.api.errors import NeverSent
from managed_databases.sandbox.servers.certificates import Authority

ARRIVED_SECONDS = 0.05

both_waits = pytest.mark.parametrize("waits", ["anyio", "asyncio"], indirect=True)
"""For what httpcore waits in: a lock, an event with an end, or a close that a cancellation must not stop."""


def answer(body: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


def user(id_: bytes) -> bytes:
    return answer(b'{"user": {"id": "%s", "name": "app", "datastore_id": "d"}}' % id_)


def in_turn(*answers: bytes) -> Script:
    left = iter(answers)

    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(next(left))

    return script


async def asked_for(server: WireServer, writer: asyncio.StreamWriter) -> None:
    """Answer each GET of a user with that user."""
    writer.write(user(server.requests[-1].split(b" ")[1].rpartition(b"/")[2]))


async def echo_users(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while head := await reader.readuntil(b"\r\n\r\n"):
        writer.write(user(head.split(b" ")[1].rpartition(b"/")[2]))


async def asked_times(server: WireServer, count: int) -> None:
    while len(server.requests) < count:
        server.asked.clear()
        await server.asked.wait()


def port_of(server: WireServer) -> int:
    return int(re.findall(r":(\d+)", server.address)[0])


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@asynccontextmanager
async def listening(
    connected: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    host: str = "127.0.0.1",
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[int]:
    tasks: set[asyncio.Task[None]] = set()

    async def noted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        try:
            await connected(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    listener = await asyncio.start_server(noted, host, 0, ssl=tls)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await turns()


def context_of(authority: Authority, address: str = "127.0.0.1", *names: str) -> ssl.SSLContext:
    certificate, key = authority.certificate_for([address], names)
    folder = authority.path.parent
    (folder / "server.crt").write_bytes(certificate)
    (folder / "server.key").write_bytes(key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    return context


async def answers_with(id_: str, client: Client) -> None:
    reply = await client.send(USERS.get(id_))
    assert reply.value is not None
    assert reply.value.id == id_


async def cancelled_at(turn: int, client: Client) -> None:
    call = asyncio.ensure_future(client.send(USERS.get("cancelled")))
    await turns(turn)
    call.cancel()
    with suppress(asyncio.CancelledError):
        await call


async def refused(address: str, limit_seconds: float = 10.0) -> NeverSent:
    client = client_at(address, limit_seconds)
    with pytest.raises(NeverSent) as caught:
        await client.send(CREATE)
    await client.close()
    return caught.value
