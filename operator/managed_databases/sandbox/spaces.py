"""Spaces: the objects of one project in one region, their unique fields, and which objects are removed with which."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Final

from managed_databases.sandbox.projects import Project, World
from managed_databases.sandbox.store import Row, Store

_PARENTS: Final = ("datastore_id", "database_id", "user_id", "owner_id")


class Space:
    """The objects of one project in one region. Objects of one space never refer to another space.

    `unique` are the fields that no two objects of a collection may have in common, by the collection's name.
    """

    def __init__(self, store: Store, project: Project, region: str, unique: Mapping[str, tuple[str, ...]]) -> None:
        self.project = project
        self.region = region
        self._store = store
        self._unique = unique
        self._prefix = f"objects/{project.id}/{region}/"
        self._keys: dict[tuple[object, ...], str] = {}
        self._children: defaultdict[str, dict[tuple[str, str], None]] = defaultdict(dict)
        self._counts: Counter[tuple[str, str]] = Counter()
        for name in [name for name in store.tables if name.startswith(self._prefix)]:
            for row in store.tables[name].values():
                self._enter(name.removeprefix(self._prefix), row)

    def table_name(self, collection: str) -> str:
        return self._prefix + collection

    def objects(self, collection: str) -> dict[str, Row]:
        return self._store.table(self._prefix + collection)

    def find(self, collection: str, id_: str) -> Row | None:
        return self.objects(collection).get(id_)

    def put(self, collection: str, row: Row) -> None:
        """Store the object; it replaces the object with the same id."""
        if (old := self.find(collection, row["id"])) is not None:
            self._leave(collection, old)
        self._store.put(self._prefix + collection, row["id"], row)
        self._enter(collection, row)

    def remove(self, collection: str, id_: str) -> None:
        """Remove the object and everything that belongs to it. A database whose owner is removed stays without one [assumed]."""
        row = self._store.remove(self._prefix + collection, id_)
        if row is None:
            return
        self._leave(collection, row)
        self._store.remove("digests", id_)
        for child_collection, child_id in list(self._children.pop(id_, ())):
            child = self.find(child_collection, child_id)
            if child is not None and child.get("owner_id") == id_:
                self.put(child_collection, {**child, "owner_id": None})
            else:
                self.remove(child_collection, child_id)

    def with_key_of(self, collection: str, row: Row) -> str | None:
        """Return the id of the object with the same unique fields as `row`; None if there is none."""
        return self._keys.get(self._key(collection, row)) if collection in self._unique else None

    def count(self, collection: str, datastore_id: str) -> int:
        return self._counts[collection, datastore_id]

    def _enter(self, collection: str, row: Row) -> None:
        if collection in self._unique:
            self._keys[self._key(collection, row)] = row["id"]
        for parent in _parents(collection, row):
            self._children[parent][collection, row["id"]] = None
        if datastore_id := row.get("datastore_id"):
            self._counts[collection, datastore_id] += 1

    def _leave(self, collection: str, row: Row) -> None:
        if collection in self._unique and self._keys.get(self._key(collection, row)) == row["id"]:
            del self._keys[self._key(collection, row)]
        for parent in _parents(collection, row):
            if parent in self._children:
                self._children[parent].pop((collection, row["id"]), None)
        if datastore_id := row.get("datastore_id"):
            self._counts[collection, datastore_id] -= 1

    def _key(self, collection: str, row: Row) -> tuple[object, ...]:
        return (collection, *(row.get(field) for field in self._unique[collection]))


def _parents(collection: str, row: Row) -> list[str]:
    if collection == "actions":  # they outlive what they tell of
        return []
    return [row[field] for field in _PARENTS if row.get(field)]


class Spaces:
    """The spaces of all projects and regions."""

    def __init__(self, store: Store, world: World, unique: Mapping[str, tuple[str, ...]]) -> None:
        self.world = world
        self._spaces = {
            (project.id, region): Space(store, project, region, unique)
            for project in world.projects
            for region in world.regions
        }

    def of(self, project_id: str, region: str) -> Space:
        """Return the space of a project and region. Raises KeyError for a project or region that the sandbox does not have."""
        return self._spaces[project_id, region]

    def has(self, project_id: str, region: str) -> bool:
        return (project_id, region) in self._spaces

    def all(self) -> list[Space]:
        return list(self._spaces.values())

    def holding(self, collection: str, id_: str) -> Space | None:
        return next((space for space in self.all() if space.find(collection, id_)), None)
