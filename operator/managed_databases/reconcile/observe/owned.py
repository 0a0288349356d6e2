"""Finds the resources that belong to another resource because its spec asks for them inline."""

from collections.abc import Iterable

from managed_databases.kinds.observed import ObservedOwned
from managed_databases.kinds.verdicts import ASKS_BESIDE, OwnedResource
from managed_databases.reconcile.observe.ownership_index import OwnershipIndex, has_lost_a_mark, owner_of
from managed_databases.reconcile.ports import Resource, ResourceCache, ResourceKey
from managed_databases.reconcile.scheduling import dependencies as dependency
from managed_databases.reconcile.scheduling.dependencies import Dependency


def owned_by(
    owner: Resource,
    wanted: Iterable[OwnedResource],
    owners: OwnershipIndex,
    cache: ResourceCache,
    dependencies: set[Dependency],
) -> tuple[ObservedOwned, ...]:
    """Return the owned resources that exist, and any other resource that has the name of one that the owner wants.

    `wanted` are the resources that the owner's spec asks for; `dependencies` receives what the answer depends on.
    """
    namespace = owner.key.namespace
    keys = {ResourceKey(each.kind, namespace, each.name) for each in wanted}
    keys |= owners.owned_by(owner)
    dependencies.update(dependency.resource(*key) for key in keys)
    return tuple(
        ObservedOwned(
            kind=each.key.kind,
            name=each.key.name,
            spec=each.spec,
            is_ours=owner_of(each) == owner.uid,
            has_lost_a_mark=has_lost_a_mark(each, owner),
            is_going=each.deleting_since is not None,
            trouble=trouble(each),
        )
        for key in sorted(keys)
        if (each := cache.get(key)) is not None
    )


def trouble(resource: Resource) -> str | None:
    """Return why the resource is not in sync with its newest spec, as its own status says; None if it is in sync."""
    for condition in resource.told.conditions:
        if condition.type == "Synced" and condition.observed_generation == resource.generation:
            return None if condition.is_true or condition.reason in ASKS_BESIDE else condition.message
    return "it was not looked at yet"
