"""Decides what to do next for one resource: a pure function from an `Observed` to a verdict.

The order of the rules is the order of what is at stake: never a second object, never someone else's, never a lost
password; only then the spec's changes.
"""

from dataclasses import replace

from managed_databases.kinds.kind import CloudKind, O, S, T, any_kind
from managed_databases.kinds.observed import Observed, Standing
from managed_databases.kinds.phases import AT_WORK, PENDING
from managed_databases.kinds.verdicts import (
    Change,
    Credentials,
    Done,
    PasswordStep,
    Reason,
    Record,
    Stall,
    Step,
    Verdict,
    Wait,
)
from managed_databases.reconcile.annotations import PAUSED
from managed_databases.reconcile.decide.deletion import at_work, believed, decide_deletion
from managed_databases.reconcile.decide.differences import (
    Differences,
    Rests,
    differences,
    never_rests,
)
from managed_databases.reconcile.decide.owned_resources import owned_step
from managed_databases.reconcile.decide.password_steps import password_step
from managed_databases.reconcile.decide.same_key import named, rename_collision
from managed_databases.reconcile.decide.turns import turn_wait
from managed_databases.reconcile.decide.waited_references import is_only_work, reference_problem, unknown_reference
from managed_databases.reconcile.decide.without_object import lost, without_object

_FOLLOW_THE_CLOUD = frozenset({PasswordStep.SWITCH, PasswordStep.CONFIRMED, PasswordStep.MOUNT, PasswordStep.LOCKED})
"""Steps that follow once the cloud has a password. They wait for nothing, as until then the Secret does not open the database."""

_NEED_A_CALL = frozenset({PasswordStep.SEND, PasswordStep.CONFIRM, PasswordStep.BEGIN})
"""Steps that call the API, and the one that begins a turn, which is nothing but such calls."""


def decide(kind: CloudKind[S, O, T], observed: Observed[S, O, T], rests: Rests = never_rests) -> Verdict:
    """Return the next step, or why there is none.

    `rests` says why a change is not tried again yet, for example because it was refused; such a change holds up no other.
    """
    if observed.deleting:
        return decide_deletion(any_kind(kind), observed)
    verdict = _decide(any_kind(kind), observed, rests)
    return _paused(verdict) if observed.annotations.get(PAUSED) == "true" else verdict


def _paused(verdict: Verdict) -> Verdict:
    """Return the verdict for a paused resource. A pause holds back steps only; waits and stalls are reported as ever.

    A step that is held back needs a person to end the pause (a stall). The id of an object that the operator's own attempt has
    made is still written into the status.
    """
    if isinstance(verdict, Record) and verdict.reason in (Reason.CREATING, Reason.FOUND):
        return verdict
    if isinstance(verdict, Step):
        return Stall(Reason.PAUSED, f"{PAUSED} is true; remove that annotation to let this happen: {verdict.message}")
    if isinstance(verdict, Done) and verdict.reason is Reason.IN_SYNC:
        return Done(Reason.PAUSED, f"{verdict.message}; should they differ, nothing is done while {PAUSED} is true")
    return verdict


def _decide(kind: CloudKind, observed: Observed, rests: Rests) -> Verdict:
    if observed.problem is not None:
        return observed.problem
    if observed.standing is Standing.TRUSTED:
        return believed(observed)
    if observed.status.id is None:
        return without_object(kind, observed)
    if observed.external is None:
        return lost(kind, observed, observed.status.id)
    presence = observed.presence
    if presence.holder is not None:
        return Stall(Reason.CONFLICT, f"{presence.holder} holds {observed.status.id}: remove one of the two resources")
    if presence.is_unsure and not observed.external.is_whole:
        return Wait(
            Reason.LOOKING,
            f"the API's answer about {observed.existing.id} lacks what each {kind.collection.one} has, and cannot be read: "
            "nothing is decided until it tells more",
        )
    if presence.is_unsure:
        return Wait(Reason.LOOKING, "a call ended without a clear answer: the operator looks what the call did")
    if observed.moved is not None:
        return observed.moved
    return _with_object(kind, observed, rests)


def _with_object(kind: CloudKind, observed: Observed, rests: Rests) -> Verdict:
    """Decide for a resource whose object exists. Guards come first: no refusal, Secret or status ERROR holds them up."""
    phase = observed.existing.status
    if phase in PENDING:
        pending = at_work(
            observed, Wait(Reason.PENDING, f"the cloud is at work ({phase})", observed.presence.pending_seconds)
        )
        return _secret_meanwhile(kind, observed, pending) if phase in AT_WORK else pending
    if unknown := unknown_reference(kind, observed):
        return unknown
    found = differences(kind, observed, rests, rename_collision(kind, observed))
    if found.guard is not None:
        return reference_problem(kind, observed) or found.guard
    if phase == "ERROR":
        return found.beside(
            Reason.ERROR,
            f"the cloud says ERROR for {observed.existing.id}: look in the cloud's console what happened; the operator does not "
            "create it again",
        )
    verdict = password_step(kind, observed) or _difference(kind, observed, found)
    if isinstance(verdict, Done) and (lack := lacking(kind, observed)) is not None:
        verdict = lack
    elif isinstance(verdict, Done) and (waiting := turn_wait(kind, observed)) is not None:
        verdict = waiting
    if isinstance(verdict, Credentials):
        return _once_references_allow(kind, observed, verdict)
    if isinstance(verdict, Change):
        return reference_problem(kind, observed) or verdict
    return verdict


def _once_references_allow(kind: CloudKind, observed: Observed, step: Credentials) -> Verdict:
    """Return the step, or the wait for what it refers to. The cloud's work on that holds up only what needs a call."""
    problem = reference_problem(kind, observed)
    if problem is None or step.step in _FOLLOW_THE_CLOUD:
        return step
    if not is_only_work(kind, observed):
        return problem
    return _after(problem, step) if step.step in _NEED_A_CALL else step


def _secret_meanwhile(kind: CloudKind, observed: Observed, waiting: Wait | Stall) -> Verdict:
    """Return the step by which a lost Secret comes back while the cloud is at work on the object itself, else the wait."""
    view = observed.credential
    if view is None or view.password is not None or view.problem is not None or reference_problem(kind, observed):
        return waiting
    step = password_step(kind, observed)
    if not isinstance(step, Credentials):
        return waiting
    return step if step.step in (PasswordStep.WRITE, PasswordStep.PREPARE) else _after(waiting, step)


def _after(waiting: Wait | Stall, step: Credentials) -> Wait | Stall:
    return replace(waiting, message=f"{waiting.message}; after that: {step.message}")


def lacking(kind: CloudKind, observed: Observed) -> Wait | Stall | None:
    """Return what the credentials Secret lacks to be of use; None if it lacks nothing, or if the kind has no Secret."""
    credential = kind.credential
    return None if credential is None or not credential.applies(observed) else credential.lacks(observed)


def _difference(kind: CloudKind, observed: Observed, found: Differences) -> Verdict:
    if (verdict := found.verdict()) is not None:
        return verdict
    if step := owned_step(kind, observed):
        return step
    if observed.same_key.namesakes:
        ids = named(kind, observed, observed.same_key.namesakes)
        return Stall(
            Reason.DUPLICATE_SUSPECTED,
            f"the cloud also has {ids} {kind.same_key}, which no resource holds: delete it there if nobody needs it",
        )
    return Done()
