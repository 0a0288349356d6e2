"""Objects by id, by key and by parent."""

from collections.abc import Callable, Hashable
from collections.abc import Set as AbstractSet
from typing import Generic, Protocol, TypeVar


class CloudObjectLike(Protocol):
    """The fields of an object that are used here. Objects are values: compared with `==`, never changed."""

    @property
    def id(self) -> str: ...

    @property
    def status(self) -> str | None: ...


O = TypeVar("O", bound=CloudObjectLike)
I = TypeVar("I", bound=Hashable)


class ObjectIndex(Generic[O]):
    """Objects by id; a key and a parent may have many objects, in the order in which these became known."""

    def __init__(self, key_of: Callable[[O], tuple[str, ...]], parent_of: Callable[[O], str | None]) -> None:
        self._key_of = key_of
        self._parent_of = parent_of
        self._objects: dict[str, O] = {}
        self._by_key: dict[tuple[str, ...], dict[str, None]] = {}
        self._by_parent: dict[str, dict[str, None]] = {}

    def __len__(self) -> int:
        return len(self._objects)

    def __getitem__(self, id_: str) -> O:
        """Return the object with this id. Raises KeyError."""
        return self._objects[id_]

    def ids(self) -> AbstractSet[str]:
        """Return a view of all ids, which follows later changes."""
        return self._objects.keys()

    def get(self, id_: str) -> O | None:
        return self._objects.get(id_)

    def of_key(self, key: tuple[str, ...]) -> tuple[O, ...]:
        return tuple(self._objects[id_] for id_ in self._by_key.get(key, ()))

    def of_parent(self, parent_id: str) -> tuple[O, ...]:
        return tuple(self._objects[id_] for id_ in self._by_parent.get(parent_id, ()))

    def all(self) -> tuple[O, ...]:
        return tuple(self._objects.values())

    def put(self, obj: O) -> None:
        """Enter an object; it replaces the object with the same id."""
        old = self._objects.get(obj.id)
        if old is None or (self._key_of(old), self._parent_of(old)) != (self._key_of(obj), self._parent_of(obj)):
            self._unindex(old)
            self._by_key.setdefault(self._key_of(obj), {})[obj.id] = None
            parent = self._parent_of(obj)
            if parent is not None:
                self._by_parent.setdefault(parent, {})[obj.id] = None
        self._objects[obj.id] = obj

    def remove(self, id_: str) -> bool:
        """Remove the object with this id; return whether there was one."""
        old = self._objects.pop(id_, None)
        self._unindex(old)
        return old is not None

    def clear(self) -> None:
        for index in (self._objects, self._by_key, self._by_parent):
            index.clear()

    def _unindex(self, old: O | None) -> None:
        if old is not None:
            _drop(self._by_key, self._key_of(old), old.id)
            _drop(self._by_parent, self._parent_of(old), old.id)


def _drop(index: dict[I, dict[str, None]], entry: I | None, id_: str) -> None:
    if entry is not None:
        ids = index[entry]
        del ids[id_]
        if not ids:
            del index[entry]
