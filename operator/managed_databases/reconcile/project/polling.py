"""Lists a collection at the right times and enters the answers. The cost does not depend on the number of resources."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from managed_databases.api.errors import ApiError, NeverSent, OutcomeUnknown, RateLimited, TooLarge, Unauthorized
from managed_databases.api.models import CloudObject
from managed_databases.api.rows_before import RowsBefore
from managed_databases.kinds.phases import PENDING
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.controller_settings import ControllerSettings
from managed_databases.reconcile.ports import ResourceKey
from managed_databases.reconcile.project.collection_snapshot import Delta, Slices
from managed_databases.reconcile.project.missing_objects import MissingObjects
from managed_databases.reconcile.project.project_client import ProjectClient
from managed_databases.reconcile.project.project_objects import DELETED, KnownCollection, ProjectObjects
from managed_databases.reconcile.project.rate_limiter import MAX_CLOSED_SECONDS
from managed_databases.reconcile.scheduling.backoff import retry_delay
from managed_databases.reconcile.scheduling.work_queue import Priority

_MIN_GAP_SECONDS = 1.0
_LONG_LIST_SECONDS = 5.0
_FIRST_LOOK = 1 / 3
"""The part of the interval for pending objects after which a change is looked at first."""
_GAP_PER_DURATION = 10
_REST_JITTER = 0.1
_FAILURES_WORTH_TELLING = 3
_WORTH_A_TIME_SECONDS = 60.0
"""A shorter wait is told without its end: the end of each would be told anew, in the status of all that wait for the list."""
_WHYS_WORTH_TELLING = 5
_LOOKS_WITHOUT_NEED = 3
_TOLD_AT_ONCE = 250

log = structlog.get_logger()


class ListRefuted(OutcomeUnknown):
    """A LIST left out too many objects, and GETs by id have shown that these exist: the API works, but its list is wrong."""


@dataclass(frozen=True)
class OddRows:
    """How many rows of the last LIST could not be read whole, and why, without the content of the rows."""

    collection: str
    rows: int = 0
    why: tuple[str, ...] = ()


class CollectionPoller:
    """Lists one collection: at once on request, at short intervals while an object is pending, else at the interval at rest.

    There are never two LISTs at a time. The next LIST begins at least one second after the end of the last one, and at least ten
    times the duration of the last one after it, if that was answered and took more than five seconds. `rest_seconds` returns the
    interval at rest; `listed` is called after each LIST that was applied, `troubled` when `trouble` changes. `failure` is why
    LISTs have failed since the last good one; `trouble` is the same once the status shall show it. If `is_foreign` finds an
    object of another project in a LIST, the LIST is not applied. `is_awaited` returns whether somebody depends on an object: only
    such an object sets the pace. `look_seconds` returns in how many seconds each resource is looked at once; `idle` is called
    when nobody needs the collection any more.
    """

    def __init__(
        self,
        known: KnownCollection,
        objects: ProjectObjects,
        client: ProjectClient,
        clock: Clock,
        settings: ControllerSettings,
        *,
        draw: Callable[[], float],
        rest_seconds: Callable[[], float],
        listed: Callable[[str], None],
        troubled: Callable[[], None],
        is_foreign: Callable[[Sequence[CloudObject]], bool],
        look_seconds: Callable[[], float],
        is_awaited: Callable[[str], bool] = lambda _: True,
        idle: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._known = known
        self.name = known.name
        self._objects = objects
        self._client = client
        self._clock = clock
        self._settings = settings
        self._draw = draw
        self._rest_seconds = rest_seconds
        self._listed = listed
        self._troubled = troubled
        self._is_foreign = is_foreign
        self._is_awaited = is_awaited
        self._look_seconds = look_seconds
        self._idle = idle
        self._missing = MissingObjects(known, objects, clock, draw, settings.min_backoff_seconds, self._priority)
        self._rows = RowsBefore()
        self._needed_at = clock.monotonic()
        self._moved = asyncio.Event()
        self._expected_by: set[ResourceKey] = set()
        self._closed_until = clock.monotonic()
        self._closed_for: frozenset[ResourceKey] = frozenset()
        self._is_requested = True
        self._due = self._earliest = clock.monotonic()
        self._failures = 0
        self.odd = OddRows(known.name)
        self._pending_since: dict[tuple[str, str | None], float] = {}
        self.trouble: tuple[Reason, str] | None = None
        self.failure: tuple[Reason, str] | None = None

    def needed(self) -> None:
        """Note that a pass needs the collection, so that the poller goes on."""
        self._needed_at = self._clock.monotonic()

    def request(self) -> None:
        """List as soon as possible; if a LIST is under way, list once more afterwards."""
        self._is_requested = True
        self._moved.set()

    def request_by(self, moment: float) -> None:
        """List as soon as possible after that moment of the clock."""
        if moment <= self._clock.monotonic():
            self.request()
        elif moment < self._due:
            self._due = moment
            self._moved.set()

    def expect(self, key: ResourceKey, *, expected: bool) -> None:
        """Note whether a person's change of this resource waits for a LIST: such a LIST does not wait until LOW opens again."""
        if not expected:
            self._expected_by.discard(key)
        elif key not in self._expected_by:
            self._expected_by.add(key)
            self._moved.set()

    def hurry(self) -> None:
        """List soon, because something was changed: most changes in a datastore are done within a second."""
        self._due = min(self._due, self._clock.monotonic() + _FIRST_LOOK * self._settings.pending_poll_seconds)
        self._moved.set()

    def reconsider(self) -> None:
        """Take up a changed interval at rest; a shorter one counts from now on."""
        self._due = min(self._due, self._clock.monotonic() + self._rest_seconds())
        self._moved.set()

    async def run(self) -> None:
        """List until cancelled, or until no pass has needed the collection for so long that each resource had a pass since."""
        while True:
            await self._client.wait_until_open()
            self._moved.clear()
            if self._clock.monotonic() - self._needed_at > _LOOKS_WITHOUT_NEED * self._look_seconds():
                self._idle(self._known.name)
                return
            moment = self._next_moment()
            if moment > self._clock.monotonic():
                await self._clock.wait(self._moved, moment)
            else:
                await self._list()

    def _next_moment(self) -> float:
        if self._client.circuit.is_open:
            return self._client.circuit.next_probe
        moment = self._earliest if self._is_requested else max(self._due, self._earliest)
        if self._expected_by <= self._closed_for:
            moment = max(moment, self._closed_until)
        return max(moment, self._client.budget.closed_until(self._priority()) or 0.0)

    def _priority(self) -> Priority:
        return self._client.reading_priority(is_awaited=bool(self._expected_by))

    async def _list(self) -> None:
        call = replace(self._known.collection.list(), before=self._rows)
        priority, expected_by = self._priority(), frozenset(self._expected_by)
        try:
            await self._client.admit(call.operation, priority, probe=True)
        except (NeverSent, RateLimited):
            return  # not our turn: the next moment is another one now
        self._is_requested = False
        begun = ended = self._clock.monotonic()
        token = self._known.snapshot.list_started(begun)
        try:
            try:
                reply = await self._client.exchange(call, priority)
            finally:
                ended = self._clock.monotonic()
            if reply.value is None:
                raise OutcomeUnknown(call.operation, "the answer is empty", status=reply.status)
            self._tell_odd(reply.odd)
            await self._learn(token, reply.value)
        except ApiError as error:
            if isinstance(error, RateLimited) and error.retry_after_seconds is not None:
                self._close(min(error.retry_after_seconds, MAX_CLOSED_SECONDS), expected_by)
            hold = self._failed(error)
            if isinstance(error, NeverSent | OutcomeUnknown):
                ended = begun  # that nobody answered tells nothing of what a LIST costs
        except Exception:
            # A defect that one collection's answer brings to light must not stop the others.
            log.exception("a list failed", project=self._client.name, collection=self._known.name)
            hold = self._pause_after_failure()
        else:
            hold = self._succeeded()
        finally:
            self._known.snapshot.list_failed(token)
        self._earliest = self._clock.monotonic() + max(hold, _gap_seconds(ended - begun))

    def _tell_odd(self, odd: Sequence[str]) -> None:
        now = OddRows(self._known.name, len(odd), tuple(sorted(set(odd))[:_WHYS_WORTH_TELLING]))
        if now != self.odd:
            if odd:
                log.warning(
                    "odd rows", project=self._client.name, collection=now.collection, rows=now.rows, why=now.why
                )
            self.odd = now
            self._troubled()

    # --- what a list teaches ---

    async def _learn(self, token: int, answered: Sequence[CloudObject]) -> None:
        """Enter the answer to a LIST. Raises ApiError, and OutcomeUnknown for a suspect LIST that GETs refute."""
        if self._is_foreign(answered):
            return
        snapshot = self._known.snapshot
        before = {obj.id: obj for obj in snapshot.all()}
        delta = await _in_slices(snapshot.finishing(token, [obj for obj in answered if obj.status != DELETED]))
        if delta.suspect:
            looks = [await self._objects.look(self._known, id_, self._priority()) for id_ in delta.suspect]
            if all(look is not None for look in looks):
                raise ListRefuted(f"{self._known.name}.list", "it left out what is there, and was thrown away")
            delta = await _in_slices(snapshot.accepting_suspect(token))
        for number, id_ in enumerate(delta.changed, 1):
            if number % _TOLD_AT_ONCE == 0:
                await asyncio.sleep(0)
            self._objects.tell(self._known, id_, (before.get(id_), snapshot.get(id_)), Priority.LOW)
        self._objects.tell_listed(self._known)
        self._listed(self._known.name)
        snapshot.forget_gone(self._is_awaited)
        await self._missing.look_for(delta.missing)

    # --- what comes next ---

    def _succeeded(self) -> float:
        """Return the seconds for which even a request is held back."""
        self._failures, self.failure, self._closed_until = 0, None, self._clock.monotonic()
        if self._is_something_awaited():
            pause = self._settings.pending_poll_seconds
        else:
            pause = self._rest_seconds() * (1 + _REST_JITTER * self._draw())
        self._due = self._clock.monotonic() + pause
        self._say(None)
        return 0.0

    def _is_something_awaited(self) -> bool:
        """Return whether the cloud is at work on an object that a resource depends on, and not for too long already."""
        now, before = self._clock.monotonic(), self._pending_since
        at_work = [obj for obj in self._known.snapshot.all() if obj.status in PENDING and self._is_awaited(obj.id)]
        self._pending_since = {(obj.id, obj.status): before.get((obj.id, obj.status), now) for obj in at_work}
        return any(now - since < self._settings.pending_limit_seconds for since in self._pending_since.values())

    def _failed(self, error: ApiError) -> float:
        """Return the seconds for which even a request is held back."""
        pause = self._pause_after_failure()
        log.info(
            "list failed",
            project=self._client.name,
            collection=self._known.name,
            error=type(error).__name__,
            request_id=error.request_id,
        )
        if isinstance(error, NeverSent | OutcomeUnknown) and not isinstance(error, ListRefuted):
            # Whether the API is gone must be known soon: it is asked no less often than when it is gone.
            pause = min(pause, self._settings.probe_seconds)
        trouble = self._meaning(error)
        is_passing = isinstance(error, NeverSent | OutcomeUnknown | RateLimited)
        if trouble is not None and (self._failures >= _FAILURES_WORTH_TELLING or not is_passing):
            self._say(trouble)
        # The first of its reason: messages may all differ, and each would be written. Only a wait that the API asks for is told
        # anew, with its end.
        is_news = self.failure is None or trouble is None or trouble[0] is not self.failure[0]
        if trouble is not None and trouble != self.failure and (is_news or isinstance(error, RateLimited)):
            self.failure = trouble
            self._objects.tell_listed(self._known)  # whoever waits for a list can say why
        return pause

    def _close(self, seconds: float, expected_by: frozenset[ResourceKey]) -> None:
        """Leave the collection alone for as long as the API asks, because it has refused a LIST that these resources expected.

        What a person changes afterwards, on another resource, may ask for one more LIST in that time: the API has refused that to
        others. It is refused to this resource, too, if that LIST is.
        """
        self._closed_until, self._closed_for = self._clock.monotonic() + seconds, expected_by

    def _meaning(self, error: ApiError) -> tuple[Reason, str] | None:
        """Return the message about a LIST that failed; None if the problem of the whole project says it already."""
        name = self._known.name
        match error:
            case NeverSent() | OutcomeUnknown():
                return Reason.UNREACHABLE, f"{name} cannot be listed: {error.message}"
            case TooLarge():
                return Reason.SNAPSHOT_TOO_LARGE, (
                    f"the list of {name} is too large: {error.message}. What was last seen of it stays; split the cloud "
                    "project"
                )
            case RateLimited():
                until = self._closed_until - self._clock.monotonic()
                told = ""
                if until > _WORTH_A_TIME_SECONDS:
                    told = f", until {self._clock.now() + timedelta(seconds=until):%Y-%m-%dT%H:%M:%SZ}"
                return Reason.RATE_LIMITED, f"{name} cannot be listed: the API asks to call less often{told}"
            case Unauthorized():
                return None
            case _:
                return Reason.REFUSED, f"the API refuses to list {name}: {error.message}"

    def _pause_after_failure(self) -> float:
        self._failures += 1
        return retry_delay(self._failures, self._draw, self._settings.min_backoff_seconds)

    def _say(self, trouble: tuple[Reason, str] | None) -> None:
        if trouble != self.trouble:
            self.trouble = trouble
            self._troubled()


def _gap_seconds(duration: float) -> float:
    return _GAP_PER_DURATION * duration if duration > _LONG_LIST_SECONDS else max(_MIN_GAP_SECONDS, duration)


async def _in_slices(slices: Slices) -> Delta:
    """Run a long computation, and let all other tasks run after each slice."""
    while True:
        try:
            next(slices)
        except StopIteration as end:
            delta: Delta = end.value
            return delta
        await asyncio.sleep(0)
