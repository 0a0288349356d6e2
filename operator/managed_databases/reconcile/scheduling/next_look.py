"""When a resource that rests is looked at again."""

import math
import random
from typing import Final

LOOKS_A_SECOND: Final = 25.0
"""The most looks at rest, on average: what happens is told by watches and lists, and a look finds only what these missed. More
would cost a process with very many resources several percent of a core all day.
"""
_STEPS_AN_INTERVAL: Final = 300


def look_seconds(resync_seconds: float, resources: int) -> float:
    """Return the seconds in which each of so many resources is looked at once: `resync_seconds`, or more if else there would be
    more than LOOKS_A_SECOND.
    """
    return max(resync_seconds, resources / LOOKS_A_SECOND)


def next_look(now: float, interval: float) -> float:
    """Return the moment at which a resource that rests is looked at again, 0.9 to 1.1 intervals and one step from now.

    Spread, so that what began together does not stay together; but in steps, 300 an interval: waking up costs a process at
    rest more than most looks do, so those of thousands of resources share their wakings.
    """
    step = interval / _STEPS_AN_INTERVAL
    spread = random.uniform(0.9, 1.1)  # noqa: S311 (spreads load, guards nothing)
    return math.ceil((now + interval * spread) / step) * step
