"""Objects by id, by key and by parent."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Generic, Protocol, TypeVar

from managed_databases.reconcile.multimap import Multimap


class CloudObjectLike(Protocol):
    """The fields of an object that are used here. Objects are values: compared with `==`, never changed."""

    @property
    def id(self) -> str: ...

    @property
    def status(self) -> str | None: ...


O = TypeVar("O", bound=CloudObjectLike)


class ObjectIndex(Generic[O]):
    """Objects by id; a key and a parent may have many objects, in the order in which these became known."""

    def __init__(self, key_of: Callable[[O], tuple[str, ...]], parent_of: Callable[[O], str | None]) -> None:
        self._key_of = key_of
        self._parent_of = parent_of
        self._objects: dict[str, O] = {}
        self._by_key: Multimap[tuple[str, ...], str] = Multimap()
        self._by_parent: Multimap[str, str] = Multimap()

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
        return tuple(self._objects[id_] for id_ in self._by_key.in_order(key))

    def of_parent(self, parent_id: str) -> tuple[O, ...]:
        return tuple(self._objects[id_] for id_ in self._by_parent.in_order(parent_id))

    def all(self) -> tuple[O, ...]:
        return tuple(self._objects.values())

    def put(self, obj: O) -> None:
        """Enter an object; it replaces the object with the same id."""
        old = self._objects.get(obj.id)
        if old is None or (self._key_of(old), self._parent_of(old)) != (self._key_of(obj), self._parent_of(obj)):
            self._unindex(old)
            self._by_key.add(self._key_of(obj), obj.id)
            parent = self._parent_of(obj)
            if parent is not None:
                self._by_parent.add(parent, obj.id)
        self._objects[obj.id] = obj

    def remove(self, id_: str) -> bool:
        """Remove the object with this id; return whether there was one."""
        old = self._objects.pop(id_, None)
        self._unindex(old)
        return old is not None

    def clear(self) -> None:
        self._objects.clear()
        self._by_key.clear()
        self._by_parent.clear()

    def _unindex(self, old: O | None) -> None:
        if old is not None:
            self._by_key.discard(self._key_of(old), old.id)
            parent = self._parent_of(old)
            if parent is not None:
                self._by_parent.discard(parent, old.id)
