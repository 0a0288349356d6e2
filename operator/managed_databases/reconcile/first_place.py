"""In which project's and datastore's share of the queue a resource stands before its first pass. Many resources need only that
one pass.
"""

from collections.abc import Callable

from managed_databases.kinds.database_project import KIND as PROJECT
from managed_databases.reconcile.observe.ownership_index import OwnershipIndex
from managed_databases.reconcile.ports import Resource, ResourceCache, ResourceKey


class FirstPlace:
    """Finds the project and the datastore of a resource that has had no pass yet.

    `may_use(project, namespace)` returns whether the namespace may use the project.
    """

    def __init__(self, cache: ResourceCache, owners: OwnershipIndex, may_use: Callable[[str, str], bool]) -> None:
        self._cache = cache
        self._owners = owners
        self._may_use = may_use

    def datastore_of(self, resource: Resource) -> str | None:
        """Return the id of the datastore that the resource is in; None if that is not known.

        A datastore of another namespace does not count if only the resource's spec names it: otherwise anybody could take the
        places of a datastore by naming it.
        """
        parent = self._owners.parent(resource.key)
        if not isinstance(parent, ResourceKey):
            return parent if parent == resource.told.datastore_id else None
        holder = self._cache.get(parent) if parent.namespace == resource.key.namespace else None
        return holder.told.id if holder is not None else None

    def project_of(self, resource: Resource) -> str:
        """Return the name of the project that the resource itself says to be in; empty if it names none, or if its namespace may
        not use that project: otherwise invented names of projects would get turns of their own.
        """
        if resource.key.kind == PROJECT.name:
            return resource.key.name
        name = str(resource.told.project or resource.stated.project or "")
        return name if self._may_use(name, resource.key.namespace) else ""
