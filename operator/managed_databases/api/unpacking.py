"""Unpacks the body of an answer within limits and in pieces, because a small packed body may unpack to a very large one."""

import zlib
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any, Final

import httpx

from managed_databases.api.rows import Unreadable, require

PIECE_BYTES: Final = 64 * 2**10

PACKED: Final = "gzip"
"""The packing that is asked for where a large answer is expected; all other answers are asked for without packing."""

_WAY_TO_H11: Final = ("_stream", "_httpcore_stream", "_stream", "_connection", "_h11_state")
"""Where httpx has what has arrived and is not read. It has no public name for it. If these names change, nothing is looked at,
and the tests of the transport fail.
"""


async def pieces(response: httpx.Response, limit_bytes: int) -> AsyncGenerator[bytes, None]:
    """Yield the unpacked body in pieces of 64 KiB, however it arrives; the last one may be smaller.

    Raises OverLimit for more than `limit_bytes`, as sent or unpacked, before any byte is read if `Content-Length` is too large;
    Unreadable for a packing that was not asked for; and the errors of httpx.
    """
    announced = response.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit():
        require("bytes", int(announced[:20]), limit_bytes)
    unpack = _unpacker(response.headers.get("content-encoding", "").strip().lower())
    sent = unpacked = 0
    waiting = bytearray()
    # httpx would unpack whatever has arrived at once, without a limit: so the stream below it is read.
    stream = response.stream
    assert isinstance(stream, httpx.AsyncByteStream)
    async for data in stream:
        sent += len(data)
        require("bytes", sent, limit_bytes)
        for part in unpack(data):
            unpacked += len(part)
            require("bytes", unpacked, limit_bytes, of="the unpacked answer has")
            waiting += part
            if len(waiting) >= PIECE_BYTES:
                yield bytes(waiting)
                waiting.clear()
    _end_connection_with_more(response)
    if waiting:
        yield bytes(waiting)


def _end_connection_with_more(response: httpx.Response) -> None:
    """Keep the connection for no other call if more has arrived on it than this answer, or will: the next call would take that
    for its own answer. What arrives while the connection is idle, httpx sees itself.
    """
    connection = _inside(response.stream, _WAY_TO_H11)
    if connection is None:
        return
    if connection.trailing_data[0] or _announces_too_much(response):
        connection.send_failed()  # the only state that makes httpcore close a connection after a whole answer


def _inside(whole: object, way: tuple[str, ...]) -> Any:
    """Return what these attributes lead to, one after the other; None if one of them is not there."""
    for name in way:
        whole = getattr(whole, name, None)
    return whole


def _announces_too_much(response: httpx.Response) -> bool:
    length = response.headers.get("content-length", "0")
    return response.status_code == 204 and (length != "0" or "transfer-encoding" in response.headers)


def _unpacker(encoding: str) -> Callable[[bytes], Iterator[bytes]]:
    if encoding in ("", "identity"):
        return _parts
    if encoding not in (PACKED, "x-gzip", "deflate"):
        raise Unreadable("the answer is packed in a way that was not asked for")
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, as it says itself

    def unpack(data: bytes) -> Iterator[bytes]:
        while data and not inflate.eof:
            try:
                part = inflate.decompress(data, PIECE_BYTES)
            except zlib.error:
                part = None
            if part is None:
                raise Unreadable("the answer cannot be unpacked")
            data = inflate.unconsumed_tail
            yield part

    return unpack


def _parts(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), PIECE_BYTES):
        yield data[start : start + PIECE_BYTES]
