"""Decides what to do next for a resource that is being deleted."""

from managed_databases.kinds.facts import Facts
from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.observed import Observed, Referred, Standing
from managed_databases.kinds.protection import WAYS_OUT, WAYS_OUT_INSIDE
from managed_databases.kinds.verdicts import Delete, LetGo, Reason, Record, Stall, Verdict, Wait
from managed_databases.reconcile.annotations import FORCE_DELETE
from managed_databases.reconcile.decide.candidates import candidates, looking, unreadable_since
from managed_databases.reconcile.decide.owned_resources import let_go_step

NAMES_SHOWN = 10


def decide_deletion(kind: CloudKind, observed: Observed) -> Verdict:
    """Return the next step of a deletion. The finalizer is removed (`LetGo`) only when no object that the resource holds or has
    begun can be left behind by mistake.

    The resources that this one owns are deleted, or let go, before it.
    """
    verdict = _next(kind, observed)
    if isinstance(verdict, Delete) and observed.pair.used_by is not None:
        told = f"the Secret of {observed.pair.used_by} has this user's login: it is deleted once the other user has its turn"
        return Wait(Reason.IN_USE, told)
    if isinstance(verdict, Delete | LetGo):
        return let_go_step(observed, retain=isinstance(verdict, LetGo) and verdict.retain) or verdict
    return verdict


def _next(kind: CloudKind, observed: Observed) -> Verdict:
    if observed.annotations.get(FORCE_DELETE) == "true":
        return LetGo(
            Reason.RELEASED, "the annotation force-delete lets this resource go; the cloud object stays", retain=True
        )
    if (
        observed.status.id is None
        and observed.creation.created_id is None
        and observed.status.intent is None
        and not observed.presence.returned
    ):
        return LetGo(Reason.RELEASED, "nothing was ever made")
    if observed.deletion.is_definition_going:
        return LetGo(
            Reason.RELEASED,
            "let go, as its CustomResourceDefinition is being deleted and all of its kind with it; the cloud object stays",
            retain=True,
        )
    if observed.status.id is not None and observed.spec.deletion_policy == "Retain":
        return LetGo(Reason.RELEASED, "the cloud object and its Secret stay", retain=True)
    if observed.problem is not None:
        return observed.problem
    if observed.standing is Standing.TRUSTED:
        return believed(observed)
    if observed.status.id is None:
        return _open_intent(kind, observed)
    if observed.presence.is_gone:
        return LetGo(Reason.RELEASED, "the cloud object is gone")
    if observed.presence.holder is not None:
        return LetGo(Reason.RELEASED, f"{observed.presence.holder} holds the cloud object", retain=True)
    parent = _parent(kind, observed)
    if kind.protected(observed) and not (parent is not None and parent.going):
        return Stall(
            Reason.PROTECTED,
            f"protected: {WAYS_OUT if parent is None else WAYS_OUT_INSIDE}",
        )
    if parent is not None and parent.going:
        patience = observed.deletion.patience_seconds
        alone = "" if patience is None else "; as something holds that up, it is soon deleted by itself"
        return Wait(Reason.DELETING, f"goes with {parent.label}{alone}", patience)
    if observed.deletion.children:
        shown = ", ".join(observed.deletion.children[:NAMES_SHOWN])
        more = len(observed.deletion.children) - NAMES_SHOWN
        return Wait(
            Reason.IN_USE, f"delete what is in the datastore first: {shown}" + (f" and {more} more" if more > 0 else "")
        )
    return _delete(kind, observed)


def believed(observed: Observed) -> Record | Wait:
    """Decide for a status without a seal that somebody has declared true (annotation `trust-claims`): seal the status.

    It is sealed once the cloud shows its object or says that the object is gone; until then wait. An attempt whose outcome is
    open shows no object yet, so its status is sealed at once.
    """
    if observed.status.id is None or observed.external is not None or observed.presence.is_gone:
        return Record(
            Reason.FOUND, "the status is believed: it was there when all claims were to be trusted", Facts(seal="")
        )
    return Wait(Reason.LOOKING, f"{observed.status.id} is not in the list: the operator asks for it by its id")


def at_work(observed: Observed, wait: Wait) -> Wait | Stall:
    """Return the wait while the cloud works on the object, or the stall when that lasts too long."""
    if observed.presence.pending_seconds != 0:
        return wait
    return Stall(
        Reason.PENDING_TOO_LONG,
        f"the cloud has been at work on {observed.existing.id} ({observed.existing.status}) for longer than it should take: "
        "look there, or ask the provider's support with this id; all goes on by itself once it has ended",
    )


def _delete(kind: CloudKind, observed: Observed) -> Verdict:
    if observed.external is None or observed.presence.is_unsure:
        return Wait(Reason.LOOKING, "looking whether the cloud object is still there")
    if observed.external.status == "PENDING_DELETE":
        return at_work(observed, Wait(Reason.DELETING, "the cloud is deleting it", observed.presence.pending_seconds))
    if observed.deletion.is_definition_going is None:
        return Stall(
            Reason.FORBIDDEN,
            "nothing is deleted in the cloud while it is unknown whether the CustomResourceDefinition is being deleted: "
            "the operator's ClusterRole must let it get its customresourcedefinitions; upgrade it with the operator",
        )
    for change in kind.before_delete(observed):
        return change
    return Delete(Reason.DELETING, f"{observed.existing.id} is deleted from the cloud")


def _open_intent(kind: CloudKind, observed: Observed) -> Verdict:
    """Decide while the outcome of an attempt is open: the attempt may have made an object, so look before letting go."""
    if observed.creation.created_id is not None:
        return _found(observed.creation.created_id)
    if observed.presence.returned and observed.status.intent is None:
        return _found(observed.presence.returned[-1])
    told = "an attempt to create may have worked: the operator waits, and the next list after that will tell what to delete"
    if observed.creation.settle_seconds is not None or not observed.creation.is_listed:
        return looking(observed.creation, told, observed.creation.settle_seconds or 0.0)
    intent = observed.status.intent
    assert intent is not None
    found = candidates(kind, observed.same_key.namesakes, intent)
    if not found and (unclear := unreadable_since(observed, intent)):
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
    if observed.creation.again_seconds is not None:
        return looking(observed.creation, told, observed.creation.again_seconds)
    return LetGo(Reason.RELEASED, "the attempt to create left nothing behind")


def _found(id_: str) -> Record:
    return Record(Reason.FOUND, f"{id_}: made by this resource's attempt to create", Facts(id=id_, intent=None))


def _parent(kind: CloudKind, observed: Observed) -> Referred | None:
    for reference in kind.references:
        if reference.parent:
            return observed.refs.get(reference.field)
    return None
