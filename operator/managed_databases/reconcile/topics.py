"""Who must be woken by what: both directions are indexed, so neither a wake nor a change of interest scans."""

from collections.abc import Collection, Hashable
from typing import Generic, TypeVar

from managed_databases.reconcile.multimap import Multimap

Topic = tuple[str, ...]
K = TypeVar("K", bound=Hashable)


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
