"""Who else has the name, or another key, of a resource's object; whether it is free."""

from collections.abc import Iterable

from managed_databases.api.models import CloudObject
from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.names import name_problem
from managed_databases.kinds.observed import Observed
from managed_databases.kinds.verdicts import (
    Reason,
    Stall,
    Wait,
)


def name_refusal(kind: CloudKind, observed: Observed) -> Stall | None:
    """What is in a datastore has its name there; what is in a project, among all of the project's namespaces."""
    return None if kind.is_inside else name_problem(observed)


def claimed_by_others(observed: Observed) -> Stall | None:
    if observed.same_key.rival is not None:
        return Stall(Reason.CONFLICT, f"{observed.same_key.rival} already stands for this object: choose another name")
    for _, holder in sorted(observed.same_key.held.items()):
        return Stall(Reason.CONFLICT, f"{holder} holds the object of this name: choose another name")
    return None


def rename_collision(kind: CloudKind, observed: Observed) -> Stall | Wait | None:
    """A new name must be as free as a first one."""
    if kind.key(observed) == kind.key_of(observed.existing):
        return None
    is_wished = observed.status.synced_generation != observed.generation  # what others have renamed gets its name back
    if is_wished and (refused := name_refusal(kind, observed)):
        return refused
    if conflict := claimed_by_others(observed):
        return conflict
    if observed.same_key.namesakes:
        ids = named(kind, observed, observed.same_key.namesakes)
        return Stall(Reason.ALREADY_EXISTS, f"the cloud has {ids} under the new name: choose another one")
    return may_be_taken(kind, observed, "renamed")


def may_be_taken(kind: CloudKind, observed: Observed, what: str) -> Wait | None:
    """A name that nothing has, as far as names are told; what never tells its own holds up nothing for ever."""
    if not observed.same_key.unreadable or observed.creation.unreadable_seconds is None:
        return None
    ids = ", ".join(sorted(observed.same_key.unreadable)) if _may_be_named(kind, observed) else "something"
    return Wait(
        Reason.LOOKING,
        f"the API does not tell the name of {ids}, which may be this one: waits for it a while before it is {what}",
        observed.creation.unreadable_seconds,
    )


def named(kind: CloudKind, observed: Observed, objects: Iterable[CloudObject]) -> str:
    """What nobody holds, by its ids; for whom they are not, that it is there."""
    ids = sorted(each.id for each in objects)
    if _may_be_named(kind, observed):
        return ", ".join(ids)
    return "an object" if len(ids) == 1 else f"{len(ids)} objects"


def _may_be_named(kind: CloudKind, observed: Observed) -> bool:
    """What is in a project may be another namespace's, or another cluster's: its ids are for whoever may adopt it."""
    is_inside = kind.is_inside
    return is_inside or (observed.project is not None and "adopt" in observed.project.powers)
