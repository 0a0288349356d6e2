"""In whose turn a resource stands in the queue before its first pass, which may be all that it needs."""

from collections.abc import Callable

from managed_databases.kinds.database_project import KIND as PROJECT
from managed_databases.reconcile.observe.ownership_index import OwnershipIndex
from managed_databases.reconcile.ports import Resource, ResourceCache, ResourceKey


class FirstPlace:
    """`may_use` tells whether a namespace may use a project."""

    def __init__(self, cache: ResourceCache, owners: OwnershipIndex, may_use: Callable[[str, str], bool]) -> None:
        self._cache = cache
        self._owners = owners
        self._may_use = may_use

    def datastore_of(self, resource: Resource) -> str | None:
        """The id of the datastore that a resource is in, as far as that is known. What only its spec says of another
        namespace's does not count: its places are not for whoever names it.
        """
        parent = self._owners.parent(resource.key)
        if not isinstance(parent, ResourceKey):
            return parent if parent == resource.told.datastore_id else None
        holder = self._cache.get(parent) if parent.namespace == resource.key.namespace else None
        return holder.told.id if holder is not None else None

    def project_of(self, resource: Resource) -> str:
        """The project that a resource is in, as far as it says so itself; empty while that is not known, or when it may not
        be: whoever invents projects gets no turns for them.
        """
        if resource.key.kind == PROJECT.name:
            return resource.key.name
        name = str(resource.told.project or (resource.spec.get("projectRef") or {}).get("name") or "")
        return name if self._may_use(name, resource.key.namespace) else ""
