"""When what rests is looked at again."""

import math
import random
from typing import Final

LOOKS_A_SECOND: Final = 25.0
"""The most looks at rest at resources: what happens is told by watches and lists, and a look finds only what these missed. More
would cost a process with very many resources several percent of a core all day.
"""
STEPS_AN_INTERVAL: Final = 300
SHORTEST: Final = 0.9
LONGEST: Final = 1.1
"""The parts of an interval after which something is looked at again: spread, for what began together shall not stay together."""


def look_seconds(resync_seconds: float, resources: int) -> float:
    """Return the seconds in which each of so many resources is looked at once: `resync_seconds`, or more if else there would be
    more than LOOKS_A_SECOND.
    """
    return max(resync_seconds, resources / LOOKS_A_SECOND)


def next_look(now: float, interval: float) -> float:
    """Return the moment at which something that rests is looked at again, 0.9 to 1.1 intervals and one step from now.

    In steps, 300 an interval: waking up costs a process at rest more than most looks do, so thousands share their wakings.
    """
    step = interval / STEPS_AN_INTERVAL
    spread = random.uniform(SHORTEST, LONGEST)  # noqa: S311 (spreads load, guards nothing)
    return math.ceil((now + interval * spread) / step) * step
