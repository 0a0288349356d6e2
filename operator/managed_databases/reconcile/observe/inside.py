"""Finds the resources that keep a datastore from being deleted: those whose objects are in it, or may be.

Whoever may write a resource in any namespace can refer to any datastore. A reference alone keeps no datastore.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from managed_databases.kinds.kind import CloudKind
from managed_databases.reconcile.observe.current_pass import PassInProject
from managed_databases.reconcile.observe.ownership_index import OwnershipIndex
from managed_databases.reconcile.ports import Resource, ResourceCache
from managed_databases.reconcile.scheduling import dependencies as dependency


@dataclass(frozen=True)
class Inside:
    """Finds what is in a datastore.

    `granted_powers(project, namespace)` returns the powers that the project gives the namespace; None if the namespace may not
    use the project.
    """

    cache: ResourceCache
    owners: OwnershipIndex
    kind_of: Callable[[str], CloudKind]
    granted_powers: Callable[[str, str], frozenset[str] | None]

    def staying(self, current: PassInProject, id_: str, allowed: Iterable[str]) -> tuple[str, ...]:
        """Return the names, sorted, of the resources whose objects are in the pass's datastore and that are not being deleted, as
        the datastore's owner may read them.

        `id_` is the datastore's id; `allowed` are the other namespaces that its spec lets in. What the answer depends on, and
        which collections have to be listed for it, is noted in the pass.

        A resource that goes with one that is being deleted counts as being deleted, too: garbage collection deletes it only
        once its owner is gone, and the owner waits for the datastore.
        """
        datastore = current.resource
        may = {datastore.key.namespace, *allowed}
        children = [
            child
            for key in self.owners.inside(datastore.key, id_)
            if (child := self.cache.get(key)) is not None
            # Thousands of resources in other namespaces may refer to the datastore: only those whose statuses name it count.
            and (key.namespace in may or child.told.datastore_id == id_)
        ]
        current.dependencies.update(dependency.resource(*child.key) for child in children)
        going = {child.uid: child for child in children if child.deleting_since is not None}
        inline = {key for owner in going.values() for key in self.owners.owned_by(owner)}
        staying = []
        for child in children:
            is_allowed = self._is_allowed(child, may, current.view.name)
            goes = child.uid in going or child.key in inline or _goes_with(child, going.keys())
            if not goes and self._stands(current, child, id_, is_allowed=is_allowed):
                staying.append(self._named(child, is_allowed=is_allowed))
        return tuple(sorted(staying))

    def _is_allowed(self, child: Resource, may: set[str], project: str) -> bool:
        return child.key.namespace in may and self.granted_powers(project, child.key.namespace) is not None

    def _stands(self, current: PassInProject, child: Resource, id_: str, *, is_allowed: bool) -> bool:
        """Return whether the child's object is in the datastore `id_`, or an attempt to make it there is open.

        A child of a namespace that may not use this datastore counts only if its claim is proven and the API lists its object;
        the operator does not ask for that object by its id.
        """
        view, identity = current.project, child.told.identity
        here = (view.project_id, view.region, id_)
        if identity is None or (identity.project_id, identity.region, identity.datastore_id) != here:
            return False
        if not is_allowed and not self.owners.counts(child.key):
            return False
        object_id = child.told.id
        if not object_id:
            return is_allowed and child.told.has_intent
        kind = self.kind_of(child.key.kind)
        snapshot = current.snapshot_of(kind)
        current.dependencies.add(dependency.cloud_object(view.name, kind.collection.name, object_id))
        if snapshot.is_gone(object_id):
            return False
        found = snapshot.get(object_id)
        if found is None and not is_allowed:
            current.dependencies.add(dependency.listed(view.name, kind.collection.name))
            return not snapshot.has_listed or snapshot.is_dirty(object_id)
        return found is None or not found.in_datastore or found.in_datastore == id_

    def _named(self, child: Resource, *, is_allowed: bool) -> str:
        """Return the child's name if its namespace may use the datastore: the datastore's owner knows these namespaces. Of other
        namespaces the owner is told only what he can see in the cloud.
        """
        if is_allowed:
            return str(child.key)
        kind = self.kind_of(child.key.kind)
        return (
            f"{kind.collection.one} {child.told.id} (of a namespace that may not use this datastore; delete it in "
            "the cloud)"
        )


def _goes_with(child: Resource, going: Collection[str]) -> bool:
    """Return whether garbage collection deletes the child, which somebody has given ownerReferences, once those that are going
    (their uids) are gone. What has another owner stays, and so does what is protected: Kubernetes refuses its deletion.
    """
    return (
        bool(child.owner_uids) and all(owner in going for owner in child.owner_uids) and not child.stated.is_protected
    )
