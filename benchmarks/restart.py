"""A restart with many resources: when it reacts again, and what it asks and writes until then."""

import asyncio
import sys
import time
from collections.abc import Sequence

from benchmarks.at_rest import IMPORTS
from benchmarks.figures import Figure
from benchmarks.reactions import Reactions
from benchmarks.stage import NAMESPACE, PATIENCE_SECONDS, Stage

SETTLE_SECONDS = 10
QUIET_SECONDS = 30


async def restart(stage: Stage, scale: float) -> list[Figure]:
    """With 5,000 resources."""
    resting = int(5000 * scale)
    topics = await stage.at_rest(resting)
    await stage.operator.stop()
    await stage.start_operator()  # how much of the quotas is used is read now and then: let it be told before
    await asyncio.sleep(SETTLE_SECONDS)
    await stage.operator.stop()
    await stage.sandbox.clear_requests()
    writes = stage.kubernetes_writes()
    await stage.start_operator()
    await asyncio.sleep(max(10, QUIET_SECONDS * min(1, scale * 10)))
    requests = await stage.sandbox.requests(path="^/v1/")
    changing = [request for request in requests if request["method"] != "GET"]
    written = stage.kubernetes_writes() - writes

    reaction = await first_reaction_after_start(stage, topics)
    return [
        Figure("from start to the first reaction", reaction, "s", 10, await _floor(stage)),
        Figure("API calls", len(requests), "", 20),
        Figure("of these, changing ones", len(changing), "", 0),
        Figure("writes to Kubernetes", written, "", 0),
    ]


async def first_reaction_after_start(stage: Stage, topics: Sequence[str]) -> float:
    """Change the first topic while no operator runs, then start it; return the seconds from the start to the call."""
    await stage.operator.stop()
    await stage.sandbox.clear_requests()
    found = await stage.cluster.get("KafkaTopic", topics[0], NAMESPACE)
    spec = {"spec": {"partitions": found["spec"]["partitions"] + 1}}
    await stage.cluster.patch("KafkaTopic", topics[0], NAMESPACE, spec)
    began = time.time()
    await stage.start_operator()
    return max(await Reactions(stage, topics).calls_after({found["status"]["id"]: began}, PATIENCE_SECONDS)) / 1000


async def _floor(stage: Stage) -> float:
    """Start Python, import the operator, and list everything once, here and there."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", IMPORTS, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    await process.communicate(b"")
    for kind in ("ManagedDatastore", "DatabaseUser", "KafkaTopic"):
        await stage.cluster.list(kind, NAMESPACE)
    await stage.list_the_cloud()
    return time.perf_counter() - began
