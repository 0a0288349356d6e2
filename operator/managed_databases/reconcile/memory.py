"""What the process remembers of one resource between two passes. All of this may be lost at any instant.

Each part changes by its own methods only, which keep it right; others read its fields, and do not write them. Moments are
seconds of the controller's monotonic clock.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from managed_databases.kinds.verdicts import Stall, Verdict, Wait
from managed_databases.reconcile.password_memory import PasswordMemory
from managed_databases.reconcile.ports import SecretContent
from managed_databases.reconcile.step_fingerprint import Fingerprint

_MAX_ASIDE: Final = 16
"""The most failed steps that are remembered beside the last one."""


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

    def want(self, key: tuple[str, ...] | None, now: float) -> float:
        """Note that an object with this key is wanted; return the moment since which it is."""
        if self.wanted_since is None or self._wanted_key != key:
            self.wanted_since, self._wanted_key = now, key
        return self.wanted_since

    def want_no_more(self) -> None:
        self.wanted_since = None

    def was_made(self, id_: str) -> None:
        """Note the id that our POST answered."""
        self.created_id = id_

    def is_gone(self) -> None:
        """Forget the id of what was made: a remembered id must not bring back an object that is gone."""
        self.created_id = None

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


@dataclass
class FailedStep:
    """A step that has failed and may not be tried again yet, unless its fingerprint changes."""

    step: Fingerprint | None
    """What the step would do, and on what it is based; None after a pass that failed by a defect."""
    until: float
    """The moment when the step may be tried again."""
    verdict: Wait | Stall
    """What the status says while the step rests."""
    failures: int
    """How many times in a row the step has failed."""
    busy_tries: int = 0
    """How many times in a row the API refused the step as busy although nothing was found at work, while the objects that the
    step is about stayed `as_it_was`.
    """
    as_it_was: object = None
    statuses_count: bool = True
    """Whether the cloud's statuses are part of the fingerprint. False when the step may have worked: then a status may change
    by the effect of the step itself.
    """
    generation: int = 0
    """The generation of the spec that the step was for."""
    has_woken: bool = False
    """Whether another pass was asked for because the step's rest ended while a pass still showed `verdict`."""

    @property
    def was_refused(self) -> bool:
        """Whether the step was refused for a reason of its own: other steps are tried nevertheless, and its failures do not
        count for them.
        """
        return isinstance(self.verdict, Stall)

    def stands_on(self, step: Fingerprint, generation: int) -> None:
        """Note the fingerprint, which is made of what is held here, and the generation of the spec."""
        self.step, self.generation = step, generation

    def may_be_tried(self, now: float) -> None:
        """End the rest, if it has not ended."""
        self.until = min(self.until, now)

    def has_asked_for_a_pass(self) -> None:
        """Only once: the same message may be shown again for a new reason."""
        self.has_woken = True


@dataclass(slots=True)
class RetryMemory:
    """Which steps rest, and which changes were made again and again."""

    held: FailedStep | None = None
    """The step that failed last."""
    aside: list[FailedStep] = field(default_factory=list)
    """Other steps that have failed and rest."""
    accepted: list[FailedStep] = field(default_factory=list)
    """The changes that the API has accepted, until the object is seen without need of them."""
    corrections: list[tuple[float, object, int]] = field(default_factory=list)
    """The last changes: the moment, the aim (`act/drift_fight.py`), and the generation of the spec."""
    remade: list[tuple[float, int]] = field(default_factory=list)
    """The last times that an object that was gone was given up to be made again: the moment, and the generation of the spec."""
    stalled: tuple[int, Stall] | None = None
    """The generation of the spec and the stall that the status shows; None if it shows another verdict."""

    @property
    def busy_tries(self) -> int:
        return 0 if self.held is None else self.held.busy_tries

    @property
    def remembered(self) -> list[FailedStep]:
        return [each for each in (self.held, *self.aside, *self.accepted) if each is not None]

    def has_failed(self, step: FailedStep) -> None:
        self.held = step

    def set_aside(self, now: float, is_of_the_step: Callable[[FailedStep], bool]) -> None:
        """Keep what was refused or still rests beside a step, and nothing of that step."""
        held = self.held
        if held is not None and (held.was_refused or now < held.until):
            self.aside.append(held)
        self.aside = [each for each in self.aside if not is_of_the_step(each)][-_MAX_ASIDE:]
        self.held = None

    def was_accepted(self, change: FailedStep, before: FailedStep | None) -> None:
        """`before`: what is remembered of the same change."""
        self.accepted = [*(each for each in self.accepted if each is not before), change]

    def forget_accepted(self, now: float, seconds: float) -> None:
        """Forget the changes that might have been tried again for so many seconds."""
        self.accepted = [each for each in self.accepted if now < each.until + seconds]

    def had_effect(self, left: Iterable[FailedStep]) -> None:
        """Only the changes that are `left` are still needed."""
        self.accepted = [*left]

    def was_corrected(self, aim: object, generation: int, now: float) -> None:
        self.corrections.append((now, aim, generation))

    def corrections_since(self, since: float, aim: object, generation: int) -> int:
        """Return how often this was corrected; what is older than `since` is forgotten."""
        self.corrections = [correction for correction in self.corrections if correction[0] >= since]
        return sum(correction[1:] == (aim, generation) for correction in self.corrections)

    def was_made_again(self, generation: int, now: float) -> None:
        self.remade.append((now, generation))

    def made_again_since(self, since: float, generation: int) -> int:
        """Return how often what was gone was made again; what is older than `since` is forgotten."""
        self.remade = [each for each in self.remade if each[0] >= since]
        return sum(each[1] == generation for each in self.remade)

    def was_told(self, generation: int, verdict: Verdict) -> None:
        self.stalled = (generation, verdict) if isinstance(verdict, Stall) else None

    def begin_anew(self) -> None:
        """Let every step be tried at once, because a person asks for a sync.

        Corrections still count: whether somebody else changes the same field does not depend on the request.
        """
        self.held = None
        self.aside.clear()
        self.accepted.clear()
        self.remade.clear()


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
    """

    uid: str
    creation: CreationMemory = field(default_factory=CreationMemory)
    password: PasswordMemory = field(default_factory=PasswordMemory)
    retry: RetryMemory = field(default_factory=RetryMemory)
    look: LookMemory = field(default_factory=LookMemory)
    sync_request: str | None = None
    """The token of the last sync request that this process has seen (`annotations.sync_request`)."""
    has_spoken: bool = False
    """Whether a pass of this process has come to rest and reported its verdict."""
    old_views: int = 0
    """How many passes in a row ended because the operator's view of Kubernetes was old."""
    _parent_held_up: float | None = None
    """The moment since which something holds up the deletion of the datastore that the resource goes with; None: nothing does."""
    _work: tuple[tuple[str, str], float] | None = None
    """The id and status of the object while the cloud is at work on it, and the moment since which it is; None at rest."""

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
        self.sync_request = request
        return is_new


@dataclass(frozen=True)
class SecretsRead:
    """The Secrets as this pass has read them; the pass replaces or deletes exactly these versions."""

    credentials: SecretContent | None = None
    pending: SecretContent | None = None
