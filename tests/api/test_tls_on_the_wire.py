"""TLS by certificates and handshakes, good and bad, directly and through proxies."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from api.wire_peers import (
    ARRIVED_SECONDS,
    answers_with,
    asked_for,
    both_waits,
    cancelled_at,
    context_of,
    listening,
    port_of,
    refused,
)
from api.wire_proxy import proxying
from api.wire_server import CREATE, EMPTY_LIST, client_at, says, serving
from managed_databases.api.collections import USERS
from managed_databases.api.errors import ApiError, NeverSent
from managed_databases.sandbox.servers import certificates
from managed_databases.sandbox.servers.certificates import Authority

pytestmark = pytest.mark.usefixtures("waits")


@both_waits
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


@both_waits
async def test_a_handshake_that_hangs(authority: Authority) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(connected) as port:
        assert "ConnectTimeout" in str(await refused(f"https://127.0.0.1:{port}/v1", 1.0))


@both_waits
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


@both_waits
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


@both_waits
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


@both_waits
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


@both_waits
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
