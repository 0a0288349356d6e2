"""Who holds which cloud object, who claims which key, and who lives in which datastore.

Kept from the cache, so it is as new as the cache is; a claim made by `reserve` counts at once. A key is claimed by whoever
has it pinned, with an object or an attempt of that key, and before that by whoever took it first: between a look and a
claim others may have looked, too. A claim that is proven goes before one that is not, however old that is.
"""

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
    """A cloud object, at a `place` of the cloud: whoever leads there means the same."""

    place: str
    collection: str
    id: str


class KeyName(NamedTuple):
    """A key in a collection at a `place` of the cloud."""

    place: str
    collection: str
    key: Key


class Age(NamedTuple):
    """Orders resources by seniority; the older one holds what two of them want."""

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
    owner_uid: str | None = None

    def claimed_keys(self) -> set[KeyName]:
        return {claim for claim in (self.pinned, self.reserved) if claim is not None}


@dataclass
class OwnershipIndex:
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
    _turns: int = 0

    def update(self, resource: Resource, standing: Standing = Standing.PROVEN) -> None:
        """Enter what a resource says of itself, in place of what it said before."""
        kind = self.kind_of(resource.key.kind)
        if not isinstance(kind, CloudKind):
            return
        before = self._entries.get(resource.key)
        self._drop(resource.key)
        entry = _Entry(Age(resource.created_at, resource.uid), standing, owner_uid=owner_of(resource))
        identity, id_ = resource.told.identity, resource.told.id
        if identity is not None and resource.told.holds_something:
            entry.pinned = KeyName(identity.place, kind.collection.name, identity.key)
            if id_:
                entry.object = ObjectName(identity.place, kind.collection.name, id_)
        if before is not None and before.age == entry.age and not (id_ and before.reserved == entry.pinned):
            entry.reserved, entry.turn = before.reserved, before.turn
        entry.parents = tuple(self._parents(kind, resource))
        self._enter(resource.key, entry)
        self._tell(None if before is None else before.object, entry.object)
        if before is not None and before.standing != standing and entry.object is not None:
            self.holder_changed(entry.object)

    def reserve(self, resource: Resource, claim: KeyName) -> bool:
        """Claim a key now, before anything is written; return whether it is this resource's: False when another one has
        it, and then nothing is claimed.
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
        """A resource wants this key now, None for none: what it took of another name is free again."""
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
        """The resource whose `status.id` it is: of several the best proven, then the oldest."""
        return self._first(self._holders.of(object_))

    def proven_holder(self, object_: ObjectName) -> ResourceKey | None:
        """Return the holder, or None if nothing proves that the object is the holder's: its permission then counts for nobody."""
        holder = self.holder(object_)
        return holder if holder is not None and self.counts(holder) else None

    def counts(self, key: ResourceKey) -> bool:
        """Whether what the resource says to hold is its own, as far as is known."""
        entry = self._entries.get(key)
        return entry is None or entry.standing is not Standing.UNPROVEN

    def disputed_by(self, key: ResourceKey) -> ResourceKey | None:
        """Another resource that says to have the same object, or stands for the same key; None when there is none."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        others = set(self._holders.of(entry.object)) if entry.object else set[ResourceKey]()
        if entry.pinned:
            others |= {each for each in self._claimants.of(entry.pinned) if self._entries[each].pinned == entry.pinned}
        return self._first(others - {key})

    def claimant(self, claim: KeyName) -> ResourceKey | None:
        """The resource that has this key pinned (the best proven, then the oldest), or else the one that took it first."""
        return min(self._claimants.of(claim), key=lambda key: self._seniority(self._entries[key], claim), default=None)

    def inside(self, datastore: ResourceKey, datastore_id: str | None) -> frozenset[ResourceKey]:
        """The resources whose parent is this one, by its name or by its object's id."""
        by_id = self._inside.of(datastore_id) if datastore_id else frozenset[ResourceKey]()
        return self._inside.of(datastore) | by_id

    def parent(self, key: ResourceKey) -> ResourceKey | str | None:
        """Return the parent of this resource: its object id if that is known, else the parent resource; None for neither."""
        entry = self._entries.get(key)
        return next(iter(entry.parents), None) if entry else None

    def owned_by(self, uid: str) -> frozenset[ResourceKey]:
        """The resources that were made because the spec of the resource with this uid asks for them."""
        return self._owned.of(uid)

    def _parents(self, kind: CloudKind, resource: Resource) -> Iterator[ResourceKey | str]:
        if datastore_id := resource.told.datastore_id:
            yield datastore_id
        for reference in kind.references:
            stated = resource.spec.get(reference.field)
            if reference.parent and stated:
                if id_ := stated.get("id"):
                    yield id_
                elif name := stated.get("name"):
                    yield ResourceKey(reference.kind, stated.get("namespace") or resource.key.namespace, name)

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
        for parent in entry.parents:
            self._inside.add(parent, key)

    def _leave(self, key: ResourceKey, entry: _Entry) -> None:
        if entry.object:
            self._holders.discard(entry.object, key)
        for claim in entry.claimed_keys():
            self._claimants.discard(claim, key)
        if entry.owner_uid:
            self._owned.discard(entry.owner_uid, key)
        for parent in entry.parents:
            self._inside.discard(parent, key)


def owner_of(resource: Resource) -> str | None:
    """The uid of the resource that asked for this one: as the annotation says, or, should that be gone, its owner."""
    stated = resource.annotations.get(OWNED_BY)
    return stated if stated is not None or len(resource.owner_uids) != 1 else resource.owner_uids[0]


def named_to(asker: Resource, other: ResourceKey) -> str:
    """What the asker may read of another resource: nobody learns the names of another namespace's."""
    return str(other) if other.namespace == asker.key.namespace else "a resource of another namespace"
