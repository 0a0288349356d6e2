"""Who must be woken by what: both directions are indexed, so neither a wake nor a change of interest scans.

A dependency is made by one of the functions here and by nothing else, so that whoever listens and whoever tells mean the same.
"""

from collections.abc import Collection, Hashable
from typing import Generic, NewType, TypeVar

from managed_databases.kinds.project_view import ParametersFor
from managed_databases.reconcile.multimap import Multimap

Dependency = NewType("Dependency", tuple[str, ...])
K = TypeVar("K", bound=Hashable)


def resource(kind: str, namespace: str, name: str) -> Dependency:
    """A resource was changed, written by us, or is gone."""
    return Dependency(("resource", kind, namespace, name))


def project(name: str) -> Dependency:
    """What a project is, whether it can be used, or its `DatabaseProject`, has changed."""
    return Dependency(("project", name))


def default_project() -> Dependency:
    """Some `DatabaseProject` has changed: another one may be the default now."""
    return Dependency(("default project",))


def catalogue(project: str) -> Dependency:
    """What a project offers has changed, or was read for the first time."""
    return Dependency(("catalogue", project))


def quotas(project: str) -> Dependency:
    """What a project still has room for has changed."""
    return Dependency(("quotas", project))


def parameters(project: str, wanted: ParametersFor) -> Dependency:
    """The limits of the configuration parameters were read for a size."""
    return Dependency(("parameters", project, *map(str, wanted)))


def cloud_object(project: str, collection: str, id_: str) -> Dependency:
    """Something was learned of a cloud object."""
    return Dependency(("object", project, collection, id_))


def key(project: str, collection: str, parts: Collection[str]) -> Dependency:
    """A cloud object with this key came, changed or went."""
    return Dependency(("key", project, collection, *parts))


def listed(project: str, collection: str) -> Dependency:
    """A collection was listed, or it is known why it cannot be."""
    return Dependency(("list", project, collection))


def holder(place: str, collection: str, id_: str) -> Dependency:
    """Another resource, or none any more, holds this cloud object."""
    return Dependency(("holder", place, collection, id_))


def actions(project: str, datastore_id: str) -> Dependency:
    """The API's actions of a datastore have changed."""
    return Dependency(("actions", project, datastore_id))


def secret(namespace: str, name: str) -> Dependency:
    """A Secret that carries our label has changed, came or went."""
    return Dependency(("secret", namespace, name))


class DependencyIndex(Generic[K]):
    """What each one depends on. Whoever depends on nothing takes no space."""

    def __init__(self) -> None:
        self._dependencies: dict[K, tuple[Dependency, ...]] = {}
        self._listeners: Multimap[Dependency, K] = Multimap()

    def replace(self, who: K, dependencies: Collection[Dependency]) -> None:
        """Make `dependencies` all that `who` depends on."""
        wanted = set(dependencies)
        known = self._dependencies.get(who, ())
        if wanted == set(known):
            return
        for dependency in known:
            if dependency not in wanted:
                self._listeners.discard(dependency, who)
        for dependency in wanted.difference(known):
            self._listeners.add(dependency, who)
        if wanted:
            self._dependencies[who] = tuple(wanted)
        else:
            self._dependencies.pop(who, None)

    def add(self, who: K, dependency: Dependency) -> None:
        """Let `who` depend on one more thing."""
        self.replace(who, {*self._dependencies.get(who, ()), dependency})

    def drop(self, who: K) -> None:
        """Forget `who`; someone unknown is no error."""
        for dependency in self._dependencies.pop(who, ()):
            self._listeners.discard(dependency, who)

    def of(self, dependency: Dependency) -> frozenset[K]:
        """Everyone who depends on this."""
        return self._listeners.of(dependency)
