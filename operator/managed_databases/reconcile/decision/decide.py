"""What to do next for one resource: a pure function of what was seen.

The order of the rules is the order of what is at stake: never a second object, never someone else's, never a lost
password; only then the spec's changes.
"""

from collections.abc import Iterable

from managed_databases.api.models import CloudObject
from managed_databases.kinds.facts import Facts
from managed_databases.kinds.frame import Intent
from managed_databases.kinds.kind import CloudKind, O, S, T, any_kind
from managed_databases.kinds.names import name_problem
from managed_databases.kinds.seen import Refused, Seen
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
from managed_databases.reconcile.decision.candidates import (
    candidates,
    fields_that_differ,
    unreadable_since,
    wait_after,
)
from managed_databases.reconcile.decision.deletion import at_work, believed, decide_deletion
from managed_databases.reconcile.decision.differences import (
    Differences,
    Rests,
    approval_hash,
    differences,
    never_rests,
    reports_only,
)
from managed_databases.reconcile.decision.owned import owned_step
from managed_databases.reconcile.decision.passwords import password_refusal, password_step

__all__ = ["OF_THE_OBJECT", "PENDING", "approval_hash", "decide", "unknown_reference"]

LOST_IDS_MOST = 10
"""So many ids the status remembers."""

PENDING = frozenset({"PENDING_CREATE", "PENDING_UPDATE", "PENDING_DELETE", "RESIZING"})
"""The API's statuses in which an object takes no change (docs/api-facts.md, Life cycle)."""

_FOLLOW_THE_CLOUD = frozenset({PasswordStep.SWITCH, PasswordStep.CONFIRMED})
"""What is done once the cloud has a password: until then its Secret does not open, so these steps wait for nothing."""

OF_THE_OBJECT = Facts(id=None, intent=None, phase=None, adopted=None, managed=(), applying=None, synced_generation=None)
"""What a status says about one object, and what goes with it: the next one has everything still to come."""


def decide(kind: CloudKind[S, O, T], seen: Seen[S, O, T], rests: Rests = never_rests) -> Verdict:
    """Return the next step, or why there is none. A change that `rests`, as it was refused, holds up none of the others."""
    if seen.deleting:
        return decide_deletion(any_kind(kind), seen)
    verdict = _decide(any_kind(kind), seen, rests)
    return _paused(verdict) if seen.annotations.get(PAUSED) == "true" else verdict


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


def _decide(kind: CloudKind, seen: Seen, rests: Rests) -> Verdict:
    if seen.problem is not None:
        return seen.problem
    if seen.by_trust:
        return believed(seen)
    if seen.status.id is None:
        return _without_object(kind, seen)
    if seen.mine is None:
        return _lost(kind, seen, seen.status.id)
    if seen.holder is not None:
        return Stall(Reason.CONFLICT, f"{seen.holder} holds {seen.status.id}: remove one of the two resources")
    if seen.mine_unsure and not seen.mine.is_whole:
        return Wait(
            Reason.LOOKING,
            f"the API's answer about {seen.existing.id} lacks what each {kind.collection.one} has, and cannot be read: nothing "
            "is decided until it tells more",
        )
    if seen.mine_unsure:
        return Wait(Reason.LOOKING, "a call ended without a clear answer: the operator looks what the call did")
    if seen.moved is not None:
        return seen.moved
    return _with_object(kind, seen, rests)


def _without_object(kind: CloudKind, seen: Seen) -> Verdict:
    if seen.created_id is not None:
        return _recorded(kind, seen, seen.created_id, Reason.CREATING, "created")
    if seen.returned and seen.status.intent is None:
        return _taken_back(kind, seen)
    if seen.status.intent is None and (blocked := _reference_problem(kind, seen)):
        return blocked
    if not seen.listed:
        return seen.unlisted or Wait(Reason.LOOKING, "waits for the first list of the objects that exist")
    if seen.status.intent is not None:
        return _after_an_attempt(kind, seen, seen.status.intent)
    if (refused := _name_refusal(kind, seen)) and not (seen.namesakes and _may_adopt(seen)):
        return refused  # before anything is said of what has that name
    if conflict := _claimed_by_others(seen):
        return conflict
    if seen.namesakes:
        return _adopt_or_refuse(kind, seen)
    if seen.spec.adoption == "Required":
        return Stall(Reason.NOTHING_TO_ADOPT, "adoption is Required, but the cloud has no object of this name yet")
    if seen.unproven:
        return Stall(
            Reason.OWNERSHIP_NOT_PROVEN,
            "the status says to have an object, nothing proves it, and the cloud has none of this name to take over: nothing is "
            f"made in its place. {FORCE_DELETE}: true and a deletion let this resource go",
        )
    return _create(kind, seen, Reason.ABSENT, "no such object in the cloud yet")


def _after_an_attempt(kind: CloudKind, seen: Seen, intent: Intent) -> Verdict:
    if seen.settle_seconds is not None:
        return wait_after(intent, seen.settle_seconds)
    found = [each for each in candidates(kind, seen.namesakes, intent) if each.id not in seen.returned]
    if not found and seen.returned:
        return _taken_back(kind, seen)
    if not found and (unclear := unreadable_since(seen, intent)):
        return unclear
    if len(found) == 1:
        return _recorded(
            kind, seen, found[0].id, Reason.FOUND, "new since the attempt to create, and held by no resource"
        )
    if found:
        ids = ", ".join(sorted(candidate.id for candidate in found))
        return Stall(Reason.AMBIGUOUS, f"delete all but one of these in the cloud: {ids}")
    if seen.again_seconds is not None:
        return wait_after(intent, seen.again_seconds)
    if seen.moved is not None or kind.key(seen) != tuple(seen.status.identity.key if seen.status.identity else ()):
        # What was attempted is not what the spec says now: with it its pinned identity ends, and all begins anew.
        return Record(Reason.ABSENT, "the last attempt left nothing behind", Facts(intent=None, identity=None))
    if blocked := _reference_problem(kind, seen):
        return blocked
    if conflict := _claimed_by_others(seen):
        return conflict
    if seen.namesakes:
        return _adopt_or_refuse(kind, seen)
    return _create(kind, seen, Reason.ABSENT, "the last attempt left nothing behind")


def _taken_back(kind: CloudKind, seen: Seen) -> Record:
    return _recorded(
        kind, seen, seen.returned[-1], Reason.FOUND, "this resource had it before, and the API shows it again"
    )


def _name_refusal(kind: CloudKind, seen: Seen) -> Stall | None:
    """What is in a datastore has its name there; what is in a project, among all of the project's namespaces."""
    return None if kind.is_inside else name_problem(seen)


def _may_adopt(seen: Seen) -> bool:
    """The power to take over what nobody holds goes beyond names."""
    return seen.spec.adoption != "Never" and seen.project is not None and "adopt" in seen.project.powers


def _named(kind: CloudKind, seen: Seen, objects: Iterable[CloudObject]) -> str:
    """What nobody holds, by its ids; for whom they are not, that it is there."""
    ids = sorted(each.id for each in objects)
    if _may_be_named(kind, seen):
        return ", ".join(ids)
    return "an object" if len(ids) == 1 else f"{len(ids)} objects"


def _may_be_named(kind: CloudKind, seen: Seen) -> bool:
    """What is in a project may be another namespace's, or another cluster's: its ids are for whoever may adopt it."""
    is_inside = kind.is_inside
    return is_inside or (seen.project is not None and "adopt" in seen.project.powers)


def _claimed_by_others(seen: Seen) -> Stall | None:
    if seen.rival is not None:
        return Stall(Reason.CONFLICT, f"{seen.rival} already stands for this object: choose another name")
    for _, holder in sorted(seen.held_namesakes.items()):
        return Stall(Reason.CONFLICT, f"{holder} holds the object of this name: choose another name")
    return None


def _adopt_or_refuse(kind: CloudKind, seen: Seen) -> Verdict:
    dying = [namesake for namesake in seen.namesakes if namesake.status == "PENDING_DELETE"]
    if dying:
        going = _named(kind, seen, dying)
        return Wait(
            Reason.PENDING, f"the cloud has {going} under this name, which is being deleted: waits until it is gone"
        )
    ids = _named(kind, seen, seen.namesakes)
    if seen.spec.adoption == "Never":
        return Stall(
            Reason.ALREADY_EXISTS,
            f"the cloud has {ids} under this name, which no resource holds: choose another name, or set "
            "spec.adoption to IfExists to take it over",
        )
    if seen.project is None or "adopt" not in seen.project.powers:
        return Stall(
            Reason.FORBIDDEN,
            "the DatabaseProject does not let this namespace adopt: its allowedNamespaces entry needs powers: [adopt]",
        )
    if len(seen.namesakes) > 1:
        return Stall(Reason.AMBIGUOUS, f"several objects have this name, so none is adopted: {ids}")
    found = seen.namesakes[0]
    try:
        expected = kind.expected(seen)
    except Refused as refused:
        return refused.verdict
    actual = kind.expected_of(found)
    if differing := fields_that_differ(expected, actual):
        told = "; ".join(f"{field} is {actual[field]}, the spec says {expected[field]}" for field in differing)
        return Stall(Reason.NOT_ADOPTABLE, f"{found.id} differs in what can never change: {told}")
    if unknown := password_refusal(kind, seen):
        return unknown
    return _recorded(kind, seen, found.id, Reason.ADOPTED, "taken over as it is", adopted=True)


def _create(kind: CloudKind, seen: Seen, reason: Reason, message: str) -> Verdict:
    if blocked := _reference_problem(kind, seen, at_creation=True) or _name_refusal(kind, seen):
        return blocked
    if seen.credential is not None and seen.credential.problem is not None:
        return seen.credential.problem
    try:
        kind.expected(seen)
        kind.body(seen, None)
    except Refused as refused:
        return refused.verdict
    if not seen.looked:
        return Wait(Reason.LOOKING, "the operator looks once more whether the object exists, before it creates one")
    if seen.status.intent is None and (unclear := _may_be_taken(kind, seen, "created")):
        return unclear
    return Create(reason, message)


def _may_be_taken(kind: CloudKind, seen: Seen, what: str) -> Wait | None:
    """A name that nothing has, as far as names are told; what never tells its own holds up nothing for ever."""
    if not seen.unreadable or seen.unreadable_seconds is None:
        return None
    ids = ", ".join(sorted(seen.unreadable)) if _may_be_named(kind, seen) else "something"
    return Wait(
        Reason.LOOKING,
        f"the API does not tell the name of {ids}, which may be this one: waits for it a while before it is {what}",
        seen.unreadable_seconds,
    )


def _recorded(kind: CloudKind, seen: Seen, id_: str, reason: Reason, message: str, *, adopted: bool = False) -> Record:
    changes = Facts(id=id_, intent=None)
    if adopted:
        changes |= Facts(adopted=True)
        if seen.unproven:  # what it said to have had is worth nothing
            changes |= Facts(lost_ids=())
        if seen.status.managed or seen.status.applying:
            changes |= Facts(managed=(), applying=None)
        if seen.spec.drift_policy == "Report":  # what differs already is to be seen before anything is done
            changes |= Facts(synced_generation=seen.generation)
    credential = kind.credential
    is_sent = credential is not None and credential.value_of is None and credential.applies(seen)
    if is_sent and reason is not Reason.CREATING:
        changes |= Facts(password_unconfirmed=True)
    return Record(reason, f"{id_}: {message}", changes)


def _reference_problem(kind: CloudKind, seen: Seen, *, at_creation: bool = False) -> Wait | Stall | None:
    """The first reference that cannot be used yet, of those that are waited for; `at_creation`: all of these."""
    for reference in kind.references:
        referred = seen.refs.get(reference.field)
        counts = reference.waited and (at_creation or not reference.at_creation_only)
        if counts and referred is not None and referred.problem is not None:
            return referred.problem
    return None


def _lost(kind: CloudKind, seen: Seen, id_: str) -> Verdict:
    if not seen.mine_gone:
        return Wait(Reason.LOOKING, f"{id_} is not in the list: the operator asks for it by its id")
    if reports_only(seen) and not kind.holds_data and seen.annotations.get(RECREATE) != id_:
        return Stall(
            Reason.GONE,
            f"{id_} is gone from the cloud, and driftPolicy Report leaves it so: to have it made again, annotate "
            f"{RECREATE}: {id_}, or change the spec",
        )
    if kind.holds_data and seen.annotations.get(RECREATE) != id_:
        return Stall(
            Reason.GONE,
            f"{id_} is gone from the cloud with its data: restore it there and adopt it, or make an empty one with "
            f"the annotation {RECREATE}: {id_}",
        )
    if not kind.holds_data and (blocked := _reference_problem(kind, seen)):
        return blocked  # it cannot be made again yet: what is known of it may still be needed
    lost = (*(lost for lost in seen.status.lost_ids if lost != id_), id_)[-LOST_IDS_MOST:]
    return Record(
        Reason.GONE,
        f"{id_} is gone from the cloud: a new object is created in its place",
        OF_THE_OBJECT | Facts(lost_ids=lost),
    )


def _with_object(kind: CloudKind, seen: Seen, rests: Rests) -> Verdict:
    """What guards comes before all else: neither a refusal nor a Secret nor an ERROR holds it up."""
    phase = seen.existing.status
    if phase in PENDING:
        return at_work(seen, Wait(Reason.PENDING, f"the cloud is at work ({phase})", seen.pending_seconds))
    if unknown := unknown_reference(kind, seen):
        return unknown
    found = differences(kind, seen, rests, _rename_collision(kind, seen))
    if found.guard is not None:
        return _reference_problem(kind, seen) or found.guard
    if phase == "ERROR":
        return found.beside(
            Reason.ERROR,
            f"the cloud says ERROR for {seen.existing.id}: look in the cloud's console what happened; the operator does not "
            "create it again",
        )
    verdict = password_step(kind, seen) or _difference(kind, seen, found)
    if isinstance(verdict, Done) and (lack := lacking(kind, seen)) is not None:
        verdict = Wait(Reason.NOT_TOLD, lack)
    is_done_in_the_cloud = isinstance(verdict, Credentials) and verdict.step in _FOLLOW_THE_CLOUD
    if isinstance(verdict, Change | Credentials) and not is_done_in_the_cloud:
        return _reference_problem(kind, seen) or verdict
    return verdict


def lacking(kind: CloudKind, seen: Seen) -> str | None:
    """Say what the credentials Secret lacks to be of use; None when it lacks nothing, or there is no Secret."""
    credential = kind.credential
    return None if credential is None or not credential.applies(seen) else credential.lacks(seen)


def _difference(kind: CloudKind, seen: Seen, found: Differences) -> Verdict:
    if (verdict := found.verdict()) is not None:
        return verdict
    if step := owned_step(kind, seen):
        return step
    if seen.namesakes:
        ids = _named(kind, seen, seen.namesakes)
        return Stall(
            Reason.DUPLICATE_SUSPECTED,
            f"the cloud also has {ids} under this name, which no resource holds: delete it there if nobody needs it",
        )
    return Done()


def _rename_collision(kind: CloudKind, seen: Seen) -> Stall | Wait | None:
    """A new name must be as free as a first one."""
    if kind.key(seen) == kind.key_of(seen.existing):
        return None
    is_wished = seen.status.synced_generation != seen.generation  # what others have renamed gets its name back
    if is_wished and (refused := _name_refusal(kind, seen)):
        return refused
    if conflict := _claimed_by_others(seen):
        return conflict
    if seen.namesakes:
        ids = _named(kind, seen, seen.namesakes)
        return Stall(Reason.ALREADY_EXISTS, f"the cloud has {ids} under the new name: choose another one")
    return _may_be_taken(kind, seen, "renamed")


def unknown_reference(kind: CloudKind, seen: Seen) -> Wait | Stall | None:
    """Without the object that a reference stands for nothing can be compared.

    One that is only at work is another matter: it holds up a step, but not the finding that there is none to take.
    """
    for reference in kind.references:
        referred = seen.refs.get(reference.field)
        counts = reference.waited and not reference.at_creation_only
        if counts and referred is not None and referred.problem is not None and referred.object is None:
            return referred.problem
    return None
