"""No byte of one call's answer is another's, whatever its shape and its time; and what is large is not kept."""

import asyncio
import os
import socket
import ssl
import time
from contextlib import suppress

import httpx
import pytest

from api.wire_peers import (
    ARRIVED_SECONDS,
    answer,
    answers_with,
    asked_for,
    both_waits,
    in_turn,
    listening,
    port_of,
    user,
)
from api.wire_relay import relaying
from api.wire_server import EMPTY_LIST, client_at, says, serving
from managed_databases.api.collections import USERS
from managed_databases.api.errors import OutcomeUnknown

pytestmark = pytest.mark.usefixtures("waits")

RECORD_BYTES = 22
"""How much longer a TLS record is than its content."""


@pytest.mark.parametrize("pause", [0.0, ARRIVED_SECONDS], ids=["at once", "later"])
@pytest.mark.parametrize("pieces", [1, 2], ids=["one piece", "two pieces"])
async def test_an_unasked_answer_on_an_idle_connection(tls: ssl.SSLContext | None, pieces: int, pause: float) -> None:
    writers: list[asyncio.StreamWriter] = []
    replies = in_turn(EMPTY_LIST, user(b"own"))

    async def script(writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await replies(writer)

    unasked = user(b"another")
    async with serving(script, tls) as server:
        client = client_at(server.address)
        await client.send(USERS.list())
        for part in (unasked,) if pieces == 1 else (unasked[:9], unasked[9:]):
            writers[0].write(part)
            await asyncio.sleep(pause)
        if not pause:
            time.sleep(ARRIVED_SECONDS)  # noqa: ASYNC251 (it arrives, and the client's loop has not looked)
        await answers_with("own", client)
        await client.close()
    assert server.connections == 2


@pytest.mark.parametrize("arrived", [1, 5, 40, 100])
@pytest.mark.parametrize("idle", [True, False], ids=["while idle", "with the answer before"])
async def test_the_beginning_of_an_unasked_answer(tls: ssl.SSLContext | None, arrived: int, idle: bool) -> None:
    """With TLS, that is a part of a record that cannot be decrypted yet."""
    writers: list[asyncio.StreamWriter] = []

    async def script(writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        if writer is not writers[0]:
            writer.write(user(b"own"))
        elif idle or len(writers) == 1:
            writer.write(EMPTY_LIST)
        elif tls is None:
            relay.passed = len(EMPTY_LIST) + arrived
            writer.write(EMPTY_LIST + user(b"another"))
        else:
            relay.passed = len(EMPTY_LIST) + RECORD_BYTES + arrived
            writer.writelines([EMPTY_LIST, user(b"another")])

    async with serving(script, tls) as server, relaying(port_of(server)) as relay:
        client = client_at(f"{server.address.partition('://')[0]}://127.0.0.1:{relay.port}/v1")
        for _ in range(1 if idle else 2):
            await client.send(USERS.list())
        if idle:
            relay.passed = arrived
            writers[0].write(user(b"another"))
            await asyncio.sleep(ARRIVED_SECONDS)
        call = asyncio.ensure_future(answers_with("own", client))
        await asyncio.sleep(ARRIVED_SECONDS)
        relay.let_go()
        await call
        await client.close()
    assert server.connections == 2


@pytest.mark.parametrize("looked", [True, False], ids=["seen", "not yet seen"])
@pytest.mark.parametrize("end", ["closed", "reset", "half closed"])
async def test_a_connection_that_ends_while_idle(tls: ssl.SSLContext | None, end: str, looked: bool) -> None:
    sockets: list[asyncio.StreamWriter] = []

    async def script(writer: asyncio.StreamWriter) -> None:
        sockets.append(writer)
        writer.write(EMPTY_LIST)

    async with serving(script, tls) as server, relaying(port_of(server)) as relay:
        client = client_at(f"{server.address.partition('://')[0]}://127.0.0.1:{relay.port}/v1")
        await client.send(USERS.list())
        wire = relay.writers[0].transport.get_extra_info("socket")
        if end == "closed":
            wire.shutdown(socket.SHUT_RDWR)
        elif end == "half closed":
            wire.shutdown(socket.SHUT_WR)
        else:
            reset(wire)
        if looked:
            await asyncio.sleep(ARRIVED_SECONDS)
        else:
            time.sleep(ARRIVED_SECONDS)  # noqa: ASYNC251
        assert (await client.send(USERS.list())).value == ()
        await client.close()
    assert server.connections == 2


def reset(wire: socket.socket) -> None:
    """Send RST now, with no loop's help: the kernel does so for what was connected with no linger."""
    own = socket.socket(fileno=os.dup(wire.fileno()))
    own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, wire.fileno())
    os.close(null)
    own.close()


async def test_an_answer_byte_by_byte(tls: ssl.SSLContext | None) -> None:
    async def script(writer: asyncio.StreamWriter) -> None:
        await asked_for(server, writer)

    async with serving(script, tls) as server, relaying(port_of(server)) as relay:
        relay.one_by_one = True
        client = client_at(f"{server.address.partition('://')[0]}://127.0.0.1:{relay.port}/v1")
        for number in range(3):
            await answers_with(f"u{number}", client)
        await client.close()
    assert server.connections == 1


async def test_answers_before_the_answer(tls: ssl.SSLContext | None) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    async with serving(says(early + EMPTY_LIST), tls) as server:
        client = client_at(server.address)
        for _ in range(2):
            assert (await client.send(USERS.list())).value == ()
        await client.close()
    assert server.connections == 1


@pytest.mark.parametrize(("size", "read"), [(60_000, True), (200_000, False)])
async def test_a_long_header(tls: ssl.SSLContext | None, size: int, read: bool) -> None:
    head, _, rest = EMPTY_LIST.partition(b"\r\n")
    long = head + b"\r\nX-Long: " + b"x" * size + b"\r\n" + rest
    async with serving(in_turn(long, EMPTY_LIST), tls) as server:
        client = client_at(server.address)
        if read:
            assert (await client.send(USERS.list())).value == ()
        else:
            with pytest.raises(OutcomeUnknown):
                await client.send(USERS.list())
        assert (await client.send(USERS.list())).value == ()
        await client.close()
    assert server.connections == (1 if read else 2)


async def test_an_answer_that_ends_with_its_connection(tls: ssl.SSLContext | None) -> None:
    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(b'HTTP/1.1 200 OK\r\n\r\n{"users": []}')
        await writer.drain()
        writer.close()

    async with serving(script, tls) as server:
        client = client_at(server.address)
        for _ in range(2):
            assert (await client.send(USERS.list())).value == ()
        await client.close()
    assert server.connections == 2


async def test_an_answer_and_half_a_goodbye() -> None:
    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(EMPTY_LIST)
        writer.write_eof()
        await asyncio.sleep(ARRIVED_SECONDS)

    async with serving(script) as server:
        client = client_at(server.address)
        for _ in range(2):
            assert (await client.send(USERS.list())).value == ()
        await client.close()
    assert server.connections == 2


async def test_a_large_list_waits_at_the_server(tls: ssl.SSLContext | None) -> None:
    """Nothing but a piece or two of it is in the memory before it is read; the rest of it waits in the kernels' buffers."""
    sent = 0

    async def script(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 60000000\r\n\r\n")
        for _ in range(600):
            writer.write(b" " * 100_000)
            await writer.drain()
            sent += 100_000

    async with serving(script, tls) as server:
        client = client_at(server.address)
        async with client._http.stream("GET", f"{server.address}/users") as response:
            await asyncio.sleep(0.5)
            assert sent < 20_000_000
            before = sent
            await asyncio.sleep(0.5)
            assert sent == before
            length = 0
            async for part in response.aiter_raw():
                length += len(part)
                assert len(part) <= 65536
            assert length == 60_000_000
        await client.close()


@pytest.mark.parametrize("size", [3_000_000])
async def test_a_large_request(tls: ssl.SSLContext | None, size: int) -> None:
    async with serving(says(EMPTY_LIST), tls) as server:
        client = client_at(server.address)
        content = bytes(range(256)) * (size // 256)
        for _ in range(2):
            response = await client._http.post(f"{server.address}/users", content=content)
            assert response.status_code == 200
            assert server.requests[-1].endswith(content)
        await client.close()
    assert server.connections == 1


@pytest.mark.parametrize(
    ("waits", "end"),
    [
        ("asyncio", "answered"),
        ("asyncio", "reset"),
        ("asyncio", "hangs"),
        ("asyncio", "cancelled"),
        ("anyio", "cancelled"),
    ],
    indirect=["waits"],
)
async def test_a_server_that_does_not_read_a_large_request(tls: ssl.SSLContext | None, end: str) -> None:
    seen = asyncio.Event()
    ended = asyncio.Event()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        seen.set()
        if end == "answered":
            writer.write(answer(b"too much", b"413 Content Too Large"))
            await reader.read()
        elif end == "reset":
            writer.transport.abort()
        elif end == "hangs":
            await asyncio.sleep(3)
        else:
            await asyncio.sleep(0.3)
            with suppress(ConnectionError):
                while await reader.read(1_000_000):
                    pass
            ended.set()

    scheme = "http" if tls is None else "https"
    async with listening(connected, tls=tls) as port:
        client = client_at("http://unused/v1")
        call = asyncio.ensure_future(
            client._http.post(
                f"{scheme}://127.0.0.1:{port}/v1/users",
                content=bytes(20_000_000),
                timeout=httpx.Timeout(None, write=0.5 if end == "hangs" else None),
            )
        )
        await seen.wait()
        if end == "cancelled":
            await asyncio.sleep(ARRIVED_SECONDS)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            async with asyncio.timeout(5):
                await ended.wait()
        elif end == "answered":
            assert (await call).status_code == 413
        else:
            with pytest.raises((httpx.TransportError, httpx.WriteTimeout)):
                await call
        await client.close()


@both_waits
async def test_a_reading_that_takes_too_long(tls: ssl.SSLContext | None) -> None:
    async def script(_: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with serving(script, tls) as server:
        client = client_at(server.address)
        with pytest.raises(httpx.ReadTimeout):
            await client._http.get(server.address, timeout=0.2)
        await client.close()
