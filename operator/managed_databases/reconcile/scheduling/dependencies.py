"""Which resources depend on what, so that a change wakes exactly those. Both directions are indexed, so nothing is scanned.

Only the functions here make dependencies, so that the resource that depends and the part that reports a change mean the same.
Each function says which change the dependency stands for.
"""

from collections.abc import Collection, Hashable
from typing import Generic, NewType, TypeVar

from managed_databases.kinds.project_view import ParametersFor
from managed_databases.reconcile.multimap import Multimap

Dependency = NewType("Dependency", tuple[str, ...])
K = TypeVar("K", bound=Hashable)


def resource(kind: str, namespace: str, name: str) -> Dependency:
    """A resource was changed, written by the operator, or deleted."""
    return Dependency(("resource", kind, namespace, name))


def naming(kind: str, namespace: str, name: str) -> Dependency:
    """A resource of the same namespace that names this one, such as a grant for a user, was made, changed or deleted."""
    return Dependency(("naming", kind, namespace, name))


def project(name: str) -> Dependency:
    """A project has changed: its identity, whether it can be used, or its `DatabaseProject`."""
    return Dependency(("project", name))


def default_project() -> Dependency:
    """Some `DatabaseProject` has changed: another one may be the default now."""
    return Dependency(("default project",))


def catalogue(project: str) -> Dependency:
    """The catalogue of a project has changed, or was read for the first time."""
    return Dependency(("catalogue", project))


def quotas(project: str) -> Dependency:
    """The quotas of a project, or how much of them is used, have changed."""
    return Dependency(("quotas", project))


def parameters(project: str, wanted: ParametersFor) -> Dependency:
    """The limits of the configuration parameters were read for this flavor."""
    return Dependency(("parameters", project, *map(str, wanted)))


def cloud_object(project: str, collection: str, id_: str) -> Dependency:
    """Something was learned of a cloud object."""
    return Dependency(("object", project, collection, id_))


def key(project: str, collection: str, parts: Collection[str]) -> Dependency:
    """A cloud object with this key has appeared, changed or disappeared."""
    return Dependency(("key", project, collection, *parts))


def listed(project: str, collection: str) -> Dependency:
    """A collection was listed, or it became known why it cannot be listed."""
    return Dependency(("list", project, collection))


def holder(place: str, collection: str, id_: str) -> Dependency:
    """Another resource, or none any more, holds this cloud object."""
    return Dependency(("holder", place, collection, id_))


def actions(project: str, datastore_id: str) -> Dependency:
    """The API's actions of a datastore have changed."""
    return Dependency(("actions", project, datastore_id))


def secret(namespace: str, name: str) -> Dependency:
    """A Secret with the operator's label was created, changed or deleted."""
    return Dependency(("secret", namespace, name))


class DependencyIndex(Generic[K]):
    """The dependencies of each key. A key without dependencies takes no memory."""

    def __init__(self) -> None:
        self._dependencies: dict[K, tuple[Dependency, ...]] = {}
        self._listeners: Multimap[Dependency, K] = Multimap()

    def replace(self, who: K, dependencies: Collection[Dependency]) -> None:
        """Replace all dependencies of `who` by `dependencies`."""
        wanted = set(dependencies)
        known = self._dependencies.get(who, ())
        if wanted == set(known):
            return
        for dependency in known:
            if dependency not in wanted:
                self._listeners.discard(dependency, who)
        if wanted:
            added = [self._listeners.add(dependency, who) for dependency in wanted.difference(known)]
            self._dependencies[who] = (*(dependency for dependency in known if dependency in wanted), *added)
        else:
            self._dependencies.pop(who, None)

    def drop(self, who: K) -> None:
        """Remove `who` and its dependencies; no error if `who` is unknown."""
        for dependency in self._dependencies.pop(who, ()):
            self._listeners.discard(dependency, who)

    def of(self, dependency: Dependency) -> frozenset[K]:
        """Return all keys that have this dependency."""
        return self._listeners.of(dependency)
