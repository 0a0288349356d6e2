from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinds.builders import SMALL, datastore, seen_datastore, uuid
from managed_databases.api.models import Action
from managed_databases.kinds.datastore_report import disk_used_percent
from managed_databases.kinds.managed_datastore import KIND
from managed_databases.kinds.managed_datastore_status import ManagedDatastoreStatus
from managed_databases.reconcile.report.status import reported_fields


def test_the_report_tells_the_story() -> None:
    external = datastore(
        flavor_id=SMALL,
        node_count=2,
        connection={"master": "m.example", "MASTER": "m.example", "replica-1": "r.example"},
        instances=[
            {"id": "2", "role": "REPLICA", "role_name": "replica-1", "status": "ACTIVE", "floating_ip": "None"},
            {
                "id": "1",
                "role": "MASTER",
                "availability_zone": "ru-3a",
                "status": "ACTIVE",
                "ip": "10.0.0.2",
                "floating_ip": "203.0.113.7",
            },
        ],
        disk_used=42.4,
    )
    assert reported_fields(KIND, seen_datastore(external=external)) == {
        "engine": "postgresql 16",
        "nodeCount": 2,
        "flavor": "small (2 vCPU, 4096 MB RAM, 32 GB disk)",
        "endpoints": {
            "readWrite": "m.example",
            "readOnly": "r.example",
            "port": 5432,
            "pooler": "m.example:5433",
            "poolerPort": 5433,
            "publicReadWrite": "203.0.113.7",
        },
        "instances": [
            {"role": "MASTER", "zone": "ru-3a", "status": "ACTIVE", "ip": "10.0.0.2", "floatingIP": "203.0.113.7"},
            {"role": "replica-1", "status": "ACTIVE"},
        ],
        "diskUsedPercent": 40,
    }


def test_what_is_reported_is_a_status() -> None:
    told = reported_fields(KIND, seen_datastore(external=datastore()))
    again = ManagedDatastoreStatus.model_validate(told).model_dump(mode="json", by_alias=True, exclude_none=True)
    assert told.items() <= again.items()


def test_what_cannot_be_seen_stays_as_it_was_until_it_is_gone() -> None:
    told = dict(reported_fields(KIND, seen_datastore(external=datastore())))
    status = told | {"id": uuid(2)}
    assert told.items() <= reported_fields(KIND, seen_datastore(status=status)).items()
    assert reported_fields(KIND, seen_datastore(status=status, is_gone=True)) == {}
    assert reported_fields(KIND, seen_datastore(project=None)) == {}


def test_the_latest_five_actions_stay_once_they_are_not_listed_any_more() -> None:
    actions = tuple(
        Action(id=str(day), name="resize", request_id=f"req-{day}", created_at=datetime(2026, 1, day, tzinfo=UTC))
        for day in range(1, 8)
    )
    told = reported_fields(KIND, seen_datastore(external=datastore(), actions=actions))
    shown = ManagedDatastoreStatus.model_validate(told).actions
    assert [action.request_id for action in shown] == [f"req-{day}" for day in (7, 6, 5, 4, 3)]
    assert shown[0].started_at == "2026-01-07T00:00:00Z"
    assert reported_fields(KIND, seen_datastore(external=datastore(), status=dict(told)))["actions"] == told["actions"]


@pytest.mark.parametrize(
    ("exact", "shown", "next_"),
    [(42.4, None, 40), (44, 40, 40), (44.1, 40, 45), (41, 45, 45), (40.9, 45, 40), (None, 40, None), (101, 40, None)],
)
def test_disk_use_moves_in_steps(exact: float | None, shown: int | None, next_: int | None) -> None:
    assert disk_used_percent(exact, shown) == next_


@given(st.floats(0, 100), st.floats(-0.7, 0.7), st.lists(st.booleans(), max_size=20))
def test_a_value_that_trembles_is_written_at_most_once_more(exact: float, by: float, turns: list[bool]) -> None:
    shown = disk_used_percent(exact, None)
    history = []
    for turn in turns:
        shown = disk_used_percent(min(100.0, max(0.0, exact + (by if turn else 0))), shown)
        history.append(shown)
    assert len(set(history)) <= 1
