"""Who holds which cloud object, who claims which key, and who lives in which datastore.

Kept from the cache, so it is as new as the cache is; a claim made by `take` counts at once.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from managed_databases.kinds.kind import Kind
from managed_databases.reconcile.annotations import OWNED_BY
from managed_databases.reconcile.multimap import Multimap
from managed_databases.reconcile.ports import Resource, ResourceKey

Key = tuple[str, ...]


class ObjectName(NamedTuple):
    """A cloud object, wherever it is."""

    project: str
    collection: str
    id: str


class KeyName(NamedTuple):
    """A key in a collection of a project."""

    project: str
    collection: str
    key: Key


class Age(NamedTuple):
    """Orders resources by seniority; the older one holds what two of them want."""

    created_at: str
    uid: str


@dataclass(slots=True)
class _Entry:
    age: Age
    object: ObjectName | None = None
    claim: KeyName | None = None
    parents: tuple[ResourceKey | str, ...] = ()
    owner_uid: str | None = None


@dataclass
class Claims:
    """The index. `kind_of` finds what a kind declares; `holder_changed` is told each object that somebody begins, or
    ceases, to hold.
    """

    kind_of: Callable[[str], Kind]
    holder_changed: Callable[[ObjectName], None] = lambda _: None
    _entries: dict[ResourceKey, _Entry] = field(default_factory=dict)
    _holders: Multimap[ObjectName, ResourceKey] = field(default_factory=Multimap)
    _claimants: Multimap[KeyName, ResourceKey] = field(default_factory=Multimap)
    _owned: Multimap[str, ResourceKey] = field(default_factory=Multimap)
    _inside: Multimap[ResourceKey | str, ResourceKey] = field(default_factory=Multimap)

    def note(self, resource: Resource) -> None:
        """Enter what a resource says of itself, in place of what it said before."""
        cloud = self.kind_of(resource.key.kind).cloud
        if cloud is None:
            return
        before = self._entries.get(resource.key)
        self._drop(resource.key)
        entry = _Entry(Age(resource.created_at, resource.uid), owner_uid=resource.annotations.get(OWNED_BY))
        identity, id_ = resource.status.get("identity"), resource.status.get("id")
        if identity:
            entry.claim = KeyName(identity["project"], cloud.collection.name, tuple(identity["key"]))
            if id_:
                entry.object = ObjectName(identity["project"], cloud.collection.name, id_)
        elif before is not None and before.age == entry.age:
            entry.claim = before.claim  # taken by a pass that has not written its intent yet
        entry.parents = tuple(self._parents(resource, identity))
        self._enter(resource.key, entry)
        self._tell(None if before is None else before.object, entry.object)

    def take(self, resource: Resource, project: str, collection: str, key: Key) -> None:
        """Claim a key now, before anything is written."""
        entry = self._entries.pop(resource.key, None) or _Entry(Age(resource.created_at, resource.uid))
        self._leave(resource.key, entry)
        entry.claim = KeyName(project, collection, key)
        self._enter(resource.key, entry)

    def forget(self, key: ResourceKey) -> None:
        before = self._drop(key)
        self._tell(None if before is None else before.object, None)

    def _drop(self, key: ResourceKey) -> _Entry | None:
        if entry := self._entries.pop(key, None):
            self._leave(key, entry)
        return entry

    def _tell(self, before: ObjectName | None, now: ObjectName | None) -> None:
        if before != now:
            for object_ in filter(None, (before, now)):
                self.holder_changed(object_)

    def holder(self, object_: ObjectName) -> ResourceKey | None:
        """The oldest resource whose `status.id` it is."""
        return self._oldest(self._holders.of(object_))

    def claimant(self, claim: KeyName) -> ResourceKey | None:
        """The oldest resource that has this key."""
        return self._oldest(self._claimants.of(claim))

    def inside(self, datastore: ResourceKey, datastore_id: str | None) -> frozenset[ResourceKey]:
        """The resources whose parent is this one, by its name or by its object's id."""
        by_id = self._inside.of(datastore_id) if datastore_id else frozenset[ResourceKey]()
        return self._inside.of(datastore) | by_id

    def parent(self, key: ResourceKey) -> ResourceKey | str | None:
        """What this resource is in: its parent's object id if it is known, else the parent resource; None for neither."""
        entry = self._entries.get(key)
        return next(iter(entry.parents), None) if entry else None

    def owned_by(self, uid: str) -> frozenset[ResourceKey]:
        """The resources that were made because the spec of the resource with this uid asks for them."""
        return self._owned.of(uid)

    def _parents(self, resource: Resource, identity: Mapping[str, Any] | None) -> Iterator[ResourceKey | str]:
        kind = self.kind_of(resource.key.kind)
        assert kind.cloud is not None
        if identity and (datastore_id := identity.get("datastoreID")):
            yield datastore_id
        for reference in kind.cloud.references:
            stated = resource.spec.get(reference.field)
            if reference.parent and stated:
                if id_ := stated.get("id"):
                    yield id_
                elif name := stated.get("name"):
                    yield ResourceKey(reference.kind, stated.get("namespace") or resource.key.namespace, name)

    def _oldest(self, keys: Iterable[ResourceKey]) -> ResourceKey | None:
        return min(keys, key=lambda key: self._entries[key].age, default=None)

    def _enter(self, key: ResourceKey, entry: _Entry) -> None:
        self._entries[key] = entry
        if entry.object:
            self._holders.add(entry.object, key)
        if entry.claim:
            self._claimants.add(entry.claim, key)
        if entry.owner_uid:
            self._owned.add(entry.owner_uid, key)
        for parent in entry.parents:
            self._inside.add(parent, key)

    def _leave(self, key: ResourceKey, entry: _Entry) -> None:
        if entry.object:
            self._holders.discard(entry.object, key)
        if entry.claim:
            self._claimants.discard(entry.claim, key)
        if entry.owner_uid:
            self._owned.discard(entry.owner_uid, key)
        for parent in entry.parents:
            self._inside.discard(parent, key)
