"""A mapping of keys to several values that needs little memory for a key with one value."""

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=Hashable)


class _Several(dict[V, None], Generic[K, V]):
    """The values of a `key` that has several. The class tells them from a single value."""

    __slots__ = ("key",)

    def __init__(self, key: K, *values: V) -> None:
        super().__init__(dict.fromkeys(values))
        self.key = key


class Multimap(Generic[K, V]):
    """The values of each key, in the order in which they were added. Most keys have one value, which is kept by itself: a
    collection of one value takes about 200 bytes.
    """

    def __init__(self) -> None:
        self._values: dict[K, V | _Several[K, V]] = {}

    def add(self, key: K, value: V) -> K:
        """Return the key, or an equal one that earlier values share: whoever keeps that one needs no memory for his own."""
        known = self._values.setdefault(key, value)
        if isinstance(known, _Several):
            known[value] = None
            return known.key
        if known != value:
            self._values[key] = _Several(key, known, value)
        return key

    def discard(self, key: K, value: V) -> None:
        """Remove a value of the key. It is no error if the key does not have the value."""
        known = self._values.get(key)
        if isinstance(known, _Several):
            known.pop(value, None)
            if len(known) == 1:
                self._values[key] = next(iter(known))
        elif known == value:
            self._values.pop(key, None)

    def of(self, key: K) -> frozenset[V]:
        """Return all values of the key. Later changes of the mapping do not change the returned set."""
        known = self._values.get(key)
        if known is None:
            return frozenset()
        return frozenset(known) if isinstance(known, _Several) else frozenset((known,))

    def in_order(self, key: K) -> tuple[V, ...]:
        """Return all values of the key, the one that was added first at the beginning."""
        known = self._values.get(key)
        if known is None:
            return ()
        return tuple(known) if isinstance(known, _Several) else (known,)

    def clear(self) -> None:
        self._values.clear()
