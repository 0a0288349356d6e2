from dataclasses import replace
from typing import Any

import pytest

from kinds.builders import MAIN, OTHER, database_ref, seen_of, user_ref, uuid
from kube.immutable import BY_ID, Immutable
from managed_databases.api.models import Grant
from managed_databases.kinds.database_grant import KIND
from managed_databases.kinds.observed import SpecRefused
from managed_databases.kinds.verdicts import Reason

SAMPLE: dict[str, Any] = {
    "datastoreRef": {"name": "main"},
    "databaseRef": {"name": "orders"},
    "userRef": {"name": "app"},
}
IMMUTABLE_FIELDS = (
    Immutable(KIND.name, ("datastoreRef", "name"), "main", "other", "another datastore", required=True),
    Immutable(KIND.name, ("databaseRef", "name"), "orders", "other", "for one database", required=True),
    Immutable(KIND.name, ("userRef", "name"), "app", "other", "for one user", required=True),
    Immutable(KIND.name, ("projectRef",), {"name": "a"}, {"name": "b"}, "another project", beside=BY_ID),
)

IDS = {"datastore_id": MAIN, "database_id": uuid(70), "user_id": uuid(60)}


def grant(**fields: Any) -> Grant:
    return Grant.model_validate({"id": uuid(80), "status": "ACTIVE"} | IDS | fields)


def test_it_is_made_of_three_ids_that_the_cloud_shows_again() -> None:
    observed = seen_of(KIND, SAMPLE)
    assert KIND.body(observed, None).model_dump(exclude_unset=True) == IDS
    assert KIND.key(observed) == KIND.key_of(grant())
    assert KIND.expected(observed) == KIND.expected_of(grant()) == IDS


def test_key_survives_that_nothing_is_known() -> None:
    assert KIND.key(replace(seen_of(KIND, SAMPLE), refs={}, project=None)) == ("", "", "")


def test_nothing_of_it_changes() -> None:
    assert not [*KIND.changes(seen_of(KIND, SAMPLE, external=grant()))]


@pytest.mark.parametrize("engine", ["redis 7", "kafka 3"])
def test_only_where_there_are_databases(engine: str) -> None:
    for act in (lambda observed: KIND.body(observed, None), lambda observed: [*KIND.changes(observed)]):
        with pytest.raises(SpecRefused, match="postgresql or mysql"):
            act(seen_of(KIND, SAMPLE, engine=engine, external=grant()))


@pytest.mark.parametrize(
    ("field", "stranger"),
    [("databaseRef", database_ref(datastore_id=OTHER)), ("userRef", user_ref(datastore_id=OTHER))],
)
def test_all_three_belong_together(field: str, stranger: Any) -> None:
    with pytest.raises(SpecRefused, match=f"{field}: .* is not in ManagedDatastore main"):
        KIND.body(seen_of(KIND, SAMPLE, refs={field: stranger}), None)


@pytest.mark.parametrize(
    ("field", "another"), [("databaseRef", database_ref(id=uuid(71))), ("userRef", user_ref(id=uuid(61)))]
)
def test_a_name_that_means_another_object_now_is_told(field: str, another: Any) -> None:
    with pytest.raises(SpecRefused, match=f"{field} now means {another.id}") as refused:
        [*KIND.changes(seen_of(KIND, SAMPLE, external=grant(), refs={field: another}))]
    assert refused.value.verdict.reason is Reason.INVALID_SPEC
