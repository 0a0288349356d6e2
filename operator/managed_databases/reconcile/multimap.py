"""A mapping of keys to several values, small where it has to be."""

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=Hashable)


class _Several(set[V]):
    """Tells a set of values from a value."""


class Multimap(Generic[K, V]):
    """Each key's values, without order. Most keys have one, which stands alone: a set of one takes 216 bytes."""

    def __init__(self) -> None:
        self._values: dict[K, V | _Several[V]] = {}

    def add(self, key: K, value: V) -> None:
        known = self._values.setdefault(key, value)
        if isinstance(known, _Several):
            known.add(value)
        elif known != value:
            self._values[key] = _Several((known, value))

    def discard(self, key: K, value: V) -> None:
        """A value that is not there is no error."""
        known = self._values.get(key)
        if isinstance(known, _Several):
            known.discard(value)
            if len(known) == 1:
                self._values[key] = known.pop()
        elif known == value:
            self._values.pop(key, None)

    def of(self, key: K) -> frozenset[V]:
        """All values of the key; what is returned does not change."""
        known = self._values.get(key)
        if known is None:
            return frozenset()
        return frozenset(known) if isinstance(known, _Several) else frozenset((known,))
