"""What strangers may do to a port: little, and never for long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest

from managed_databases.kube import asked
from managed_databases.kube.asked import AskedServer, PlainAnswer, Question

MAX_CONNECTIONS = 4


@asynccontextmanager
async def serving(
    body: bytes = b"hello", connections: int = MAX_CONNECTIONS, error: Exception | None = None
) -> AsyncIterator[tuple[int, list[Question]]]:
    """Give the port, and what was asked so far."""
    questions: list[Question] = []

    async def answer(question: Question) -> PlainAnswer:
        questions.append(question)
        if error is not None:
            raise error
        return PlainAnswer(HTTPStatus.OK, body)

    server = AskedServer("127.0.0.1", 0, answer, setting="PORT", connections=connections)
    running = asyncio.create_task(server.run())
    try:
        yield await server.bound, questions
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def said(port: int, request: bytes) -> bytes:
    """Send it, and read to the end; nothing when the other side just ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def status_line(answer: bytes) -> str:
    return answer.partition(b"\r\n")[0].decode()


@pytest.mark.parametrize(
    ("why", "request_", "status"),
    [
        ("plain", b"GET /x?y=1 HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK"),
        ("old", b"GET /x HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK"),
        ("it changes something", b"POST /x HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 405 Method Not Allowed"),
        ("no HTTP", b"\x16\x03\x01 hello\r\n\r\n", "HTTP/1.1 400 Bad Request"),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\n", "HTTP/1.1 400 Bad Request"),
        (
            "a head without end",
            b"GET / HTTP/1.1\r\nX: " + b"x" * 3 * asked.HEAD_BYTES,
            "HTTP/1.1 431 Request Header Fields Too Large",
        ),
    ],
)
async def test_what_is_answered(why: str, request_: bytes, status: str) -> None:
    async with serving() as (port, _):
        assert status_line(await said(port, request_)) in (status, ""), why
        assert (await said(port, b"GET / HTTP/1.1\r\n\r\n")).endswith(b"\r\n\r\nhello")


async def test_a_question_is_read_as_it_was_asked() -> None:
    async with serving() as (port, questions):
        await said(port, b"GET /a/b?token=x HTTP/1.1\r\nAuthorization:  Bearer t \r\nodd\r\n\r\n")
    assert questions == [Question("/a/b", {"authorization": "Bearer t", "odd": ""})]


async def test_a_failure_is_told_without_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    async with serving(error=ValueError("of the inside")) as (port, _):
        answer = await said(port, b"GET / HTTP/1.1\r\n\r\n")
    assert status_line(answer) == "HTTP/1.1 500 Internal Server Error"
    assert b"inside" not in answer
    assert "of the inside" in capsys.readouterr().out


async def test_who_does_not_ask_gives_way_the_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked, "QUESTION_SECONDS", 3600)
    monkeypatch.setattr(asked, "LIFE_SECONDS", 3600)
    async with serving() as (port, _), asyncio.timeout(20):
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MAX_CONNECTIONS)]
        for _, writer in silent:
            writer.write(b"GET / HTTP/1.1\r\n")  # and no more
        for number in range(2 * MAX_CONNECTIONS):
            assert (await said(port, b"GET / HTTP/1.1\r\n\r\n")).endswith(b"hello"), number
        assert await silent[0][0].read() == b"", "the oldest was ended"
        silent[-1][1].write(b"\r\n")
        for _, writer in silent:
            writer.close()


async def test_who_does_not_read_gives_way_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked, "LIFE_SECONDS", 3600)
    async with serving(body=b"x" * 50_000_000) as (port, questions):
        slow = [await asyncio.open_connection("127.0.0.1", port, limit=1) for _ in range(MAX_CONNECTIONS)]
        for _, writer in slow:
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
        async with asyncio.timeout(60):
            while len(questions) < MAX_CONNECTIONS:  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.01)
        assert len(await said(port, b"GET / HTTP/1.1\r\n\r\n")) > 50_000_000
        async with asyncio.timeout(20):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await slow[0][0].readexactly(50_000_000)
        for _, writer in slow:
            writer.transport.abort()


@pytest.mark.parametrize("limit", ["QUESTION_SECONDS", "LIFE_SECONDS"])
async def test_nobody_stays(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked, "QUESTION_SECONDS", 3600)
    monkeypatch.setattr(asked, "LIFE_SECONDS", 3600)
    monkeypatch.setattr(asked, limit, 0.2)
    async with serving(body=b"x" * 50_000_000) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
        writer.write(b"GET / HTTP/1.1\r\n" + (b"" if limit == "QUESTION_SECONDS" else b"\r\n"))
        await asyncio.sleep(1)  # not reading
        async with asyncio.timeout(20):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await reader.readexactly(50_000_000)
        writer.close()
