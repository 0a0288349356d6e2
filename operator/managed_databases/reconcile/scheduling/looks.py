"""Gives each look at rest its moment, so that there are never more looks than the process can afford."""

import math
import random
from collections import Counter
from collections.abc import Callable
from typing import Final

from managed_databases.reconcile.scheduling import next_look
from managed_databases.reconcile.scheduling.next_look import LONGEST, SHORTEST, STEPS_AN_INTERVAL, look_seconds

_TRIES: Final = 3
_EARLY: Final = 0.7
_MARGIN: Final = 0.2
"""The part of an interval that a look may wait for its pass."""
_FALLEN: Final = 2 / 3
"""Moments given at a longer interval count until the interval is this part of it: to give others costs as much as there are."""


class Looks:
    """The moments of looks, in steps of time, each with room for as many looks as LOOKS_A_SECOND allows.

    A resource is looked at 0.9 to 1.1 intervals after its last pass; sooner if there is no more room then, as after a start, when
    all have had their pass at once. It is never looked at later: there is room for all in one interval. Whoever takes a step
    gives it back when it takes the next one, or by `leave`.
    """

    def __init__(self, resync_seconds: float, draw: Callable[[], float] = random.random) -> None:
        self._resync_seconds = resync_seconds
        self._draw = draw
        self._step_seconds = max(resync_seconds / STEPS_AN_INTERVAL, 1 / next_look.LOOKS_A_SECOND)
        self._room = math.floor(next_look.LOOKS_A_SECOND * self._step_seconds + 1e-9)
        self._taken: Counter[int] = Counter()
        self._longest = resync_seconds
        """The longest interval at which a moment that still counts may have been given."""
        self._longer_before = (0.0, 0.0)
        """The longest interval before the last fall, and the moment until which looks given then may be the newest."""

    def longest(self, now: float) -> float:
        """Return the longest interval that may lie between the last look at a resource and the next one."""
        before, until = self._longer_before
        return max(self._longest, before) if now < until else self._longest

    def moment(self, step: int) -> float:
        """Return the moment of the clock at which a step begins."""
        return step * self._step_seconds

    def take(self, held: int | None, now: float, resources: int) -> int:
        """Give back the step `held`, and return the step of the next look."""
        self.leave(held)
        interval = look_seconds(self._resync_seconds, resources)
        self._longest = max(self._longest, interval)
        return self._take_one_of([SHORTEST] * _TRIES + [_EARLY] * _TRIES, now, interval)

    def leave(self, held: int | None) -> None:
        """Give back a step; None: there is none."""
        if held is not None and held in self._taken:
            self._taken[held] -= 1
            if not self._taken[held]:
                del self._taken[held]

    def has_fallen(self, now: float, resources: int) -> bool:
        """Return whether there are so many fewer resources now that moments given before may be far too late; `sooner` has to be
        asked for each of them then.
        """
        interval = look_seconds(self._resync_seconds, resources)
        if interval >= _FALLEN * self._longest:
            return False
        self._longer_before = (self.longest(now), now + (LONGEST + _MARGIN) * interval)
        self._longest = interval
        return True

    def sooner(self, held: int, now: float, resources: int) -> int | None:
        """Return another step instead of `held`, in the interval of so many resources; None if `held` is soon enough."""
        interval = look_seconds(self._resync_seconds, resources)
        if self.moment(held) <= now + LONGEST * interval:
            return None
        self.leave(held)
        return self._take_one_of([0.0] * _TRIES, now, interval)

    def _take_one_of(self, shortest: list[float], now: float, interval: float) -> int:
        for least in shortest:
            step = self._step(now + interval * (least + (LONGEST - least) * self._draw()))
            if self._taken[step] < self._room:
                break
        else:  # the last one with room
            step = self._step(now + interval * LONGEST)
            while self._taken[step] >= self._room and self.moment(step - 1) > now:
                step -= 1
        self._taken[step] += 1
        return step

    def _step(self, moment: float) -> int:
        return math.ceil(moment / self._step_seconds)
