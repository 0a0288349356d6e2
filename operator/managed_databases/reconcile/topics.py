"""Who must be woken by what: both directions are indexed, so neither a wake nor a change of interest scans.

A topic is made by one of the functions here and by nothing else, so that whoever listens and whoever tells mean the same.
"""

from collections.abc import Collection, Hashable
from typing import Generic, NewType, TypeVar

from managed_databases.kinds.seen import ParametersFor
from managed_databases.reconcile.multimap import Multimap

Topic = NewType("Topic", tuple[str, ...])
K = TypeVar("K", bound=Hashable)


def resource(kind: str, namespace: str, name: str) -> Topic:
    """A resource was changed, written by us, or is gone."""
    return Topic(("resource", kind, namespace, name))


def project(name: str) -> Topic:
    """What a project is, whether it can be used, or its `DatabaseProject`, has changed."""
    return Topic(("project", name))


def default_project() -> Topic:
    """Some `DatabaseProject` has changed: another one may be the default now."""
    return Topic(("default project",))


def catalogue(project: str) -> Topic:
    """What a project offers has changed, or was read for the first time."""
    return Topic(("catalogue", project))


def quotas(project: str) -> Topic:
    """What a project still has room for has changed."""
    return Topic(("quotas", project))


def parameters(project: str, wanted: ParametersFor) -> Topic:
    """The limits of the configuration parameters were read for a size."""
    return Topic(("parameters", project, *map(str, wanted)))


def cloud_object(project: str, collection: str, id_: str) -> Topic:
    """Something was learned of a cloud object."""
    return Topic(("object", project, collection, id_))


def key(project: str, collection: str, parts: Collection[str]) -> Topic:
    """A cloud object with this key came, changed or went."""
    return Topic(("key", project, collection, *parts))


def listed(project: str, collection: str) -> Topic:
    """A collection was listed, or it is known why it cannot be."""
    return Topic(("list", project, collection))


def holder(place: str, collection: str, id_: str) -> Topic:
    """Another resource, or none any more, holds this cloud object."""
    return Topic(("holder", place, collection, id_))


def actions(project: str, datastore_id: str) -> Topic:
    """The API's actions of a datastore have changed."""
    return Topic(("actions", project, datastore_id))


def secret(namespace: str, name: str) -> Topic:
    """A Secret that carries our label has changed, came or went."""
    return Topic(("secret", namespace, name))


class Subscriptions(Generic[K]):
    """The topics that each one listens to. Whoever listens to nothing takes no space."""

    def __init__(self) -> None:
        self._topics: dict[K, tuple[Topic, ...]] = {}
        self._listeners: Multimap[Topic, K] = Multimap()

    def replace(self, who: K, topics: Collection[Topic]) -> None:
        """Make `topics` all that `who` listens to."""
        wanted = set(topics)
        known = self._topics.get(who, ())
        if wanted == set(known):
            return
        for topic in known:
            if topic not in wanted:
                self._listeners.discard(topic, who)
        for topic in wanted.difference(known):
            self._listeners.add(topic, who)
        if wanted:
            self._topics[who] = tuple(wanted)
        else:
            self._topics.pop(who, None)

    def add(self, who: K, topic: Topic) -> None:
        """Let `who` listen to one more topic."""
        self.replace(who, {*self._topics.get(who, ()), topic})

    def drop(self, who: K) -> None:
        """Forget `who`; someone unknown is no error."""
        for topic in self._topics.pop(who, ()):
            self._listeners.discard(topic, who)

    def of(self, topic: Topic) -> frozenset[K]:
        """Everyone who listens to the topic."""
        return self._listeners.of(topic)
