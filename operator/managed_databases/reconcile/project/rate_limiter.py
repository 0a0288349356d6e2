"""Limits the calls to a project's API: one rate for all calls, of which a share is kept for changes that people make."""

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.scheduling.fair_queue import FairQueue, Share
from managed_databases.reconcile.scheduling.work_queue import Priority

_CLOSED_SECONDS = 5.0
MAX_CLOSED_SECONDS = 3600.0
_MIN_PACE = 1 / 8
_RECOVERY_SECONDS = 60.0


@dataclass(eq=False, slots=True)
class _Place:
    """A place in the line of a priority."""

    who: Hashable
    priority: Priority
    order: int

    def __lt__(self, other: "_Place") -> bool:
        return self.order < other.order


@dataclass(frozen=True, slots=True)
class _Paid:
    """The tokens that were taken for a call that is not sent yet, and the share from which they were taken."""

    source: Priority
    cost: float


class PriorityClosed(Exception):
    """The priority is closed, for this number of seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"closed for {seconds:.0f} s")
        self.seconds = seconds


class RateLimiter:
    """Two token buckets that share one rate.

    `high_share` (0 to 1) of the rate and of the burst fills the bucket of HIGH, the rest fills that of LOW; tokens that a full
    bucket cannot take go to the other one. HIGH may also take LOW's tokens while no call waits for LOW. So each priority surely
    has its own share, and gets what the other one leaves.

    Background work waits in `admit`; within a priority these calls go first come, first served. A pass does not wait: it asks by
    `take_turn`. If it may not send now, it stands in the line of its priority, and `granted` is called once a call is reserved
    for it, or when the priority closes. In a line the shares take turns. `serve` must run, or no call in a line is reserved.
    """

    def __init__(
        self,
        clock: Clock,
        calls_per_second: float = 20.0,
        burst: int = 40,
        high_share: float = 0.25,
        granted: Callable[[Hashable, Priority], None] = lambda who, priority: None,
    ) -> None:
        self._clock = clock
        self._granted = granted
        self._rate = calls_per_second
        self._share = {Priority.HIGH: high_share, Priority.LOW: 1 - high_share}
        self._room = {priority: max(1.0, burst * share) for priority, share in self._share.items()}
        self._tokens = dict(self._room)
        self._filled_at = clock.monotonic()
        self._turn = {priority: asyncio.Lock() for priority in Priority}
        self._waiting = dict.fromkeys(Priority, 0)
        self._closed_until: float | None = None
        self._pace = 1.0
        self._paced_at = clock.monotonic()
        self._line: dict[Priority, FairQueue[_Place]] = {priority: FairQueue() for priority in Priority}
        # A place in a line counts only while it is the very one that `_places` holds for who stands there.
        self._places: dict[Hashable, _Place] = {}
        self._paid: dict[Hashable, _Paid] = {}
        self._order = 0
        self._somebody_waits = {priority: asyncio.Event() for priority in Priority}

    async def admit(self, priority: Priority) -> None:
        """Wait until the priority may make one call, and take that call from the budget.

        Raises PriorityClosed while the priority is closed, which may last an hour, also if it closes during the wait.
        """
        await self._wait_for_one(priority)

    async def _wait_for_one(self, priority: Priority) -> _Paid:
        self._waiting[priority] += 1
        try:
            async with self._turn[priority]:
                while isinstance(paid := self._take(priority), float):
                    if (closed_until := self.closed_until(priority)) is not None:
                        raise PriorityClosed(closed_until - self._clock.monotonic())
                    await self._clock.sleep(paid)
                return paid
        finally:
            self._waiting[priority] -= 1

    # --- for passes ---

    def take_turn(self, who: Hashable, priority: Priority, share: Share = ()) -> bool:
        """Reserve one call for `who`, or put it into the line of its priority; return whether it may send now."""
        if who in self._paid and self.closed_until(priority) is not None:
            self.leave(who)  # closed since then
        if who in self._paid:
            return True
        place = self._places.get(who)
        is_first = (place is None or place.priority > priority) and not self._is_waited_for(priority)
        if is_first and isinstance(paid := self._take(priority), _Paid):
            self._places.pop(who, None)
            self._paid[who] = paid
            return True
        if place is not None and place.priority <= priority:
            return False
        self._order += 1
        place = self._places[who] = _Place(who, priority, self._order)
        self._line[priority].push(share, place)
        self._somebody_waits[priority].set()
        return False

    def spend(self, who: Hashable) -> None:
        """Use up the call that was reserved for `who`. Raises KeyError if there is none."""
        del self._paid[who]

    def leave(self, who: Hashable) -> None:
        """Take `who` out of the line, and return a call reserved for it. No effect if it has none and is not in line."""
        self._places.pop(who, None)
        paid = self._paid.pop(who, None)
        if paid is not None:
            self._fill()
            self._tokens[paid.source] = min(self._tokens[paid.source] + paid.cost, self._room[paid.source])

    def seconds_to_wait(self, priority: Priority) -> float:
        """Return about how many seconds the last one in the line of this priority will wait."""
        rate = (
            self._rate * max(self._share[priority], 0.01) * (self._current_pace() if priority is Priority.HIGH else 1.0)
        )
        closed = self.closed_until(priority)
        return (0.0 if closed is None else closed - self._clock.monotonic()) + len(self._line[priority]) / rate

    async def serve(self) -> None:
        """Reserve calls for the passes in the lines, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for priority in Priority:
                group.create_task(self._serve(priority), name=f"line of {priority.name}")

    async def _serve(self, priority: Priority) -> None:
        while True:
            await self._somebody_waits[priority].wait()
            if not self._line[priority]:
                self._somebody_waits[priority].clear()
                continue
            try:
                paid = await self._wait_for_one(priority)
            except PriorityClosed as closed:
                await self._clock.sleep(closed.seconds)
                continue
            place = self._next_in_line(priority)
            if place is None:
                self._tokens[paid.source] = min(self._tokens[paid.source] + paid.cost, self._room[paid.source])
                continue
            del self._places[place.who]
            self._paid[place.who] = paid
            self._granted(place.who, priority)

    def _next_in_line(self, priority: Priority) -> _Place | None:
        while (place := self._line[priority].pop()) is not None:
            if self._places.get(place.who) is place:
                return place
        return None

    def _is_waited_for(self, priority: Priority) -> bool:
        return bool(self._line[priority]) or self._waiting[priority] > 0

    # --- what the API says ---

    def refused(self, priority: Priority, retry_after_seconds: float | None) -> None:
        """Enter that the API answered 429 to a call of this priority.

        LOW closes for `retry_after_seconds` (5 if the API did not say, an hour at most). The rate of HIGH halves, down to an
        eighth, and is back after a minute. The caller has to delay the call itself.
        """
        now = self._clock.monotonic()
        if priority is Priority.HIGH:
            self._pace, self._paced_at = max(_MIN_PACE, self._current_pace() / 2), now
            return
        was_open = self.closed_until(priority) is None
        seconds = _CLOSED_SECONDS if retry_after_seconds is None else retry_after_seconds
        self._closed_until = max(self._closed_until or now, now + min(seconds, MAX_CLOSED_SECONDS))
        if was_open:
            for place in [place for place in self._places.values() if place.priority is priority]:
                self._granted(place.who, priority)  # not yet: but whoever waits there may say for what

    def closed_until(self, priority: Priority) -> float | None:
        """Return the moment of the clock at which a closed priority opens; None if it is open. HIGH never closes."""
        if priority is Priority.HIGH or self._closed_until is None or self._closed_until <= self._clock.monotonic():
            return None
        return self._closed_until

    def left(self, priority: Priority) -> float:
        """Return how many calls the priority may make at once from its own share."""
        self._fill()
        return self._tokens[priority]

    def _take(self, priority: Priority) -> _Paid | float:
        """Take the tokens of one call, or return the seconds after which to ask again."""
        closed_until = self.closed_until(priority)
        if closed_until is not None:
            return closed_until - self._clock.monotonic()
        self._fill()
        cost = 1.0
        source = priority
        if priority is Priority.HIGH:
            cost = min(1 / self._current_pace(), self._room[priority])
            if self._tokens[priority] < cost <= self._tokens[Priority.LOW] and self._low_is_at_rest():
                source = Priority.LOW
        lacking = cost - self._tokens[source]
        if lacking > 0:
            return max(lacking / (self._rate * max(self._share[source], 0.01)), 0.001)
        self._tokens[source] -= cost
        return _Paid(source, cost)

    def _low_is_at_rest(self) -> bool:
        return not self._is_waited_for(Priority.LOW) or self.closed_until(Priority.LOW) is not None

    def _fill(self) -> None:
        now = self._clock.monotonic()
        fresh = (now - self._filled_at) * self._rate
        self._filled_at = now
        spilt = 0.0
        for priority in Priority:
            tokens = self._tokens[priority] + fresh * self._share[priority]
            self._tokens[priority] = min(tokens, self._room[priority])
            spilt += tokens - self._tokens[priority]
        for priority in Priority:
            self._tokens[priority] = min(self._tokens[priority] + spilt, self._room[priority])

    def _current_pace(self) -> float:
        return min(1.0, self._pace + (self._clock.monotonic() - self._paced_at) / _RECOVERY_SECONDS)
