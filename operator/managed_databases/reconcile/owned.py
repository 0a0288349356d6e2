"""The resources that belong to a resource because its spec asks for them inline."""

from collections.abc import Iterable

from managed_databases.kinds.seen import OwnedSeen
from managed_databases.kinds.verdicts import OwnedResource
from managed_databases.reconcile import topics as topic
from managed_databases.reconcile.annotations import OWNED_BY
from managed_databases.reconcile.claims import Claims, owner_of
from managed_databases.reconcile.ports import Resource, ResourceCache, ResourceKey
from managed_databases.reconcile.topics import Topic


def owned_by(
    owner: Resource, wanted: Iterable[OwnedResource], claims: Claims, cache: ResourceCache, topics: set[Topic]
) -> tuple[OwnedSeen, ...]:
    """Return those that are there: the owner's, and whatever stands where one of its own is wanted."""
    namespace = owner.key.namespace
    keys = {ResourceKey(each.kind, namespace, each.name) for each in wanted}
    keys |= {key for key in claims.owned_by(owner.uid) if key.namespace == namespace}
    topics.update(topic.resource(*key) for key in keys)
    return tuple(
        OwnedSeen(
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
        if condition.get("type") == "Synced" and condition.get("observedGeneration") == resource.generation:
            return None if condition.get("status") == "True" else str(condition.get("message"))
    return "it was not looked at yet"
