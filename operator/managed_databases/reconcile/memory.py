"""What the process remembers of one resource between two passes. All of this may be lost at any instant.

Each part changes by its own methods only, which keep it right; others read its fields, and do not write them. Moments are
seconds of the controller's monotonic clock.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from managed_databases.kinds.facts import NOTHING, Facts
from managed_databases.reconcile.password_memory import PasswordMemory
from managed_databases.reconcile.ports import NewSecret, SecretContent
from managed_databases.reconcile.retry_memory import RetryMemory

MAX_MISSING: Final = 8
"""Of so many missing things it is remembered since when each is missing; of more, of the newest."""


@dataclass(slots=True)
class CreationMemory:
    """What this process knows of the creation of the cloud object; guards against a second object."""

    created_id: str | None = None
    """The id that the answer to the operator's POST had, until the status has it."""
    wanted_since: float | None = None
    """The moment since which the resource wants an object with a key that its object does not have: it has no object, or the
    object is to be renamed. None while it wants none.
    """
    _wanted_key: tuple[str, ...] | None = None
    _attempt: int | None = None
    """The number of the intent's attempt that `_settle_from` belongs to."""
    _settle_from: float = 0.0
    """The moment when the wait of this attempt began."""
    unwritten: Facts = NOTHING
    """What the status does not say yet of the object that was just made."""
    _made_at: float = 0.0
    """The moment when the POST was answered with the object's id."""

    def want(self, key: tuple[str, ...] | None, now: float) -> float:
        """Note that an object with this key is wanted; return the moment since which it is."""
        if self.wanted_since is None or self._wanted_key != key:
            self.wanted_since, self._wanted_key = now, key
        return self.wanted_since

    def want_no_more(self) -> None:
        self.wanted_since = None

    def was_made(self, id_: str, now: float) -> None:
        """Note the id that our POST answered."""
        self.created_id, self._made_at = id_, now

    def keep_unwritten(self, facts: Facts) -> None:
        """Remember what the status shall say of what was made: the next pass begins with it if it could not be written."""
        self.unwritten = facts

    def is_written(self) -> None:
        """The status says everything that was remembered for it."""
        self.unwritten = NOTHING

    def write_from(self, seconds: float) -> float:
        """Return the moment from which the status has to say what was made, so many seconds after the answer."""
        return self._made_at + seconds

    def is_gone(self) -> None:
        """Forget the id of what was made: a remembered id must not bring back an object that is gone."""
        self.created_id, self.unwritten = None, NOTHING

    def attempt_is_written(self, attempt: int, now: float, wait_seconds: float) -> None:
        """Note that the intent of this attempt is in the status and its POST is not sent yet: there is nothing to wait for."""
        self._attempt, self._settle_from = attempt, now - wait_seconds

    def attempt_is_sent(self, attempt: int, now: float) -> None:
        self._attempt, self._settle_from = attempt, now

    def call_has_ended(self, now: float) -> None:
        """Note that the POST has ended, with whatever outcome: the wait begins again."""
        self._settle_from = now

    def settles_at(self, attempt: int, wait_seconds: float, now: float) -> float:
        """Return the moment when the wait of an attempt is over, by this process's own clock only.

        For an attempt that this process does not know the wait begins now.
        """
        if self._attempt != attempt:
            self._attempt, self._settle_from = attempt, now
        return self._settle_from + wait_seconds


@dataclass(slots=True)
class LookMemory:
    """How many times in a row a GET of the object by its id was in vain, and the moment when the next GET may be sent."""

    times: int = 0
    again_at: float = 0.0

    def was_in_vain(self, now: float, pause: float) -> None:
        self.times += 1
        self.again_at = now + pause

    def was_of_use(self) -> None:
        """Or there is nothing to look for: the next look in vain is a first one."""
        self.times, self.again_at = 0, 0.0


@dataclass(slots=True)
class Memory:
    """All that is remembered of one resource.

    `uid` is the resource's uid: a resource that is created again under the same name is another one, with a memory of its own.
    A part is made when it is first asked for, and dropped at the end of a pass if nothing is in it: of a resource at rest there
    is next to nothing to remember, and there may be a hundred thousand of them.
    """

    uid: str
    _creation: CreationMemory | None = None
    _password: PasswordMemory | None = None
    _retry: RetryMemory | None = None
    _look: LookMemory | None = None
    sync_request: str | None = None
    """The token of the last sync request that this process has seen (`annotations.sync_request`)."""
    has_spoken: bool = False
    """Whether a pass of this process has come to rest and reported its verdict."""
    _odd_annotations: str | None = None
    """What people were told about annotations that have no effect."""
    approval: tuple[str, bool] | None = None
    """The approval that was there at the last look ("": none), and whether it never had an effect; None before the first look."""
    _missing: dict[tuple[str, str], float] | None = None
    """What is missing that the resource waits for (reason and message), and the moment since which it is; None: nothing is."""
    _project: str | None = None
    """The project that the last pass has worked in."""
    old_views: int = 0
    """How many passes in a row ended because the operator's view of Kubernetes was old."""
    _parent_held_up: float | None = None
    """The moment since which something holds up the deletion of the datastore that the resource goes with; None: nothing does."""
    _work: tuple[tuple[str, str], float] | None = None
    """The id and status of the object while the cloud is at work on it, and the moment since which it is; None at rest."""
    look_step: int | None = None
    """The step of time that `Looks` has given to the next look at rest."""

    @property
    def creation(self) -> CreationMemory:
        if self._creation is None:
            self._creation = CreationMemory()
        return self._creation

    @property
    def password(self) -> PasswordMemory:
        if self._password is None:
            self._password = PasswordMemory()
        return self._password

    @property
    def retry(self) -> RetryMemory:
        if self._retry is None:
            self._retry = RetryMemory()
        return self._retry

    @property
    def look(self) -> LookMemory:
        if self._look is None:
            self._look = LookMemory()
        return self._look

    def drop_empty_parts(self) -> None:
        """Only between two passes: a pass may hold a part."""
        if self._creation == _NO_CREATION:
            self._creation = None
        if self._password == _NO_PASSWORD:
            self._password = None
        if self._retry == _NO_RETRY:
            self._retry = None
        if self._look == _NO_LOOK:
            self._look = None

    def work_since(self, id_: str, status: str, now: float) -> float:
        """Return since when the cloud is seen at work on this object in this status."""
        if self._work is None or self._work[0] != (id_, status):
            self._work = (id_, status), now
        return self._work[1]

    def work_has_ended(self) -> None:
        self._work = None

    def parent_held_up_since(self, now: float) -> float:
        """Return since when the deletion of the datastore, with which this resource goes, is seen to be held up."""
        if self._parent_held_up is None:
            self._parent_held_up = now
        return self._parent_held_up

    def parent_goes(self) -> None:
        self._parent_held_up = None

    def missed_since(self, reason: str, message: str, now: float) -> float:
        """Return since when this is missing."""
        if self._missing is None:
            self._missing = {}
        since = self._missing.setdefault((reason, message), now)
        if len(self._missing) > MAX_MISSING:  # each edit of a reference may name something else that is missing
            del self._missing[next(iter(self._missing))]
        return since

    def misses_only(self, is_missing: Callable[[str, str], bool]) -> None:
        """Forget what is there by now; `is_missing` is asked with reason and message."""
        if self._missing is not None:
            self._missing = {thing: since for thing, since in self._missing.items() if is_missing(*thing)} or None

    def misses_nothing(self) -> None:
        self._missing = None

    def is_news(self, odd_annotations: str | None) -> bool:
        """Note what there is to say about annotations; return whether it is something that was not said last."""
        before, self._odd_annotations = self._odd_annotations, odd_annotations
        return odd_annotations is not None and odd_annotations != before

    def left_project(self, project: str | None) -> bool:
        """Note the project that a pass works in; return whether passes have worked in another one until now."""
        before, self._project = self._project, project
        return before is not None and before != project

    def has_said_something(self) -> None:
        self.has_spoken = True

    def pass_ended(self, *, by_old_view: bool) -> None:
        self.old_views = self.old_views + 1 if by_old_view else 0

    def is_sync_requested(self, request: str | None, handled: str | None) -> bool:
        """Return whether a person asks for a sync that this process has not begun yet. If so, no step is held back any more."""
        is_new = request is not None and request not in (handled, self.sync_request)
        if is_new:
            self.retry.begin_anew()
            self.password.is_to_be_read()
            self.password.mounted_is_to_be_read()
        self.sync_request = request
        return is_new


_NO_CREATION: Final = CreationMemory()
_NO_PASSWORD: Final = PasswordMemory()
_NO_RETRY: Final = RetryMemory()
_NO_LOOK: Final = LookMemory()


@dataclass(frozen=True)
class SecretsRead:
    """The Secrets as this pass has read them; the pass replaces or deletes exactly these versions."""

    credentials: SecretContent | None = None
    pending: SecretContent | None = None
    mounted: SecretContent | None = None
    """Where two users take turns, the Secret that applications mount."""
    mount: NewSecret | None = None
    """How that Secret should be; None if it is not known, or if it was found right."""
    leftover: SecretContent | None = None
    """The own user's Secret that nobody needs any more."""
