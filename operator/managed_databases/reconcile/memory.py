"""What the process remembers of one resource between two passes. All of it may be lost at any instant."""

from dataclasses import dataclass, field

from pydantic import SecretStr

from managed_databases.kinds.verdicts import Stall, Wait
from managed_databases.reconcile.ports import SecretContent


@dataclass
class Held:
    """A step that may not be tried again yet. It is let go when `step` (what would be done, on what ground) changes.

    `busy_tries` counts the refusals in a row for which nothing was found at work, while what the step is about stayed
    `as_it_was`. `statuses_count` is False when the step may have worked: the cloud's statuses may then change by its own
    effect. `has_woken`: its rest ended while it was told, and another pass was asked for.
    """

    step: object
    until: float
    verdict: Wait | Stall
    failures: int
    busy_tries: int = 0
    as_it_was: object = None
    statuses_count: bool = True
    generation: int = 0
    has_woken: bool = False


@dataclass(slots=True)
class Memory:
    """Moments are the engine's monotonic seconds.

    `held` is the step that failed last, `aside` are others that were refused and rest, `accepted` are the changes that the API
    has accepted, until the object is seen without need of them, `stalled` is the
    generation and the stall that was told last, if nothing else was told since. `uid` is the resource's: one that is made again under the same name is another one.
    `attempt` is the intent's attempt that this process knows of, and `settle_from` when its wait began;
    `absent_since` is when the wish for a cloud object of the key `absent_key` was first seen, be it made or renamed;
    `created_id` is what our POST answered, until the status says so; `pending_sent` is the pending password that this
    process has sent, `pending_untried` one that the cloud does not have, for certain, and `pending_refused` one that the
    API has refused for what it is; `repairs` are when our Secret was put right of late, and what of it; `remade` when what was gone was made again, and for which generation; `confirmed` tells that it has sent the Secret's; `secret_seen_fine` names the versions and content
    under which the credentials Secret was last found right; `secret_name_taken` that something of its name is there
    which no watch shows; `pending` in which status of which object the cloud is at work, and since when; `old_views` how many passes in a
    row ended as our view of Kubernetes was old; `has_spoken` that this process has said something in the status.
    """

    uid: str
    held: Held | None = None
    aside: list[Held] = field(default_factory=list)
    accepted: list[Held] = field(default_factory=list)
    stalled: tuple[int, Stall] | None = None
    attempt: int | None = None
    settle_from: float = 0.0
    absent_since: float | None = None
    absent_key: tuple[str, ...] | None = None
    created_id: str | None = None
    pending_sent: SecretStr | None = None
    pending_untried: SecretStr | None = None
    pending_refused: SecretStr | None = None
    confirmed: bool = False
    secret_seen_fine: tuple[object, ...] | None = None
    secret_name_taken: bool = False
    sync_request: str | None = None
    has_spoken: bool = False
    corrections: list[tuple[float, object, int]] = field(default_factory=list)
    repairs: list[tuple[float, int]] = field(default_factory=list)
    remade: list[tuple[float, int]] = field(default_factory=list)
    pending: tuple[tuple[str, str], float] | None = None
    old_views: int = 0
    looks: int = 0
    look_again: float = 0.0


@dataclass(frozen=True)
class SecretsRead:
    """The Secrets as this pass read them, to be replaced or deleted by exactly this version."""

    credentials: SecretContent | None = None
    pending: SecretContent | None = None
