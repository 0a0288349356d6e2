"""What the process remembers of one resource between two passes. All of it may be lost at any instant.

Each part has one owner, and methods that keep it right. Moments are the controller's monotonic seconds.
"""

from dataclasses import dataclass, field

from pydantic import SecretStr

from managed_databases.kinds.verdicts import Stall, Verdict, Wait
from managed_databases.reconcile.ports import SecretContent


@dataclass(slots=True)
class CreationMemory:
    """How the cloud object comes into being: it guards against a second one."""

    created_id: str | None = None
    """What our POST answered, until the status says so."""
    wanted_since: float | None = None
    """Since when an object of a key is wished for that there is none of, be it made or renamed."""
    _wanted_key: tuple[str, ...] | None = None
    _attempt: int | None = None
    """The intent's attempt that this process knows of."""
    _settle_from: float = 0.0
    """When the wait of this attempt began."""

    def want(self, key: tuple[str, ...] | None, now: float) -> float:
        """Return since when an object of this key is wished for."""
        if self.wanted_since is None or self._wanted_key != key:
            self.wanted_since, self._wanted_key = now, key
        return self.wanted_since

    def want_no_more(self) -> None:
        self.wanted_since = None

    def attempt_is_written(self, attempt: int, now: float, wait_seconds: float) -> None:
        """Until the POST is sent this process knows that there is nothing to wait for."""
        self._attempt, self._settle_from = attempt, now - wait_seconds

    def attempt_is_sent(self, attempt: int, now: float) -> None:
        self._attempt, self._settle_from = attempt, now

    def call_has_ended(self, now: float) -> None:
        """The wait begins again, whatever the outcome is."""
        self._settle_from = now

    def settles_at(self, attempt: int, wait_seconds: float, now: float) -> float:
        """Return when the wait of an attempt is over: by our own clock only, from now for one that we did not see."""
        if self._attempt != attempt:
            self._attempt, self._settle_from = attempt, now
        return self._settle_from + wait_seconds


@dataclass(slots=True)
class PasswordMemory:
    """What this process knows of the pending password, and of the Secrets."""

    is_confirmed: bool = False
    """This process has sent the password of the credentials Secret."""
    fine: tuple[object, ...] | None = None
    """The version and the content under which the credentials Secret was last found right."""
    is_name_taken: bool = False
    """Something of the Secret's name is there that no watch shows."""
    repairs: list[tuple[float, int]] = field(default_factory=list)
    """When the Secret was put right of late, and the hash of what was written."""
    _sent: SecretStr | None = None
    _untried: SecretStr | None = None
    """One that the cloud does not have, for certain."""
    _refused: SecretStr | None = None
    """One that the API has refused for what it is."""

    def is_prepared(self, pending: SecretStr) -> None:
        """The pending password was made by this process: nobody has sent it."""
        self._untried = pending

    def is_sending(self, pending: SecretStr | None) -> bool:
        """From the send on the cloud may have it. Return whether it surely had not before."""
        was_untried, self._untried = self._untried == pending, None
        return was_untried

    def was_not_taken(self, pending: SecretStr | None) -> None:
        """A refusal proves that the cloud does not have it."""
        self._untried = pending

    def was_refused(self, pending: SecretStr | None) -> None:
        self._refused = pending

    def was_sent(self, pending: SecretStr | None) -> None:
        self._sent = pending

    def has_sent(self, pending: SecretStr | None) -> bool:
        return pending is not None and self._sent == pending

    def is_unclear(self, pending: SecretStr | None) -> bool:
        """Whether the cloud may have it or not: another process, or a call without an answer, may have sent it."""
        return pending not in (None, self._sent, self._untried)

    def has_refused(self, pending: SecretStr | None) -> bool:
        return pending is not None and self._refused == pending

    def forget_pending(self) -> None:
        self.is_confirmed = False
        self._sent = self._untried = self._refused = None


@dataclass
class FailedStep:
    """A step that may not be tried again yet. It is let go when `step` (its fingerprint) changes."""

    step: object
    until: float
    verdict: Wait | Stall
    failures: int
    busy_tries: int = 0
    """Refusals in a row for which nothing was found at work, while what the step is about stayed `as_it_was`."""
    as_it_was: object = None
    statuses_count: bool = True
    """False when the step may have worked: the cloud's statuses may then change by its own effect."""
    generation: int = 0
    has_woken: bool = False
    """Its rest ended while it was told, and another pass was asked for."""


@dataclass(slots=True)
class RetryMemory:
    """Which steps rest, and what was done again and again."""

    held: FailedStep | None = None
    """The step that failed last."""
    aside: list[FailedStep] = field(default_factory=list)
    """Others that were refused, and rest."""
    accepted: list[FailedStep] = field(default_factory=list)
    """The changes that the API has accepted, until the object is seen without need of them."""
    corrections: list[tuple[float, object, int]] = field(default_factory=list)
    """When a change was made of late, its aim, and of which generation."""
    remade: list[tuple[float, int]] = field(default_factory=list)
    """When what was gone was made again, and of which generation."""
    stalled: tuple[int, Stall] | None = None
    """The generation and the stall that was told last, if nothing else was told since."""

    @property
    def busy_tries(self) -> int:
        return 0 if self.held is None else self.held.busy_tries

    def was_told(self, generation: int, verdict: Verdict) -> None:
        self.stalled = (generation, verdict) if isinstance(verdict, Stall) else None

    def begin_anew(self) -> None:
        """A person asks for a sync: nothing is held back. What was corrected is still counted: it is a fight or is none."""
        self.held = None
        self.aside.clear()
        self.accepted.clear()
        self.remade.clear()


@dataclass(slots=True)
class LookMemory:
    """How often the object was asked for by its id in vain, and when it may be again."""

    times: int = 0
    again_at: float = 0.0


@dataclass(slots=True)
class Memory:
    """`uid` is the resource's: one that is made again under the same name is another one."""

    uid: str
    creation: CreationMemory = field(default_factory=CreationMemory)
    password: PasswordMemory = field(default_factory=PasswordMemory)
    retry: RetryMemory = field(default_factory=RetryMemory)
    look: LookMemory = field(default_factory=LookMemory)
    work: tuple[tuple[str, str], float] | None = None
    """The id and status with which the cloud is at work on the object, and since when."""
    sync_request: str | None = None
    has_spoken: bool = False
    """This process has said something in the status."""
    old_views: int = 0
    """So many passes in a row ended as our view of Kubernetes was old."""


@dataclass(frozen=True)
class SecretsRead:
    """The Secrets as this pass read them, to be replaced or deleted by exactly this version."""

    credentials: SecretContent | None = None
    pending: SecretContent | None = None
