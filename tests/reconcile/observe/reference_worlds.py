"""Worlds in which references are resolved: resources, what the cloud shows of them, and who asks."""

from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from kinds.builders import DATASTORE_SPEC, MAIN, PROJECT, uuid
from managed_databases.api.models import CloudObject
from managed_databases.kinds.kind import CloudKind, NameOrId, Reference
from managed_databases.kinds.observed import Referred, Standing
from managed_databases.kinds.project_view import Power, ProjectView
from managed_databases.kinds.registry import cloud_kinds, kinds
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.observe.ownership_index import OwnershipIndex
from managed_databases.reconcile.observe.reading import Specs
from managed_databases.reconcile.observe.resolved_references import Lookup, References
from managed_databases.reconcile.ports import Resource
from managed_databases.reconcile.project.collection_snapshot import CollectionSnapshot
from managed_databases.reconcile.scheduling.dependencies import Dependency
from reconcile.fake_cache import FakeCache, resource

KINDS = cloud_kinds(kinds())
(DATASTORE,) = KINDS["KafkaTopic"].references
(SOURCE,) = KINDS["ManagedDatastore"].references
DATABASE: Reference = Reference("databaseRef", "ManagedDatabase", lambda _: None)
ANY_STATE: Reference = Reference("restore.datastoreRef", "ManagedDatastore", lambda _: None, at_creation_only=True)
ORDERS = uuid(70)
BY_NAME: NameOrId = ("name", "main", "home")
BY_ID: NameOrId = ("id", MAIN, None)
OWN = resource("KafkaTopic", "asker", "home")
GUEST = resource("KafkaTopic", "asker", "guest")
ADOPTS: frozenset[Power] = frozenset({"adopt"})


def datastore(name: str = "main", *, namespace: str = "home", id_: str | None = MAIN, **fields: Any) -> Resource:
    """The resource of a datastore; `fields` of its spec, but for those of `resource`."""
    told = {name: fields.pop(name) for name in ("going", "project") if name in fields}
    return resource("ManagedDatastore", name, namespace, spec=DATASTORE_SPEC | fields, id_=id_, **told)


def unreadable(*, namespace: str = "home", **fields: Any) -> Resource:
    """A datastore whose spec has a field of another version, and so fits no model; it would let the guest in."""
    return datastore(namespace=namespace, allowedNamespaces=["guest"], deletionProtection="perhaps", **fields)


def database(**fields: Any) -> Resource:
    spec = {"datastoreRef": {"name": "main"}}
    return resource("ManagedDatabase", "orders", "home", spec=spec, **{"id_": ORDERS, "inside": MAIN} | fields)


LETS_IN = datastore(allowedNamespaces=["guest"])
RESTORES = datastore(allowedNamespaces=["guest"], guestRights=[{"namespace": "guest", "restore": True}])
SHARES = datastore(allowedNamespaces=["guest"], guestRights=[{"namespace": "guest", "databases": ["orders"]}])
SHARES_WITH_NOBODY = datastore(guestRights=[{"namespace": "guest", "databases": ["orders"]}])


@dataclass(frozen=True)
class World:
    """Resources, who of them only says to hold what it holds, and the cloud's objects by id with their status."""

    resources: tuple[Resource, ...] = ()
    unproven: frozenset[str] = frozenset()
    cloud: tuple[tuple[str, str | None], ...] = ((MAIN, "ACTIVE"), (ORDERS, "ACTIVE"))
    gone: frozenset[str] = frozenset()
    powers: frozenset[Power] = frozenset()

    @property
    def view(self) -> ProjectView:
        return ProjectView(PROJECT.name, PROJECT.project_id, PROJECT.region, granted_powers=self.powers)

    @cached_property
    def owners(self) -> OwnershipIndex:
        owners = OwnershipIndex(kinds().__getitem__)
        for each in self.resources:
            is_unproven = each.key.name in self.unproven
            owners.update(each, Standing.UNPROVEN if is_unproven else Standing.PROVEN)
        return owners

    def snapshot(self, kind: CloudKind) -> CollectionSnapshot[CloudObject]:
        return snapshot(kind.name, self.cloud, self.gone)

    @cached_property
    def references(self) -> References:
        return References(FakeCache(*self.resources), self.owners, KINDS.__getitem__, Specs().of)


@cache
def snapshot(
    kind: str, objects: tuple[tuple[str, str | None], ...], gone: frozenset[str]
) -> CollectionSnapshot[CloudObject]:
    """What was seen of that kind. Nothing here changes it."""
    seen = CollectionSnapshot[CloudObject](KINDS[kind].key_of, lambda _: None)
    for id_, status in objects:
        told = {"id": id_, "name": id_, "status": status, "datastore_id": MAIN}
        seen.answered(KINDS[kind].collection.model.model_validate(told))
    for id_ in gone:
        seen.confirmed_gone(id_)
    return seen


@dataclass
class Answer:
    referred: Referred
    dependencies: set[Dependency] = field(default_factory=set)

    @property
    def reason(self) -> Reason | None:
        return None if self.referred.problem is None else self.referred.problem.reason

    @property
    def message(self) -> str:
        return "" if self.referred.problem is None else self.referred.problem.message


def ask(world: World, stated: NameOrId, asker: Resource = OWN, reference: Reference = DATASTORE) -> Answer:
    kind, noted = KINDS[reference.kind], set[Dependency]()
    lookup = Lookup(asker, kind, world.view, world.snapshot(kind), noted)
    return Answer(world.references.resolve(lookup, reference, stated), noted)


def with_(*resources: Resource, **fields: Any) -> World:
    return World(resources, **fields)


NOT_THERE, NOT_READY, FORBIDDEN = Reason.PARENT_MISSING, Reason.PARENT_NOT_READY, Reason.FORBIDDEN
