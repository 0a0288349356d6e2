"""What the operator costs while nothing happens: calls, writes, CPU and memory, by the number of resources."""

import asyncio
import sys
import time
from dataclasses import dataclass

import httpx
import orjson

from benchmarks.figures import Figure
from benchmarks.processes import usage
from benchmarks.stage import Stage

SIZES = (100, 1000, 5000, 10_000)
PEERS_SIZE = 1000
SPEED = 10
"""The operator's clock for this: a window of a minute has ten minutes' polls, and one look at each resource."""
SETTLE_SECONDS = 65
"""By the operator's clock more than the ten minutes after which catalogues are written for quotas that have changed."""
WINDOW_SECONDS = 60
IMPORTS = """
import sys
from managed_databases.lean_imports import leave_out
leave_out()
import managed_databases.kube.running
print(flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Rest:
    """By the operator's clock: calls an hour, CPU (and what reading the answers takes of it) in percent of a core.

    `writes` in all, memory in MiB.
    """

    size: int
    calls: float
    writes: int
    cpu: float
    reading: float
    memory: float


async def at_rest(stage: Stage, scale: float) -> list[Figure]:
    """In a process that was started with the resources there, so that no memory is counted that creating took."""
    sizes = [max(10, int(size * scale)) for size in SIZES]
    window = max(6.0, WINDOW_SECONDS * min(1, scale * 10))
    imports = await imports_mib()
    rows = []
    for size in sizes:
        await stage.at_rest(size)
        rows.append(await measured(stage, size, window))
    return [*(figure for row in rows for figure in _figures(row, imports)), growth(rows[0], rows[-1], 20)]


async def measured(stage: Stage, size: int, window: float, speed: int = SPEED) -> Rest:
    """Measure for `window` seconds, in a new process and with so fast a clock; afterwards another process has a usual one."""
    await stage.operator.stop()
    await stage.start_operator(clock_speed=speed)
    await stage.until_nothing_waits()
    await asyncio.sleep(SETTLE_SECONDS * window / WINDOW_SECONDS)
    found = await _window(stage, size, window, speed)
    await stage.operator.stop()
    await stage.start_operator(clock_speed=1)
    return found


def growth(first: Rest, last: Rest, most: float) -> Figure:
    """Return the memory a resource in KiB, between two sizes; `most` is the aim."""
    each = (last.memory - first.memory) * 1024 / (last.size - first.size)
    return Figure(f"memory a resource, from {first.size:,} to {last.size:,}", each, "KiB", most)


def _figures(row: Rest, imports: float) -> list[Figure]:
    name = f"{row.size:,} resources"
    return [
        Figure(f"{name}: API calls an hour", row.calls, "", 600, None, 91_000 if row.size == PEERS_SIZE else None),
        Figure(f"{name}: writes to Kubernetes", row.writes, "", 0),
        Figure(f"{name}: CPU", row.cpu, "% of a core", 1 if row.size <= SIZES[2] else None, row.reading, size=row.size),
        Figure(f"{name}: memory", row.memory, "MiB", 150 if row.size <= SIZES[0] else None, imports, size=row.size),
    ]


async def _window(stage: Stage, size: int, seconds: float, speed: int) -> Rest:
    await stage.sandbox.clear_requests()
    writes = stage.kubernetes_writes()
    before, began = stage.operator_usage(), time.perf_counter()
    await asyncio.sleep(seconds)
    after, took = stage.operator_usage(), (time.perf_counter() - began) * speed
    requests = await stage.sandbox.requests(path="/v1/")
    lists = [request["path"] for request in requests if request["method"] == "GET"]
    return Rest(
        size=size,
        calls=len(requests) * 3600 / took,
        writes=stage.kubernetes_writes() - writes,
        cpu=100 * (after.cpu_seconds - before.cpu_seconds) / took,
        reading=100 * await _reading_seconds(stage, lists) / took,
        memory=after.memory_mib,
    )


async def _reading_seconds(stage: Stage, paths: list[str]) -> float:
    """The floor: the CPU that it takes to send the same requests and parse their answers."""
    async with httpx.AsyncClient(
        headers={"X-Auth-Token": await stage.sandbox_token()}, trust_env=False, timeout=60
    ) as http:
        began = time.process_time()
        for path in paths:
            orjson.loads((await http.get(f"{stage.sandbox.url}{path}")).content)
        return time.process_time() - began


async def imports_mib() -> float:
    """The floor of memory: a process that imports the operator and waits."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", IMPORTS, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    await process.stdout.readline()
    found = usage(process.pid).memory_mib
    await process.communicate(b"")
    return found
