"""`python -m benchmarks [--scale 0.1] [NAME ...]`: run all benchmarks but `scale`, or some, and print their figures.

`--report` puts them into benchmarks/report.md as well; without it a part, or a smaller scale, leaves the report alone.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from benchmarks import report
from benchmarks.answers import answers
from benchmarks.at_rest import at_rest
from benchmarks.deletion import deletion
from benchmarks.figures import Figure
from benchmarks.first_reaction import first_reaction
from benchmarks.restart import restart
from benchmarks.sandbox import sandbox
from benchmarks.scale import PROJECTS, scale
from benchmarks.stage import Stage
from benchmarks.to_ready import to_ready

Benchmark = Callable[[Stage, float], Awaitable[Sequence[Figure]]]

STAGES: Sequence[dict[str, Benchmark]] = (
    {"to_ready": to_ready, "deletion": deletion},
    {"first_reaction": first_reaction, "restart": restart},
    {"at_rest": at_rest},
)
"""What shares a control plane and a sandbox, in this order."""
NAMES = [*(name for stage in STAGES for name in stage), "sandbox", "answers"]
ONLY_BY_NAME = ["scale"]
"""What takes hours."""


async def run(names: Sequence[str], share: float) -> AsyncIterator[tuple[str, Sequence[Figure]]]:
    """Yield the figures of each benchmark when it has ended."""
    for benchmarks in STAGES:
        wanted = {name: benchmark for name, benchmark in benchmarks.items() if name in names}
        if wanted:
            async with Stage() as stage:
                for name, benchmark in wanted.items():
                    yield name, await _told(name, benchmark(stage, share))
    if "scale" in names:
        async with Stage(projects=PROJECTS) as stage:
            yield "scale", await _told("scale", scale(stage, share))
    if "sandbox" in names:
        yield "sandbox", await _told("sandbox", sandbox(int(10_000 * share)))
    if "answers" in names:
        yield "answers", await _told("answers", answers(share))


async def _report(names: Sequence[str], share: float, *, is_written: bool) -> None:
    """Run the benchmarks. What one has measured is in the report even if a later one fails."""
    async for name, figures in run(names, share):
        if is_written:
            report.write({name: figures}, share)


async def _told(name: str, running: Awaitable[Sequence[Figure]]) -> Sequence[Figure]:
    began = time.perf_counter()
    figures = await running
    sys.stdout.write(f"{name} ({time.perf_counter() - began:.0f} s)\n")
    for figure in figures:
        sys.stdout.write(f"  {figure}\n")
    sys.stdout.flush()
    return figures


def main() -> None:
    known = [*NAMES, *ONLY_BY_NAME]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of: {', '.join(known)}; all but the last without one"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="how many of everything; 1 is what the aims are for")
    parser.add_argument("--report", action="store_true", help="write benchmarks/report.md")
    told = parser.parse_args()
    if unknown := set(told.names) - set(known):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    asyncio.run(_report(told.names or NAMES, told.scale, is_written=told.report))


if __name__ == "__main__":
    main()
