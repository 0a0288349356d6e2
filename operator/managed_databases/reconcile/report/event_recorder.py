"""Posts Events: each change that matters to people is told once, when it happens. A pass that finds everything as it was posts
nothing.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.ports import Kube, Resource, ResourceKey
from managed_databases.reconcile.scheduling.allowance import Allowance
from managed_databases.reconcile.scheduling.fair_queue import FairQueue
from managed_databases.reconcile.told import Told, ToldCondition

_MAX_WAITING: Final = 10_000
"""The most Events that wait to be posted, shared by the namespaces. Nobody reads more Events at once: further ones are left
out.
"""
_AT_ONCE: Final = 25
_SECONDS_EACH: Final = 60.0
"""One resource may have _AT_ONCE Events at once, and then one in _SECONDS_EACH seconds, as with Kubernetes' own components."""
_UNDER_WAY: Final = frozenset(
    {
        Reason.ABSENT,
        Reason.CREATING,
        Reason.DRIFT,
        Reason.LOOKING,
        Reason.PENDING,
        Reason.RENAMING,
        Reason.RESETTING,
        Reason.ROTATING,
        Reason.PARENT_NOT_READY,
    }
)
"""Why a resource may not be ready for a while without anybody having to look: the operator or the cloud is at work on it, or on
the resource that it needs, which has a Warning of its own if somebody has to look there.
"""
FINALIZER_RESTORED: Final = "FinalizerRestored"
SECRET_MARKS_RESTORED: Final = "SecretMarksRestored"
_YIELD_SECONDS: Final = 0.1
_YIELDS: Final = 600
"""While passes wait for their turn, posting pauses _YIELD_SECONDS before each Event, _YIELDS times at most until no pass waits
any more, because passes may wait for long. An Event costs the API server as much as a step of a resource does.
"""


class Announcement(NamedTuple):
    """One Event. `type_` is Normal or Warning."""

    type_: str
    reason: str
    message: str


def announcements(
    old: Iterable[ToldCondition], new: Iterable[ToldCondition], *, deleting: bool
) -> Iterator[Announcement]:
    """Yield the changes between two lists of conditions that are worth an Event.

    These are: Ready has become true or is true no more; Stalled has become true or has another reason; Ready is not true for
    another reason while nothing is under way. Steps on the way to Ready are not worth an Event, because each retry would tell
    them again, and neither is a new resource that is not ready yet.

    A Warning says that somebody should look. What ends by itself is Normal: a deletion, and work that is under way.
    """
    before, now = _by_type(old), _by_type(new)
    ready, stalled = now.get("Ready"), now.get("Stalled")
    told = None
    if stalled is not None and stalled.is_true and not _same(before.get("Stalled"), stalled):
        told = Announcement("Warning", stalled.reason, stalled.message)
        yield told
    if ready is not None and not _same(before.get("Ready"), ready) and _counts(before.get("Ready"), ready, now):
        ends_by_itself = ready.reason in _UNDER_WAY and _is(now.get("Reconciling"))
        kind = "Normal" if ready.is_true or deleting or ends_by_itself else "Warning"
        announcement = Announcement(kind, ready.reason, ready.message)
        if told is None or announcement[1:] != told[1:]:
            yield announcement


def _by_type(conditions: Iterable[ToldCondition]) -> dict[str, ToldCondition]:
    return {condition.type: condition for condition in conditions}


def _is(condition: ToldCondition | None) -> bool:
    return condition is not None and condition.is_true


def _same(before: ToldCondition | None, now: ToldCondition) -> bool:
    return before is not None and (before.status, before.reason) == (now.status, now.reason)


def _counts(before: ToldCondition | None, ready: ToldCondition, now: Mapping[str, ToldCondition]) -> bool:
    if ready.is_true or _is(before):
        return ready.is_true != _is(before)
    return not _is(now.get("Reconciling")) and before is not None


@dataclass(frozen=True, slots=True)
class _Waiting:
    order: int
    resource: Resource
    announcement: Announcement
    at: datetime

    def __lt__(self, other: "_Waiting") -> bool:
        return self.order < other.order


class EventRecorder:
    """Posts Events beside the passes: no pass waits for an Event. The namespaces take turns, and of a resource that always has
    something to tell only some Events are posted.

    A step that is tried again every ten minutes, and refused each time, gets one Event for each generation of the spec, and
    another one once it has worked. `is_busy` returns whether passes wait for their turn; `warned` is called with each Warning
    that a status has brought.
    """

    def __init__(
        self,
        kube: Kube,
        is_busy: Callable[[], bool],
        clock: Clock,
        warned: Callable[[Resource, Announcement], None] = lambda resource, warning: None,
    ) -> None:
        self._warned = warned
        self._kube = kube
        self._is_busy = is_busy
        self._clock = clock
        self._line: FairQueue[_Waiting] = FairQueue()
        self._waiting: Counter[str] = Counter()
        self._order = itertools.count()
        self._somebody_waits = asyncio.Event()
        self._allowance = Allowance(clock, _AT_ONCE, _SECONDS_EACH)
        self._troubles: dict[ResourceKey, tuple[str, int, str]] = {}

    def status_written(self, before: Mapping[str, object], resource: Resource) -> None:
        """Post what is worth an Event in the status of the resource, which was `before` until it was written."""
        told = False
        old, new = Told(before).conditions, resource.told.conditions
        for announcement in announcements(old, new, deleting=resource.deleting_since is not None):
            told = True
            if announcement.type_ == "Warning":
                trouble = (resource.uid, resource.generation, announcement.reason)
                if self._troubles.get(resource.key) == trouble:
                    continue
                self._troubles[resource.key] = trouble
                self._warned(resource, announcement)
            else:
                self._troubles.pop(resource.key, None)
            self.post(resource, announcement)
        if told or resource.key not in self._troubles:
            return
        ready, synced = resource.told.condition("Ready"), resource.told.condition("Synced")
        if _is(ready) and synced is not None and synced.is_true:
            del self._troubles[resource.key]
            self.post(resource, Announcement("Normal", synced.reason, synced.message))

    def tell(self, resource: Resource, announcement: Announcement) -> None:
        """Post an Event that no condition can tell; the same Warning once for each generation of the spec."""
        if announcement.type_ == "Warning":
            trouble = (resource.uid, resource.generation, announcement.reason)
            if self._troubles.get(resource.key) == trouble:
                return
            self._troubles[resource.key] = trouble
        self.post(resource, announcement)

    def forget(self, key: ResourceKey) -> None:
        """Forget what is known of a resource that is gone."""
        self._troubles.pop(key, None)

    async def run(self) -> None:
        """Post Events until cancelled. Events that wait then are lost; the conditions tell the same."""
        yields = 0
        while True:
            await self._somebody_waits.wait()
            while self._is_busy() and yields < _YIELDS:
                yields += 1
                await self._clock.sleep(_YIELD_SECONDS)
            if not self._is_busy():
                yields = 0
            if (next_ := self._line.pop()) is None:
                self._somebody_waits.clear()
                continue
            self._count_down(next_.resource.key.namespace)
            await self._kube.post_event(next_.resource, *next_.announcement, next_.at)

    def post(self, resource: Resource, announcement: Announcement) -> None:
        """Post an Event, unless its namespace or its resource has too many."""
        namespace = resource.key.namespace
        others = len(self._waiting.keys() - {namespace})
        if self._waiting[namespace] >= _MAX_WAITING // (1 + others) or not self._allowance.has_now(resource.uid):
            return
        self._waiting[namespace] += 1
        waiting = _Waiting(next(self._order), resource, announcement, self._clock.now())
        self._line.push((namespace,), waiting)
        self._somebody_waits.set()

    def _count_down(self, namespace: str) -> None:
        self._waiting[namespace] -= 1
        if not self._waiting[namespace]:
            del self._waiting[namespace]
