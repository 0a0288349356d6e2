from dataclasses import replace
from typing import Any

import pytest

from kinds.builders import MAIN, OTHER, database_ref, seen_of, uuid
from kube.immutable import BY_ID, Immutable
from managed_databases.api.models import LogicalReplicationSlot
from managed_databases.kinds.logical_replication_slot import KIND
from managed_databases.kinds.observed import SpecRefused
from managed_databases.reconcile.report.status import reported_fields

SAMPLE: dict[str, Any] = {
    "datastoreRef": {"name": "main"},
    "databaseRef": {"name": "orders"},
    "name": "orders",
}
IMMUTABLE_FIELDS = (
    Immutable(KIND.name, ("datastoreRef", "name"), "main", "other", "another datastore", required=True),
    Immutable(KIND.name, ("databaseRef", "name"), "orders", "other", "another database", required=True),
    Immutable(KIND.name, ("name",), "orders", "orders2", "cannot rename a replication slot"),
    Immutable(KIND.name, ("projectRef",), {"name": "a"}, {"name": "b"}, "another project", beside=BY_ID),
)

TOLD = {"name": "orders", "datastore_id": MAIN, "database_id": uuid(70)}


def slot(**fields: Any) -> LogicalReplicationSlot:
    return LogicalReplicationSlot.model_validate({"id": uuid(80), "status": "ACTIVE"} | TOLD | fields)


def test_it_is_made_of_what_the_cloud_shows_again() -> None:
    observed = seen_of(KIND, SAMPLE)
    assert KIND.body(observed, None).model_dump(exclude_unset=True) == TOLD
    assert KIND.key(observed) == KIND.key_of(slot())
    assert KIND.expected(observed) == KIND.expected_of(slot())
    assert KIND.key(replace(observed, refs={}, project=None)) == ("", "orders")


def test_it_tells_whether_it_is_in_use() -> None:
    assert reported_fields(KIND, seen_of(KIND, SAMPLE)) == {}
    assert reported_fields(KIND, seen_of(KIND, SAMPLE, external=slot(in_use=True)))["inUse"] is True
    assert KIND.holds_data


@pytest.mark.parametrize("engine", ["mysql 8", "redis 7", "kafka 3"])
def test_only_in_postgresql(engine: str) -> None:
    with pytest.raises(SpecRefused, match="postgresql"):
        KIND.body(seen_of(KIND, SAMPLE, engine=engine), None)


def test_its_database_is_in_the_datastore_and_stays_the_same() -> None:
    with pytest.raises(SpecRefused, match="is not in ManagedDatastore main"):
        KIND.body(seen_of(KIND, SAMPLE, refs={"databaseRef": database_ref(datastore_id=OTHER)}), None)
    assert not [*KIND.changes(seen_of(KIND, SAMPLE, external=slot()))]
    with pytest.raises(SpecRefused, match="databaseRef now means"):
        [*KIND.changes(seen_of(KIND, SAMPLE, external=slot(), refs={"databaseRef": database_ref(id=uuid(71))}))]
