"""When a resource that rests is looked at again."""

import math
import random
from typing import Final

_STEPS_AN_INTERVAL: Final = 300


def next_look(now: float, resync_seconds: float) -> float:
    """The moment at which a resource that rests is looked at again, 0.9 to 1.1 intervals and one step from now.

    Spread, so that what began together does not stay together; but in steps, 300 an interval: waking up costs a process at
    rest more than most looks do, so those of thousands of resources share their wakings.
    """
    step = resync_seconds / _STEPS_AN_INTERVAL
    spread = random.uniform(0.9, 1.1)  # noqa: S311 (spreads load, guards nothing)
    return math.ceil((now + resync_seconds * spread) / step) * step
