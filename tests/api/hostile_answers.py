"""What a hostile API may send, and what reading it costs: how long the event loop stands still, and how much memory."""

import asyncio
import gc
import gzip
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import orjson

from api.wire_server import Script

MIB = 2**20
_PIECE = orjson.dumps([{"id": str(number), "values": [number] * 5} for number in range(300)])
LOOP_LIMIT_PIECES = 150
"""What may be done at one go: less than 100 ms."""


class Beat:
    """Counts the turns that another task gets on the event loop, and how much work was done between two of them at most, in
    pieces of a fixed work that is timed in the same run: a slower or busier machine takes longer for both. The garbage
    collector waits meanwhile; how long it takes, `benchmarks` tells.
    """

    def __init__(self) -> None:
        self.turns = 0
        self._longest_seconds = 0.0
        self._piece_seconds = [seconds_of_a_piece() for _ in range(5)]

    @property
    def longest(self) -> float:
        """Pieces of work; a piece takes 0.6 ms on a machine of 2 GHz or so."""
        return self._longest_seconds / max(self._piece_seconds)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Beat"]:
        task = asyncio.create_task(self._run())
        gc.disable()
        try:
            yield self
        finally:
            gc.enable()
            task.cancel()
            self._piece_seconds += [seconds_of_a_piece() for _ in range(5)]

    async def _run(self) -> None:
        last = time.thread_time()
        while True:
            self.turns += 1
            await asyncio.sleep(0)
            now = time.thread_time()
            self._longest_seconds, last = max(self._longest_seconds, now - last), now


def seconds_of_a_piece() -> float:
    began = time.thread_time()
    for _ in range(10):
        orjson.loads(_PIECE)
    return time.thread_time() - began


class Peak:
    bytes = 0


@contextmanager
def peak_of_memory() -> Iterator[Peak]:
    """What is allocated at most, beyond what was before; what a library allocates without Python is not seen."""
    tracemalloc.start()
    peak = Peak()
    try:
        yield peak
        peak.bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def packed(body: bytes, encoding: bytes = b"gzip", status: bytes = b"200 OK") -> Script:
    sent = gzip.compress(body)

    async def script(writer: asyncio.StreamWriter) -> None:
        head = b"HTTP/1.1 " + status + b"\r\nContent-Type: application/json\r\nContent-Encoding: " + encoding
        writer.write(head + b"\r\nContent-Length: %d\r\n\r\n" % len(sent) + sent)

    return script


def users(rows: int) -> bytes:
    """An honest list: everything that the API tells of a user."""
    row = {
        "id": "3f1c0f5a-7a64-4e35-9d5e-1a2b3c4d5e6f",
        "name": "app",
        "project_id": "0" * 32,
        "status": "ACTIVE",
        "created_at": "2026-01-01T00:00:00",
        "updated_at": "2026-01-01T00:00:00",
        "datastore_id": "5b7c0f5a-7a64-4e35-9d5e-1a2b3c4d5e6f",
    }
    made = (orjson.dumps(row | {"id": f"3f1c0f5a-7a64-4e35-9d5e-{number:012}"}) for number in range(rows))
    return b'{"users":[' + b",".join(made) + b"]}"


def datastores_with(field: bytes, rows: int) -> bytes:
    """Datastores that hold little text and many values."""
    row = b'{"id":"%012d","name":"n",' + field + b"}"
    return b'{"datastores":[' + b",".join(row % number for number in range(rows)) + b"]}"
