"""What to do next for a resource that is being deleted: a table of its own."""

from managed_databases.kinds.facts import Facts
from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.protection import WAYS_OUT, WAYS_OUT_INSIDE
from managed_databases.kinds.seen import Referred, Seen
from managed_databases.kinds.verdicts import Delete, Reason, Record, Release, Stall, Verdict, Wait
from managed_databases.reconcile.annotations import FORCE_DELETE
from managed_databases.reconcile.decision.candidates import candidates, unreadable_since
from managed_databases.reconcile.decision.owned import let_go_step

NAMES_SHOWN = 10


def decide_deletion(kind: CloudKind, seen: Seen) -> Verdict:
    """Return the next step. The finalizer goes (`Release`) only when nothing of ours can be left behind.

    What it owns is sent the same way before it.
    """
    verdict = _next(kind, seen)
    if isinstance(verdict, Delete | Release):
        return let_go_step(seen, retain=isinstance(verdict, Release) and verdict.retain) or verdict
    return verdict


def _next(kind: CloudKind, seen: Seen) -> Verdict:
    if seen.annotations.get(FORCE_DELETE) == "true":
        return Release(
            Reason.RELEASED, "the annotation force-delete lets this resource go; the cloud object stays", retain=True
        )
    if seen.status.id is None and seen.created_id is None and seen.status.intent is None and not seen.returned:
        return Release(Reason.RELEASED, "nothing was ever made")
    if seen.definition_going:
        return Release(
            Reason.RELEASED,
            "let go, as its CustomResourceDefinition is being deleted and all of its kind with it; the cloud object stays",
            retain=True,
        )
    if seen.status.id is not None and seen.spec.deletion_policy == "Retain":
        return Release(Reason.RELEASED, "the cloud object and its Secret stay", retain=True)
    if seen.problem is not None:
        return seen.problem
    if seen.by_trust:
        return believed(seen)
    if seen.status.id is None:
        return _open_intent(kind, seen)
    if seen.mine_gone:
        return Release(Reason.RELEASED, "the cloud object is gone")
    if seen.holder is not None:
        return Release(Reason.RELEASED, f"{seen.holder} holds the cloud object", retain=True)
    parent = _parent(kind, seen)
    if kind.protected(seen) and not (parent is not None and parent.going):
        return Stall(
            Reason.PROTECTED,
            f"protected: {WAYS_OUT if parent is None else WAYS_OUT_INSIDE}",
        )
    if parent is not None and parent.going:
        return Wait(Reason.DELETING, f"goes with {parent.label}")
    if seen.children:
        shown = ", ".join(seen.children[:NAMES_SHOWN])
        more = len(seen.children) - NAMES_SHOWN
        return Wait(
            Reason.IN_USE, f"delete what is in the datastore first: {shown}" + (f" and {more} more" if more > 0 else "")
        )
    return _delete(kind, seen)


def believed(seen: Seen) -> Record | Wait:
    """What a status said when somebody said that all are true is sealed, once the cloud shows that object, or says that it is
    gone. An attempt whose outcome is open shows nothing yet.
    """
    if seen.status.id is None or seen.mine is not None or seen.mine_gone:
        return Record(
            Reason.FOUND, "the status is believed: it was there when all claims were to be trusted", Facts(seal="")
        )
    return Wait(Reason.LOOKING, f"{seen.status.id} is not in the list: the operator asks for it by its id")


def at_work(seen: Seen, wait: Wait) -> Wait | Stall:
    """Return the wait while the cloud works on the object, or the stall when that lasts too long."""
    if seen.pending_seconds != 0:
        return wait
    return Stall(
        Reason.PENDING_TOO_LONG,
        f"the cloud has been at work on {seen.existing.id} ({seen.existing.status}) for longer than it should take: look there, "
        "or ask the provider's support with this id; all goes on by itself once it has ended",
    )


def _delete(kind: CloudKind, seen: Seen) -> Verdict:
    if seen.mine is None or seen.mine_unsure:
        return Wait(Reason.LOOKING, "looking whether the cloud object is still there")
    if seen.mine.status == "PENDING_DELETE":
        return at_work(seen, Wait(Reason.DELETING, "the cloud is deleting it", seen.pending_seconds))
    if seen.definition_going is None:
        return Stall(
            Reason.FORBIDDEN,
            "nothing is deleted in the cloud while it is unknown whether the CustomResourceDefinition is being deleted: "
            "the operator's ClusterRole must let it get its customresourcedefinitions; upgrade it with the operator",
        )
    for change in kind.before_delete(seen):
        return change
    return Delete(Reason.DELETING, f"{seen.existing.id} is deleted from the cloud")


def _open_intent(kind: CloudKind, seen: Seen) -> Verdict:
    """The attempt may have made an object: look before letting go."""
    if seen.created_id is not None:
        return _found(seen.created_id)
    if seen.returned and seen.status.intent is None:
        return _found(seen.returned[-1])
    looking = "an attempt to create may have worked: the operator waits, and the next list after that will tell what to delete"
    if seen.settle_seconds is not None or not seen.listed:
        return Wait(Reason.LOOKING, looking, seen.settle_seconds or None)
    intent = seen.status.intent
    assert intent is not None
    found = candidates(kind, seen.namesakes, intent)
    if not found and (unclear := unreadable_since(seen, intent)):
        return unclear
    if len(found) == 1:
        return _found(found[0].id)
    if found:
        ids = ", ".join(sorted(candidate.id for candidate in found))
        return Stall(
            Reason.AMBIGUOUS,
            f"one of these may come from this resource's attempt to create: delete it in the cloud, then annotate "
            f"{FORCE_DELETE}: true ({ids})",
        )
    if seen.again_seconds is not None:
        return Wait(Reason.LOOKING, looking, seen.again_seconds or None)
    return Release(Reason.RELEASED, "the attempt to create left nothing behind")


def _found(id_: str) -> Record:
    return Record(Reason.FOUND, f"{id_}: made by this resource's attempt to create", Facts(id=id_, intent=None))


def _parent(kind: CloudKind, seen: Seen) -> Referred | None:
    for reference in kind.references:
        if reference.parent:
            return seen.refs.get(reference.field)
    return None
