"""What does not fit together: cloud objects without a resource, resources without an object, and duplicates."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from managed_databases.api.models import CloudObject
from managed_databases.kinds.kind import CloudKind
from managed_databases.reconcile.ports import Resource, ResourceKey


class Sort(StrEnum):
    """What is odd about it."""

    NO_RESOURCE = "no resource"
    NO_OBJECT = "no object"
    DUPLICATE = "duplicate"
    HELD_TWICE = "held twice"


@dataclass(frozen=True)
class Listed:
    """The objects of one collection of the project, and the resources of its kind that say to have an object there. `gone` are
    the ids of which the API has said that there is no such object.
    """

    kind: CloudKind
    objects: tuple[CloudObject, ...]
    resources: tuple[Resource, ...]
    gone: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Stranger:
    """`kind` is the kind of the resource that there is or could be; `name` and `datastore` are what the cloud calls them."""

    sort: Sort
    kind: str
    name: str
    id: str
    datastore: str
    phase: str
    told: str


Holder = Callable[[CloudKind, str], ResourceKey | None]
"""Returns which resource holds the object with this id."""


def strangers(listed: Sequence[Listed], holder: Holder) -> list[Stranger]:
    """Return all that is odd, the datastores first."""
    names = {each.id: _name(each) for one in listed for each in one.objects if not one.kind.is_inside}
    ordered = sorted(listed, key=lambda one: (one.kind.is_inside, one.kind.name))
    return [stranger for one in ordered for stranger in _of_kind(one, holder, names)]


def _of_kind(one: Listed, holder: Holder, names: Mapping[str, str]) -> Iterator[Stranger]:
    def stranger(sort: Sort, obj: CloudObject, told: str) -> Stranger:
        where = "" if obj.in_datastore is None else names.get(obj.in_datastore, obj.in_datastore)
        return Stranger(sort, one.kind.name, _name(obj), obj.id, where, obj.status or "", told)

    for obj in sorted(one.objects, key=lambda each: (_name(each), each.id)):
        if holder(one.kind, obj.id) is None:
            yield stranger(Sort.NO_RESOURCE, obj, "no resource holds it")
    by_key: dict[tuple[str, ...], list[CloudObject]] = defaultdict(list)
    for obj in one.objects:
        if obj.is_whole:
            by_key[one.kind.key_of(obj)].append(obj)
    for same in by_key.values():
        for obj in same if len(same) > 1 else ():
            held = holder(one.kind, obj.id)
            others = ", ".join(each.id for each in same if each is not obj)
            yield stranger(Sort.DUPLICATE, obj, f"{held or 'nobody'} holds it; the same name: {others}")
    yield from _of_resources(one, holder)


def _of_resources(one: Listed, holder: Holder) -> Iterator[Stranger]:
    shown = {each.id for each in one.objects}
    by_id: dict[str, list[Resource]] = defaultdict(list)
    for resource in sorted(one.resources, key=lambda each: each.key):
        by_id[resource.told.id or ""].append(resource)
    for id_, claiming in by_id.items():
        for resource in claiming:
            if id_ not in shown:
                why = "the cloud says that it is gone" if id_ in one.gone else "no list shows it"
                yield _claimed(Sort.NO_OBJECT, resource, id_, f"{resource.key}: {why}")
            if len(claiming) > 1:
                others = ", ".join(str(each.key) for each in claiming if each is not resource)
                yield _claimed(Sort.HELD_TWICE, resource, id_, f"{resource.key} says to have it, and so does {others}")


def _claimed(sort: Sort, resource: Resource, id_: str, told: str) -> Stranger:
    where = resource.told.datastore_id or ""
    return Stranger(sort, resource.key.kind, resource.key.name, id_, where, resource.told.phase or "", told)


def _name(obj: CloudObject) -> str:
    return str(getattr(obj, "name", None) or "")


def rows(found: Iterable[Stranger]) -> list[tuple[str, ...]]:
    """Return a row of a table for each."""
    return [(each.sort, each.kind, each.name, each.id, each.datastore, each.phase, each.told) for each in found]
