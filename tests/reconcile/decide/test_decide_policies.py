"""The policies about differences (driftPolicy, changePolicy, approvals), and references that only the creation reads."""

from dataclasses import replace
from typing import Any

import pytest

from kinds.builders import datastore, seen_datastore, uuid
from managed_databases.kinds.database_user import KIND as USER
from managed_databases.kinds.datastore_seen import ObservedDatastore
from managed_databases.kinds.managed_datastore import KIND
from managed_databases.kinds.observed import Referred
from managed_databases.kinds.shared_fields import Identity, Intent
from managed_databases.kinds.verdicts import Change, Create, Done, Reason, Record, Stall, Verdict, Wait
from managed_databases.reconcile.annotations import APPROVE, RECREATE
from managed_databases.reconcile.decide.decide import decide
from managed_databases.reconcile.decide.differences import approval_hash
from reconcile.decide.observed_user import HELD, MINE, status
from reconcile.decide.observed_user import observed as seen_user

REPORT = {"driftPolicy": "Report", "nodeCount": 1}
APPROVE_IT = {"changePolicy": "Approve", "nodeCount": 1}
SYNCED = {"syncedGeneration": 1}


def verdict(
    spec: dict[str, Any], cloud: dict[str, Any], status_: dict[str, Any] | None = None, **fields: Any
) -> Verdict:
    return decide(KIND, seen_datastore(spec, datastore(**cloud), status_, **fields))


@pytest.mark.parametrize(
    ("why", "spec", "cloud", "status_", "type_", "reason"),
    [
        ("corrected by default", {"nodeCount": 1}, {"node_count": 2}, SYNCED, Change, Reason.DRIFT),
        ("the cloud's own doing is only told", REPORT, {"node_count": 2}, SYNCED, Done, Reason.DRIFT),
        ("a person's change is carried out", REPORT, {"node_count": 2}, {"syncedGeneration": 0}, Change, Reason.DRIFT),
        ("never synced: all of it is a person's", REPORT, {"node_count": 2}, {}, Change, Reason.DRIFT),
        ("nothing differs", REPORT, {}, SYNCED, Done, Reason.IN_SYNC),
        ("what cannot be done is said when nothing else differs", REPORT | {"config": {"typo": 1}}, {}, SYNCED, Stall, Reason.INVALID_SPEC),
        ("a difference is told before what cannot be done", REPORT | {"config": {"typo": 1}}, {"node_count": 2}, SYNCED, Done, Reason.DRIFT),
    ],
)  # fmt: skip
def test_drift(
    why: str, spec: dict[str, Any], cloud: dict[str, Any], status_: dict[str, Any], type_: type, reason: Reason
) -> None:
    decided = verdict(spec, cloud, status_)
    assert (type(decided), decided.reason) == (type_, reason), why


def test_all_that_differs_is_told() -> None:
    decided = verdict(REPORT | {"backupRetentionDays": 3}, {"node_count": 2}, SYNCED)
    assert decided.message == (
        "left as it is, as driftPolicy is Report; to match the spec it takes: backups are kept 3 days instead of 7; "
        "2 nodes become 1"
    )


def test_an_adopted_object_is_looked_at_first_where_drift_is_only_reported() -> None:
    spec = {"adoption": "IfExists", "driftPolicy": "Report"}
    found = seen_datastore(spec, namesakes=(datastore(),))
    assert found.project is not None
    permitted = replace(found, project=replace(found.project, granted_powers=frozenset({"adopt"})))
    decided = decide(KIND, permitted)
    assert isinstance(decided, Record)
    assert decided.changes.synced_generation == 1
    corrected = seen_datastore(spec | {"driftPolicy": "Correct"}, namesakes=(datastore(),), project=permitted.project)
    decided = decide(KIND, corrected)
    assert isinstance(decided, Record)
    assert decided.changes.synced_generation is None


@pytest.mark.parametrize(
    ("why", "fields", "synced", "type_"),
    [
        ("made again by default", {}, 1, Record),
        ("left where drift is only reported", {"spec": {"driftPolicy": "Report"}}, 1, Stall),
        ("people changed the spec since", {"spec": {"driftPolicy": "Report"}}, 0, Record),
        ("people want it again", {"spec": {"driftPolicy": "Report"}, "annotations": {RECREATE: MINE}}, 1, Record),
    ],
)
def test_what_is_gone_without_data(why: str, fields: dict[str, Any], synced: int, type_: type) -> None:
    given = {
        **HELD,
        "external": None,
        "is_gone": True,
        "status": status(id=MINE, synced_generation=synced),
        **fields,
    }
    decided = decide(USER, seen_user(**given))
    assert (type(decided), decided.reason) == (type_, Reason.GONE), why


def seen_shrinking(**fields: Any) -> ObservedDatastore:
    return seen_datastore(APPROVE_IT, datastore(node_count=3), **fields)


@pytest.mark.parametrize(
    ("why", "spec", "cloud", "type_"),
    [
        ("fewer nodes", APPROVE_IT, {"node_count": 3}, Stall),
        ("more nodes", APPROVE_IT | {"nodeCount": 3}, {}, Change),
        ("another flavor", APPROVE_IT | {"flavor": {"vcpus": 4, "ramMB": 4096, "diskGB": 32}}, {}, Stall),
        ("a larger disk", APPROVE_IT | {"disk": {"type": "n", "sizeGB": 9}}, {"disk": {"type": "n", "size": 8}}, Change),
        ("a parameter that restarts", APPROVE_IT | {"config": {"max_connections": 99}}, {}, Stall),
        ("a parameter that does not", APPROVE_IT | {"config": {"work_mem": 99}}, {}, Change),
        ("an address given up", APPROVE_IT | {"floatingIPs": {"master": False}}, {"instances": [{"id": uuid(7), "role": "MASTER", "floating_ip": "203.0.113.1"}]}, Stall),
        ("by default nothing waits", {"nodeCount": 1}, {"node_count": 3}, Change),
        ("what waits holds up nothing", APPROVE_IT | {"config": {"max_connections": 9999}, "pooler": {"size": 9}}, {"node_count": 3}, Change),
    ],
)  # fmt: skip
def test_what_needs_an_approval(why: str, spec: dict[str, Any], cloud: dict[str, Any], type_: type) -> None:
    decided = verdict(spec, cloud)
    assert type(decided) is type_, why
    assert decided.reason is (Reason.APPROVAL_NEEDED if type_ is Stall else Reason.DRIFT), why


def test_an_approval_is_for_one_change_of_one_generation() -> None:
    waiting = decide(KIND, seen_shrinking())
    assert isinstance(waiting, Stall)
    (change,) = KIND.changes(seen_shrinking())
    word = approval_hash(seen_shrinking(), change)
    assert waiting.message == (
        f"as changePolicy is Approve: 3 nodes become 1 (restart). Annotate {APPROVE}: {word} to let it happen"
    )
    agreed = replace(seen_shrinking(), annotations={APPROVE: word})
    assert isinstance(decide(KIND, agreed), Change)
    assert isinstance(decide(KIND, replace(agreed, generation=2)), Stall)
    assert isinstance(decide(KIND, replace(agreed, annotations={APPROVE: "0" * 12})), Stall)


SOURCE = {"restore": {"datastoreRef": {"name": "old"}}}
MISSING = {"restore.datastoreRef": Referred("old", problem=Wait(Reason.PARENT_MISSING, "there is no old"))}
IDENTITY = Identity(project="main", project_id="0" * 32, region="ru-3", key=("main",))
INTENT = Intent(attempt=1, wait_seconds=60, expected={"name": "main"})


@pytest.mark.parametrize(
    ("why", "fields", "type_"),
    [
        ("the creation waits for its source", {"refs": MISSING}, Wait),
        ("with its source it begins", {"refs": {"restore.datastoreRef": Referred("old", uuid(3), datastore())}}, Create),
        ("what an attempt has made is ours, whatever became of the source", {"refs": MISSING, "status": {"identity": IDENTITY, "intent": INTENT}, "namesakes": (datastore(),)}, Record),
        ("what there is needs no source", {"refs": MISSING, "external": datastore()}, Done),
    ],
)  # fmt: skip
def test_only_the_creation_needs_the_source_of_a_restore(why: str, fields: dict[str, Any], type_: type) -> None:
    assert type(decide(KIND, seen_datastore(SOURCE, **fields))) is type_, why
