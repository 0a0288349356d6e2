"""What is counted of a work queue, in the terms of client-go's `workqueue_*` metrics."""

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.scheduling.durations import Durations

K = TypeVar("K", bound=Hashable)


class QueueStats(Generic[K]):
    """The queue calls a method for each thing that happens to a key; times are those of the clock. O(1) each."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._queued_at: dict[K, float] = {}
        self._taken_at: dict[K, float] = {}
        self.adds = 0
        """How often a key was queued; one that is queued already, or in work, is not counted again."""
        self.waits = Durations()
        """How long keys were queued before they were taken into work."""
        self.works = Durations()
        """How long keys were in work."""

    def queued(self, key: K) -> None:
        self.adds += 1
        self._queued_at[key] = self._clock.monotonic()

    def taken(self, key: K) -> None:
        now = self._taken_at[key] = self._clock.monotonic()
        self.waits.observe(now - self._queued_at.pop(key))

    def done(self, key: K) -> None:
        self.works.observe(self._clock.monotonic() - self._taken_at.pop(key))

    def removed(self, key: K) -> None:
        self._queued_at.pop(key, None)

    def in_work_seconds(self) -> Iterator[float]:
        """Yield for each key in work how long it has been so."""
        now = self._clock.monotonic()
        return (now - taken for taken in self._taken_at.values())
