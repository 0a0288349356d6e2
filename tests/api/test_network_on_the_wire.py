"""What the client needs of its connections: they end when they should, and no byte of one call is another's."""

import asyncio
import gc
import itertools
import os
import re
import socket
import ssl
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpcore._synchronization
import httpx
import pytest
from pydantic import SecretStr

from api.wire_server import CREATE, EMPTY_LIST, Script, WireServer, client_at, says, serving
from managed_databases.api import Client, StaticToken, asyncio_network, asyncio_waits
from managed_databases.api.asyncio_streams import TcpStream
from managed_databases.api.collections import USERS
from managed_databases.api.errors import ApiError, NeverSent, OutcomeUnknown
from managed_databases.sandbox.servers import certificates
from managed_databases.sandbox.servers.certificates import Authority

ARRIVED_SECONDS = 0.05
RECORD_BYTES = 22
"""How much longer a TLS record is than its content."""


@pytest.fixture(params=["anyio", "asyncio"], autouse=True)
def waits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What httpcore waits with: the operator's process has no anyio. No connection is left open."""
    if request.param == "asyncio":
        monkeypatch.setattr(httpcore._synchronization, "anyio", asyncio_waits)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        yield
        gc.collect()
    assert [str(warning.message) for warning in caught if warning.category is ResourceWarning] == []


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


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.path))
    return made


def context_of(authority: Authority, address: str = "127.0.0.1", *names: str) -> ssl.SSLContext:
    certificate, key = authority.certificate_for([address], names)
    folder = authority.path.parent
    (folder / "server.crt").write_bytes(certificate)
    (folder / "server.key").write_bytes(key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    return context


@pytest.fixture(params=["plain", "tls"])
def tls(request: pytest.FixtureRequest, authority: Authority) -> ssl.SSLContext | None:
    return context_of(authority) if request.param == "tls" else None


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


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def asked_times(server: WireServer, count: int) -> None:
    while len(server.requests) < count:
        server.asked.clear()
        await server.asked.wait()


def port_of(server: WireServer) -> int:
    return int(re.findall(r":(\d+)", server.address)[0])


# An answer that nobody asked for


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


# Cancellation


async def test_a_call_that_is_cancelled_at_any_moment(tls: ssl.SSLContext | None) -> None:
    async def script(writer: asyncio.StreamWriter) -> None:
        await asked_for(server, writer)

    async with serving(script, tls) as server:
        for turn in range(40):
            client = client_at(server.address, max_connections=2)
            for _ in range(2):  # without a connection, then with one
                await cancelled_at(turn, client)
                for own in (f"own-{turn}", f"other-{turn}"):
                    await answers_with(own, client)
            await client.close()
        await asyncio.sleep(ARRIVED_SECONDS)
        assert server.open == 0


async def cancelled_at(turn: int, client: Client) -> None:
    call = asyncio.ensure_future(client.send(USERS.get("cancelled")))
    await turns(turn)
    call.cancel()
    with suppress(asyncio.CancelledError):
        await call


async def answers_with(id_: str, client: Client) -> None:
    reply = await client.send(USERS.get(id_))
    assert reply.value is not None
    assert reply.value.id == id_


async def test_cancelled_calls_end_their_connections(tls: ssl.SSLContext | None) -> None:
    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")
        await asyncio.Event().wait()

    async with serving(script, tls) as server, relaying(port_of(server)) as relay:
        client = client_at(f"{server.address.partition('://')[0]}://127.0.0.1:{relay.port}/v1")
        calls = [asyncio.ensure_future(client.send(USERS.list())) for _ in range(8)]
        await asked_times(server, 8)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        async with asyncio.timeout(5):
            await asyncio.gather(*(each.wait() for each in relay.client_ended))
        await client.close()


@pytest.mark.parametrize("again", [False, True])
async def test_a_handshake_that_hangs_and_is_cancelled(authority: Authority, again: bool) -> None:
    ended = asyncio.Event()
    hello = asyncio.Event()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while await reader.read(1000):
                hello.set()
        ended.set()
        writer.close()

    async with listening(connected) as port:
        client = client_at(f"https://127.0.0.1:{port}/v1")
        call = asyncio.ensure_future(client.send(CREATE))
        await hello.wait()
        call.cancel()
        if again:
            await asyncio.sleep(0)
            call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        async with asyncio.timeout(5):
            await ended.wait()
        await client.close()


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


# What can go wrong before anything is sent


async def refused(address: str, limit_seconds: float = 10.0) -> NeverSent:
    client = client_at(address, limit_seconds)
    with pytest.raises(NeverSent) as caught:
        await client.send(CREATE)
    await client.close()
    return caught.value


async def test_a_certificate_of_another_host(authority: Authority) -> None:
    async with serving(says(EMPTY_LIST), context_of(authority, "127.0.0.2", "example.org")) as server:
        error = await refused(server.address)
    assert "ConnectError" in str(error)
    assert "IP address mismatch" in str(error)
    assert server.requests == []


async def test_a_certificate_of_another_name(authority: Authority) -> None:
    async with serving(says(EMPTY_LIST), context_of(authority, "127.0.0.1", "example.org")) as server:
        error = await refused(f"https://localhost:{port_of(server)}/v1")
    assert "Hostname mismatch, certificate is not valid for 'localhost'" in str(error)
    assert server.requests == []


async def test_a_certificate_of_a_name(authority: Authority) -> None:
    async with serving(says(EMPTY_LIST), context_of(authority, "127.0.0.2", "localhost")) as server:
        client = client_at(f"https://localhost:{port_of(server)}/v1")
        assert (await client.send(USERS.list())).value == ()
        await client.close()


async def test_a_certificate_that_has_expired(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "_YEARS", -timedelta(hours=1))
    async with serving(says(EMPTY_LIST), context_of(authority)) as server:
        error = await refused(server.address)
    assert "certificate has expired" in str(error)
    assert server.requests == []


async def test_a_certificate_of_nobody_known(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    async with serving(says(EMPTY_LIST), context_of(Authority(tmp_path / "other"))) as server:
        error = await refused(server.address)
    assert "certificate verify failed" in str(error)
    assert server.requests == []


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", b"\x16\x03\x03\x40\x00" + bytes(500)])
@pytest.mark.parametrize("then_reset", [False, True])
async def test_no_tls_where_it_should_be(authority: Authority, said: bytes, then_reset: bool) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(said)
        await writer.drain()
        if then_reset:
            writer.transport.abort()
        else:
            writer.close()
            await writer.wait_closed()

    async with listening(connected) as port:
        assert "ConnectError" in str(await refused(f"https://127.0.0.1:{port}/v1"))


async def test_a_handshake_that_hangs(authority: Authority) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(connected) as port:
        assert "ConnectTimeout" in str(await refused(f"https://127.0.0.1:{port}/v1", 1.0))


@pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 64 + ".example", "-", "b\u00fccher.invalid", "127.0.0.1."])
async def test_a_name_that_leads_nowhere(host: str) -> None:
    assert "ConnectError" in str(await refused(f"http://{host}:1/v1"))


async def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert "ConnectError" in str(await refused(f"http://127.0.0.1:{unused.getsockname()[1]}/v1"))


async def never_connected(*_: object) -> None:
    await asyncio.Event().wait()


async def test_a_connection_that_is_never_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", never_connected)
    assert "ConnectTimeout" in str(await refused("http://127.0.0.1:1/v1", 1.0))


async def test_a_connection_that_is_never_made_and_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", never_connected)
    client = client_at("http://127.0.0.1:1/v1")
    call = asyncio.ensure_future(client.send(CREATE))
    await asyncio.sleep(ARRIVED_SECONDS)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await turns()
    await client.close()


# Which address


async def echo_users(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while head := await reader.readuntil(b"\r\n\r\n"):
        writer.write(user(head.split(b" ")[1].rpartition(b"/")[2]))


async def test_an_address_of_version_6() -> None:
    async with listening(echo_users, "::1") as port:
        client = client_at(f"http://[::1]:{port}/v1")
        await answers_with("u", client)
        await client.close()


def found_at(*addresses: str) -> Callable[..., Awaitable[list[object]]]:
    async def found(_: str, port: int, **__: int) -> list[object]:
        tcp = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(socket.AF_INET6 if ":" in each else socket.AF_INET, *tcp, (each, port)) for each in addresses]

    return found


@pytest.mark.parametrize("first", ["hangs", "fails"])
@pytest.mark.parametrize("others", [("127.0.0.1",), ("::2", "::2", "127.0.0.1"), ("127.0.0.1", "::2", "127.0.0.1")])
async def test_the_next_address_if_one_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, first: str, others: tuple[str, ...]
) -> None:
    loop = asyncio.get_running_loop()
    connect = loop.sock_connect

    async def connected(sock: socket.socket, address: tuple[str, int]) -> None:
        if address[0] == "::2":
            if first == "fails":
                raise OSError("no way there")
            await asyncio.Event().wait()
        await connect(sock, address)

    monkeypatch.setattr(loop, "getaddrinfo", found_at("::2", *others))
    monkeypatch.setattr(loop, "sock_connect", connected)
    async with listening(echo_users) as port:
        client = client_at(f"http://databases.example:{port}/v1", 5.0)
        await answers_with("u", client)
        await client.close()
    await turns()


async def test_no_address_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found_at("127.0.0.1", "127.0.0.2"))
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert "('127.0.0.2', " in str(await refused(f"http://databases.example:{unused.getsockname()[1]}/v1"))


async def test_a_choice_of_addresses_that_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    connect = loop.sock_connect
    network = asyncio_network.AsyncioNetwork()
    slowness = 0

    async def connected(sock: socket.socket, address: tuple[str, int]) -> None:
        await turns(slowness)
        await connect(sock, address)

    monkeypatch.setattr(asyncio_network, "_NEXT_ADDRESS_SECONDS", 0.0)
    monkeypatch.setattr(loop, "getaddrinfo", found_at("127.0.0.1", "127.0.0.1", "127.0.0.1"))
    monkeypatch.setattr(loop, "sock_connect", connected)
    async with listening(echo_users) as port:
        for turn, slowness in itertools.product(range(40), (0, 2, 5)):  # noqa: B007 (`connected` reads it)
            connecting = asyncio.ensure_future(network.connect_tcp("databases.example", port))
            await turns(turn)
            connecting.cancel()
            with suppress(asyncio.CancelledError):
                await (await connecting).aclose()
        await turns()


async def test_small_writes_do_not_wait() -> None:
    async with serving(says(EMPTY_LIST)) as server:
        client = client_at(server.address)
        response = await client._http.get(f"{server.address}/users")
        wire = response.extensions["network_stream"].get_extra_info("socket")
        assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        stream = response.extensions["network_stream"]
        assert isinstance(stream, TcpStream)
        assert stream.get_extra_info("server_addr") == ("127.0.0.1", port_of(server))
        assert stream.get_extra_info("client_addr") == wire.getsockname()
        assert stream.get_extra_info("else") is None
        await client.close()


# Answers of odd shapes


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


async def test_a_client_that_is_closed_ends_its_calls(tls: ssl.SSLContext | None) -> None:
    async def script(_: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with serving(script, tls) as server:
        client = client_at(server.address)
        call = asyncio.ensure_future(client.send(USERS.list()))
        await server.asked.wait()
        await client.close()
        async with asyncio.timeout(5):
            with pytest.raises(OutcomeUnknown):
                await call


async def test_a_client_that_is_closed_ends_the_handshakes_of_its_calls(authority: Authority) -> None:
    hello = asyncio.Event()
    ended = asyncio.Event()

    async def connected(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while await reader.read(1000):
                hello.set()
        ended.set()

    async with listening(connected) as port:
        client = client_at(f"https://127.0.0.1:{port}/v1")
        call = asyncio.ensure_future(client.send(CREATE))
        await hello.wait()
        await client.close()
        async with asyncio.timeout(5):
            with pytest.raises(NeverSent):
                await call
            await ended.wait()


@pytest.mark.parametrize("slow", ["getaddrinfo", "sock_connect"])
async def test_a_client_that_is_closed_makes_no_more_connections(monkeypatch: pytest.MonkeyPatch, slow: str) -> None:
    loop = asyncio.get_running_loop()
    begun, go_on = asyncio.Event(), asyncio.Event()
    monkeypatch.setattr(loop, "getaddrinfo", found_at("127.0.0.1"))
    real: Callable[..., Awaitable[object]] = getattr(loop, slow)

    async def slowly(*args: object, **more: int) -> object:
        begun.set()
        await go_on.wait()
        return await real(*args, **more)

    monkeypatch.setattr(loop, slow, slowly)
    async with serving(says(EMPTY_LIST)) as server:
        client = client_at(f"http://databases.example:{port_of(server)}/v1")
        call = asyncio.ensure_future(client.send(CREATE))
        await begun.wait()
        await client.close()
        go_on.set()
        async with asyncio.timeout(5):
            with pytest.raises(NeverSent):
                await call
        await asyncio.sleep(ARRIVED_SECONDS)
        assert server.open == 0
        assert server.requests == []


async def test_a_transport_that_is_given_makes_its_own_connections() -> None:
    """One may be asked for what the client's own connections are never asked for."""
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    transport = httpx.AsyncHTTPTransport(local_address="127.0.0.2", socket_options=options)
    async with serving(says(EMPTY_LIST)) as server:
        client = Client(StaticToken(SecretStr("a-token")), endpoint=server.address, transport=transport)
        assert (await client.send(USERS.list())).value == ()
        await client.close()


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


@pytest.mark.parametrize("end", ["answered", "reset", "hangs", "cancelled"])
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


async def test_a_reading_that_takes_too_long(tls: ssl.SSLContext | None) -> None:
    async def script(_: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with serving(script, tls) as server:
        client = client_at(server.address)
        with pytest.raises(httpx.ReadTimeout):
            await client._http.get(server.address, timeout=0.2)
        await client.close()


async def test_a_connection_is_waited_for_no_longer_than_allowed() -> None:
    async def script(_: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with serving(script) as server:
        client = client_at(server.address, max_connections=1)
        calls = [asyncio.ensure_future(client._http.get(server.address)) for _ in range(2)]
        await asked_times(server, 2)
        with pytest.raises(httpx.PoolTimeout):
            await client._http.get(server.address, timeout=httpx.Timeout(None, pool=0.2))
        cancelled = asyncio.ensure_future(client._http.get(server.address))
        waiting = asyncio.ensure_future(client._http.get(server.address))
        await asyncio.sleep(ARRIVED_SECONDS)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        server.script = says(EMPTY_LIST)
        calls[0].cancel()
        assert (await waiting).status_code == 200
        calls[1].cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await client.close()


# Proxies


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


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)

    def names(**proxies: str) -> None:
        for name, value in proxies.items():
            monkeypatch.setenv(name, value)

    return names


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_tunnel(authority: Authority, environment: Callable[..., None], scheme: str) -> None:
    """Through an encrypted proxy, TLS goes through TLS."""

    async def script(writer: asyncio.StreamWriter) -> None:
        await asked_for(server, writer)

    context = context_of(authority, "127.0.0.2", "databases.example")
    own = None if scheme == "http" else context_of(authority)
    async with serving(script, context) as server, proxying(tls=own) as proxy:
        environment(HTTPS_PROXY=f"{scheme}://somebody:secret@127.0.0.1:{proxy.port}")
        client = client_at(f"https://databases.example:{port_of(server)}/v1")
        for number in range(3):
            await answers_with(f"u{number}", client)
        await client.close()
        await asyncio.sleep(ARRIVED_SECONDS)
        assert proxy.ended == 1
    (head,) = proxy.heads
    assert head.startswith(b"CONNECT databases.example:%d HTTP/1.1\r\n" % port_of(server))
    assert b"Proxy-Authorization: Basic" in head
    assert b"X-Auth-Token" not in head
    assert b"X-Auth-Token: a-token" in server.requests[0]


async def test_a_tunnel_to_another_host(authority: Authority, environment: Callable[..., None]) -> None:
    async with serving(says(EMPTY_LIST), context_of(authority)) as server, proxying() as proxy:
        environment(HTTPS_PROXY=f"http://127.0.0.1:{proxy.port}")
        error = await refused(f"https://databases.example:{port_of(server)}/v1")
    assert "Hostname mismatch, certificate is not valid for 'databases.example'" in str(error)
    assert server.requests == []


async def test_a_plain_address_through_a_proxy(environment: Callable[..., None]) -> None:
    async with serving(says(EMPTY_LIST)) as proxy:
        environment(http_proxy=f"http://127.0.0.1:{port_of(proxy)}")
        client = client_at("http://databases.example/v1")
        for _ in range(2):
            assert (await client.send(USERS.list())).value == ()
        await client.close()
    assert proxy.connections == 1
    assert proxy.requests[0].startswith(b"GET http://databases.example/v1/users HTTP/1.1\r\n")


async def test_no_proxy(authority: Authority, environment: Callable[..., None]) -> None:
    async with (
        serving(says(EMPTY_LIST), context_of(authority, "127.0.0.2", "localhost")) as server,
        proxying() as proxy,
    ):
        environment(
            HTTPS_PROXY=f"http://127.0.0.1:{proxy.port}", NO_PROXY="localhost.,.localhost,127.0.0.0/8,localhost"
        )
        client = client_at(f"https://localhost:{port_of(server)}/v1")
        assert (await client.send(USERS.list())).value == ()
        await client.close()
    assert proxy.heads == []


@pytest.mark.parametrize("then", ["waits", "closes"])
@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nnot TLS, for sure",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
    ids=["407", "junk in the tunnel", "an empty tunnel"],
)
async def test_a_proxy_that_makes_no_tunnel(
    authority: Authority, environment: Callable[..., None], said: bytes, then: str
) -> None:
    async with proxying(said, then=then) as proxy:
        environment(HTTPS_PROXY=f"http://127.0.0.1:{proxy.port}")
        client = client_at("https://databases.example/v1", 2.0)
        with pytest.raises(NeverSent):
            await client.send(CREATE)
        await client.close()
        await asyncio.sleep(ARRIVED_SECONDS)
        assert proxy.ended == 1


@pytest.mark.parametrize("said", [b"", b"\x00garbage\r\n\r\n", b"HTTP/1.1 2"], ids=["nothing", "garbage", "a part"])
async def test_a_proxy_that_says_no_http(environment: Callable[..., None], said: bytes) -> None:
    async with proxying(said, then="closes") as proxy:
        environment(HTTPS_PROXY=f"http://127.0.0.1:{proxy.port}")
        client = client_at("https://databases.example/v1")
        with pytest.raises(ApiError):
            await client.send(CREATE)
        await client.close()
        await asyncio.sleep(ARRIVED_SECONDS)
        assert proxy.ended == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_tunnel_that_is_cancelled_at_any_moment(
    authority: Authority, environment: Callable[..., None], scheme: str
) -> None:
    async def script(writer: asyncio.StreamWriter) -> None:
        await asked_for(server, writer)

    context = context_of(authority, "127.0.0.2", "databases.example")
    own = None if scheme == "http" else context_of(authority)
    async with serving(script, context) as server, proxying(tls=own) as proxy:
        environment(HTTPS_PROXY=f"{scheme}://127.0.0.1:{proxy.port}")
        for turn in range(0, 60, 2):
            client = client_at(f"https://databases.example:{port_of(server)}/v1")
            await cancelled_at(turn, client)
            await answers_with("own", client)
            await client.close()
        await asyncio.sleep(ARRIVED_SECONDS)
        assert proxy.ended == len(proxy.heads)


async def test_many_calls_at_once(tls: ssl.SSLContext | None) -> None:
    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(EMPTY_LIST)

    async with serving(script, tls) as server:
        client: Client = client_at(server.address, max_connections=4)
        replies = await asyncio.gather(*(client.send(USERS.list()) for _ in range(200)))
        await client.close()
    assert all(reply.value == () for reply in replies)
    assert server.max_at_once <= 4
    assert server.connections <= 4
