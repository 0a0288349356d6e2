"""The queue of resources to reconcile: each key is queued at most once and is in at most one pass at a time; changes that
people make go first.
"""

import asyncio
import heapq
import itertools
from collections import Counter
from collections.abc import Hashable
from enum import IntEnum
from typing import Generic, TypeVar

from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.scheduling.fair_queue import FairQueue, Share
from managed_databases.reconcile.scheduling.queue_stats import QueueStats

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

GROUP_LIMIT = 8
"""The most passes at a time in one datastore. With twice as many a datastore that is alone is no faster, and the API server and
the API have more to do while others wait for them."""
GUARANTEED_PLACES = 4
"""The passes at a time that each project may have, however many others there are."""
GUARANTEED_WITHIN = 2
"""The same for each namespace in a project."""
_HIGH_IN_A_ROW = 7
_LOW_IN_A_ROW = 3
_SPARE_TIMERS = 64


class Priority(IntEnum):
    """Why a pass is to run. The lower value is served first."""

    HIGH = 0
    """A person did something: a changed spec, a deletion, a requested sync."""
    LOW = 1
    """No person did anything: the snapshot changed, or a retry is due."""


class _Aside(Generic[K]):
    """The keys of one group that wait for a free place of the group; some entries may be out of date."""

    def __init__(self) -> None:
        self._entries: dict[Priority, FairQueue[tuple[Priority, int, K]]] = {
            priority: FairQueue() for priority in Priority
        }
        self._low_in_a_row = 0

    def push(self, share: Share, entry: tuple[Priority, int, K]) -> None:
        self._entries[entry[0]].push(share, entry)

    def pop(self) -> tuple[Priority, int, K] | None:
        """Remove and return the next key: three of LOW, then one of HIGH, while both have one."""
        high_is_due = self._low_in_a_row >= _LOW_IN_A_ROW
        for priority in (Priority.HIGH, Priority.LOW) if high_is_due else (Priority.LOW, Priority.HIGH):
            if self._entries[priority]:
                self._low_in_a_row = self._low_in_a_row + 1 if priority is Priority.LOW else 0
                return self._entries[priority].pop()
        return None


class WorkQueue(Generic[K]):
    """A queue of keys with two priorities, timers, shares, and a limit of keys in work per group.

    No key is lost, and no key is in work twice at a time.

    *Priorities.* HIGH goes before LOW, but at least every eighth key comes from LOW while LOW has a key that may run. Within a
    priority the shares take turns, and so do the groups within a share; otherwise the order is first in, first out.

    *Groups.* A key whose group is full steps aside. For each place of the group that becomes free one key comes back, three of
    LOW for one of HIGH: so the work that a thousand changes in one datastore have begun ends while the other changes wait.

    *Places.* One unit (the first part of a share) may have all `places` while it is alone. When all are taken, a unit with fewer
    than `guaranteed` keys in work gets a further place, and so does a part of it (the first two parts of a share) with fewer
    than `guaranteed_within`, so that neither waits for a pass of others to end.

    Every operation is O(log n) amortized. For one event loop; not for threads.
    """

    def __init__(
        self,
        clock: Clock,
        group_limit: int = GROUP_LIMIT,
        *,
        places: int | None = None,
        guaranteed: int = GUARANTEED_PLACES,
        guaranteed_within: int = GUARANTEED_WITHIN,
    ) -> None:
        self._clock = clock
        self.stats: QueueStats[K] = QueueStats(clock)
        self._group_limit = group_limit
        self._places = places
        self._guaranteed = guaranteed, guaranteed_within
        self._wake = asyncio.Event()
        self._watch = asyncio.Lock()
        self._order = itertools.count()
        # An entry in a heap counts only while it is the very tuple that `_queued` or `_timers` holds for its key.
        self._queued: dict[K, tuple[Priority, int, K]] = {}
        self._ready: dict[Priority, FairQueue[tuple[Priority, int, K]]] = {
            priority: FairQueue() for priority in Priority
        }
        self._aside: dict[Hashable, _Aside[K]] = {}
        self._timers: dict[K, tuple[float, int, K, Priority]] = {}
        self._moments: list[tuple[float, int, K, Priority]] = []
        self._groups: dict[K, Hashable] = {}
        self._shares: dict[K, Share] = {}
        self._in_work: dict[K, tuple[Hashable | None, Share]] = {}
        """The group and the share that each counts for."""
        self._busy: Counter[Hashable] = Counter()
        self._busy_units: Counter[Share] = Counter()
        self._again: dict[K, Priority] = {}
        self._high_in_a_row = 0

    def __len__(self) -> int:
        """Return how many keys are queued; keys in work and keys with a timer do not count."""
        return len(self._queued)

    def idle(self) -> bool:
        """Whether no key is queued and none is in work. Timers do not count."""
        return not self._queued and not self._in_work

    def add(self, key: K, priority: Priority) -> None:
        """Queue the key now, and drop its timer.

        If the key is queued already, the higher priority counts. If the key is in work, it is marked dirty: it runs again after
        `done`, with the highest priority that was asked for until then.
        """
        self._timers.pop(key, None)
        if key in self._in_work:
            self._again[key] = min(priority, self._again.get(key, priority))
        elif key not in self._queued or priority < self._queued[key][0]:
            self._queue((priority, next(self._order), key))

    def add_at(self, key: K, moment: float, priority: Priority = Priority.LOW) -> None:
        """Queue the key at that moment of the clock; at once if the moment has passed.

        A key has one timer: of several calls the earliest moment and the higher priority count.
        """
        if moment <= self._clock.monotonic():
            self.add(key, priority)
            return
        known = self._timers.get(key)
        if known is not None and known[0] <= moment and known[3] <= priority:
            return
        if known is not None:
            moment, priority = min(moment, known[0]), min(priority, known[3])
        timer = (moment, next(self._order), key, priority)
        self._timers[key] = timer
        heapq.heappush(self._moments, timer)
        if len(self._moments) > 2 * len(self._timers) + _SPARE_TIMERS:
            self._moments = list(self._timers.values())
            heapq.heapify(self._moments)
        if self._moments[0] is timer:
            self._wake.set()

    def cancel_timer(self, key: K) -> None:
        """Drop the key's timer, if it has one."""
        self._timers.pop(key, None)

    def clear_dirty(self, key: K) -> None:
        """Clear the key's dirty mark: events that arrived before this read are already included.

        No effect on a key that is not in work.
        """
        self._again.pop(key, None)

    def set_group(self, key: K, group: Hashable | None) -> None:
        """Put the key into a group, of which at most `group_limit` keys are in work at a time; None: into none, without limit.

        A key in work counts for its old group until `done`.
        """
        old = self._groups.get(key)
        if old == group:
            return
        if group is None:
            del self._groups[key]
        else:
            self._groups[key] = group
        if key in self._queued:
            priority, order, _ = self._queued[key]
            self._queue((priority, order, key))
            self._call_back(old)

    def set_share(self, key: K, share: Share) -> None:
        """Set the account that the key's passes count for. A key in work counts for its old share until `done`."""
        if self._shares.get(key, ()) == share:
            return
        self._shares[key] = share
        if key in self._queued:
            priority, order, _ = self._queued[key]
            self._queue((priority, order, key))
            self._call_back(self._groups.get(key))

    def remove(self, key: K) -> None:
        """Remove the key from the queue, with its timer, group and share. A key in work will not run again; it still needs its
        `done`.
        """
        self._timers.pop(key, None)
        self._again.pop(key, None)
        self._shares.pop(key, None)
        group = self._groups.pop(key, None)
        if self._queued.pop(key, None) is not None:
            self.stats.removed(key)
            self._call_back(group)

    async def get(self) -> tuple[K, Priority]:
        """Wait for the next key and take it into work; the caller must call `done` for each. Cancelling loses no key.

        Of several callers one waits for keys and timers, and the others wait for that caller: otherwise each key that gets
        ready, and each timer, would wake all of them.
        """
        taken = self._take()
        if taken is not None:
            return taken
        async with self._watch:
            while (taken := self._take()) is None:
                self._wake.clear()
                await self._clock.wait(self._wake, self._moments[0][0] if self._moments else None)
            return taken

    def done(self, key: K) -> None:
        """End the key's pass; a key that is marked dirty is queued again. Raises KeyError if the key is not in work."""
        group, share = self._in_work.pop(key)
        self.stats.done(key)
        if group is not None:
            _count_down(self._busy, group)
        for path in _units(share):
            _count_down(self._busy_units, path)
        priority = self._again.pop(key, None)
        if priority is not None:
            self._queue((priority, next(self._order), key))
        self._call_back(group)

    def _queue(self, entry: tuple[Priority, int, K]) -> None:
        if entry[2] not in self._queued:
            self.stats.queued(entry[2])
        self._queued[entry[2]] = entry
        self._make_ready(entry)

    def _make_ready(self, entry: tuple[Priority, int, K]) -> None:
        share = self._shares.get(entry[2], ())
        self._ready[entry[0]].push((*share, self._groups.get(entry[2])) if share else (), entry)
        self._wake.set()

    def _queue_what_is_due(self) -> None:
        while self._moments:
            timer = self._moments[0]
            moment, _, key, priority = timer
            current = self._timers.get(key) is timer
            if current and moment > self._clock.monotonic():
                return
            heapq.heappop(self._moments)
            if current:
                self.add(key, priority)

    def _take(self) -> tuple[K, Priority] | None:
        self._queue_what_is_due()
        entry = self._next()
        if entry is None:
            return None
        priority, _, key = entry
        self._high_in_a_row = self._high_in_a_row + 1 if priority is Priority.HIGH else 0
        return key, priority

    def _next(self) -> tuple[Priority, int, K] | None:
        low_is_due = self._high_in_a_row >= _HIGH_IN_A_ROW
        is_full = self._places is not None and len(self._in_work) >= self._places
        may_begin = self._has_less_than_its_due if is_full else None
        for priority in (Priority.LOW, Priority.HIGH) if low_is_due else (Priority.HIGH, Priority.LOW):
            ready = self._ready[priority]
            while (entry := ready.pop(may_begin, levels=len(self._guaranteed))) is not None:
                key = entry[2]
                if self._queued.get(key) is not entry:
                    continue
                group = self._groups.get(key)
                if group is not None and self._busy[group] >= self._group_limit:
                    self._aside.setdefault(group, _Aside()).push(self._shares.get(key, ()), entry)
                    continue
                del self._queued[key]
                share = self._shares.get(key, ())
                self._in_work[key] = group, share
                if group is not None:
                    self._busy[group] += 1
                self._busy_units.update(_units(share))
                self.stats.taken(key)
                return entry
        return None

    def _has_less_than_its_due(self, path: Share) -> bool:
        return self._busy_units[path] < self._guaranteed[len(path) - 1]

    def _call_back(self, group: Hashable | None) -> None:
        """Let one key of the group that stepped aside try again.

        Called whenever the group gains a free place, or loses a queued key that might have taken one. So a group with free
        places and keys aside always has as many of its keys among the ready ones.
        """
        aside = self._aside.get(group)
        if aside is None:
            return
        while (entry := aside.pop()) is not None:
            if self._queued.get(entry[2]) is entry:
                self._make_ready(entry)
                return
        del self._aside[group]


def _units(share: Share) -> list[Share]:
    """Return the units for which a key of this share counts."""
    return [share[: length + 1] for length in range(min(len(share), 2))]


def _count_down(busy: Counter[T], what: T) -> None:
    busy[what] -= 1
    if not busy[what]:
        del busy[what]
