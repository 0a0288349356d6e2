"""Reads lists of Kubernetes item by item, because a page of objects that tenants have filled may be larger than the memory."""

from collections.abc import AsyncIterator, Callable
from typing import Any, Final, Protocol

import aiohttp
import orjson

from managed_databases.api.rows import OverLimit, RowSplitter, Unreadable

PAGE: Final = 100
"""The number of objects in a page."""
ITEM_LIMIT_BYTES: Final = 8 * 2**20
"""The most bytes of an item. etcd stores objects of at most 1.5 MiB by default."""
_CHUNK_BYTES: Final = 64 * 2**10

Light = Callable[[dict[str, Any]], dict[str, Any]]
"""A function that returns the part of an object that is kept."""


class Chunks(Protocol):
    def iter_chunked(self, n: int, /) -> AsyncIterator[bytes]: ...


async def read_page(body: Chunks, light: Light) -> dict[str, Any]:
    """Return the list with the parts of its items that `light` returns. Only one whole item is in memory at a time.

    Raises ClientPayloadError if the body is not a list; the caller then asks again.
    """
    splitter = RowSplitter("items", row_most_bytes=ITEM_LIMIT_BYTES, null_is_empty=True)
    items: list[dict[str, Any]] = []
    try:
        async for chunk in body.iter_chunked(_CHUNK_BYTES):
            items += [light(orjson.loads(text)) for text in splitter.feed(chunk)]
        splitter.end()
        return {**{name: orjson.loads(text) for name, text in splitter.others.items()}, "items": items}
    except (Unreadable, OverLimit, orjson.JSONDecodeError) as error:
        raise aiohttp.ClientPayloadError(f"the list cannot be read: {error}") from error
