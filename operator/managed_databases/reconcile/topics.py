"""Who must be woken by what: both directions are indexed, so neither a wake nor a change of interest scans."""

from collections.abc import Collection, Hashable
from typing import Generic, TypeVar

Topic = tuple[str, ...]
K = TypeVar("K", bound=Hashable)


class Subscriptions(Generic[K]):
    """The topics that each one listens to. Whoever listens to nothing takes no space."""

    def __init__(self) -> None:
        self._topics: dict[K, set[Topic]] = {}
        self._listeners: dict[Topic, set[K]] = {}

    def replace(self, who: K, topics: Collection[Topic]) -> None:
        """Make `topics` all that `who` listens to."""
        wanted = set(topics)
        known = self._topics.get(who, set())
        for topic in known - wanted:
            self._unlisten(who, topic)
        for topic in wanted - known:
            self._listeners.setdefault(topic, set()).add(who)
        if wanted:
            self._topics[who] = wanted
        else:
            self._topics.pop(who, None)

    def add(self, who: K, topic: Topic) -> None:
        """Let `who` listen to one more topic."""
        self._topics.setdefault(who, set()).add(topic)
        self._listeners.setdefault(topic, set()).add(who)

    def drop(self, who: K) -> None:
        """Forget `who`; someone unknown is no error."""
        for topic in self._topics.pop(who, set()):
            self._unlisten(who, topic)

    def of(self, topic: Topic) -> frozenset[K]:
        """Everyone who listens to the topic."""
        return frozenset(self._listeners.get(topic, ()))

    def _unlisten(self, who: K, topic: Topic) -> None:
        listeners = self._listeners[topic]
        listeners.discard(who)
        if not listeners:
            del self._listeners[topic]
