"""The resources that belong to a resource because its spec asks for them inline."""

from collections.abc import Iterable

from managed_databases.kinds.observed import ObservedOwned
from managed_databases.kinds.verdicts import OwnedResource
from managed_databases.reconcile.annotations import OWNED_BY
from managed_databases.reconcile.observe.ownership_index import OwnershipIndex, owner_of
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
    """Return those that are there: the owner's, and whatever stands where one of its own is wanted."""
    namespace = owner.key.namespace
    keys = {ResourceKey(each.kind, namespace, each.name) for each in wanted}
    keys |= {key for key in owners.owned_by(owner.uid) if key.namespace == namespace}
    dependencies.update(dependency.resource(*key) for key in keys)
    return tuple(
        ObservedOwned(
            kind=each.key.kind,
            name=each.key.name,
            spec=each.spec,
            is_ours=owner_of(each) == owner.uid,
            is_marked=each.annotations.get(OWNED_BY) == owner.uid and owner.uid in each.owner_uids,
            is_going=each.deleting_since is not None,
            trouble=_trouble(each),
        )
        for key in sorted(keys)
        if (each := cache.get(key)) is not None
    )


def _trouble(resource: Resource) -> str | None:
    """Why a resource is not in sync with its newest spec, as it says itself."""
    for condition in resource.told.conditions:
        if condition.type == "Synced" and condition.observed_generation == resource.generation:
            return None if condition.is_true else condition.message
    return "it was not looked at yet"
