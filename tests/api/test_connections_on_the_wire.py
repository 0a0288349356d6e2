"""Connections are made to the address that answers, and end when their calls or the client do."""

import asyncio
import itertools
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress

import httpx
import pytest
from pydantic import SecretStr

from api.wire_peers import (
    ARRIVED_SECONDS,
    answers_with,
    asked_for,
    asked_times,
    both_waits,
    cancelled_at,
    echo_users,
    listening,
    port_of,
    refused,
    turns,
)
from api.wire_relay import relaying
from api.wire_server import CREATE, EMPTY_LIST, client_at, says, serving
from managed_databases.api import Client, StaticToken, asyncio_network
from managed_databases.api.asyncio_streams import TcpStream
from managed_databases.api.collections import USERS
from managed_databases.api.errors import NeverSent, OutcomeUnknown

pytestmark = pytest.mark.usefixtures("waits")


@pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 64 + ".example", "-", "b\u00fccher.invalid", "127.0.0.1."])
async def test_a_name_that_leads_nowhere(host: str) -> None:
    assert "ConnectError" in str(await refused(f"http://{host}:1/v1"))


@both_waits
async def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert "ConnectError" in str(await refused(f"http://127.0.0.1:{unused.getsockname()[1]}/v1"))


async def never_connected(*_: object) -> None:
    await asyncio.Event().wait()


@both_waits
async def test_a_connection_that_is_never_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", never_connected)
    assert "ConnectTimeout" in str(await refused("http://127.0.0.1:1/v1", 1.0))


@both_waits
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


@both_waits
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


@both_waits
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


@both_waits
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


@both_waits
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


@both_waits
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


@both_waits
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
