"""How fast the sandbox answers, beside a bare ASGI application under the same server in the same run.

Rates are per second of the server's own CPU time, so
that they mean the same on a busy machine; the ratios compare the sandbox with the bare application.
"""

import asyncio
import itertools
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import orjson

from benchmarks.figures import Figure
from benchmarks.processes import usage
from sandbox.account import account_of

CONNECTIONS = 8

_SANDBOX = ("-m", "managed_databases.sandbox", "--port", "0")

_BARE = """
import sys
from managed_databases.sandbox.server import listen, serve

class Bare:
    backing = None
    store = type("Store", (), {"close": lambda self: None})()

    async def __call__(self, scope, receive, send):
        await receive()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": BODY})

BODY = b"x" * 300
listener = listen("127.0.0.1", 0)
print(f"listening on :{listener.getsockname()[1]}", flush=True)
serve(Bare(), listener)
"""


@dataclass(frozen=True)
class Process:
    """A server that is up; `start_seconds` is how long that took."""

    pid: int
    port: int
    start_seconds: float


async def sandbox(objects: int) -> list[Figure]:
    """Make `objects` users by POST, get them by id; without and with a state file."""
    async with server("-c", _BARE) as bare:
        floor = await rate(bare, lambda n: request(b"GET", "/", b"-"), objects)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        state = ("--state", str(Path(folder) / "state"))
        for name, options in (("in memory", ()), ("with a state file", state)):
            async with server(*_SANDBOX, *options) as process:
                figures += await _measured(name, process, objects, floor)
        async with server(*_SANDBOX, *state) as process:
            figures.append(Figure(f"start with {objects:,} objects in the state file", process.start_seconds, "s"))
    return figures


async def _measured(name: str, process: Process, objects: int, floor: float) -> list[Figure]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{process.port}", trust_env=False, timeout=60) as http:
        account = await account_of(http)
        token = account.token.encode()
        datastore = (await account.admin("create", collection="datastores", body={}))["object"]
        before = usage(process.pid)

        def post(n: int) -> bytes:
            told = {"name": f"u{n}", "password": "p", "datastore_id": datastore["id"]}
            return request(b"POST", "/v1/users", token, orjson.dumps({"user": told}))

        posts = await rate(process, post, objects)
        await account.admin("complete")
        after = usage(process.pid)
        ids = [row["id"] for row in await account.get("/users")]
        gets = await rate(process, lambda n: request(b"GET", f"/v1/users/{ids[n]}", token), objects)
    size = (after.memory_mib - before.memory_mib) * 1024 / objects
    return [
        Figure(f"{name}: creations a second of its CPU", posts, "", None, floor),
        Figure(f"{name}: reads by id a second of its CPU", gets, "", None, floor),
        Figure(f"{name}: memory an object", size, "KiB"),
    ]


@asynccontextmanager
async def server(*command: str) -> AsyncIterator[Process]:
    """Start a server in Python; its first line ends in its port."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        line = (await process.stdout.readline()).decode()
        yield Process(process.pid, int(line.rpartition(":")[2]), time.perf_counter() - began)
    finally:
        process.terminate()
        await process.wait()


def request(method: bytes, path: str, token: bytes, body: bytes = b"") -> bytes:
    head = b"%s %s HTTP/1.1\r\nHost: sandbox\r\nX-Auth-Token: %s\r\n" % (method, path.encode(), token)
    return head + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


async def rate(process: Process, make: Callable[[int], bytes], count: int) -> float:
    """Send `count` requests over a few connections; return how many were answered in a second of the server's CPU."""
    numbers = itertools.count()
    before = usage(process.pid).cpu_seconds

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", process.port)
        while (number := next(numbers)) < count:
            writer.write(make(number))
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            assert head.startswith(b"http/1.1 20"), head
            await reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r\n")[0]))
        writer.close()

    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    return count / (usage(process.pid).cpu_seconds - before)
