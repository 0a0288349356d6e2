"""What to do next for one resource: a pure function of what was seen.

The order of the rules is the order of what is at stake: never a second object, never someone else's, never a lost
password; only then the spec's changes.
"""

import hashlib
from typing import Any

import orjson

from managed_databases.kinds.frame import Intent
from managed_databases.kinds.kind import CloudSide, Kind
from managed_databases.kinds.seen import Refused, Seen
from managed_databases.kinds.verdicts import (
    Change,
    Create,
    Credentials,
    Done,
    Reason,
    Record,
    Risk,
    Stall,
    Step,
    Verdict,
    Wait,
)
from managed_databases.reconcile.annotations import APPROVE, PAUSED, RECREATE
from managed_databases.reconcile.decision.candidates import candidates, fields_that_differ
from managed_databases.reconcile.decision.deletion import decide_deletion
from managed_databases.reconcile.decision.owned import owned_step
from managed_databases.reconcile.decision.passwords import password_refusal, password_step

PENDING = frozenset({"PENDING_CREATE", "PENDING_UPDATE", "PENDING_DELETE", "RESIZING"})
"""The API's statuses in which an object takes no change (API reference, life cycle)."""


def decide(kind: Kind, seen: Seen) -> Verdict:
    """Return the next step, or why there is none."""
    cloud = kind.cloud
    assert cloud is not None
    if seen.deleting:
        return decide_deletion(cloud, seen)
    verdict = _decide(cloud, seen)
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


def _decide(cloud: CloudSide, seen: Seen) -> Verdict:
    if seen.problem is not None:
        return seen.problem
    if seen.status.id is None:
        return _without_object(cloud, seen)
    if seen.mine is None:
        return _lost(cloud, seen, seen.status.id)
    if seen.holder is not None:
        return Stall(Reason.CONFLICT, f"{seen.holder} holds {seen.status.id}: remove one of the two resources")
    if seen.mine_unsure:
        return Wait(Reason.LOOKING, "a call ended without a clear answer: looking what it did")
    return _with_object(cloud, seen)


def _without_object(cloud: CloudSide, seen: Seen) -> Verdict:
    if seen.created_id is not None:
        return _recorded(cloud, seen, seen.created_id, Reason.CREATING, "created")
    if blocked := _reference_problem(cloud, seen):
        return blocked
    if not seen.listed:
        return seen.unlisted or Wait(Reason.LOOKING, "waiting for the first list of what is there already")
    if seen.status.intent is not None:
        return _after_an_attempt(cloud, seen, seen.status.intent)
    if conflict := _claimed_by_others(seen):
        return conflict
    if seen.namesakes:
        return _adopt_or_refuse(cloud, seen)
    if seen.cloud_spec.adoption == "Required":
        return Stall(Reason.NOTHING_TO_ADOPT, "adoption is Required, but the cloud has no object of this name yet")
    return _create(cloud, seen, Reason.ABSENT, "no such object in the cloud yet")


def _after_an_attempt(cloud: CloudSide, seen: Seen, intent: Intent) -> Verdict:
    if seen.settle_seconds is not None:
        return Wait(
            Reason.LOOKING,
            "the last attempt to create may have worked: a list begun after its wait will tell",
            seen.settle_seconds or None,
        )
    found = candidates(cloud, seen.namesakes, intent)
    if len(found) == 1:
        return _recorded(cloud, seen, found[0].id, Reason.FOUND, "new since our attempt and held by nobody")
    if found:
        ids = ", ".join(sorted(candidate.id for candidate in found))
        return Stall(Reason.AMBIGUOUS, f"delete all but one of these in the cloud: {ids}")
    if conflict := _claimed_by_others(seen):
        return conflict
    if seen.namesakes:
        return _adopt_or_refuse(cloud, seen)
    return _create(cloud, seen, Reason.ABSENT, "the last attempt left nothing behind")


def _claimed_by_others(seen: Seen) -> Stall | None:
    if seen.rival is not None:
        return Stall(Reason.CONFLICT, f"{seen.rival} already stands for this object: choose another name")
    for _, holder in sorted(seen.held_namesakes.items()):
        return Stall(Reason.CONFLICT, f"{holder} holds the object of this name: choose another name")
    return None


def _adopt_or_refuse(cloud: CloudSide, seen: Seen) -> Verdict:
    ids = ", ".join(sorted(namesake.id for namesake in seen.namesakes))
    if seen.cloud_spec.adoption == "Never":
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
        expected = cloud.expected(seen)
    except Refused as refused:
        return refused.verdict
    actual = cloud.expected_of(found)
    if differing := fields_that_differ(expected, actual):
        told = "; ".join(f"{field} is {actual[field]}, the spec says {expected[field]}" for field in differing)
        return Stall(Reason.NOT_ADOPTABLE, f"{found.id} differs in what can never change: {told}")
    if unknown := password_refusal(cloud, seen):
        return unknown
    return _recorded(cloud, seen, found.id, Reason.ADOPTED, "taken over as it is", adopted=True)


def _create(cloud: CloudSide, seen: Seen, reason: Reason, message: str) -> Verdict:
    if blocked := _reference_problem(cloud, seen, at_creation=True):
        return blocked
    if seen.credential is not None and seen.credential.problem is not None:
        return seen.credential.problem
    try:
        cloud.expected(seen)
        cloud.body(seen, None)
    except Refused as refused:
        return refused.verdict
    if not seen.looked:
        return Wait(Reason.LOOKING, "looking once more whether it is there already, before it is created")
    return Create(reason, message)


def _recorded(cloud: CloudSide, seen: Seen, id_: str, reason: Reason, message: str, *, adopted: bool = False) -> Record:
    changes: dict[str, Any] = {"id": id_, "intent": None}
    if adopted:
        changes["adopted"] = True
        if seen.cloud_spec.drift_policy == "Report":  # what differs already is to be seen before anything is done
            changes["syncedGeneration"] = seen.generation
    credential = cloud.credential
    is_sent = credential is not None and credential.value_of is None and credential.applies(seen)
    if is_sent and reason is not Reason.CREATING:
        changes["passwordUnconfirmed"] = True
    return Record(reason, f"{id_}: {message}", changes)


def _reference_problem(cloud: CloudSide, seen: Seen, *, at_creation: bool = False) -> Wait | Stall | None:
    """The first reference that cannot be used yet, of those that are waited for; `at_creation`: all of these."""
    for reference in cloud.references:
        referred = seen.refs.get(reference.field)
        counts = reference.waited and (at_creation or not reference.at_creation_only)
        if counts and referred is not None and referred.problem is not None:
            return referred.problem
    return None


def _lost(cloud: CloudSide, seen: Seen, id_: str) -> Verdict:
    if not seen.mine_gone:
        return Wait(Reason.LOOKING, f"{id_} is not in the list: asking for it by its id")
    if reports_only(seen) and not cloud.holds_data and seen.annotations.get(RECREATE) != id_:
        return Stall(
            Reason.GONE,
            f"{id_} is gone from the cloud, and driftPolicy Report leaves it so: to have it made again, annotate "
            f"{RECREATE}: {id_}, or change the spec",
        )
    if cloud.holds_data and seen.annotations.get(RECREATE) != id_:
        return Stall(
            Reason.GONE,
            f"{id_} is gone from the cloud with its data: restore it there and adopt it, or make an empty one with "
            f"the annotation {RECREATE}: {id_}",
        )
    return Record(
        Reason.GONE, f"{id_} is gone: it is made again", {"id": None, "intent": None, "phase": None, "adopted": None}
    )


def _with_object(cloud: CloudSide, seen: Seen) -> Verdict:
    phase = seen.mine.status
    if phase == "ERROR":
        return Stall(
            Reason.ERROR,
            f"the cloud says ERROR for {seen.mine.id}: look there what happened; it is not made again by itself",
        )
    if phase in PENDING:
        return Wait(Reason.PENDING, f"the cloud is at work ({phase})")
    if unknown := _unknown_reference(cloud, seen):
        return unknown
    verdict = password_step(cloud, seen) or _difference(cloud, seen)
    if isinstance(verdict, Change | Credentials) and (blocked := _reference_problem(cloud, seen)):
        return blocked
    return verdict


def _difference(cloud: CloudSide, seen: Seen) -> Verdict:
    if collision := _rename_collision(cloud, seen):
        return collision
    if (verdict := _next_change(cloud, seen)) is not None:
        return verdict
    if step := owned_step(cloud, seen):
        return step
    if seen.namesakes:
        ids = ", ".join(sorted(namesake.id for namesake in seen.namesakes))
        return Stall(
            Reason.DUPLICATE_SUSPECTED,
            f"the cloud also has {ids} under this name, which no resource holds: delete it there if nobody needs it",
        )
    return Done()


def _next_change(cloud: CloudSide, seen: Seen) -> Verdict | None:
    """The first difference that may be mended now. One that waits for approval holds up none of the others."""
    unapproved: Verdict | None = None
    reported: list[str] = []
    refusal: Stall | Wait | None = None
    try:
        for change in cloud.changes(seen):
            if reports_only(seen):
                reported.append(change.message)
                continue
            verdict = approved(seen, change)
            if isinstance(verdict, Change):
                return verdict
            unapproved = unapproved or verdict
    except Refused as refused:
        refusal = refused.verdict
    if unapproved is not None:
        return unapproved
    if reported:
        told = "; ".join(reported)
        return Done(Reason.DRIFT, f"left as it is, as driftPolicy is Report; to match the spec it takes: {told}")
    return refusal


def reports_only(seen: Seen) -> bool:
    """Whether a difference is the cloud's: the spec is the one that the cloud matched before."""
    return seen.cloud_spec.drift_policy == "Report" and seen.status.synced_generation == seen.generation


def _rename_collision(cloud: CloudSide, seen: Seen) -> Stall | None:
    """A new name must be as free as a first one."""
    if cloud.key(seen) == cloud.key_of(seen.mine):
        return None
    if conflict := _claimed_by_others(seen):
        return conflict
    if seen.namesakes:
        ids = ", ".join(sorted(namesake.id for namesake in seen.namesakes))
        return Stall(Reason.ALREADY_EXISTS, f"the cloud has {ids} under the new name: choose another one")
    return None


def _unknown_reference(cloud: CloudSide, seen: Seen) -> Wait | Stall | None:
    """Without the object that a reference stands for nothing can be compared.

    One that is only at work is another matter: it holds up a step, but not the finding that there is none to take.
    """
    for reference in cloud.references:
        referred = seen.refs.get(reference.field)
        counts = reference.waited and not reference.at_creation_only
        if counts and referred is not None and referred.problem is not None and referred.object is None:
            return referred.problem
    return None


def approved(seen: Seen, change: Change) -> Verdict:
    """Return the change, or the stall until it is approved: a disruptive one on an adopted object, or by policy."""
    by_policy = getattr(seen.spec, "change_policy", "Auto") == "Approve"
    if change.risk < Risk.RESTART or not (seen.status.adopted or by_policy):
        return change
    hash_ = approval_hash(seen, change)
    if seen.annotations.get(APPROVE) == hash_:
        return change
    why = "as changePolicy is Approve" if by_policy else "on this adopted object"
    return Stall(
        Reason.APPROVAL_NEEDED,
        f"{why}: {change.message} ({change.risk.name.lower()}). Annotate {APPROVE}: {hash_} to let it happen",
    )


def approval_hash(seen: Seen, change: Change) -> str:
    """Name a change by what it would do for which generation of the spec: the same one has the same hash, in any
    process, and an approval that is left behind approves nothing that is asked for later.
    """
    body = None if change.call.body is None else change.call.body.model_dump(mode="json", exclude_unset=True)
    whole = [seen.generation, change.call.operation, change.call.path, body]
    text = orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:12]
