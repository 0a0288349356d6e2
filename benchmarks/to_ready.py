"""How long, and how much CPU, until many resources are Ready - beside the floor in the same run."""

import asyncio
import time
from typing import Any

from benchmarks.bare import bare_script
from benchmarks.figures import Figure, percentile
from benchmarks.floor import CREATE_BY_FIVE, CREATE_BY_FOUR, CREATE_BY_THREE, DELETE
from benchmarks.stage import Stage, kafka, postgresql, topic, user

WAYS = (CREATE_BY_FIVE, CREATE_BY_FOUR, CREATE_BY_THREE)
SETTLE_SECONDS = 5


async def to_ready(stage: Stage, scale: float) -> list[Figure]:
    """Apply 1,000 users, then 250 topics and 50 datastores; the bare script does the same for 1,000 users.

    The bare script does so with four writes a user, as the operator, and with five and with three, before the users and after
    them, as a machine's speed changes in minutes.
    """
    users, topics, datastores = (max(1, int(count * scale)) for count in (1000, 250, 50))
    await stage.create_all([postgresql("main"), postgresql("floor"), kafka("kafka")])
    await stage.until_ready({"ManagedDatastore": 3})
    before = [await _floor(stage, users, what) for what in WAYS]
    alone = await _measured(stage, [user(f"user{number}", "main") for number in range(users)])
    after = [await _floor(stage, users, what) for what in WAYS]
    by_five, floor, by_three = (_mean(*pair) for pair in zip(before, after, strict=True))
    others = [topic(f"topic{number}", "kafka") for number in range(topics)]
    others += [postgresql(f"datastore{number}") for number in range(datastores)]
    mixed = await _measured(stage, others)
    return [
        Figure(f"{users} users: from apply to Ready", alone["wall"], "s", 1.5, floor["wall"], 13.3, True),
        Figure(f"{users} users: half of them are Ready after", alone["half"], "s", None, floor["half"], 6.8),
        Figure(f"{users} users: the same beside five writes each", alone["wall"], "s", None, by_five["wall"]),
        Figure(f"{users} users: the same beside three writes each", alone["wall"], "s", None, by_three["wall"]),
        Figure(f"{users} users: CPU of the operator", alone["cpu"], "s", None, floor["cpu"], 6.7),
        Figure("memory before", alone["memory"], "MiB", 150, None, 54),
        Figure(f"memory after {users} users", alone["memory_after"], "MiB", None, None, 173),
        Figure("memory a user, while they are created", alone["growth"] / users, "KiB", 20),
        Figure(f"{topics} topics and {datastores} datastores besides: from apply to Ready", mixed["wall"], "s"),
        Figure("CPU of the operator for these", mixed["cpu"], "s"),
    ]


async def _measured(stage: Stage, manifests: list[dict[str, Any]]) -> dict[str, float]:
    before, began, began_at = stage.operator_usage(), time.perf_counter(), time.time()
    await stage.create_all(manifests)
    await stage.until_these_are_ready(manifests)
    wall, after = time.perf_counter() - began, stage.operator_usage()
    last = manifests[-1]
    ready_at = await stage.ready_at(last["kind"], {each["metadata"]["name"] for each in manifests})
    return {
        "wall": wall,
        "half": percentile(ready_at, 0.5) - began_at,
        "cpu": after.cpu_seconds - before.cpu_seconds,
        "memory": before.memory_mib,
        "memory_after": after.memory_mib,
        "growth": (after.memory_mib - before.memory_mib) * 1024,
    }


def _mean(one: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    return {name: (value + other[name]) / 2 for name, value in one.items()}


async def _floor(stage: Stage, users: int, what: str) -> dict[str, float]:
    """The same for as many users of another datastore, with the operator stopped."""
    await stage.operator.stop()
    began = time.perf_counter()
    await stage.create_all([user(f"floor{number}", "floor") for number in range(users)])
    applied = time.perf_counter() - began
    floor = await bare_script(stage, what, "floor")
    await stage.delete_all("DatabaseUser", [f"floor{number}" for number in range(users)])
    await bare_script(stage, DELETE, "floor")
    await stage.start_operator()
    await asyncio.sleep(SETTLE_SECONDS)
    return {"wall": floor["wall"] + applied, "half": floor["half"] + applied, "cpu": floor["cpu"]}
