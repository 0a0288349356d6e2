"""What the status of a resource says, in a few words: where it stands, since when, why, and when the operator tries again."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from managed_databases.gitops.explanations.explanation import page_of
from managed_databases.kinds.verdicts import ASKS_BESIDE, Reason
from managed_databases.kube.metrics import state
from managed_databases.reconcile.annotations import SYNC_REQUESTED
from managed_databases.reconcile.controller_settings import ControllerSettings
from managed_databases.reconcile.decide.failures import KUBERNETES_SECONDS
from managed_databases.reconcile.observe.definition_deletion import LOOK_AGAIN_SECONDS
from managed_databases.reconcile.ports import Resource
from managed_databases.reconcile.told import Told, ToldCondition

USUAL: Final = ControllerSettings()


class State(StrEnum):
    """Where a resource stands. The first three are the states of the metric `managed_databases_resources`."""

    READY = "ready"
    WAITING = "waiting"
    STALLED = "stalled"
    UNSEEN = "not looked at"
    """No operator has looked at this generation of the spec."""


@dataclass(frozen=True)
class Situation:
    """`since` is when the condition that tells `reason` last changed, as Kubernetes writes times; None if that is not known."""

    state: State
    reason: str
    message: str
    since: str | None
    next_try: str

    @property
    def asks_beside(self) -> bool:
        """Whether it is ready, and a person should mend something nevertheless."""
        return self.state is State.READY and self.reason in ASKS_BESIDE

    @property
    def page(self) -> Path | None:
        """Where the documentation tells of the reason; None where no reason is told, or one of another version."""
        return page_of(self.reason) if self.reason in set(Reason) else None


def standing_of(resource: Resource) -> Situation:
    """Return where the resource stands, by its conditions."""
    told = resource.told
    if told.observed_generation < resource.generation:
        is_new = told.observed_generation < 0
        since = resource.deleting_since or (resource.created_at if is_new else None)
        return Situation(
            State.UNSEEN, "", _unlooked(resource), since, "when an operator runs that serves this namespace"
        )
    decisive = _decisive(told)
    if decisive is None:
        return Situation(State.WAITING, "", "the status has no conditions", None, _in_time())
    is_deleting = resource.deleting_since is not None
    word = State(state(resource.status))
    return Situation(
        word,
        decisive.reason,
        decisive.message,
        decisive.last_transition_time or None,
        next_try(decisive.reason, is_stalled=word is State.STALLED, is_deleting=is_deleting),
    )


def _unlooked(resource: Resource) -> str:
    what = "the deletion" if resource.deleting_since is not None else f"generation {resource.generation} of the spec"
    return f"no operator has looked at {what} yet"


def _decisive(told: Told) -> ToldCondition | None:
    """Return the condition that says why the resource stands where it does: that of a stall, of work, of a lack, of rest."""
    for type_, wanted in (("Stalled", "True"), ("Reconciling", "True"), ("Ready", "False"), ("Synced", "False")):
        found = told.condition(type_)
        if found is not None and found.status == wanted:
            return found
    return told.condition("Ready") or next(told.conditions, None)


_BY_A_CHANGE: Final = "at once on a change of the spec, or with the annotation " + SYNC_REQUESTED
_BY_A_PERSON: Final = "when somebody does what the message says"

_WHEN: Final[Mapping[str, str]] = {
    Reason.PARENT_NOT_READY: "at once when what it refers to is usable",
    Reason.PARENT_MISSING: "at once when what it refers to is there and usable",
    Reason.PROJECT_MISSING: "at once when the DatabaseProject is there",
    Reason.PROJECT_NOT_READY: "at once when the DatabaseProject can be used",
    Reason.CREDENTIALS_INVALID: f"on a change of the Secret; else every {USUAL.probe_seconds:.0f} s",
    Reason.SECRET_MISSING: "at once when a labelled Secret is there, else when it is looked for again",
    Reason.PENDING: f"the cloud is asked every {USUAL.pending_poll_seconds:.0f} s",
    Reason.BUSY: f"the cloud is asked every {USUAL.pending_poll_seconds:.0f} s",
    Reason.UNREACHABLE: f"the API is tried every {USUAL.probe_seconds:.0f} s, and all goes on when it answers",
    Reason.RATE_LIMITED: "when the pause that the API has asked for is over",
    Reason.LOOKING: "after the next list of the cloud",
    Reason.IN_USE: "at once when what is in it is gone",
    Reason.PROTECTED: _BY_A_PERSON,
    Reason.PAUSED: _BY_A_PERSON,
    Reason.APPROVAL_NEEDED: _BY_A_PERSON,
    Reason.KUBERNETES_REFUSES: f"every {KUBERNETES_SECONDS:.0f} s at first, then with growing pauses; {_BY_A_CHANGE}",
}
"""When a resource with this reason gets its next pass. What is not here goes on by itself, or by a change."""


def next_try(reason: str, *, is_stalled: bool, is_deleting: bool) -> str:
    """Return when the operator looks at the resource next, with its usual settings."""
    when = _WHEN.get(reason) or (_BY_A_CHANGE if is_stalled else "")
    latest = f"within {LOOK_AGAIN_SECONDS:.0f} s" if is_deleting else _in_time()
    return f"{when}; {latest} at the latest" if when else f"{latest} without a cause"


def _in_time() -> str:
    """With more resources than can be looked at in that time it is later, but only the operator knows how many there are."""
    return f"within {USUAL.resync_seconds * 1.1 / 60:.0f} minutes"
