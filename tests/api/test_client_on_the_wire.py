import asyncio
import gzip
from typing import Any

import pytest
from pydantic import SecretStr

from api.wire_server import CREATE, EMPTY_LIST, PATIENT_SECONDS, Script, client_at, says, serving
from managed_databases.api import ApiError, Call, Client, PasswordToken
from managed_databases.api.answers import LIST_LIMIT_BYTES
from managed_databases.api.collections import USERS, remove_floating_ip
from managed_databases.api.errors import Forbidden, NeverSent, OutcomeUnknown, TooLarge
from managed_databases.api.models import FloatingIPChange

SHORT_SECONDS = 4.0


async def never(_: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def slowly(writer: asyncio.StreamWriter) -> None:
    """Each byte comes well within any per-read time-out; only the whole takes for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


def endlessly(status: bytes) -> Script:
    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 " + status + b"\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"100000\r\n" + b" " * 0x100000 + b"\r\n")
            await writer.drain()

    return script


CUT = b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"users": ['
CUT_CHUNKS = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"use\r\n'
HUGE_HEADER = b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 1_000_000 + b"\r\nContent-Length: 2\r\n\r\n{}"
MANY_HEADERS = b"HTTP/1.1 200 OK\r\n" + b"X-Many: 1\r\n" * 20_000 + b"Content-Length: 2\r\n\r\n{}"
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 15\r\n\r\n<html>no</html>"
NOT_UTF8 = b'HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{"users": "\xff"}'
GARBAGE = b"\x00\x01SSH-2.0 a-token\r\n\r\n"


@pytest.mark.parametrize("call", [USERS.list(), CREATE], ids=["get", "create"])
@pytest.mark.parametrize(
    ("why", "script", "limit"),
    [
        ("reset before the answer", says(b"", then_reset=True), PATIENT_SECONDS),
        ("reset in mid answer", says(CUT, then_reset=True), PATIENT_SECONDS),
        ("reset between chunks", says(CUT_CHUNKS, then_reset=True), PATIENT_SECONDS),
        ("no HTTP", says(GARBAGE, then_reset=True), PATIENT_SECONDS),
        ("a header of a megabyte", says(HUGE_HEADER), PATIENT_SECONDS),
        ("twenty thousand headers", says(MANY_HEADERS), PATIENT_SECONDS),
        ("a page for people", says(PAGE), PATIENT_SECONDS),
        ("no UTF-8", says(NOT_UTF8), PATIENT_SECONDS),
        ("no answer", never, SHORT_SECONDS),
        ("a slow body", slowly, SHORT_SECONDS),
        ("a wrong gzip", says(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nxx"), 60.0),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
async def test_the_outcome_is_unknown(why: str, script: Script, limit: float, call: Call[Any]) -> None:
    async with serving(script) as server:
        client = client_at(server.address, limit)
        with pytest.raises(OutcomeUnknown) as caught:
            await client.send(call)
        assert len(server.requests) == 1, f"{why}: sent once, never repeated by itself"
        assert "a-token" not in str(caught.value)
        assert caught.value.__context__ is None
        await client.close()


async def test_nobody_listens() -> None:
    async with serving(never) as server:
        address = server.address
    client = client_at(address)
    with pytest.raises(NeverSent, match="no connection: ConnectError"):
        await client.send(CREATE)
    await client.close()


async def test_an_endless_list_is_given_up() -> None:
    async with serving(endlessly(b"200 OK")) as server:
        client = client_at(server.address)
        with pytest.raises(TooLarge):
            await client.send(USERS.list())
        await client.close()


async def test_a_small_answer_that_unpacks_to_a_giant() -> None:
    packed = gzip.compress(b" " * (LIST_LIMIT_BYTES + 1))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    async with serving(says(head.encode() + packed)) as server:
        client = client_at(server.address)
        with pytest.raises(TooLarge):
            await client.send(USERS.list())
        await client.close()


@pytest.mark.parametrize(
    ("why", "script"),
    [
        ("cut", says(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 500\r\n\r\n{", then_reset=True)),
        ("endless", endlessly(b"403 Forbidden")),
    ],
)
async def test_a_broken_error_body_does_not_change_what_the_status_says(why: str, script: Script) -> None:
    async with serving(script) as server:
        client = client_at(server.address)
        with pytest.raises(Forbidden, match="no readable message"):
            await client.send(USERS.get("u"))
        await client.close()


async def test_a_delete_can_have_a_body() -> None:
    async with serving(says(b"HTTP/1.1 204 No Content\r\n\r\n")) as server:
        client = client_at(server.address)
        await client.send(remove_floating_ip(FloatingIPChange(instance_id="i")))
        await client.close()
    (request,) = server.requests
    assert request.startswith(b"DELETE /v1/floating-ips HTTP/1.1")
    assert request.endswith(b'{"floating_ip":{"instance_id":"i"}}')


@pytest.mark.parametrize(
    "script",
    [endlessly(b"200 OK"), says(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{", then_reset=True)],
    ids=["endless", "cut"],
)
async def test_a_delete_has_worked_whatever_its_body_does(script: Script) -> None:
    async with serving(script) as server:
        client = client_at(server.address)
        assert (await client.send(USERS.delete("u"))).status == 200
        await client.close()


async def test_a_connection_is_used_again_after_any_small_answer() -> None:
    answers = iter(
        [
            EMPTY_LIST,
            b"HTTP/1.1 204 No Content\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        ]
    )

    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(next(answers))

    async with serving(script) as server:
        client = client_at(server.address)
        await client.send(USERS.list())
        await client.send(USERS.delete("u"))
        await client.send(USERS.delete("v"))
        with pytest.raises(OutcomeUnknown):
            await client.send(USERS.get("u"))
        assert server.connections == 1
        await client.close()


async def test_no_more_calls_at_once_than_allowed_and_none_is_lost() -> None:
    async def script(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.01)
        writer.write(EMPTY_LIST)

    async with serving(script) as server:
        client = client_at(server.address, max_connections=4)
        replies = await asyncio.gather(*(client.send(USERS.list()) for _ in range(50)))
        assert [reply.value for reply in replies] == [()] * 50
        assert server.max_at_once <= 4
        await client.close()


async def test_after_failures_the_client_still_works() -> None:
    async with serving(never) as server:
        client = client_at(server.address, SHORT_SECONDS, max_connections=2)
        outcomes = await asyncio.gather(*(client.send(CREATE) for _ in range(6)), return_exceptions=True)
        assert all(isinstance(outcome, OutcomeUnknown | NeverSent) for outcome in outcomes)
        await client.close()
    async with serving(says(CUT, then_reset=True)) as server:
        client = client_at(server.address, max_connections=1)
        for _ in range(3):
            with pytest.raises(OutcomeUnknown):
                await client.send(USERS.list())
        server.script = says(EMPTY_LIST)
        assert (await client.send(USERS.list())).value == ()
        await client.close()


async def test_a_local_address_is_never_asked_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    async with serving(says(EMPTY_LIST)) as server:
        client = client_at(server.address)
        assert (await client.send(USERS.list())).value == ()
        await client.close()


async def test_an_identity_service_that_hangs_means_never_sent() -> None:
    async with serving(never) as server:
        source = PasswordToken(server.address, "u", SecretStr("a-password"), "d", "p")
        client = Client(source, endpoint=server.address, call_limit_seconds=SHORT_SECONDS)
        with pytest.raises(NeverSent, match="the identity service did not answer"):
            await client.send(CREATE)
        assert [request.split(b" ")[1] for request in server.requests] == [b"/v1/auth/tokens"]
        await client.close()


async def test_closing_ends_calls_with_an_api_error() -> None:
    async with serving(never) as server:
        client = client_at(server.address)
        task = asyncio.create_task(client.send(CREATE))
        async with asyncio.timeout(PATIENT_SECONDS):
            await server.asked.wait()
            await client.close()
            with pytest.raises(ApiError):
                await task
