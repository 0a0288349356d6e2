"""Lists of Kubernetes, item by item."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest

from api.hostile_answers import MIB, peak_of_memory
from managed_databases.kube.pages import ITEM_LIMIT_BYTES, read_page

NAMED = {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": "7", "continue": "token"}}


class Body:
    """A body of these parts, cut into chunks of `size`."""

    def __init__(self, *parts: bytes, size: int = 64 * 2**10) -> None:
        self._parts = parts
        self._size = size

    async def iter_chunked(self, _: int) -> AsyncIterator[bytes]:
        for part in self._parts:
            for start in range(0, len(part), self._size):
                yield part[start : start + self._size]


def name_only(raw: dict[str, Any]) -> dict[str, Any]:
    return {"name": raw["name"]}


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("first", ["items", "metadata"])
async def test_a_page_is_read_however_it_is_cut_and_ordered(size: int, first: str) -> None:
    items = [{"name": f"d{number}", "deep": [[[[[{"}": ']\\"'}]]]]]} for number in range(5)]
    whole = {"items": items, **NAMED} if first == "items" else {**NAMED, "items": items}
    page = await read_page(Body(orjson.dumps(whole), size=size), name_only)
    assert page == {**NAMED, "items": [{"name": f"d{number}"} for number in range(5)]}


async def test_a_list_without_items_has_none() -> None:
    nothing: tuple[object, ...] = ([], None)
    for none in nothing:  # Go says null of a list that was never begun
        assert await read_page(Body(orjson.dumps({**NAMED, "items": none})), name_only) == {**NAMED, "items": []}


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"{}", b'{"items": {}}', b'{"items": [{"name": 1}', b'{"items": [{"name": }]}', b'{"items": [],}'],
)
async def test_what_is_no_list_breaks_the_connection_and_no_more(body: bytes) -> None:
    with pytest.raises(aiohttp.ClientPayloadError):
        await read_page(Body(body), name_only)


async def test_a_page_of_large_objects_is_never_held_whole() -> None:
    """30 objects of the greatest size that etcd takes."""
    item = b'{"name":"d","annotations":{"a":"' + b"a" * (3 * MIB // 2) + b'"}}'
    body = Body(b'{"metadata":{},"items":[', *([item + b","] * 29), item, b"]}")
    with peak_of_memory() as peak:
        page = await read_page(body, name_only)
    assert len(page["items"]) == 30
    assert peak.bytes < 30 * MIB, f"{peak.bytes / MIB:.0f} MiB"


async def test_an_object_that_etcd_would_not_take_is_not_read() -> None:
    body = Body(b'{"items":[{"name":"' + b"a" * ITEM_LIMIT_BYTES + b'"}]}')
    with pytest.raises(aiohttp.ClientPayloadError):
        await read_page(body, name_only)
