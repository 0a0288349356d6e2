"""Decides what to do for a resource that holds no object: never make a second object, never take somebody else's."""

from managed_databases.kinds.facts import Facts
from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.observed import Observed, SpecRefused, Standing
from managed_databases.kinds.shared_fields import Intent
from managed_databases.kinds.verdicts import (
    Create,
    Reason,
    Record,
    Stall,
    Verdict,
    Wait,
)
from managed_databases.reconcile.annotations import FORCE_DELETE, RECREATE
from managed_databases.reconcile.decide.candidates import (
    candidates,
    fields_that_differ,
    looking,
    unreadable_since,
    wait_after,
)
from managed_databases.reconcile.decide.differences import (
    reports_only,
)
from managed_databases.reconcile.decide.password_steps import password_refusal
from managed_databases.reconcile.decide.same_key import claimed_by_others, may_be_taken, name_refusal, named
from managed_databases.reconcile.decide.waited_references import reference_problem

MAX_LOST_IDS = 10
"""The most ids of lost objects that the status keeps."""

OF_THE_OBJECT = Facts(
    id=None,
    intent=None,
    phase=None,
    adopted=None,
    managed=(),
    applying=None,
    synced_generation=None,
    password_check=None,
)
"""The fields of a status that describe one object; they are removed together when the resource starts anew with another."""


def without_object(kind: CloudKind, observed: Observed) -> Verdict:
    if observed.creation.created_id is not None:
        return _recorded(kind, observed, observed.creation.created_id, Reason.CREATING, "created")
    if observed.presence.returned and observed.status.intent is None:
        return _taken_back(kind, observed)
    if observed.status.intent is None and (blocked := reference_problem(kind, observed)):
        return blocked
    if not observed.creation.is_listed:
        return looking(observed.creation, "waits for the first list of the objects that exist")
    if observed.status.intent is not None:
        return _after_an_attempt(kind, observed, observed.status.intent)
    if (refused := name_refusal(kind, observed)) and not (observed.same_key.namesakes and _may_adopt(observed)):
        return refused  # before anything is said of what has that name
    if conflict := claimed_by_others(kind, observed):
        return conflict
    if observed.same_key.namesakes:
        return _adopt_or_refuse(kind, observed)
    if observed.spec.adoption == "Required":
        return Stall(Reason.NOTHING_TO_ADOPT, f"adoption is Required, but the cloud has no object {kind.same_key} yet")
    if observed.standing is Standing.UNPROVEN:
        return Stall(
            Reason.OWNERSHIP_NOT_PROVEN,
            f"the status says to have an object, nothing proves it, and the cloud has none {kind.same_key} to take over: nothing "
            f"is made in its place. {FORCE_DELETE}: true and a deletion let this resource go",
        )
    return _create(kind, observed, Reason.ABSENT, "no such object in the cloud yet")


def _after_an_attempt(kind: CloudKind, observed: Observed, intent: Intent) -> Verdict:
    if observed.creation.settle_seconds is not None:
        return wait_after(intent, observed.creation.settle_seconds, observed.creation)
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
        return wait_after(intent, observed.creation.again_seconds, observed.creation)
    if observed.moved is not None or kind.key(observed) != tuple(
        observed.status.identity.key if observed.status.identity else ()
    ):
        # What was attempted is not what the spec says now: with it its pinned identity ends, and all begins anew.
        return Record(Reason.ABSENT, "the last attempt left nothing behind", Facts(intent=None, identity=None))
    if blocked := reference_problem(kind, observed):
        return blocked
    if conflict := claimed_by_others(kind, observed):
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


def _adopt_or_refuse(kind: CloudKind, observed: Observed) -> Verdict:
    dying = [namesake for namesake in observed.same_key.namesakes if namesake.status == "PENDING_DELETE"]
    if dying:
        going, seconds = named(kind, observed, dying), observed.same_key.dying_seconds
        if seconds == 0:
            to_do = "look there, or " + kind.with_another_name("ask the provider's support with this id")
            return Stall(
                Reason.PENDING_TOO_LONG,
                f"the cloud has been deleting {going}, {kind.same_key}, for longer than it should take: {to_do}; all goes on by "
                "itself once it is gone",
            )
        told = f"the cloud has {going} {kind.same_key}, which is being deleted: waits until it is gone"
        return Wait(Reason.PENDING, told, seconds)
    ids = named(kind, observed, observed.same_key.namesakes)
    if observed.spec.adoption == "Never":
        return Stall(
            Reason.ALREADY_EXISTS,
            f"the cloud has {ids} {kind.same_key}, which no resource holds: "
            f"{kind.with_another_name('set spec.adoption to IfExists to take it over')}",
        )
    if observed.project is None or not observed.project.may_adopt:
        return Stall(
            Reason.FORBIDDEN,
            "the DatabaseProject does not let this namespace adopt: its allowedNamespaces entry needs powers: [adopt]",
        )
    if len(observed.same_key.namesakes) > 1:
        to_do = "rename or delete" if kind.is_named else "delete"
        return Stall(
            Reason.AMBIGUOUS,
            f"there are several objects {kind.same_key}, so none is adopted: {to_do} all but one of them in the cloud ({ids})",
        )
    found = observed.same_key.namesakes[0]
    try:
        expected = kind.expected(observed)
    except SpecRefused as refused:
        return refused.verdict
    actual = kind.expected_of(found)
    if differing := fields_that_differ(expected, actual):
        told = "; ".join(f"{field} is {actual[field]}, the spec says {expected[field]}" for field in differing)
        return Stall(Reason.NOT_ADOPTABLE, f"{found.id} differs in what can never change: {told}")
    if unknown := password_refusal(kind, observed):
        return unknown
    return _recorded(kind, observed, found.id, Reason.ADOPTED, "taken over as it is", adopted=True)


def _may_adopt(observed: Observed) -> bool:
    """Return whether the resource may take over an object that no resource holds: by its spec, and by the power `adopt`."""
    is_granted = observed.project is not None and observed.project.may_adopt
    return observed.spec.adoption != "Never" and is_granted


def _create(kind: CloudKind, observed: Observed, reason: Reason, message: str) -> Verdict:
    if blocked := reference_problem(kind, observed, at_creation=True) or name_refusal(kind, observed):
        return blocked
    if observed.credential is not None and observed.credential.problem is not None:
        return observed.credential.problem
    if kind.credential is not None and (unknown := kind.credential.awaits(observed)) is not None:
        return unknown
    try:
        kind.expected(observed)
        kind.body(observed, None)
    except SpecRefused as refused:
        return refused.verdict
    if not observed.creation.has_looked:
        return looking(
            observed.creation, "the operator looks once more whether the object exists, before it creates one"
        )
    if observed.status.intent is None and (unclear := may_be_taken(kind, observed, "created")):
        return unclear
    return Create(reason, message)


def lost(kind: CloudKind, observed: Observed, id_: str) -> Verdict:
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
    if not kind.holds_data and (blocked := reference_problem(kind, observed)):
        return blocked  # it cannot be made again yet: what is known of it may still be needed
    lost = (*(lost for lost in observed.status.lost_ids if lost != id_), id_)[-MAX_LOST_IDS:]
    return Record(
        Reason.GONE,
        f"{id_} is gone from the cloud: a new object is created in its place",
        OF_THE_OBJECT | Facts(lost_ids=lost),
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
