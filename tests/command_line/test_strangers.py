"""What does not fit together in a project."""

import pytest

from command_line.resources import ready, resource
from kinds.builders import uuid
from managed_databases.api.models import CloudObject, Database, Datastore
from managed_databases.command_line.strangers import Holder, Listed, Sort, Stranger, rows, strangers
from managed_databases.kinds.kind import any_kind
from managed_databases.kinds.managed_database import KIND as DATABASE
from managed_databases.kinds.managed_datastore import KIND as DATASTORE
from managed_databases.reconcile.ports import Resource, ResourceKey

MAIN, SHOP, OTHER = uuid(1), uuid(2), uuid(3)
MAIN_THERE = Datastore(id=MAIN, name="main", status="ACTIVE")
HOLDER = ResourceKey("ManagedDatabase", "shop", "shop")


def database(id_: str, name: str = "shop") -> Database:
    return Database(id=id_, name=name, datastore_id=MAIN, status="ACTIVE")


def claiming(name: str, id_: str) -> Resource:
    return resource("ManagedDatabase", name, {}, ready(id=id_, identity={"datastoreID": MAIN}, phase="ACTIVE"))


def holder(*held: str) -> Holder:
    return lambda kind, id_: HOLDER if id_ in held else None


def found(
    objects: tuple[CloudObject, ...], resources: tuple[Resource, ...], of: Holder, gone: frozenset[str] = frozenset()
) -> list[tuple[Sort, str, str]]:
    listed = [Listed(any_kind(DATABASE), objects, resources, gone), Listed(any_kind(DATASTORE), (MAIN_THERE,), ())]
    return [(each.sort, each.id, each.told) for each in strangers(listed, of)]


@pytest.mark.parametrize(
    ("why", "objects", "resources", "held", "wanted"),
    [
        ("all fits", (database(SHOP),), (claiming("shop", SHOP),), (MAIN, SHOP), []),
        ("nobody's", (database(SHOP),), (), (MAIN,), [(Sort.NO_RESOURCE, SHOP, "no resource holds it")]),
        ("no object", (), (claiming("shop", SHOP),), (MAIN,),
         [(Sort.NO_OBJECT, SHOP, "ManagedDatabase shop/shop: no list shows it")]),
        ("two of one name", (database(SHOP), database(OTHER)), (claiming("shop", SHOP),), (MAIN, SHOP),
         [(Sort.NO_RESOURCE, OTHER, "no resource holds it"),
          (Sort.DUPLICATE, SHOP, f"ManagedDatabase shop/shop holds it; the same name: {OTHER}"),
          (Sort.DUPLICATE, OTHER, f"nobody holds it; the same name: {SHOP}")]),
        ("two of one object", (database(SHOP),), (claiming("shop", SHOP), claiming("too", SHOP)), (MAIN, SHOP),
         [(Sort.HELD_TWICE, SHOP, "ManagedDatabase shop/shop says to have it, and so does ManagedDatabase shop/too"),
          (Sort.HELD_TWICE, SHOP, "ManagedDatabase shop/too says to have it, and so does ManagedDatabase shop/shop")]),
    ],
)  # fmt: skip
def test_what_is_odd(
    why: str,
    objects: tuple[CloudObject, ...],
    resources: tuple[Resource, ...],
    held: tuple[str, ...],
    wanted: list[tuple[Sort, str, str]],
) -> None:
    assert found(objects, resources, holder(*held)) == wanted, why


def test_an_absence_is_the_clouds_word_or_a_lists() -> None:
    told = found((), (claiming("shop", SHOP),), holder(MAIN), frozenset({SHOP}))
    assert told == [(Sort.NO_OBJECT, SHOP, "ManagedDatabase shop/shop: the cloud says that it is gone")]


def test_datastores_come_first_and_what_is_in_them_names_them() -> None:
    listed = [Listed(any_kind(DATABASE), (database(SHOP),), ()), Listed(any_kind(DATASTORE), (MAIN_THERE,), ())]
    told = strangers(listed, holder())
    assert [each.kind for each in told] == ["ManagedDatastore", "ManagedDatabase"]
    assert told[1] == Stranger(
        Sort.NO_RESOURCE, "ManagedDatabase", "shop", SHOP, "main", "ACTIVE", "no resource holds it"
    )
    assert rows(told)[0][:4] == ("no resource", "ManagedDatastore", "main", MAIN)
