"""Deleting many at once, and whether a busy datastore holds up the others."""

import asyncio
import time
from datetime import datetime

from benchmarks.bare import bare_script
from benchmarks.figures import Figure, percentile
from benchmarks.floor import DELETE
from benchmarks.stage import NAMESPACE, Stage, kafka, postgresql, topic, user

OTHERS = 20


async def deletion(stage: Stage, scale: float) -> list[Figure]:
    """1,000 users; then a datastore that gets 1,000 topics while another gets a user now and then."""
    count = max(10, int(1000 * scale))
    await stage.create_all([postgresql("doomed"), postgresql("floored"), postgresql("calm"), kafka("busy")])
    await stage.create_all([user(f"doomed{number}", "doomed") for number in range(count)])
    await stage.create_all([user(f"floored{number}", "floored") for number in range(count)])
    await stage.until_quiet()
    before, began = stage.operator_usage(), time.perf_counter()
    await stage.delete_all("DatabaseUser", [f"doomed{number}" for number in range(count)])
    asked = time.perf_counter() - began
    await stage.until_gone("DatabaseUser", "doomed")
    wall, cpu = time.perf_counter() - began, stage.operator_usage().cpu_seconds - before.cpu_seconds
    held_up = await _held_up(stage, count)
    await stage.operator.stop()
    await stage.delete_all("DatabaseUser", [f"floored{number}" for number in range(count)])
    floor = await bare_script(stage, DELETE, "floored")
    await stage.start_operator()
    return [
        Figure(f"{count:,} users: from delete to gone", wall, "s", None, floor["wall"] + asked),
        Figure(f"{count:,} users: CPU of the operator", cpu, "s", None, floor["cpu"]),
        Figure(f"a user's creation while another datastore gets {count:,} topics: p50", percentile(held_up, 0.5), "ms"),
        Figure(f"a user's creation while another datastore gets {count:,} topics: most", max(held_up), "ms", 1000),
    ]


async def _held_up(stage: Stage, count: int) -> list[float]:
    """Milliseconds from before a user is applied until the API is asked to make it."""
    await stage.sandbox.clear_requests()
    filling = asyncio.create_task(stage.create_all([topic(f"busy{number}", "busy") for number in range(count)]))
    applied: dict[str, float] = {}
    for number in range(OTHERS):
        applied[name := f"calm{number}"] = time.time()
        await stage.cluster.create(user(name, "calm"))
        await asyncio.sleep(0.1)
    await filling
    await stage.until_quiet()
    posts = await stage.sandbox.requests("POST", "^/v1/users$")
    came = {each["body"]["user"]["name"]: datetime.fromisoformat(each["at"]).timestamp() for each in posts}
    missing = applied.keys() - came.keys()
    if missing:
        raise RuntimeError(f"never asked for in namespace {NAMESPACE}: {sorted(missing)}")
    return [1000 * (came[name] - at) for name, at in applied.items()]
