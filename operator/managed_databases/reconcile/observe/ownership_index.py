"""Which resource holds which cloud object, which claims which key, and which is in which datastore.

The index is kept from the cache, so it is as new as the cache is; a claim made by `reserve` counts at once. A key is claimed by
the resource that has it pinned, with an object or an attempt of that key. If none has, it is claimed by the resource that
reserved it first: between the look and the claim of one resource others may have looked, too. A claim that is proven goes before
one that is not, however old the unproven one is.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from managed_databases.kinds.kind import CloudKind, Kind
from managed_databases.kinds.observed import Standing
from managed_databases.reconcile.annotations import OWNED_BY
from managed_databases.reconcile.multimap import Multimap
from managed_databases.reconcile.ports import Resource, ResourceKey

Key = tuple[str, ...]


class ObjectName(NamedTuple):
    """A cloud object at a `place` of the cloud. All DatabaseProjects that lead to that place mean the same object."""

    place: str
    collection: str
    id: str


class KeyName(NamedTuple):
    """A key in a collection at a `place` of the cloud."""

    place: str
    collection: str
    key: Key


class Age(NamedTuple):
    """Orders resources by their age: the older one gets what two of them want."""

    created_at: str
    uid: str


@dataclass(slots=True)
class _Entry:
    age: Age
    standing: Standing = Standing.PROVEN
    object: ObjectName | None = None
    pinned: KeyName | None = None
    reserved: KeyName | None = None
    turn: int = 0
    parents: tuple[ResourceKey | str, ...] = ()
    named: tuple[ResourceKey, ...] = ()
    owner_uid: str | None = None

    def claimed_keys(self) -> set[KeyName]:
        return {claim for claim in (self.pinned, self.reserved) if claim is not None}


@dataclass
class OwnershipIndex:
    """The index. `kind_of` finds a kind by its name; `holder_changed` is called with each object that a resource begins, or
    ceases, to hold.
    """

    kind_of: Callable[[str], Kind]
    holder_changed: Callable[[ObjectName], None] = lambda _: None
    _entries: dict[ResourceKey, _Entry] = field(default_factory=dict)
    _holders: Multimap[ObjectName, ResourceKey] = field(default_factory=Multimap)
    _claimants: Multimap[KeyName, ResourceKey] = field(default_factory=Multimap)
    _owned: Multimap[str, ResourceKey] = field(default_factory=Multimap)
    _inside: Multimap[ResourceKey | str, ResourceKey] = field(default_factory=Multimap)
    _naming: Multimap[ResourceKey, ResourceKey] = field(default_factory=Multimap)
    _turns: int = 0

    def update(self, resource: Resource, standing: Standing = Standing.PROVEN) -> None:
        """Enter what the resource says of itself, in place of what it said before. `standing` is what proves that."""
        kind = self.kind_of(resource.key.kind)
        if not isinstance(kind, CloudKind):
            return
        before = self._entries.get(resource.key)
        self._drop(resource.key)
        entry = _Entry(Age(resource.created_at, resource.uid), standing, owner_uid=owner_of(resource))
        identity, id_ = resource.told.identity, resource.told.id
        if identity is not None and resource.told.holds_something:
            place = sys.intern(identity.place)  # made anew for each resource, and the same for thousands
            entry.pinned = KeyName(place, kind.collection.name, identity.key)
            if id_:
                entry.object = ObjectName(place, kind.collection.name, id_)
        if before is not None and before.age == entry.age and not (id_ and before.reserved == entry.pinned):
            entry.reserved, entry.turn = before.reserved, before.turn
        entry.parents = tuple(self._parents(kind, resource))
        entry.named = tuple(_named(kind, resource))
        self._enter(resource.key, entry)
        self._tell(None if before is None else before.object, entry.object)
        if before is not None and before.standing != standing and entry.object is not None:
            self.holder_changed(entry.object)

    def reserve(self, resource: Resource, claim: KeyName) -> bool:
        """Claim a key for the resource now, before anything is written; return whether that worked. If another resource has the
        key, nothing is claimed.
        """
        entry = self._entries.get(resource.key)
        if entry is None:
            entry = _Entry(Age(resource.created_at, resource.uid))
            self._enter(resource.key, entry)
        if entry.reserved != claim:
            self._turns += 1
            self._reserve(resource.key, entry, claim, self._turns)
        if self.claimant(claim) == resource.key:
            return True
        self._reserve(resource.key, entry, None, 0)
        return False

    def want(self, key: ResourceKey, claim: KeyName | None) -> None:
        """Take note that the resource wants this key now (None: no key): another key that it has reserved is free again."""
        entry = self._entries.get(key)
        if entry is not None and entry.reserved not in (None, claim):
            self._reserve(key, entry, None, 0)

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
        """Return the resource whose `status.id` names the object: of several the best proven, then the oldest; None for none."""
        return self._first(self._holders.of(object_))

    def proven_holder(self, object_: ObjectName) -> ResourceKey | None:
        """Return the holder; None if there is none, or if nothing proves its claim: its permissions then count for nobody."""
        holder = self.holder(object_)
        return holder if holder is not None and self.counts(holder) else None

    def counts(self, key: ResourceKey) -> bool:
        """Return whether the claim of the resource counts: it is proven, believed, or not known to the index."""
        entry = self._entries.get(key)
        return entry is None or entry.standing is not Standing.UNPROVEN

    def disputed_by(self, key: ResourceKey) -> ResourceKey | None:
        """Return another resource that claims the same object, or has the same key pinned: of several the best proven, then the
        oldest; None if there is none.
        """
        entry = self._entries.get(key)
        if entry is None:
            return None
        others = set(self._holders.of(entry.object)) if entry.object else set[ResourceKey]()
        if entry.pinned:
            others |= {each for each in self._claimants.of(entry.pinned) if self._entries[each].pinned == entry.pinned}
        return self._first(others - {key})

    def claimant(self, claim: KeyName) -> ResourceKey | None:
        """Return the resource that has this key pinned (of several the best proven, then the oldest), or else the one that
        reserved it first; None if nobody claims the key.
        """
        return min(self._claimants.of(claim), key=lambda key: self._seniority(self._entries[key], claim), default=None)

    def inside(self, datastore: ResourceKey, datastore_id: str | None) -> frozenset[ResourceKey]:
        """Return the resources whose parent is this datastore, by the resource's name or by its object's id."""
        by_id = self._inside.of(datastore_id) if datastore_id else frozenset[ResourceKey]()
        return self._inside.of(datastore) | by_id

    def parent(self, key: ResourceKey) -> ResourceKey | str | None:
        """Return the parent of this resource: its object id if that is known, else the parent resource; None for neither."""
        entry = self._entries.get(key)
        return next(iter(entry.parents), None) if entry else None

    def owned_by(self, owner: Resource) -> frozenset[ResourceKey]:
        """Return the resources that the operator has made because the spec of `owner` asks for them: they are marked as such
        (`owner_of`), of a kind that the spec may list inline, and in the owner's namespace. Marks elsewhere were set by people.
        """
        kind = self.kind_of(owner.key.kind)
        kinds = kind.owned_kinds if isinstance(kind, CloudKind) else ()
        marked = self._owned.of(owner.uid)
        return frozenset(key for key in marked if key.kind in kinds and key.namespace == owner.key.namespace)

    def naming(self, key: ResourceKey) -> frozenset[ResourceKey]:
        """Return the resources of its namespace that name this resource in their specs, but for those that have it as parent."""
        return self._naming.of(key)

    def named(self, key: ResourceKey) -> tuple[ResourceKey, ...]:
        """Return the resources that this one names in its spec, but for its parent."""
        entry = self._entries.get(key)
        return () if entry is None else entry.named

    def _parents(self, kind: CloudKind, resource: Resource) -> Iterator[ResourceKey | str]:
        if datastore_id := resource.told.datastore_id:
            yield datastore_id
        for reference in kind.references:
            if reference.parent:
                stated = resource.stated.reference(reference.field)
                if stated.id:
                    yield stated.id
                elif stated.name:
                    yield ResourceKey(reference.kind, stated.namespace or resource.key.namespace, stated.name)

    def _seniority(self, entry: _Entry, claim: KeyName) -> tuple[bool, int, Age]:
        is_pinned = entry.pinned == claim
        return not is_pinned, entry.standing if is_pinned else entry.turn, entry.age

    def _reserve(self, key: ResourceKey, entry: _Entry, claim: KeyName | None, turn: int) -> None:
        self._leave(key, entry)
        entry.reserved, entry.turn = claim, turn
        self._enter(key, entry)

    def _first(self, keys: Iterable[ResourceKey]) -> ResourceKey | None:
        return min(keys, key=lambda key: (self._entries[key].standing, self._entries[key].age), default=None)

    def _enter(self, key: ResourceKey, entry: _Entry) -> None:
        self._entries[key] = entry
        if entry.object:
            self._holders.add(entry.object, key)
        for claim in entry.claimed_keys():
            self._claimants.add(claim, key)
        if entry.owner_uid:
            self._owned.add(entry.owner_uid, key)
        entry.parents = tuple(self._inside.add(parent, key) for parent in entry.parents)
        for named in entry.named:
            self._naming.add(named, key)

    def _leave(self, key: ResourceKey, entry: _Entry) -> None:
        if entry.object:
            self._holders.discard(entry.object, key)
        for claim in entry.claimed_keys():
            self._claimants.discard(claim, key)
        if entry.owner_uid:
            self._owned.discard(entry.owner_uid, key)
        for parent in entry.parents:
            self._inside.discard(parent, key)
        for named in entry.named:
            self._naming.discard(named, key)


def _named(kind: CloudKind, resource: Resource) -> Iterator[ResourceKey]:
    for reference in kind.references:
        stated = None if reference.parent else resource.stated.reference(reference.field)
        if stated is not None and stated.name and stated.namespace in (None, resource.key.namespace):
            yield ResourceKey(reference.kind, resource.key.namespace, stated.name)


def owner_of(resource: Resource) -> str | None:
    """Return the uid of the resource whose spec asked for this one; None if there is none.

    The operator writes annotation and ownerReference together. One alone proves nothing: people and tools set ownerReferences
    of their own, and copy annotations; a resource with one mark only is never changed or deleted for its owner's sake.
    """
    stated = resource.annotations.get(OWNED_BY)
    return stated if stated in resource.owner_uids else None


def has_lost_a_mark(resource: Resource, owner: Resource) -> bool:
    """Return whether the resource has one of the two marks of `owner`, and nothing in the place of the other."""
    marks = resource.annotations.get(OWNED_BY), resource.owner_uids
    return marks in ((owner.uid, ()), (None, (owner.uid,)))


def named_to(asker: Resource, other: ResourceKey) -> str:
    """Return how messages for the asker name another resource: nobody learns the names of resources in other namespaces."""
    return str(other) if other.namespace == asker.key.namespace else "a resource of another namespace"
