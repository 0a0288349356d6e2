"""Before its first pass a resource stands where it belongs as far as that is known, and never where it only says so."""

from typing import Any

import pytest

from managed_databases.kinds.registry import kinds
from managed_databases.reconcile.first_place import FirstPlace
from managed_databases.reconcile.observe.ownership_index import OwnershipIndex
from managed_databases.reconcile.ports import Resource
from reconcile.fake_cache import FakeCache, resource

HELD = resource("ManagedDatastore", "main", id_="d-1")


def place(*resources: Resource) -> FirstPlace:
    owners = OwnershipIndex(kinds().__getitem__)
    for each in resources:
        owners.update(each)
    return FirstPlace(
        FakeCache(*resources), owners, lambda project, namespace: (project, namespace) == ("team", "home")
    )


@pytest.mark.parametrize(
    ("why", "told", "project"),
    [
        ("its spec names a project that it may use", {"spec": {"projectRef": {"name": "team"}}}, "team"),
        ("it may not use that one", {"namespace": "away", "spec": {"projectRef": {"name": "team"}}}, ""),
        ("nobody may use one that is invented", {"spec": {"projectRef": {"name": "invented"}}}, ""),
        ("nothing is said", {}, ""),
        ("what was pinned wins", {"id_": "d-9", "project": "team", "spec": {"projectRef": {"name": "new"}}}, "team"),
    ],
)
def test_the_project(why: str, told: dict[str, Any], project: str) -> None:
    assert place().project_of(resource("ManagedDatastore", "one", **told)) == project, why


def test_a_project_stands_for_itself() -> None:
    assert place().project_of(resource("DatabaseProject", "team", "")) == "team"


@pytest.mark.parametrize(
    ("why", "told", "datastore_id"),
    [
        ("it is in there", {"id_": "u-1", "inside": "d-1"}, "d-1"),
        ("its own namespace's datastore", {"spec": {"datastoreRef": {"name": "main"}}}, "d-1"),
        ("a datastore that is not there", {"spec": {"datastoreRef": {"name": "other"}}}, None),
        (
            "another namespace's, which only the spec says",
            {"namespace": "away", "spec": {"datastoreRef": {"name": "main", "namespace": "home"}}},
            None,
        ),
        ("an id that only the spec says", {"spec": {"datastoreRef": {"id": "d-1"}}}, None),
    ],
)
def test_the_datastore(why: str, told: dict[str, Any], datastore_id: str | None) -> None:
    user = resource("DatabaseUser", "app", **told)
    assert place(HELD, user).datastore_of(user) == datastore_id, why
