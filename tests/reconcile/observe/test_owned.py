"""What is seen of the resources that a spec asks for inline, and of what stands in their place."""

from dataclasses import replace
from typing import Any

import pytest

from managed_databases.kinds.observed import ObservedOwned
from managed_databases.kinds.registry import kinds
from managed_databases.kinds.verdicts import OwnedResource
from managed_databases.reconcile.annotations import OWNED_BY
from managed_databases.reconcile.observe.owned import owned_by
from managed_databases.reconcile.observe.ownership_index import OwnershipIndex
from managed_databases.reconcile.ports import Resource
from managed_databases.reconcile.scheduling import dependencies as dependency
from managed_databases.reconcile.scheduling.dependencies import Dependency
from reconcile.fake_cache import FakeCache, resource

OWNER = resource("DatabaseUser", "app")
SPEC = {"databaseRef": {"name": "orders"}, "userRef": {"name": "app"}}
WANTED = OwnedResource("DatabaseGrant", "app-orders", SPEC)
MARKED = {OWNED_BY: OWNER.uid}


def grant(name: str = "app-orders", namespace: str = "home", **fields: Any) -> Resource:
    """A grant that belongs to the user, and says so in both places."""
    return resource(
        "DatabaseGrant", name, namespace, spec=SPEC, **{"annotations": MARKED, "owner_uids": (OWNER.uid,)} | fields
    )


def seen(
    *there: Resource, wanted: tuple[OwnedResource, ...] = (WANTED,)
) -> tuple[list[ObservedOwned], set[Dependency]]:
    owners, noted = OwnershipIndex(kinds().__getitem__), set[Dependency]()
    for each in there:
        owners.update(each)
    return list(owned_by(OWNER, wanted, owners, FakeCache(*there), noted)), noted


def test_what_is_wanted_and_not_there_is_depended_on_and_not_seen() -> None:
    assert seen() == ([], {dependency.resource("DatabaseGrant", "home", "app-orders")})
    assert seen(wanted=()) == ([], set())


def test_what_is_there_and_not_wanted_any_more_is_seen() -> None:
    """By the index of owners alone, sorted; of its own namespace, and of kinds that a user lists, only."""
    database = resource("ManagedDatabase", "e", annotations=MARKED, owner_uids=(OWNER.uid,))
    others = grant("c", "elsewhere"), grant("d", annotations={}), grant("d2", owner_uids=()), database
    there, noted = seen(grant("b"), grant("a"), *others, wanted=())
    assert [each.name for each in there] == ["a", "b"]
    assert noted == {dependency.resource("DatabaseGrant", "home", name) for name in ("a", "b")}


@pytest.mark.parametrize(
    ("why", "there", "is_ours", "has_lost_a_mark"),
    [
        ("it says so in both places", grant(), True, False),
        ("somebody else's of that name", grant(annotations={}, owner_uids=()), False, False),
        ("another user's", grant(annotations={OWNED_BY: "other"}, owner_uids=("other",)), False, False),
        ("somebody has added an owner", grant(owner_uids=("other", OWNER.uid)), True, False),
        ("it would not go with its owner", grant(owner_uids=()), False, True),
        ("its annotation was taken away, or an owner given", grant(annotations={}), False, True),
        ("the marks of two", grant(annotations={OWNED_BY: "other"}), False, False),
        ("it goes with another", grant(owner_uids=("other",)), False, False),
        ("one owner among several is no proof", grant(annotations={}, owner_uids=(OWNER.uid, "other")), False, False),
    ],
)
def test_whose_it_is(why: str, there: Resource, is_ours: bool, has_lost_a_mark: bool) -> None:
    (only,), _ = seen(there)
    assert (only.is_ours, only.has_lost_a_mark) == (is_ours, has_lost_a_mark), why


def test_what_is_told_of_it() -> None:
    (only,), _ = seen(grant(going=True))
    assert (only.kind, only.name, only.spec, only.is_going) == ("DatabaseGrant", "app-orders", SPEC, True)
    (only,), _ = seen(grant())
    assert not only.is_going


def synced(status: str, generation: int = 1, type_: str = "Synced") -> dict[str, object]:
    return {"type": type_, "status": status, "message": "no such database", "observedGeneration": generation}


@pytest.mark.parametrize(
    ("why", "conditions", "trouble"),
    [
        ("it is in sync", [synced("True")], None),
        ("it says what is wrong", [synced("False")], "no such database"),
        ("it does not know", [synced("Unknown")], "no such database"),
        ("nobody looked at it", [], "it was not looked at yet"),
        ("nobody looked at its newest spec", [synced("True", generation=0)], "it was not looked at yet"),
        ("another condition says something else", [synced("True", type_="Ready"), synced("False")], "no such database"),
    ],
)
def test_its_trouble_is_what_it_says_of_its_newest_spec(
    why: str, conditions: list[dict[str, object]], trouble: str | None
) -> None:
    (only,), _ = seen(replace(grant(), status={"conditions": conditions}))
    assert only.trouble == trouble, why


def test_what_should_only_be_mended_holds_up_no_owner() -> None:
    def told(reason: str) -> str | None:
        synced = {"type": "Synced", "status": "False", "reason": reason, "message": "no", "observedGeneration": 1}
        (only,), _ = seen(grant(status={"conditions": [synced]}))
        return only.trouble

    assert (told("OddAnnotation"), told("Invalid")) == (None, "no")
