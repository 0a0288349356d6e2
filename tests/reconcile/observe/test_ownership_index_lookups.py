"""What the index of owners finds, whom it tells of a change, and what it forgets."""

from dataclasses import replace
from typing import Any

import pytest

from kinds.builders import DATASTORE_SPEC, MAIN, PROJECT, uuid
from managed_databases.kinds.observed import Standing
from managed_databases.kinds.registry import kinds
from managed_databases.reconcile.annotations import OWNED_BY
from managed_databases.reconcile.observe.ownership_index import KeyName, ObjectName, OwnershipIndex, named_to, owner_of
from managed_databases.reconcile.ports import Resource, ResourceKey
from reconcile.fake_cache import LATER, resource

ORDERS, OTHER = uuid(70), uuid(71)
OBJECT, OTHER_OBJECT = (ObjectName(PROJECT.place, "databases", id_) for id_ in (ORDERS, OTHER))
KEY = KeyName(PROJECT.place, "databases", ("orders",))
IN_MAIN = {"datastoreRef": {"name": "main"}}


def database(name: str = "orders", namespace: str = "home", **fields: Any) -> Resource:
    return resource("ManagedDatabase", name, namespace, **{"spec": IN_MAIN, "id_": ORDERS, "inside": MAIN} | fields)


NOTHING_YET = database(id_=None, inside=None)


class Told:
    """An index, and the objects of which it has told that their holder is another one."""

    def __init__(self, *resources: Resource) -> None:
        self.objects: list[ObjectName] = []
        self.owners = OwnershipIndex(kinds().__getitem__, self.objects.append)
        for each in resources:
            self.owners.update(each)
        self.objects.clear()


# --- whom it tells ---


@pytest.mark.parametrize(
    ("why", "before", "now", "told"),
    [
        ("it begins to hold one", NOTHING_YET, database(), [OBJECT]),
        ("it ceases to", database(), NOTHING_YET, [OBJECT]),
        ("another one", database(), database(id_=OTHER), [OBJECT, OTHER_OBJECT]),
        ("the same", database(), replace(database(), generation=2), []),
        ("an attempt holds nothing yet", NOTHING_YET, database(id_=None, intent=True), []),
    ],
)
def test_of_which_objects_it_is_told(why: str, before: Resource, now: Resource, told: list[ObjectName]) -> None:
    index = Told(before)
    index.owners.update(now)
    assert index.objects == told, why


def test_of_a_proof_it_is_told_too() -> None:
    index = Told(database())
    index.owners.update(database(), Standing.UNPROVEN)
    index.owners.update(database(), Standing.UNPROVEN)
    assert index.objects == [OBJECT]


def test_of_the_end_of_a_holder_it_is_told() -> None:
    index = Told(database())
    index.owners.forget(database().key)
    index.owners.forget(database().key)
    assert index.objects == [OBJECT]
    assert index.owners.holder(OBJECT) is None


# --- what it finds ---


def test_what_is_inside_is_found_by_name_and_by_id() -> None:
    """By what the spec says, and by where the object was made."""
    main = ResourceKey("ManagedDatastore", "home", "main")
    by_name, by_id, made = (
        database("by-name", id_=None, inside=None),
        database("by-id", id_=None, inside=None, spec={"datastoreRef": {"id": MAIN}}),
        database("made", spec={"datastoreRef": {"name": "another"}}),
    )
    from_afar = database(
        "afar", "guest", id_=None, inside=None, spec={"datastoreRef": {"name": "main", "namespace": "home"}}
    )
    elsewhere = database("elsewhere", "guest", id_=None, inside=None)
    owners = Told(by_name, by_id, made, from_afar, elsewhere).owners
    assert owners.inside(main, MAIN) == {by_name.key, by_id.key, made.key, from_afar.key}
    assert owners.inside(main, None) == {by_name.key, from_afar.key}, "its object is not known"
    assert owners.parent(made.key) == MAIN, "where it was made counts first"
    assert owners.parent(by_name.key) == main
    assert owners.parent(main) is None
    owners.forget(by_name.key)
    assert by_name.key not in owners.inside(main, MAIN)
    owners.update(database("made", id_=None, inside=None, spec={"datastoreRef": {"id": OTHER}}))
    assert made.key not in owners.inside(main, MAIN), "it has moved"


def test_a_backup_s_source_is_no_parent() -> None:
    spec = DATASTORE_SPEC | {"restore": {"datastoreRef": {"id": MAIN}}}
    copy = resource("ManagedDatastore", "copy", spec=spec)
    assert Told(copy).owners.inside(copy.key, MAIN) == set()


def test_what_is_owned_is_found_until_it_is_no_more() -> None:
    owner, other = resource("DatabaseUser", "app"), resource("DatabaseUser", "other")
    marks: dict[str, Any] = {"annotations": {OWNED_BY: owner.uid}, "owner_uids": (owner.uid,)}
    grant, access = (resource(kind, "app-orders", **marks) for kind in ("DatabaseGrant", "KafkaACL"))
    elsewhere = resource("DatabaseGrant", "app-orders", "guest", **marks)
    owners = Told(grant, access, elsewhere, database(**marks)).owners
    assert owners.owned_by(owner) == {grant.key, access.key}, (
        "no user lists a database, and none makes a grant elsewhere"
    )
    assert owners.owned_by(other) == set()
    assert owners.owned_by(replace(owner, key=ResourceKey("ManagedDatastore", "home", "app"))) == set()
    assert owners.owned_by(replace(owner, key=ResourceKey("DatabaseProject", "", "app"))) == set()
    owners.update(resource("DatabaseGrant", "app-orders"))
    assert owners.owned_by(owner) == {access.key}


@pytest.mark.parametrize(
    ("why", "annotations", "owner_uids", "owner"),
    [
        ("nobody", {}, (), None),
        ("both marks say so", {OWNED_BY: "a"}, ("a",), "a"),
        ("somebody has added an owner", {OWNED_BY: "a"}, ("b", "a"), "a"),
        ("an annotation is copied easily", {OWNED_BY: "a"}, (), None),
        ("each mark says something else", {OWNED_BY: "a"}, ("b",), None),
        ("anybody sets ownerReferences", {}, ("b",), None),
        ("or several", {}, ("a", "b"), None),
    ],
)
def test_whose_it_is(why: str, annotations: dict[str, str], owner_uids: tuple[str, ...], owner: str | None) -> None:
    assert owner_of(database(annotations=annotations, owner_uids=owner_uids)) == owner, why


def test_who_disputes_it() -> None:
    """Somebody else's claim on the same object, or on the key that it has pinned."""
    same_object, same_key = database("b", "guest"), database("orders", "guest", id_=OTHER)
    mine = database()
    assert Told(mine).owners.disputed_by(mine.key) is None
    assert Told(mine, same_object).owners.disputed_by(mine.key) == same_object.key
    assert Told(mine, same_key).owners.disputed_by(mine.key) == same_key.key
    assert Told().owners.disputed_by(mine.key) is None
    wanting = database("c", "guest", id_=None, inside=None)
    owners = Told(wanting).owners
    assert owners.reserve(wanting, KEY)
    owners.update(mine)
    assert owners.disputed_by(mine.key) is None, "a wish disputes nothing"


def test_what_nothing_proves_does_not_count() -> None:
    index = Told(database())
    assert index.owners.counts(database().key)
    assert index.owners.proven_holder(OBJECT) == database().key
    index.owners.update(database(), Standing.UNPROVEN)
    assert not index.owners.counts(database().key)
    assert index.owners.proven_holder(OBJECT) is None
    assert index.owners.holder(OBJECT) == database().key
    index.owners.update(database(), Standing.TRUSTED)
    assert index.owners.proven_holder(OBJECT) == database().key
    assert index.owners.counts(ResourceKey("ManagedDatabase", "home", "unknown")), "nothing is said against it"


# --- claims ---


def test_what_was_refused_a_key_claims_nothing() -> None:
    first, second = database("a", id_=None, inside=None), database("b", id_=None, inside=None)
    owners = Told(first, second).owners
    assert owners.reserve(first, KEY)
    assert not owners.reserve(second, KEY)
    owners.forget(first.key)
    assert owners.claimant(KEY) is None, "it has to ask again"


def test_a_resource_that_is_not_known_yet_may_claim() -> None:
    """The watch may be slower than the pass."""
    owners = Told().owners
    assert owners.reserve(NOTHING_YET, KEY)
    assert owners.claimant(KEY) == NOTHING_YET.key
    owners.want(ResourceKey("ManagedDatabase", "home", "unknown"), KEY)


def test_a_claim_ends_once_its_object_is_written_down() -> None:
    """So that it does not live on beside the pin, should the object be renamed."""
    owners = Told(NOTHING_YET).owners
    assert owners.reserve(NOTHING_YET, KEY)
    owners.update(database())
    owners.update(NOTHING_YET)
    assert owners.claimant(KEY) is None


def test_a_resource_that_is_made_again_has_no_claim_of_the_one_before() -> None:
    owners = Told(NOTHING_YET).owners
    assert owners.reserve(NOTHING_YET, KEY)
    owners.update(replace(NOTHING_YET, uid="another", created_at=LATER))
    assert owners.claimant(KEY) is None


def test_a_project_holds_nothing() -> None:
    project = Resource(ResourceKey("DatabaseProject", "", "main"), "u", "1", 1, LATER, None, (), {}, {}, {"id": ORDERS})
    index = Told()
    index.owners.update(project)
    assert index.objects == []
    assert index.owners.parent(project.key) is None


@pytest.mark.parametrize(
    ("namespace", "name"), [("home", "ManagedDatabase home/orders"), ("guest", "a resource of another namespace")]
)
def test_nobody_learns_the_names_of_another_namespaces_resources(namespace: str, name: str) -> None:
    assert named_to(database("asker", namespace), database().key) == name
