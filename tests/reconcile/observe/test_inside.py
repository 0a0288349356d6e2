"""Who keeps a datastore from being deleted, what its owner reads of them, and what would change that."""

from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from kinds.builders import DATASTORE_SPEC, MAIN, PROJECT, uuid
from managed_databases.api.models import CloudObject
from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.observed import Standing
from managed_databases.kinds.project_view import ProjectView
from managed_databases.kinds.registry import cloud_kinds, kinds
from managed_databases.reconcile.annotations import OWNED_BY
from managed_databases.reconcile.observe.inside import Inside
from managed_databases.reconcile.observe.interests import Interests
from managed_databases.reconcile.observe.ownership_index import OwnershipIndex
from managed_databases.reconcile.ports import Resource
from managed_databases.reconcile.project.collection_snapshot import CollectionSnapshot
from managed_databases.reconcile.project.session import ProjectSession
from managed_databases.reconcile.scheduling import dependencies as dependency
from managed_databases.reconcile.scheduling.dependencies import Dependency
from reconcile.fake_cache import FakeCache, resource
from reconcile.passes import pass_in_project

KINDS = cloud_kinds(kinds())
ORDERS, OTHER = uuid(70), uuid(71)
DATASTORE = resource("ManagedDatastore", "main", spec=DATASTORE_SPEC, id_=MAIN)
STRANGERS_ONE = (f"database {ORDERS} (of a namespace that may not use this datastore; delete it in the cloud)",)


@dataclass(frozen=True)
class Shown:
    """What the project's API has shown: databases by id, with the datastore that each says to be in."""

    databases: dict[str, str] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    dirty: tuple[str, ...] = ()
    listed: bool = True

    @property
    def lists(self) -> "Shown":
        return self

    def snapshot(self, kind: CloudKind) -> CollectionSnapshot[CloudObject]:
        snapshot = CollectionSnapshot[CloudObject](kind.key_of, lambda _: None)
        if self.listed:
            snapshot.list_finished(snapshot.list_started(0.0), ())
        for id_, datastore_id in self.databases.items():
            told = {"id": id_, "name": id_, "status": "ACTIVE", "datastore_id": datastore_id}
            snapshot.answered(kind.collection.model.model_validate(told))
        for id_ in self.gone:
            snapshot.confirmed_gone(id_)
        for id_ in self.dirty:
            snapshot.outcome_unknown(id_)
        return snapshot


@dataclass(frozen=True)
class FakeSession:
    lists: Shown
    view: ProjectView | None


def database(name: str = "orders", namespace: str = "home", **fields: Any) -> Resource:
    """A database that refers to the datastore by its name, and says to be in it."""
    spec = {"datastoreRef": {"name": "main", "namespace": "home"}}
    return resource("ManagedDatabase", name, namespace, spec=spec, **{"id_": ORDERS, "inside": MAIN} | fields)


def guarded(name: str, **fields: Any) -> Resource:
    made = database(name, **fields)
    return replace(made, spec={**made.spec, **GUARDED})


USER_GOING = resource("DatabaseUser", "u", going=True, id_=OTHER, inside=MAIN)
OWNED: dict[str, Any] = {"annotations": {OWNED_BY: USER_GOING.uid}, "owner_uids": (USER_GOING.uid,)}
"""As the operator marks what it makes for that user."""
GUARDED = {"deletionProtection": True}
SHOWN = Shown({ORDERS: MAIN})
BY_NAME_ONLY = database(id_=None, inside=None)
ATTEMPT = database(id_=None, intent=True)
REFUSED = replace(ATTEMPT, status={name: told for name, told in ATTEMPT.status.items() if name != "intent"})
GUESTS = {"namespace": "guest"}
GUESTS_WISH = database(id_=None, inside=None, **GUESTS)


def staying(
    *children: Resource,
    shown: Shown = SHOWN,
    view: ProjectView = PROJECT,
    allowed: tuple[str, ...] = (),
    permitted: tuple[str, ...] = ("home",),
    unproven: tuple[str, ...] = (),
) -> tuple[tuple[str, ...], Interests]:
    owners = OwnershipIndex(kinds().__getitem__)
    for each in (DATASTORE, *children):
        owners.update(each, Standing.UNPROVEN if each.key.name in unproven else Standing.PROVEN)

    def granted_powers(project: str, namespace: str) -> frozenset[str] | None:
        return frozenset() if project == PROJECT.name and namespace in permitted else None

    current = pass_in_project(DATASTORE, cast(ProjectSession, FakeSession(shown, view)), view)
    inside = Inside(FakeCache(DATASTORE, *children), owners, KINDS.__getitem__, granted_powers)
    return inside.staying(current, MAIN, allowed), current.interests


OWN = ("ManagedDatabase home/orders",)


@pytest.mark.parametrize(
    ("why", "children", "shown", "kept_by"),
    [
        ("nothing is in it", (), SHOWN, ()),
        ("an object of the own namespace", (database(),), SHOWN, OWN),
        ("the list may be old: nobody says that it is gone", (database(),), Shown(), OWN),
        ("it is gone", (database(),), Shown(gone=(ORDERS,)), ()),
        ("it is in another datastore by now", (database(),), Shown({ORDERS: OTHER}), ()),
        ("an attempt to make one", (ATTEMPT,), SHOWN, OWN),
        ("what only wants to be in it", (BY_NAME_ONLY,), SHOWN, ()),
        ("an attempt that was refused", (REFUSED,), SHOWN, ()),
        ("it does not tell where it is", (database(),), Shown({ORDERS: ""}), OWN),
        ("what was made in another one", (database(inside=OTHER),), SHOWN, ()),
        ("it goes itself", (database(going=True),), SHOWN, ()),
        (
            "what goes takes along what it owns",
            (
                USER_GOING,
                resource("DatabaseGrant", "b", id_=ORDERS, inside=MAIN, spec=GUARDED, **OWNED),
                database("c", id_=uuid(72), owner_uids=(USER_GOING.uid,)),
            ),
            SHOWN,
            (),
        ),
        (
            "garbage collection takes no protected one",
            (USER_GOING, guarded("c", owner_uids=OWNED["owner_uids"])),
            SHOWN,
            ("c",),
        ),
        ("nobody lists a database inline", (USER_GOING, guarded("c", **OWNED)), SHOWN, ("c",)),
        ("another owner stays", (USER_GOING, database("c", owner_uids=(USER_GOING.uid, "uid-x"))), SHOWN, ("c",)),
        (
            "an annotation takes nothing along",
            (USER_GOING, database("c", annotations=OWNED["annotations"])),
            SHOWN,
            ("c",),
        ),
        ("sorted", (database("b"), database("a", id_=None, intent=True)), SHOWN, ("a", "b")),
    ],
)
def test_what_keeps_it(why: str, children: tuple[Resource, ...], shown: Shown, kept_by: tuple[str, ...]) -> None:
    names = tuple(name if " " in name else f"ManagedDatabase home/{name}" for name in kept_by)
    assert staying(*children, shown=shown)[0] == names, why


@pytest.mark.parametrize("view", [replace(PROJECT, project_id="another"), replace(PROJECT, region="another")])
def test_an_object_of_another_place_does_not_keep_it(view: ProjectView) -> None:
    """A datastore's id says where it is only together with its project and region."""
    assert staying(database(), view=view)[0] == ()


@pytest.mark.parametrize(
    ("why", "child", "options", "kept_by"),
    [
        (
            "who is let in and may use the project is named",
            database(**GUESTS),
            {"allowed": ("guest",), "permitted": ("home", "guest")},
            ("ManagedDatabase guest/orders",),
        ),
        ("who may not use the project is not named", database(**GUESTS), {"allowed": ("guest",)}, STRANGERS_ONE),
        ("nor who is not let in", database(**GUESTS), {"permitted": ("home", "guest")}, STRANGERS_ONE),
        ("nor the own namespace once the project is not for it", database(), {"permitted": ()}, STRANGERS_ONE),
        ("what a stranger only says to have", database(**GUESTS), {"unproven": ("orders",)}, ()),
        ("what is let in and only says to have it", database(), {"unproven": ("orders",)}, OWN),
        ("a stranger's attempt", database(id_=None, intent=True, **GUESTS), {}, ()),
        ("a stranger's that the list does not show", database(**GUESTS), {"shown": Shown()}, ()),
        ("the list was never had", database(**GUESTS), {"shown": Shown(listed=False)}, STRANGERS_ONE),
        ("it is not certain", database(**GUESTS), {"shown": Shown(dirty=(ORDERS,))}, STRANGERS_ONE),
        ("a stranger's that is gone", database(**GUESTS), {"shown": Shown(gone=(ORDERS,), listed=False)}, ()),
    ],
)
def test_of_whom_what_is_believed(why: str, child: Resource, options: dict[str, Any], kept_by: tuple[str, ...]) -> None:
    assert staying(child, **options)[0] == kept_by, why


RESOURCE = dependency.resource("ManagedDatabase", "home", "orders")
STRANGER = dependency.resource("ManagedDatabase", "guest", "orders")
OBJECT = dependency.cloud_object(PROJECT.name, "databases", ORDERS)
LIST = dependency.listed(PROJECT.name, "databases")


@pytest.mark.parametrize(
    ("why", "child", "options", "noted"),
    [
        ("its resource and its object", database(), {}, {RESOURCE, OBJECT}),
        ("what only wants to be in it may be in it soon", BY_NAME_ONLY, {}, {RESOURCE}),
        ("an attempt becomes an object in the resource's status", ATTEMPT, {}, {RESOURCE}),
        ("a stranger's object that is shown", database(**GUESTS), {}, {STRANGER, OBJECT}),
        ("one that a list may show", database(**GUESTS), {"shown": Shown()}, {STRANGER, OBJECT, LIST}),
        ("nobody listens to strangers who only refer to it", GUESTS_WISH, {}, set()),
        ("what is let in may be in it soon", GUESTS_WISH, {"allowed": ("guest",)}, {STRANGER}),
    ],
)
def test_what_it_depends_on(why: str, child: Resource, options: dict[str, Any], noted: set[Dependency]) -> None:
    interests = staying(child, **options)[1]
    assert interests.dependencies == noted, why
    assert list(interests.polled) == (["databases"] if OBJECT in noted else []), "what is depended on is listed"
