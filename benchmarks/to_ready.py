"""How long, and how much CPU, until many users are Ready - beside the floor in the same run."""

import asyncio
import sys
import time
from typing import Any

import orjson

from benchmarks.stage import NAMESPACE, Stage, postgresql, user


async def to_ready(users: int = 1000) -> dict[str, Any]:
    """Apply `users` users at once; then the same number by the bare script, against the same servers."""
    async with Stage() as stage:
        await stage.create_all([postgresql("main"), postgresql("floor")])
        await stage.until_ready({"ManagedDatastore": 2})
        before = stage.operator_usage()
        began = time.perf_counter()
        await stage.create_all([user(f"user{number}", "main") for number in range(users)])
        applied = time.perf_counter() - began
        await stage.until_ready({"DatabaseUser": users})
        wall = time.perf_counter() - began
        after = stage.operator_usage()
        floor = await _floor(stage, users)
    return {
        "users": users,
        "applied_seconds": applied,
        "wall_seconds": wall,
        "cpu_seconds": after.cpu_seconds - before.cpu_seconds,
        "memory_before_mib": before.memory_mib,
        "memory_after_mib": after.memory_mib,
        "floor_wall_seconds": floor["wall"] + applied,
        "floor_cpu_seconds": floor["cpu"],
        "wall_ratio": wall / (floor["wall"] + applied),
        "cpu_ratio": (after.cpu_seconds - before.cpu_seconds) / floor["cpu"],
    }


async def _floor(stage: Stage, users: int) -> dict[str, float]:
    await stage.operator.stop()
    await stage.cluster.kubectl("delete", "secrets", "--all", "-n", NAMESPACE, "--wait=false")
    manifests = [user(f"floor{number}", "floor") for number in range(users)]
    for each in await stage.cluster.list("DatabaseUser", NAMESPACE):
        patch = {"metadata": {"finalizers": None}}
        await stage.cluster.patch("DatabaseUser", each["metadata"]["name"], NAMESPACE, patch)
        await stage.cluster.delete("DatabaseUser", each["metadata"]["name"], NAMESPACE)
    await stage.create_all(manifests)
    datastore = await stage.cluster.get("ManagedDatastore", "floor", NAMESPACE)
    token = await stage.sandbox_token()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.floor", str(stage.plane.kubeconfig), stage.sandbox.endpoint, token,
        datastore["status"]["id"], NAMESPACE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == 0
    told: dict[str, float] = orjson.loads(output)
    return told
