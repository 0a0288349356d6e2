"""What to do next for one resource: a pure function of what was seen.

The order of the rules is the order of what is at stake: never a second object, never someone else's, never a lost
password; only then the spec's changes.
"""

from collections.abc import Iterable

from managed_databases.api.models import CloudObject
from managed_databases.kinds.facts import Facts
from managed_databases.kinds.kind import CloudKind, O, S, T, any_kind
from managed_databases.kinds.names import name_problem
from managed_databases.kinds.observed import Observed, Refused, Standing
from managed_databases.kinds.shared_fields import Intent
from managed_databases.kinds.verdicts import (
    Change,
    Create,
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
from managed_databases.reconcile.annotations import FORCE_DELETE, PAUSED, RECREATE
from managed_databases.reconcile.decide.candidates import (
    candidates,
    fields_that_differ,
    unreadable_since,
    wait_after,
)
from managed_databases.reconcile.decide.deletion import at_work, believed, decide_deletion
from managed_databases.reconcile.decide.differences import (
    Differences,
    Rests,
    approval_hash,
    differences,
    never_rests,
    reports_only,
)
from managed_databases.reconcile.decide.owned_resources import owned_step
from managed_databases.reconcile.decide.password_steps import password_refusal, password_step

__all__ = ["OF_THE_OBJECT", "PENDING", "approval_hash", "decide", "unknown_reference"]

MAX_LOST_IDS = 10
"""So many ids the status remembers."""

PENDING = frozenset({"PENDING_CREATE", "PENDING_UPDATE", "PENDING_DELETE", "RESIZING"})
"""The API's statuses in which an object takes no change (docs/api-facts.md, Life cycle)."""

_FOLLOW_THE_CLOUD = frozenset({PasswordStep.SWITCH, PasswordStep.CONFIRMED})
"""What is done once the cloud has a password: until then its Secret does not open, so these steps wait for nothing."""

OF_THE_OBJECT = Facts(id=None, intent=None, phase=None, adopted=None, managed=(), applying=None, synced_generation=None)
"""What a status says about one object, and what goes with it: the next one has everything still to come."""


def decide(kind: CloudKind[S, O, T], observed: Observed[S, O, T], rests: Rests = never_rests) -> Verdict:
    """Return the next step, or why there is none. A change that `rests`, as it was refused, holds up none of the others."""
    if observed.deleting:
        return decide_deletion(any_kind(kind), observed)
    verdict = _decide(any_kind(kind), observed, rests)
    return _paused(verdict) if observed.annotations.get(PAUSED) == "true" else verdict


def _paused(verdict: Verdict) -> Verdict:
    """A pause holds back steps, and nothing else: what is waited for, or wrong, is told as ever.

    A step that is held back needs a person, who ends the pause. What our own attempt has made is written down all the
    same.
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
        return _without_object(kind, observed)
    if observed.external is None:
        return _lost(kind, observed, observed.status.id)
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


def _without_object(kind: CloudKind, observed: Observed) -> Verdict:
    if observed.creation.created_id is not None:
        return _recorded(kind, observed, observed.creation.created_id, Reason.CREATING, "created")
    if observed.presence.returned and observed.status.intent is None:
        return _taken_back(kind, observed)
    if observed.status.intent is None and (blocked := _reference_problem(kind, observed)):
        return blocked
    if not observed.creation.is_listed:
        return observed.creation.unlisted or Wait(Reason.LOOKING, "waits for the first list of the objects that exist")
    if observed.status.intent is not None:
        return _after_an_attempt(kind, observed, observed.status.intent)
    if (refused := _name_refusal(kind, observed)) and not (observed.same_key.namesakes and _may_adopt(observed)):
        return refused  # before anything is said of what has that name
    if conflict := _claimed_by_others(observed):
        return conflict
    if observed.same_key.namesakes:
        return _adopt_or_refuse(kind, observed)
    if observed.spec.adoption == "Required":
        return Stall(Reason.NOTHING_TO_ADOPT, "adoption is Required, but the cloud has no object of this name yet")
    if observed.standing is Standing.UNPROVEN:
        return Stall(
            Reason.OWNERSHIP_NOT_PROVEN,
            "the status says to have an object, nothing proves it, and the cloud has none of this name to take over: nothing is "
            f"made in its place. {FORCE_DELETE}: true and a deletion let this resource go",
        )
    return _create(kind, observed, Reason.ABSENT, "no such object in the cloud yet")


def _after_an_attempt(kind: CloudKind, observed: Observed, intent: Intent) -> Verdict:
    if observed.creation.settle_seconds is not None:
        return wait_after(intent, observed.creation.settle_seconds)
    found = [
        each
        for each in candidates(kind, observed.same_key.namesakes, intent)
        if each.id not in observed.presence.returned
    ]
    if not found and observed.presence.returned:
        return _taken_back(kind, observed)
    if not found and (unclear := unreadable_since(observed, intent)):
        return unclear
    if len(found) == 1:
        return _recorded(
            kind, observed, found[0].id, Reason.FOUND, "new since the attempt to create, and held by no resource"
        )
    if found:
        ids = ", ".join(sorted(candidate.id for candidate in found))
        return Stall(Reason.AMBIGUOUS, f"delete all but one of these in the cloud: {ids}")
    if observed.creation.again_seconds is not None:
        return wait_after(intent, observed.creation.again_seconds)
    if observed.moved is not None or kind.key(observed) != tuple(
        observed.status.identity.key if observed.status.identity else ()
    ):
        # What was attempted is not what the spec says now: with it its pinned identity ends, and all begins anew.
        return Record(Reason.ABSENT, "the last attempt left nothing behind", Facts(intent=None, identity=None))
    if blocked := _reference_problem(kind, observed):
        return blocked
    if conflict := _claimed_by_others(observed):
        return conflict
    if observed.same_key.namesakes:
        return _adopt_or_refuse(kind, observed)
    return _create(kind, observed, Reason.ABSENT, "the last attempt left nothing behind")


def _taken_back(kind: CloudKind, observed: Observed) -> Record:
    return _recorded(
        kind,
        observed,
        observed.presence.returned[-1],
        Reason.FOUND,
        "this resource had it before, and the API shows it again",
    )


def _name_refusal(kind: CloudKind, observed: Observed) -> Stall | None:
    """What is in a datastore has its name there; what is in a project, among all of the project's namespaces."""
    return None if kind.is_inside else name_problem(observed)


def _may_adopt(observed: Observed) -> bool:
    """The power to take over what nobody holds goes beyond names."""
    return observed.spec.adoption != "Never" and observed.project is not None and "adopt" in observed.project.powers


def _named(kind: CloudKind, observed: Observed, objects: Iterable[CloudObject]) -> str:
    """What nobody holds, by its ids; for whom they are not, that it is there."""
    ids = sorted(each.id for each in objects)
    if _may_be_named(kind, observed):
        return ", ".join(ids)
    return "an object" if len(ids) == 1 else f"{len(ids)} objects"


def _may_be_named(kind: CloudKind, observed: Observed) -> bool:
    """What is in a project may be another namespace's, or another cluster's: its ids are for whoever may adopt it."""
    is_inside = kind.is_inside
    return is_inside or (observed.project is not None and "adopt" in observed.project.powers)


def _claimed_by_others(observed: Observed) -> Stall | None:
    if observed.same_key.rival is not None:
        return Stall(Reason.CONFLICT, f"{observed.same_key.rival} already stands for this object: choose another name")
    for _, holder in sorted(observed.same_key.held.items()):
        return Stall(Reason.CONFLICT, f"{holder} holds the object of this name: choose another name")
    return None


def _adopt_or_refuse(kind: CloudKind, observed: Observed) -> Verdict:
    dying = [namesake for namesake in observed.same_key.namesakes if namesake.status == "PENDING_DELETE"]
    if dying:
        going = _named(kind, observed, dying)
        return Wait(
            Reason.PENDING, f"the cloud has {going} under this name, which is being deleted: waits until it is gone"
        )
    ids = _named(kind, observed, observed.same_key.namesakes)
    if observed.spec.adoption == "Never":
        return Stall(
            Reason.ALREADY_EXISTS,
            f"the cloud has {ids} under this name, which no resource holds: choose another name, or set "
            "spec.adoption to IfExists to take it over",
        )
    if observed.project is None or "adopt" not in observed.project.powers:
        return Stall(
            Reason.FORBIDDEN,
            "the DatabaseProject does not let this namespace adopt: its allowedNamespaces entry needs powers: [adopt]",
        )
    if len(observed.same_key.namesakes) > 1:
        return Stall(Reason.AMBIGUOUS, f"several objects have this name, so none is adopted: {ids}")
    found = observed.same_key.namesakes[0]
    try:
        expected = kind.expected(observed)
    except Refused as refused:
        return refused.verdict
    actual = kind.expected_of(found)
    if differing := fields_that_differ(expected, actual):
        told = "; ".join(f"{field} is {actual[field]}, the spec says {expected[field]}" for field in differing)
        return Stall(Reason.NOT_ADOPTABLE, f"{found.id} differs in what can never change: {told}")
    if unknown := password_refusal(kind, observed):
        return unknown
    return _recorded(kind, observed, found.id, Reason.ADOPTED, "taken over as it is", adopted=True)


def _create(kind: CloudKind, observed: Observed, reason: Reason, message: str) -> Verdict:
    if blocked := _reference_problem(kind, observed, at_creation=True) or _name_refusal(kind, observed):
        return blocked
    if observed.credential is not None and observed.credential.problem is not None:
        return observed.credential.problem
    try:
        kind.expected(observed)
        kind.body(observed, None)
    except Refused as refused:
        return refused.verdict
    if not observed.creation.has_looked:
        return Wait(Reason.LOOKING, "the operator looks once more whether the object exists, before it creates one")
    if observed.status.intent is None and (unclear := _may_be_taken(kind, observed, "created")):
        return unclear
    return Create(reason, message)


def _may_be_taken(kind: CloudKind, observed: Observed, what: str) -> Wait | None:
    """A name that nothing has, as far as names are told; what never tells its own holds up nothing for ever."""
    if not observed.same_key.unreadable or observed.creation.unreadable_seconds is None:
        return None
    ids = ", ".join(sorted(observed.same_key.unreadable)) if _may_be_named(kind, observed) else "something"
    return Wait(
        Reason.LOOKING,
        f"the API does not tell the name of {ids}, which may be this one: waits for it a while before it is {what}",
        observed.creation.unreadable_seconds,
    )


def _recorded(
    kind: CloudKind, observed: Observed, id_: str, reason: Reason, message: str, *, adopted: bool = False
) -> Record:
    changes = Facts(id=id_, intent=None)
    if adopted:
        changes |= Facts(adopted=True)
        if observed.standing is Standing.UNPROVEN:  # what it said to have had is worth nothing
            changes |= Facts(lost_ids=())
        if observed.status.managed or observed.status.applying:
            changes |= Facts(managed=(), applying=None)
        if observed.spec.drift_policy == "Report":  # what differs already is to be seen before anything is done
            changes |= Facts(synced_generation=observed.generation)
    credential = kind.credential
    is_sent = credential is not None and credential.value_of is None and credential.applies(observed)
    if is_sent and reason is not Reason.CREATING:
        changes |= Facts(password_unconfirmed=True)
    return Record(reason, f"{id_}: {message}", changes)


def _reference_problem(kind: CloudKind, observed: Observed, *, at_creation: bool = False) -> Wait | Stall | None:
    """The first reference that cannot be used yet, of those that are waited for; `at_creation`: all of these."""
    for reference in kind.references:
        referred = observed.refs.get(reference.field)
        counts = reference.waited and (at_creation or not reference.at_creation_only)
        if counts and referred is not None and referred.problem is not None:
            return referred.problem
    return None


def _lost(kind: CloudKind, observed: Observed, id_: str) -> Verdict:
    if not observed.presence.is_gone:
        return Wait(Reason.LOOKING, f"{id_} is not in the list: the operator asks for it by its id")
    if reports_only(observed) and not kind.holds_data and observed.annotations.get(RECREATE) != id_:
        return Stall(
            Reason.GONE,
            f"{id_} is gone from the cloud, and driftPolicy Report leaves it so: to have it made again, annotate "
            f"{RECREATE}: {id_}, or change the spec",
        )
    if kind.holds_data and observed.annotations.get(RECREATE) != id_:
        return Stall(
            Reason.GONE,
            f"{id_} is gone from the cloud with its data: restore it there and adopt it, or make an empty one with "
            f"the annotation {RECREATE}: {id_}",
        )
    if not kind.holds_data and (blocked := _reference_problem(kind, observed)):
        return blocked  # it cannot be made again yet: what is known of it may still be needed
    lost = (*(lost for lost in observed.status.lost_ids if lost != id_), id_)[-MAX_LOST_IDS:]
    return Record(
        Reason.GONE,
        f"{id_} is gone from the cloud: a new object is created in its place",
        OF_THE_OBJECT | Facts(lost_ids=lost),
    )


def _with_object(kind: CloudKind, observed: Observed, rests: Rests) -> Verdict:
    """What guards comes before all else: neither a refusal nor a Secret nor an ERROR holds it up."""
    phase = observed.existing.status
    if phase in PENDING:
        return at_work(
            observed, Wait(Reason.PENDING, f"the cloud is at work ({phase})", observed.presence.pending_seconds)
        )
    if unknown := unknown_reference(kind, observed):
        return unknown
    found = differences(kind, observed, rests, _rename_collision(kind, observed))
    if found.guard is not None:
        return _reference_problem(kind, observed) or found.guard
    if phase == "ERROR":
        return found.beside(
            Reason.ERROR,
            f"the cloud says ERROR for {observed.existing.id}: look in the cloud's console what happened; the operator does not "
            "create it again",
        )
    verdict = password_step(kind, observed) or _difference(kind, observed, found)
    if isinstance(verdict, Done) and (lack := lacking(kind, observed)) is not None:
        verdict = Wait(Reason.NOT_TOLD, lack)
    is_done_in_the_cloud = isinstance(verdict, Credentials) and verdict.step in _FOLLOW_THE_CLOUD
    if isinstance(verdict, Change | Credentials) and not is_done_in_the_cloud:
        return _reference_problem(kind, observed) or verdict
    return verdict


def lacking(kind: CloudKind, observed: Observed) -> str | None:
    """Say what the credentials Secret lacks to be of use; None when it lacks nothing, or there is no Secret."""
    credential = kind.credential
    return None if credential is None or not credential.applies(observed) else credential.lacks(observed)


def _difference(kind: CloudKind, observed: Observed, found: Differences) -> Verdict:
    if (verdict := found.verdict()) is not None:
        return verdict
    if step := owned_step(kind, observed):
        return step
    if observed.same_key.namesakes:
        ids = _named(kind, observed, observed.same_key.namesakes)
        return Stall(
            Reason.DUPLICATE_SUSPECTED,
            f"the cloud also has {ids} under this name, which no resource holds: delete it there if nobody needs it",
        )
    return Done()


def _rename_collision(kind: CloudKind, observed: Observed) -> Stall | Wait | None:
    """A new name must be as free as a first one."""
    if kind.key(observed) == kind.key_of(observed.existing):
        return None
    is_wished = observed.status.synced_generation != observed.generation  # what others have renamed gets its name back
    if is_wished and (refused := _name_refusal(kind, observed)):
        return refused
    if conflict := _claimed_by_others(observed):
        return conflict
    if observed.same_key.namesakes:
        ids = _named(kind, observed, observed.same_key.namesakes)
        return Stall(Reason.ALREADY_EXISTS, f"the cloud has {ids} under the new name: choose another one")
    return _may_be_taken(kind, observed, "renamed")


def unknown_reference(kind: CloudKind, observed: Observed) -> Wait | Stall | None:
    """Without the object that a reference stands for nothing can be compared.

    One that is only at work is another matter: it holds up a step, but not the finding that there is none to take.
    """
    for reference in kind.references:
        referred = observed.refs.get(reference.field)
        counts = reference.waited and not reference.at_creation_only
        if counts and referred is not None and referred.problem is not None and referred.object is None:
            return referred.problem
    return None
