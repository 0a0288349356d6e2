"""Runs the bare script (`floor.py`) on a stage."""

import asyncio
import sys

import orjson

from benchmarks.stage import NAMESPACE, Stage


async def bare_script(stage: Stage, what: str, datastore: str) -> dict[str, float]:
    """Create (in one of the ways of `floor`) or delete all users whose names begin with the datastore's.

    Return the seconds of `wall` and `cpu`, and after how many half of them were done.
    """
    parent = await stage.cluster.get("ManagedDatastore", datastore, NAMESPACE)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.floor", what, str(stage.plane.kubeconfig), stage.sandbox.endpoint,
        await stage.sandbox_token(), parent["status"]["id"], NAMESPACE, datastore, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the bare script ended with {process.returncode}")
    told: dict[str, float] = orjson.loads(output)
    return told
