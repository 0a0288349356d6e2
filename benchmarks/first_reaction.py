"""From a spec's change to its API call: at rest, while many others are created, while the API refuses a third."""

import asyncio

from benchmarks.figures import Figure, percentile
from benchmarks.reactions import Reactions, floor
from benchmarks.stage import Stage, user

SAMPLES = 200


async def first_reaction(stage: Stage, scale: float) -> list[Figure]:
    """With 5,000 resources at rest."""
    resting, samples, others = int(5000 * scale), max(3, int(SAMPLES * scale)), int(1000 * scale)
    topics = await stage.at_rest(resting)
    reactions = Reactions(stage, topics)
    await stage.sandbox.clear_requests()
    alone = await reactions.measure(samples)
    await stage.at_rest(resting)

    await stage.sandbox.clear_requests()
    creating = asyncio.create_task(stage.create_all([user(f"other{n}", "main") for n in range(others)]))
    busy = await reactions.measure(samples)
    await creating
    await stage.at_rest(resting)

    await stage.sandbox.clear_requests()
    await stage.sandbox.fault(path="^/v1/", share=1 / 3, status=429, headers={"Retry-After": "1"})
    limited = await reactions.measure(samples)
    await stage.sandbox.clear_faults()
    await stage.at_rest(resting)

    await stage.operator.stop()
    await stage.sandbox.clear_requests()
    least = await floor(stage, topics[:samples])
    await stage.start_operator()
    return [
        figure
        for name, times, most in (
            (f"with {resting:,} resources at rest", alone, 250),
            (f"while {others:,} others are created", busy, 1000),
            ("while a third of the calls is answered 429", limited, 1000),
        )
        for figure in (
            Figure(f"{name}: p50", percentile(times, 0.5), "ms", None, percentile(least, 0.5)),
            Figure(f"{name}: p99", percentile(times, 0.99), "ms", most, percentile(least, 0.99)),
        )
    ]
