"""Limits how often each of many (a namespace, a resource) may cause work that costs all of them."""

from collections.abc import Hashable

from managed_databases.reconcile.clock import Clock

_MAX_REMEMBERED = 10_000


class Allowance:
    """Allows each one `at_once` uses in a row, and one further use for every `seconds` seconds since."""

    def __init__(self, clock: Clock, at_once: int, seconds: float) -> None:
        self._clock = clock
        self._ahead = (at_once - 1) * seconds
        self._seconds = seconds
        self._paid_until: dict[Hashable, float] = {}
        """What was had is paid for by then. Whoever owes nothing is not remembered for long."""
        self._promised: dict[Hashable, float] = {}

    def has_now(self, who: Hashable) -> bool:
        """Return whether `who` may have one use now; if so, the use is counted."""
        now = self._clock.monotonic()
        if self._earliest(who, now) > now:
            return False
        self._pay(who, now)
        return True

    def moment(self, who: Hashable) -> float:
        """Return the moment of the clock at which `who` may have one use: now, or later.

        Until that moment `who` gets the same answer again, and the use is counted once.
        """
        now = self._clock.monotonic()
        promised = self._promised.get(who, now)
        if promised > now:
            return promised
        moment = self._promised[who] = self._earliest(who, now)
        self._pay(who, now)
        return moment

    def _earliest(self, who: Hashable, now: float) -> float:
        return max(self._paid_until.get(who, now) - self._ahead, now)

    def _pay(self, who: Hashable, now: float) -> None:
        if len(self._paid_until) >= _MAX_REMEMBERED:
            self._paid_until = {one: until for one, until in self._paid_until.items() if until > now}
            self._promised = {one: moment for one, moment in self._promised.items() if moment > now}
        self._paid_until[who] = max(self._paid_until.get(who, now), now) + self._seconds
