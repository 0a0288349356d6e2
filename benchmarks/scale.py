"""Many resources in several projects, at rest: whether start, reactions, memory and CPU grow no faster than their number."""

import asyncio
import sys
import time
from collections.abc import Sequence

from benchmarks.at_rest import SETTLE_SECONDS, SPEED, WINDOW_SECONDS, Rest, growth, measured
from benchmarks.figures import Figure, percentile
from benchmarks.reactions import Reactions
from benchmarks.restart import first_reaction_after_start
from benchmarks.stage import Stage

SIZES = (10_000, 50_000, 100_000)
PROJECTS = 4
SAMPLES = 200
SLOWER_SPEED = 4
"""The operator's clock with more than the first size: by SPEED it would be busy all the time."""
LOOK_SECONDS = 600
"""By the operator's clock: 10,000 resources are each looked at once in that time; of more, so many as LOOKS_A_SECOND lets."""
ASKED_EVERY_SECONDS = 0.02


async def scale(stage: Stage, share: float) -> list[Figure]:
    rows, figures, part = list[Rest](), list[Figure](), min(1, share * 10)
    for size in SIZES:
        resources = int(size * share)
        topics = await stage.at_rest(resources)
        started = await first_reaction_after_start(stage, topics)
        await stage.until_nothing_waits()
        await asyncio.sleep(SETTLE_SECONDS * part)
        await stage.sandbox.clear_requests()
        measuring = Reactions(stage, topics[1:]).measure(max(3, int(SAMPLES * part)))
        reactions, held = await asyncio.gather(measuring, _longest_hold(stage, WINDOW_SECONDS * part))
        speed = SPEED if size == SIZES[0] else SLOWER_SPEED
        rows.append(await measured(stage, resources, LOOK_SECONDS / speed * part, speed))
        found = _figures(rows[-1], started, reactions, held, await stage.list_the_cloud(), size)
        sys.stderr.write("".join(f"{figure}\n" for figure in found))  # the next size takes long
        figures += found
    return [*figures, growth(rows[0], rows[-1], 8)]


def _figures(
    rest: Rest, started: float, reactions: Sequence[float], held: float, listed: float, size: int
) -> list[Figure]:
    name = f"{rest.size:,} resources in {PROJECTS} projects"
    return [
        Figure(f"{name}: from start to the first reaction", started, "s"),
        Figure(f"{name}: first reaction p50", percentile([*reactions], 0.5), "ms"),
        Figure(f"{name}: first reaction p99", percentile([*reactions], 0.99), "ms", 1000),
        Figure(f"{name}: the longest that the event loop was held", held, "ms"),
        Figure(f"{name}: API calls an hour", rest.calls, ""),
        Figure(f"{name}: writes to Kubernetes", rest.writes, "", 0),
        Figure(f"{name}: CPU", rest.cpu, "% of a core", 3 if size <= SIZES[1] else None, rest.reading, size=rest.size),
        Figure(f"{name}: memory", rest.memory, "MiB", size=rest.size),
        Figure(f"{name}: a list of the whole cloud, by a script", listed, "s"),
    ]


async def _longest_hold(stage: Stage, seconds: float) -> float:
    """Ask a probe again and again for so long; return the longest that an answer took, in milliseconds. Whatever holds the event
    loop for longer than ASKED_EVERY_SECONDS shows in it, and so does a machine that is busy with other things.
    """
    longest, ends = 0.0, time.monotonic() + seconds
    async with stage.probe() as is_ready:
        while time.monotonic() < ends:
            began = time.perf_counter()
            await is_ready()
            longest = max(longest, time.perf_counter() - began)
            await asyncio.sleep(ASKED_EVERY_SECONDS)
    return 1000 * longest
