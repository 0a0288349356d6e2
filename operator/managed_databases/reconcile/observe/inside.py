"""What keeps a datastore from being deleted: what stands in it, or may; never what only wants to.

Whoever may write a resource in any namespace can refer to any datastore. That alone keeps nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from managed_databases.kinds.kind import CloudKind
from managed_databases.reconcile.observe.current_pass import PassInProject
from managed_databases.reconcile.observe.ownership_index import OwnershipIndex, owner_of
from managed_databases.reconcile.ports import Resource, ResourceCache
from managed_databases.reconcile.scheduling import dependencies as dependency


@dataclass(frozen=True)
class Inside:
    """`granted_powers` says which powers a project gives a namespace (project, namespace); None when it may not use it."""

    cache: ResourceCache
    owners: OwnershipIndex
    kind_of: Callable[[str], CloudKind]
    granted_powers: Callable[[str, str], frozenset[str] | None]

    def staying(self, current: PassInProject, id_: str, allowed: Iterable[str]) -> tuple[str, ...]:
        """Name what is in the pass's datastore, which has this id, and is not going, sorted, as its owner may read it.

        `allowed` are the other namespaces that its spec lets in. The pass is told what the answer depends on, and what has to
        be listed for it.

        Garbage collection deletes what is owned once its owner is gone, and the owner waits for the datastore.
        """
        datastore = current.resource
        may = {datastore.key.namespace, *allowed}
        children = [
            child
            for key in self.owners.inside(datastore.key, id_)
            if (child := self.cache.get(key)) is not None
            # Of strangers thousands may refer to it: without a word of an object in it nobody listens to what they do.
            and (key.namespace in may or child.told.datastore_id == id_)
        ]
        current.dependencies.update(dependency.resource(*child.key) for child in children)
        going = {child.uid for child in children if child.deleting_since is not None}
        staying = []
        for child in children:
            is_allowed = self._is_allowed(child, may, current.view.name)
            if not {child.uid, owner_of(child)} & going and self._stands(current, child, id_, is_allowed=is_allowed):
                staying.append(self._named(child, is_allowed=is_allowed))
        return tuple(sorted(staying))

    def _is_allowed(self, child: Resource, may: set[str], project: str) -> bool:
        return child.key.namespace in may and self.granted_powers(project, child.key.namespace) is not None

    def _stands(self, current: PassInProject, child: Resource, id_: str, *, is_allowed: bool) -> bool:
        """Whether its object is in this datastore, or an attempt to make it there is open.

        Of a namespace that may not be here nothing is believed but what is proven to be its own and the API lists, and nobody
        asks for it by id.
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
        """Who is let in is known to the owner of the datastore; of others he gets what he can see in the cloud."""
        if is_allowed:
            return str(child.key)
        kind = self.kind_of(child.key.kind)
        return (
            f"{kind.collection.one} {child.told.id} (of a namespace that may not use this datastore; delete it in "
            "the cloud)"
        )
