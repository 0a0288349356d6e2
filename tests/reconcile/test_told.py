"""What a raw status says, by name, whatever stands in it."""

from typing import Any

import pytest

from managed_databases.kinds.shared_fields import CloudStatus, Identity, Intent
from managed_databases.reconcile.told import Told

IDENTITY = Identity(project="main", project_id="1", region="ru-3", datastore_id="d", key=("d", "orders"))
INTENT = Intent(attempt=1, wait_seconds=30.0, endpoint="https://api.example")


def test_it_reads_what_the_model_writes() -> None:
    status = CloudStatus(
        id="o",
        phase="ACTIVE",
        identity=IDENTITY,
        intent=INTENT,
        managed=("pooler",),
        applying={"firewall": "1"},
        observed_generation=3,
        last_handled_sync_request="now",
    )
    told = Told(status.model_dump(mode="json", by_alias=True, exclude_none=True))
    assert told.identity is not None
    assert (told.identity.project, told.identity.project_id, told.identity.region) == ("main", "1", "ru-3")
    assert (told.identity.datastore_id, told.identity.key, told.identity.place) == ("d", ("d", "orders"), "1/ru-3")
    assert (told.id, told.phase, told.project, told.datastore_id) == ("o", "ACTIVE", "main", "d")
    assert (told.has_intent, told.begun_at) == (True, "https://api.example")
    assert (told.managed, told.applying) == (("pooler",), {"firewall": "1"})
    assert (told.observed_generation, told.handled_sync_request) == (3, "now")


def test_of_an_empty_status_nothing_is_told() -> None:
    told = Told({})
    assert (told.id, told.identity, told.project, told.datastore_id, told.phase) == (None, None, None, None, None)
    assert (told.has_intent, told.begun_at, told.holds_something) == (False, None, False)
    assert (told.managed, told.applying, told.observed_generation) == ((), {}, -1)
    assert list(told.conditions) == []


@pytest.mark.parametrize(
    ("why", "status", "holds"),
    [
        ("an object", {"id": "o"}, True),
        ("an attempt", {"intent": {"attempt": 1}}, True),
        ("an identity alone is nothing", {"identity": {"project": "main"}}, False),
        ("what is empty is nothing", {"id": "", "intent": {}}, False),
    ],
)
def test_whether_it_says_to_have_something(why: str, status: dict[str, Any], holds: bool) -> None:
    assert Told(status).holds_something is holds, why


def test_a_reason_is_found_in_any_condition() -> None:
    told = Told({"conditions": [{"type": "Ready", "reason": "Gone"}, {}]})
    assert told.has_reason("Gone")
    assert not told.has_reason("Ready")
