"""What the operator would do for one resource, by the operator's own rules, each step with its risk."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from managed_databases.api.calls import Call
from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.observed import Observed, SpecRefused
from managed_databases.kinds.verdicts import (
    Arrange,
    Change,
    Create,
    Credentials,
    Delete,
    Done,
    LetGo,
    PasswordStep,
    Reason,
    Record,
    Risk,
    Stall,
    Verdict,
    Wait,
)
from managed_databases.reconcile.decide.decide import decide
from managed_databases.reconcile.decide.differences import approved, differences
from managed_databases.reconcile.decide.same_key import rename_collision

RISKS: Final = {Risk.NONE: "none", Risk.ONLINE: "online", Risk.RESTART: "restart", Risk.DESTRUCTIVE: "data loss"}
"""How each risk is called: what a step does to those who use the database at that moment."""


class PlannedAction(StrEnum):
    """What is done."""

    CREATE = "create"
    ADOPT = "adopt"
    CHANGE = "change"
    APPROVE = "needs approval"
    """A change that waits for a person's word."""
    PASSWORD = "password"
    DELETE = "delete"
    LET_GO = "let go"
    REPORTED = "differs"
    """A difference that is only told, as driftPolicy is Report."""
    WAIT = "waits"
    MISSING = "misses something"
    """What it refers to was looked up: neither the manifests nor the cluster and the cloud have it."""
    BLOCKED = "cannot be done"


@dataclass(frozen=True)
class Planned:
    """One step. `call` is its request, None for one that makes no call; `body` has no secret in it."""

    action: PlannedAction
    risk: Risk
    message: str
    reason: str = ""
    call: str | None = None
    body: Any = None
    after: str = ""
    """The resource that has to be made first."""


_CALLS: Final = {PasswordStep.PREPARE, PasswordStep.SEND, PasswordStep.CONFIRM, PasswordStep.BEGIN}


def planned(kind: CloudKind, observed: Observed) -> list[Planned]:
    """Return what the operator would do now, one step after the other, as if each of them worked. Empty: nothing.

    A Record is not followed: whoever plans writes it into the status, and looks again.
    """
    steps: list[Planned] = []
    verdict = decide(kind, observed)
    while isinstance(verdict, Credentials) and observed.credential is not None:
        if (step := _of_password(verdict)) is not None:
            steps.append(step)
        observed = replace(observed, credential=None)
        verdict = decide(kind, observed)
    return [*steps, *_of(kind, observed, verdict)]


def _of(kind: CloudKind, observed: Observed, verdict: Verdict) -> Iterator[Planned]:
    match verdict:
        case Create():
            call = kind.collection.create(kind.body(observed, None))
            yield _with_call(PlannedAction.CREATE, Risk.NONE, verdict.message, verdict.reason, call)
        case Record() if verdict.changes.id is not None:
            yield Planned(PlannedAction.ADOPT, Risk.NONE, verdict.message, verdict.reason)
        case Record():
            yield Planned(PlannedAction.WAIT, Risk.NONE, verdict.message, verdict.reason)
        case Delete():
            risk = Risk.DESTRUCTIVE if kind.holds_data else Risk.ONLINE
            delete = kind.collection.delete(observed.existing.id)
            yield _with_call(PlannedAction.DELETE, risk, verdict.message, verdict.reason, delete)
        case LetGo():
            yield Planned(PlannedAction.LET_GO, Risk.NONE, verdict.message, verdict.reason)
        case Arrange():
            yield Planned(PlannedAction.CHANGE, Risk.NONE, verdict.message, verdict.reason)
        case Change():
            yield from _changes(kind, observed, verdict)
        case Done() if verdict.reason is Reason.DRIFT:
            yield Planned(PlannedAction.REPORTED, Risk.NONE, verdict.message, verdict.reason)
        case Stall() if verdict.reason is Reason.APPROVAL_NEEDED:
            yield from _unapproved(kind, observed)
        case Stall():
            yield Planned(PlannedAction.BLOCKED, Risk.NONE, verdict.message, verdict.reason)
        case Wait():
            yield Planned(PlannedAction.WAIT, Risk.NONE, verdict.message, verdict.reason)
        case Done() | Credentials():
            return


def _changes(kind: CloudKind, observed: Observed, first: Change) -> Iterator[Planned]:
    """Yield all changes of an object. In the operator a change that rests holds up none of the others: here each one that is
    planned rests.
    """
    done: list[Change] = []

    def rests(change: Change) -> Stall | None:
        return Stall(change.reason, change.message) if change in done else None

    if observed.deleting:
        yield from _before_a_deletion(kind, observed)
        return
    verdict: Verdict = first
    while isinstance(verdict, Change) and verdict not in done:
        yield _with_call(PlannedAction.CHANGE, verdict.risk, verdict.message, verdict.reason, verdict.call)
        done.append(verdict)
        verdict = decide(kind, observed, rests)
    found = differences(kind, observed, rests, rename_collision(kind, observed))
    if found.unapproved:
        yield from _unapproved(kind, observed)
    if found.refusal is not None:
        action = PlannedAction.BLOCKED if isinstance(found.refusal, Stall) else PlannedAction.WAIT
        yield Planned(action, Risk.NONE, found.refusal.message, found.refusal.reason)


def _before_a_deletion(kind: CloudKind, observed: Observed) -> Iterator[Planned]:
    for change in kind.before_delete(observed):
        yield _with_call(PlannedAction.CHANGE, change.risk, change.message, change.reason, change.call)
    yield from _of(kind, observed, Delete(Reason.DELETING, "then the object is deleted"))


def _unapproved(kind: CloudKind, observed: Observed) -> Iterator[Planned]:
    try:
        for change in kind.changes(observed):
            verdict = approved(observed, change)
            if isinstance(verdict, Stall):
                yield _with_call(PlannedAction.APPROVE, change.risk, verdict.message, verdict.reason, change.call)
    except SpecRefused as refused:
        yield Planned(PlannedAction.BLOCKED, Risk.NONE, refused.verdict.message, refused.verdict.reason)


def _of_password(step: Credentials) -> Planned | None:
    """Return the step that changes a password, or sends it; None for one that only writes the Secret."""
    if step.step not in _CALLS:
        return None
    cuts_off = step.step not in (PasswordStep.CONFIRM, PasswordStep.BEGIN)  # two users who take turns cut nobody off
    return Planned(PlannedAction.PASSWORD, Risk.RESTART if cuts_off else Risk.NONE, step.message, step.reason)


def _with_call(action: PlannedAction, risk: Risk, message: str, reason: str, call: Call[Any]) -> Planned:
    body = None if call.body is None else call.body.model_dump(mode="json", exclude_unset=True)
    if body is not None and call.request_envelope is not None:
        body = {call.request_envelope: body}
    return Planned(action, risk, message, reason, f"{call.method} {call.path}", body)
