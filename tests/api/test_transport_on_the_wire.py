"""What the client needs of any transport: answers that are the call's own, addresses as they are, no password in an error."""

import asyncio
import base64
import logging
import ssl
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.wire_peers import in_turn
from api.wire_server import CREATE, EMPTY_LIST, Script, client_at, says, serving
from managed_databases.api import Call
from managed_databases.api.collections import USERS
from managed_databases.api.errors import Busy, Forbidden, NeverSent, OutcomeUnknown
from managed_databases.sandbox.servers.certificates import Authority

GET, DELETE = USERS.get("u"), USERS.delete("u")


def _answer(status: bytes, body: bytes = b"", *headers: bytes) -> bytes:
    return b"\r\n".join([b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers, b"", body])


def _user(id_: bytes) -> bytes:
    return b'{"user": {"id": "%s", "name": "app", "datastore_id": "d"}}' % id_


OWN = _answer(b"202 Accepted", _user(b"own"))


@pytest.mark.parametrize("call", [CREATE, GET, DELETE], ids=["create", "get", "delete"])
@pytest.mark.parametrize(
    "unasked",
    [
        _answer(b"200 OK", _user(b"another")),
        b"HTTP/1.1 204 No Content\r\n\r\n",
        _answer(b"408 Request Timeout", b"", b"Connection: close"),
        _answer(b"500 Internal Server Error"),
    ],
    ids=["200", "204", "408", "500"],
)
async def test_an_answer_that_nobody_asked_for_is_no_calls(unasked: bytes, call: Call[Any]) -> None:
    answers = in_turn(EMPTY_LIST, OWN)
    writers: list[asyncio.StreamWriter] = []

    async def script(writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await answers(writer)

    async with serving(script) as server:
        client = client_at(server.address)
        await client.send(USERS.list())
        writers[0].write(unasked)
        await writers[0].drain()
        await asyncio.sleep(0.05)  # it has arrived when the next call begins
        reply = await client.send(call)
        await client.close()
    assert (reply.status, getattr(reply.value, "id", None)) == (202, None if call is DELETE else "own")
    assert [request.split(b" ")[0] for request in server.requests] == [b"GET", call.method.encode()]


@pytest.mark.parametrize("call", [CREATE, GET, DELETE], ids=["create", "get", "delete"])
@pytest.mark.parametrize("announced", [b"Content-Length: 13", b"Transfer-Encoding: chunked"], ids=["length", "chunks"])
async def test_an_answer_that_comes_with_the_one_before_is_no_calls(announced: bytes, call: Call[Any]) -> None:
    body = b'{"users": []}' if announced.startswith(b"Content") else b'd\r\n{"users": []}\r\n0\r\n\r\n'
    first = b"HTTP/1.1 200 OK\r\n" + announced + b"\r\n\r\n" + body
    async with serving(in_turn(first + _answer(b"200 OK", _user(b"another")), OWN)) as server:
        client = client_at(server.address)
        await client.send(USERS.list())
        reply = await client.send(call)
        await client.close()
    assert (reply.status, getattr(reply.value, "id", None)) == (202, None if call is DELETE else "own")
    assert [request.split(b" ")[0] for request in server.requests] == [b"GET", call.method.encode()]


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """That of a server whose certificate the client verifies."""
    authority = Authority(tmp_path)
    certificate, key = authority.certificate_for(["127.0.0.1"], [])
    (tmp_path / "server.crt").write_bytes(certificate)
    (tmp_path / "server.key").write_bytes(key)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    return context


async def test_a_connection_serves_the_next_call_after_an_ordinary_answer(tls: ssl.SSLContext) -> None:
    async with serving(in_turn(EMPTY_LIST, OWN, EMPTY_LIST), tls) as server:
        client = client_at(server.address)
        for call in (USERS.list(), CREATE, USERS.list()):
            await client.send(call)
        await client.close()
    assert server.connections == 1


@pytest.mark.parametrize("call", [CREATE, GET, DELETE], ids=["create", "get", "delete"])
async def test_what_waits_to_be_decrypted_is_no_calls(tls: ssl.SSLContext, call: Call[Any]) -> None:
    """Each answer is a TLS record of its own, as servers write them; both arrive at once."""
    answers = in_turn(EMPTY_LIST, OWN)

    async def script(writer: asyncio.StreamWriter) -> None:
        await answers(writer)
        writer.write(_answer(b"200 OK", _user(b"another")))

    async with serving(script, tls) as server:
        client = client_at(server.address)
        await client.send(USERS.list())
        reply = await client.send(call)
        await client.close()
    assert (reply.status, getattr(reply.value, "id", None)) == (202, None if call is DELETE else "own")
    assert [request.split(b" ")[0] for request in server.requests] == [b"GET", call.method.encode()]


PASSWORD = "proxy@password"
QUOTED = "proxy%40password"
CREDENTIALS = base64.b64encode(f"somebody:{PASSWORD}".encode()).decode()


@pytest.mark.parametrize(
    "script",
    [
        says(_answer(b"407 Proxy Authentication Required")),
        says(_answer(b"302 Found", b"", b"Location: http://127.0.0.1:9/")),
        says(_answer(b"201 Created"), then_reset=True),
    ],
    ids=["407", "302", "201"],
)
async def test_a_proxy_that_makes_no_tunnel(
    script: Script, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await _refused_by_a_proxy(script, monkeypatch)
    _tells_no_password(caplog.text + "".join(repr(vars(record)) for record in caplog.records))


async def test_a_proxy_that_repeats_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    told = f"407 not {PASSWORD}, {QUOTED} or {CREDENTIALS}"
    error = await _refused_by_a_proxy(says(_answer(told.encode())), monkeypatch)
    assert "407 not ***" in str(error)


async def _refused_by_a_proxy(script: Script, monkeypatch: pytest.MonkeyPatch) -> NeverSent:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    async with serving(script) as proxy:
        host = proxy.address.removeprefix("http://").removesuffix("/v1")
        monkeypatch.setenv("https_proxy", f"http://somebody:{QUOTED}@{host}")
        client = client_at("https://databases.example/v1")
        with pytest.raises(NeverSent) as caught:
            await client.send(CREATE)
        await client.close()
    assert [request.split(b"\r\n")[0] for request in proxy.requests] == [b"CONNECT databases.example:443 HTTP/1.1"]
    assert CREDENTIALS.encode() in proxy.requests[0]
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
    _tells_no_password(f"{error} {error!r} {error.args} {vars(error)} {''.join(traceback.format_exception(error))}")
    return error


def _tells_no_password(text: str) -> None:
    for secret in (PASSWORD, QUOTED, CREDENTIALS):
        assert secret not in text


@pytest.mark.parametrize(
    "prefix",
    [
        "/a%2fb/v1",
        "/a%2Fb/v1",
        "/%7Eme/v1",
        "/~me/v1",
        "/AUTH_%24(project)s/v1",
        "/a/%2e%2e/v1",
        "/a%20b/v1",
        "/%c3%bc/v1",
        "/a;b=1/v1",
        "/a:b@c/v1",
        "/a+b/v1",
        "/a//v1",
    ],
)
async def test_an_address_is_sent_as_it_is(prefix: str) -> None:
    assert await _target(prefix, DELETE) == f"{prefix}/users/u"


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("a?b", "a%3Fb"),
        ("a/b", "a%2Fb"),
        ("a@b:c", "a%40b%3Ac"),
        ("a+b", "a%2Bb"),
        ("a%2Bb", "a%252Bb"),
        ("a&b=c#d;e", "a%26b%3Dc%23d%3Be"),
        ("ü~", "%C3%BC~"),
        ("$,!*'()", "%24%2C%21%2A%27%28%29"),
    ],
)
async def test_a_query_is_sent_as_it_is(value: str, sent: str) -> None:
    assert await _target("/v1", replace(USERS.list(), query=(("name", value),))) == f"/v1/users?name={sent}"


async def _target(prefix: str, call: Call[Any]) -> str:
    async with serving(says(EMPTY_LIST)) as server:
        client = client_at(server.address.removesuffix("/v1") + prefix)
        await client.send(call)
        await client.close()
    (request,) = server.requests
    return request.split(b" ")[1].decode()


BROKEN_CHUNK = b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        _answer(b"204 No Content", b"{}"),
        b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        _answer(b"204 No Content", _answer(b"200 OK", b'{"users": [1]}')),
    ],
    ids=["a body", "chunks", "an answer"],
)
async def test_a_204_with_a_body_is_one(answer: bytes) -> None:
    async with serving(in_turn(answer, EMPTY_LIST)) as server:
        client = client_at(server.address, max_connections=1)
        assert (await client.send(DELETE)).status == 204
        assert (await client.send(USERS.list())).value == ()
        await client.close()
    assert [request.split(b" ")[0] for request in server.requests] == [b"DELETE", b"GET"]


@pytest.mark.parametrize("announced", [b"Content-Length: 2", b"Transfer-Encoding: chunked"], ids=["length", "chunks"])
async def test_a_body_of_a_204_that_is_late_is_no_calls(announced: bytes) -> None:
    writers: list[asyncio.StreamWriter] = []

    async def script(writer: asyncio.StreamWriter) -> None:
        if not writers:
            writer.write(b"HTTP/1.1 204 No Content\r\n" + announced + b"\r\n\r\n")
        else:
            writer.write((b"{}" if writer in writers else b"") + EMPTY_LIST)
        writers.append(writer)

    async with serving(script) as server:
        client = client_at(server.address)
        assert (await client.send(DELETE)).status == 204
        assert (await client.send(USERS.list())).value == ()
        await client.close()
    assert server.connections == 2


@pytest.mark.parametrize(
    ("status", "expected"),
    [(b"403 Forbidden", Forbidden), (b"409 Conflict", Busy), (b"404 Not Found", OutcomeUnknown)],
    ids=["403", "409", "404"],
)
@pytest.mark.parametrize(
    "rest",
    [
        BROKEN_CHUNK,
        b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nxx",
        b"Content-Length: 2\r\n\r\n{}junk",
    ],
    ids=["a broken chunk", "a wrong gzip", "more than announced"],
)
async def test_an_error_with_a_broken_body_is_one(status: bytes, expected: type[Exception], rest: bytes) -> None:
    async with serving(in_turn(b"HTTP/1.1 " + status + b"\r\n" + rest, EMPTY_LIST)) as server:
        client = client_at(server.address, max_connections=1)
        with pytest.raises(expected):
            await client.send(DELETE)
        assert (await client.send(USERS.list())).value == ()
        await client.close()
    assert [request.split(b" ")[0] for request in server.requests] == [b"DELETE", b"GET"]
