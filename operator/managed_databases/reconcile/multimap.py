"""A mapping of keys to several values that needs little memory for a key with one value."""

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=Hashable)


class _Several(set[V]):
    """The values of one key that has several. The class tells such a set from a single value."""


class Multimap(Generic[K, V]):
    """The values of each key, without order. Most keys have one value, which is kept without a set: a set of one value takes
    216 bytes.
    """

    def __init__(self) -> None:
        self._values: dict[K, V | _Several[V]] = {}

    def add(self, key: K, value: V) -> None:
        known = self._values.setdefault(key, value)
        if isinstance(known, _Several):
            known.add(value)
        elif known != value:
            self._values[key] = _Several((known, value))

    def discard(self, key: K, value: V) -> None:
        """Remove a value of the key. It is no error if the key does not have the value."""
        known = self._values.get(key)
        if isinstance(known, _Several):
            known.discard(value)
            if len(known) == 1:
                self._values[key] = known.pop()
        elif known == value:
            self._values.pop(key, None)

    def of(self, key: K) -> frozenset[V]:
        """Return all values of the key. Later changes of the mapping do not change the returned set."""
        known = self._values.get(key)
        if known is None:
            return frozenset()
        return frozenset(known) if isinstance(known, _Several) else frozenset((known,))
