"""Checks whether the name (or another key) of a resource's object is free, and says who has it."""

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
    """Return why the namespace may not use this name (`namePrefix` of the project); None if it may.

    Names of objects in a datastore belong to that datastore; all namespaces of a project share the names of other objects.
    """
    return None if kind.is_inside else name_problem(observed)


def claimed_by_others(kind: CloudKind, observed: Observed) -> Stall | None:
    to_do = kind.with_another_name("delete one of the two resources")
    if observed.same_key.rival is not None:
        return Stall(Reason.CONFLICT, f"{observed.same_key.rival} already stands for this object: {to_do}")
    for _, holder in sorted(observed.same_key.held.items()):
        return Stall(Reason.CONFLICT, f"{holder} holds the object {kind.same_key}: {to_do}")
    return None


def rename_collision(kind: CloudKind, observed: Observed) -> Stall | Wait | None:
    """Return why the object may not get the new name of its spec; None if it may. A new name must be as free as a first one."""
    if kind.key(observed) == kind.key_of(observed.existing):
        return None
    is_wished = observed.status.synced_generation != observed.generation  # what others have renamed gets its name back
    if is_wished and (refused := name_refusal(kind, observed)):
        return refused
    if conflict := claimed_by_others(kind, observed):
        return conflict
    if observed.same_key.namesakes:
        ids = named(kind, observed, observed.same_key.namesakes)
        return Stall(Reason.ALREADY_EXISTS, f"the cloud has {ids} under the new name: choose another one")
    return may_be_taken(kind, observed, "renamed")


def may_be_taken(kind: CloudKind, observed: Observed, what: str) -> Wait | None:
    """Return the wait for an object without a readable name, which may have the wanted name; None if there is none.

    An object that never tells its name does not hold up a resource for ever: the wait has an end. `what` ends the message.
    """
    if not observed.same_key.unreadable or observed.creation.unreadable_seconds is None:
        return None
    ids = ", ".join(sorted(observed.same_key.unreadable)) if _may_be_named(kind, observed) else "something"
    return Wait(
        Reason.LOOKING,
        f"the API does not tell the name of {ids}, which may be this one: waits for it a while before it is {what}",
        observed.creation.unreadable_seconds,
    )


def named(kind: CloudKind, observed: Observed, objects: Iterable[CloudObject]) -> str:
    """Return words for objects that no resource holds: their ids, or, for those who may not see ids, that they exist."""
    ids = sorted(each.id for each in objects)
    if _may_be_named(kind, observed):
        return ", ".join(ids)
    return "an object" if len(ids) == 1 else f"{len(ids)} objects"


def _may_be_named(kind: CloudKind, observed: Observed) -> bool:
    """Return whether messages may show ids. An object that is in no datastore may belong to another namespace or cluster, so its
    id is shown only to those who may adopt it.
    """
    is_inside = kind.is_inside
    return is_inside or (observed.project is not None and observed.project.may_adopt)
