"""One answer, whatever is in it, stops nobody and fills no memory; seen over a real connection."""

import asyncio
import gzip
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from api.hostile_answers import LOOP_LIMIT_PIECES, MIB, Beat, datastores_with, packed, peak_of_memory, users
from api.wire_server import Script, serving
from managed_databases.api import Call, Client, StaticToken
from managed_databases.api.answers import ERROR_LIMIT_BYTES, VALUES_LIMIT
from managed_databases.api.collections import DATASTORES, FLAVORS, USERS
from managed_databases.api.errors import ApiError, Busy, NeverSent, OutcomeUnknown, TooLarge
from managed_databases.api.masking import MAX_SECRET_LENGTH

SHORT_SECONDS = 1.0


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is watched while it works is slow, and so are machines."""
    monkeypatch.setattr("managed_databases.api.large_answers.LARGE_SECONDS", 300.0)


def client_at(address: str, *, token: str = "a-token", call_limit_seconds: float = 500.0) -> Client:
    return Client(StaticToken(SecretStr(token)), endpoint=address, call_limit_seconds=call_limit_seconds)


def says(answer: bytes) -> Script:
    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    return script


def body(text: bytes, more: bytes = b"") -> Script:
    return says(b"HTTP/1.1 200 OK\r\n" + more + b"Content-Length: %d\r\n\r\n" % len(text) + text)


NESTED = b'{"users":[{"id":"u","name":"n","datastore_id":"d","x":' + b"[" * 3_000 + b"]" * 3_000 + b"}]}"


@pytest.mark.parametrize(
    ("why", "call", "text", "expected", "says_why"),
    [
        ("64 KB of gzip, 63 MiB of rows without a name", DATASTORES.list(),
         lambda: b'{"datastores":[' + b"{}," * (21 * MIB) + b"{}]}", OutcomeUnknown, "row 0 of the answer cannot be read"),
        ("offers may be odd, one by one: here it is the rows that are counted", FLAVORS.list(),
         lambda: b'{"flavors":[' + b"{}," * (21 * MIB) + b"{}]}", TooLarge,
         "the answer has 5001 rows or more, at most 5000 are read"),
        ("one row that never ends", USERS.list(),
         lambda: b'{"users":[{"id":"' + b"a" * (60 * MIB) + b'"}]}', TooLarge, "row 0 of the answer has"),
        ("one row of escapes", USERS.list(),
         lambda: b'{"users":[{"id":"' + b"\\n" * (30 * MIB) + b'"}]}', TooLarge, "at most 131072 are read"),
        ("a key that never ends", USERS.list(), lambda: b'{"' + b"a" * (60 * MIB) + b'":1}', TooLarge, "131072"),
        ("blanks without an end", USERS.list(), lambda: b" " * (65 * MIB), TooLarge, "bytes or more, at most 67108864 are read"),
        ("brackets without an end", USERS.list(), lambda: b'{"users":[' + b"[" * (60 * MIB), TooLarge, "131072"),
        ("one row of many values", DATASTORES.list(),
         lambda: datastores_with(b'"instances":[' + b"{}," * 20_000 + b"{}]", 1), TooLarge, "values or more, at most 4000"),
        ("many rows of many values", DATASTORES.list(),
         lambda: datastores_with(b'"instances":[' + b"{}," * 1_900 + b"{}]", 700), TooLarge, "bytes of memory or more"),
        ("many rows of many small lists", DATASTORES.list(),
         lambda: datastores_with(b'"config":{"a":[' + b"[]," * 1_900 + b"[]]}", 5_000), TooLarge, "bytes of memory or more"),
        ("many rows of many short texts", DATASTORES.list(),
         lambda: datastores_with(b'"security_groups":[' + b'"ab",' * 3_000 + b'"a"]', 5_000), TooLarge,
         "bytes of memory or more"),
        ("many rows of one wide character each", DATASTORES.list(),
         lambda: datastores_with(b'"config":{"a":"\\ud83d\\ude00' + b"a" * 60_000 + b'"}', 800), TooLarge,
         "bytes of memory or more"),
        ("an object of many values", DATASTORES.get("d"),
         lambda: b'{"datastore":{"id":"d","config":{"a":[' + b"{}," * 100_000 + b"{}]}}}", TooLarge, "at most 4000 are read"),
        ("an object of many bytes", DATASTORES.get("d"),
         lambda: b'{"datastore":{"id":"' + b"a" * MIB + b'"}}', TooLarge, "at most 524288 are read"),
        ("deeper than anything is read", USERS.list(), lambda: NESTED, OutcomeUnknown, "the answer is not JSON"),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)  # fmt: skip
async def test_an_answer_is_refused_before_it_costs_anything(
    why: str,
    call: Call[Any],
    text: Callable[[], bytes],
    expected: type[ApiError],
    says_why: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a quarter of the usual limits of memory, and a tenth of that of rows; `benchmarks` measures with the usual ones."""
    monkeypatch.setattr("managed_databases.api.client.KEPT_LIMIT_BYTES", 16 * MIB)
    monkeypatch.setattr("managed_databases.api.rows.ROW_LIMIT", 5_000)
    async with serving(packed(text())) as server:
        client = client_at(server.address)
        async with Beat().running() as beat:
            with pytest.raises(expected) as caught:
                await client.send(call)
        assert says_why in str(caught.value), why
        assert beat.longest < LOOP_LIMIT_PIECES, f"{why}: {beat.longest:.0f} pieces of work at one go"
        with peak_of_memory() as peak, pytest.raises(expected):
            await client.send(call)
        assert peak.bytes < 18 * MIB, f"{why}: {peak.bytes / MIB:.1f} MiB"
        await client.close()


async def test_many_problems_in_one_row_hold_nobody_up() -> None:
    row = b'"instances":[' + b"1," * (VALUES_LIMIT - 50) + b"1]"
    async with serving(packed(datastores_with(row, 5))) as server:
        client = client_at(server.address)
        async with Beat().running() as beat:
            reply = await client.send(DATASTORES.list())
        assert (len(reply.value or ()), len(reply.odd)) == (5, 5)
        assert beat.longest < LOOP_LIMIT_PIECES, f"{beat.longest:.0f} pieces of work at one go"
        await client.close()


async def test_an_honest_list_of_45_000_users_is_read() -> None:
    async with serving(packed(users(45_000))) as server:
        client = client_at(server.address)
        with peak_of_memory() as peak:
            async with Beat().running() as beat:
                reply = await client.send(USERS.list())
        assert reply.value is not None
        assert len({user.id for user in reply.value}) == 45_000
        assert peak.bytes < 64 * MIB, f"{peak.bytes / MIB:.0f} MiB"
        assert beat.turns > 150, "others have their turn at least each 300 rows"
        await client.close()


async def test_what_whole_lists_take_is_limited_in_all() -> None:
    """Each alone would be read; a list that is read again takes the place of the one before."""
    async with serving(packed(users(45_000))) as server:
        client = client_at(server.address)
        for _ in range(2):
            await client.send(USERS.list())
        server.script = packed(datastores_with(b'"config":{}', 49_000))
        with pytest.raises(TooLarge, match="the list would take .* bytes of memory or more, at most"):
            await client.send(DATASTORES.list())
        alone = client_at(server.address)
        assert len((await alone.send(DATASTORES.list())).value or ()) == 49_000
        await alone.close()
        server.script = packed(b'{"users":[]}')
        await client.send(USERS.list())
        server.script = packed(datastores_with(b'"config":{}', 49_000))
        await client.send(DATASTORES.list())
        await client.close()


async def test_an_error_is_read_in_small_and_never_unpacked_whole() -> None:
    async with serving(packed(b'{"error":{"message":"' + b"a" * (60 * MIB) + b'"}}', status=b"409 Conflict")) as server:
        client = client_at(server.address)
        with peak_of_memory() as peak, pytest.raises(Busy, match="no readable message"):
            await client.send(USERS.get("u"))
        assert peak.bytes < 4 * MIB
        server.script = packed(b'{"error":{"message":"wait"}}', status=b"409 Conflict")
        with pytest.raises(Busy, match="wait"):
            await client.send(USERS.get("u"))
        await client.close()


@pytest.mark.parametrize("call", [USERS.list(), USERS.get("u")], ids=["list", "object"])
@pytest.mark.parametrize("encoding", [b"br", b"zstd", b"gzip, gzip", b"compress"])
async def test_another_packing_is_not_unpacked(call: Call[Any], encoding: bytes) -> None:
    async with serving(packed(b'{"users":[]}', encoding)) as server:
        client = client_at(server.address)
        with pytest.raises(OutcomeUnknown, match="packed in a way that was not asked for"):
            await client.send(call)
        await client.close()
    packing = [line for line in server.requests[0].split(b"\r\n") if line.lower().startswith(b"accept-encoding")]
    assert packing == [b"Accept-Encoding: gzip" if call.many else b"Accept-Encoding: identity"]


async def dripping(writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{"users":[')
    while not writer.is_closing():
        writer.write(b'{"id":"u","name":"n","datastore_id":"d"},')
        await writer.drain()
        await asyncio.sleep(0.02)


async def endless_headers(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while not writer.is_closing():
        writer.write(b"X-A: b\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def endless_promises(writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.005)


REDIRECT = says(b"HTTP/1.1 307 Elsewhere\r\nLocation: /v1/users\r\nContent-Length: 0\r\n\r\n")
SHORTER = says(b'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{"users":[]}')
NEGATIVE = says(b'HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{"users":[]}')
HUGE_NUMBER = says(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 90_000 + b'\r\n\r\n{"users":[]}')
CUT_GZIP = body(gzip.compress(users(3))[:-20], b"Content-Encoding: gzip\r\n")


@pytest.mark.parametrize(
    ("why", "script"),
    [
        ("rows, one by one", dripping),
        ("headers without an end", endless_headers),
        ("hints without an end", endless_promises),
        ("shorter than announced", SHORTER),
        ("a negative length", NEGATIVE),
        ("a length of ninety thousand digits", HUGE_NUMBER),
        ("a gzip that is cut", CUT_GZIP),
        ("a redirect, again and again", REDIRECT),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
async def test_no_answer_takes_longer_than_a_call_may(why: str, script: Script) -> None:
    async with serving(script) as server:
        client = client_at(server.address, call_limit_seconds=SHORT_SECONDS)
        async with asyncio.timeout(60):
            with pytest.raises(OutcomeUnknown):
                await client.send(USERS.list())
        assert len(server.requests) == 1, why
        await client.close()


async def test_cookies_are_not_kept() -> None:
    async with serving(body(b'{"users":[]}', b"Set-Cookie: a=" + b"b" * 3_000 + b"\r\n")) as server:
        client = client_at(server.address)
        await client.send(USERS.list())
        await client.send(USERS.list())
        await client.close()
    assert b"ookie" not in server.requests[1]


async def test_a_token_longer_than_servers_take_is_not_sent() -> None:
    async with serving(body(b'{"users":[]}')) as server:
        client = client_at(server.address, token="a" * (MAX_SECRET_LENGTH + 1))
        with pytest.raises(ApiError, match="too long"):
            await client.send(USERS.list())
        assert server.requests == []
        await client.close()
        client = client_at(server.address, token="a" * MAX_SECRET_LENGTH)
        assert (await client.send(USERS.list())).value == ()
        await client.close()


async def test_one_large_answer_is_read_at_a_time_and_small_ones_beside_it() -> None:
    """A large answer that does not go on holds up other large ones, and nothing else."""
    going_on = asyncio.Event()
    whole = users(9_000)
    halves = whole[: len(whole) - 1_000], whole[len(whole) - 1_000 :]

    async def stopping(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(whole) + halves[0])
        await writer.drain()
        await going_on.wait()
        writer.write(halves[1])

    async with serving(stopping) as slow, serving(body(whole)) as other:
        first, second = client_at(slow.address), client_at(other.address)
        stopped = asyncio.create_task(first.send(USERS.list()))
        await slow.asked.wait()
        await asyncio.sleep(0.3)
        held_up = asyncio.create_task(second.send(USERS.list()))
        await other.asked.wait()
        other.script = body(users(3))
        assert len((await second.send(USERS.list())).value or ()) == 3
        assert not held_up.done()
        going_on.set()
        assert len((await stopped).value or ()) == len((await held_up).value or ()) == 9_000
        await first.close()
        await second.close()


async def test_a_large_answer_that_is_slow_gives_up_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("managed_databases.api.large_answers.LARGE_SECONDS", 0.2)
    whole = users(9_000)

    async def stopping(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(whole) + whole[:-1_000])
        await writer.drain()
        await asyncio.Event().wait()

    async with serving(stopping) as slow, serving(body(users(3))) as other:
        first, second = client_at(slow.address), client_at(other.address)
        with pytest.raises(OutcomeUnknown, match="a large answer took longer than"):
            async with asyncio.timeout(30):  # well before the call's own limit
                await first.send(USERS.list())
        assert len((await second.send(USERS.list())).value or ()) == 3
        await first.close()
        await second.close()


@pytest.mark.parametrize("size", [ERROR_LIMIT_BYTES - 100, 60_000])
async def test_a_long_token_in_a_long_error_holds_nobody_up(size: int) -> None:
    """Each place of the text begins like the token: with a search from each place it was 20 s."""
    answer = b'{"error":{"message":"' + b"a" * size + b'"}}'
    script = says(b"HTTP/1.1 409 Conflict\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)
    async with serving(script) as server:
        client = client_at(server.address, token="a" * 8_000 + "b")
        with pytest.raises(Busy):
            await client.send(USERS.list())
        await client.close()


async def test_a_client_that_is_closed_sends_nothing() -> None:
    client = client_at("http://127.0.0.1:9")
    await client.close()
    with pytest.raises(NeverSent):
        await client.send(USERS.list())
