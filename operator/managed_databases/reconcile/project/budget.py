"""How many calls a project may make: one rate for all, with a share that is kept for what people change."""

import asyncio

from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.queue import Lane

_CLOSED_SECONDS = 5.0
_LONGEST_CLOSED_SECONDS = 3600.0
_LEAST_PACE = 1 / 8
_RECOVERY_SECONDS = 60.0


class Budget:
    """Two token buckets that share one rate.

    `people_share` (0 to 1) of the rate and of the burst fills the bucket of PEOPLE, the rest that of TIME; what one
    cannot hold goes to the other. PEOPLE may also take from TIME's while nobody waits for TIME. So each lane has its
    share for certain, and what the other leaves. Within a lane calls go first come, first served.
    """

    def __init__(
        self, clock: Clock, calls_per_second: float = 20.0, burst: int = 40, people_share: float = 0.25
    ) -> None:
        self._clock = clock
        self._rate = calls_per_second
        self._share = {Lane.PEOPLE: people_share, Lane.TIME: 1 - people_share}
        self._room = {lane: max(1.0, burst * share) for lane, share in self._share.items()}
        self._tokens = dict(self._room)
        self._filled_at = clock.monotonic()
        self._turn = {lane: asyncio.Lock() for lane in Lane}
        self._waiting = dict.fromkeys(Lane, 0)
        self._closed_until: float | None = None
        self._pace = 1.0
        self._paced_at = clock.monotonic()

    async def admit(self, lane: Lane) -> None:
        """Wait until the lane may make one call, and take it from the budget."""
        self._waiting[lane] += 1
        try:
            async with self._turn[lane]:
                while (seconds := self._take(lane)) > 0:
                    await self._clock.sleep(seconds)
        finally:
            self._waiting[lane] -= 1

    def refused(self, lane: Lane, retry_after_seconds: float | None) -> None:
        """The API answered 429 to a call of that lane.

        TIME closes for `retry_after_seconds` (5 when the API did not say, an hour at most). The pace of PEOPLE halves,
        down to an eighth, and is back after a minute; the call itself is the caller's to delay.
        """
        now = self._clock.monotonic()
        if lane is Lane.PEOPLE:
            self._pace, self._paced_at = max(_LEAST_PACE, self._current_pace() / 2), now
            return
        seconds = _CLOSED_SECONDS if retry_after_seconds is None else retry_after_seconds
        self._closed_until = max(self._closed_until or now, now + min(seconds, _LONGEST_CLOSED_SECONDS))

    def closed_until(self, lane: Lane) -> float | None:
        """The clock's moment at which a closed lane opens; None when it is open. PEOPLE never closes."""
        if lane is Lane.PEOPLE or self._closed_until is None or self._closed_until <= self._clock.monotonic():
            return None
        return self._closed_until

    def left(self, lane: Lane) -> float:
        """How many calls the lane may make at once, by its own share."""
        self._fill()
        return self._tokens[lane]

    def _take(self, lane: Lane) -> float:
        """Take one call's tokens and return 0, or return the seconds after which it is worth asking again."""
        closed_until = self.closed_until(lane)
        if closed_until is not None:
            return closed_until - self._clock.monotonic()
        self._fill()
        cost = 1.0
        source = lane
        if lane is Lane.PEOPLE:
            cost = min(1 / self._current_pace(), self._room[lane])
            if self._tokens[lane] < cost <= self._tokens[Lane.TIME] and self._time_is_at_rest():
                source = Lane.TIME
        lacking = cost - self._tokens[source]
        if lacking > 0:
            return max(lacking / (self._rate * max(self._share[source], 0.01)), 0.001)
        self._tokens[source] -= cost
        return 0.0

    def _time_is_at_rest(self) -> bool:
        return not self._waiting[Lane.TIME] or self.closed_until(Lane.TIME) is not None

    def _fill(self) -> None:
        now = self._clock.monotonic()
        fresh = (now - self._filled_at) * self._rate
        self._filled_at = now
        spilt = 0.0
        for lane in Lane:
            tokens = self._tokens[lane] + fresh * self._share[lane]
            self._tokens[lane] = min(tokens, self._room[lane])
            spilt += tokens - self._tokens[lane]
        for lane in Lane:
            self._tokens[lane] = min(self._tokens[lane] + spilt, self._room[lane])

    def _current_pace(self) -> float:
        return min(1.0, self._pace + (self._clock.monotonic() - self._paced_at) / _RECOVERY_SECONDS)
