"""What kopf gets of a watch, and what we get."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp
import orjson
import pytest
from aiohttp import web

from managed_databases.kube.kopf_bridge.watch_transport import EventStream, ListAnew

LINES = [
    {"type": "ADDED", "object": {"metadata": {"name": "a", "resourceVersion": "1"}}},
    {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "5"}}},
    {"type": "MODIFIED", "object": {"metadata": {"name": "a", "resourceVersion": "7"}}},
    {"type": "DELETED", "object": {"metadata": {"name": "a", "resourceVersion": "8"}}},
    {"type": "ERROR", "object": {"code": 410}},
]


class Chunks:
    """A body that arrives in these chunks."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = chunks

    async def iter_chunked(self, _: int) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk


async def read(*chunks: bytes) -> tuple[list[str], list[Any]]:
    """The events that we got, and the lines that kopf got."""
    ours = list[str]()
    stream = EventStream(cast(aiohttp.StreamReader, Chunks(*chunks)), lambda type_, _: ours.append(type_))
    return ours, [orjson.loads(line) async for line in stream.iter_chunked(1)]


@pytest.mark.parametrize("size", [1, 7, 60, 10_000])
async def test_we_get_the_events_and_kopf_the_versions_however_they_are_cut(size: int) -> None:
    body = b"".join(orjson.dumps(line) + b"\n" for line in LINES)
    ours, theirs = await read(*(body[at : at + size] for at in range(0, len(body), size)))
    assert ours == ["ADDED", "MODIFIED", "DELETED"]
    assert theirs[-1] == LINES[-1], "kopf must see the error after all events before it"
    versions = [line["object"]["metadata"]["resourceVersion"] for line in theirs[:-1]]
    assert versions == sorted(versions)
    assert {line["type"] for line in theirs[:-1]} == {"BOOKMARK"}
    assert size > 60 or versions == ["1", "5", "7", "8"]


async def test_a_line_that_is_cut_off_is_left_out() -> None:
    ours, theirs = await read(orjson.dumps(LINES[0]) + b"\n" + orjson.dumps(LINES[2])[:-1])
    assert ours == ["ADDED"]
    assert [line["object"]["metadata"]["resourceVersion"] for line in theirs] == ["1"]


async def test_what_is_not_json_breaks_the_connection_and_no_more() -> None:
    with pytest.raises(aiohttp.ClientPayloadError):
        await read(b"<html>\n")


@pytest.mark.parametrize("way", ["it is read to the end", "it is given up"])
async def test_a_watch_that_is_not_read_leaves_no_connection_behind(way: str) -> None:
    """aiohttp looks at the body when it lets a connection go."""
    async with watched() as address, aiohttp.ClientSession() as session:
        response = await session.get(address)
        response.content = ListAnew(response.content)  # type: ignore[assignment]
        async with response:
            async for line in response.content.iter_chunked(1):
                assert orjson.loads(line) == LINES[-1]
                if way == "it is given up":
                    break
        assert response.connection is None


@asynccontextmanager
async def watched() -> AsyncIterator[str]:
    """A watch that tells nothing and stays open."""
    over = asyncio.Event()

    async def watch(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await over.wait()
        return response

    app = web.Application()
    app.router.add_get("/", watch)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0]
        yield f"http://{host}:{port}/"
    finally:
        over.set()
        await runner.cleanup()
