"""Restoring a backup, and the export of logs."""

from typing import Any

import pytest

from kinds.builders import OTHER, TYPES, datastore, seen_datastore
from managed_databases.api.models import Datastore
from managed_databases.api.secrets import WIRE
from managed_databases.kinds.managed_datastore import KIND
from managed_databases.kinds.observed import Referred, SpecRefused
from managed_databases.kinds.verdicts import Reason, Risk


def source(**fields: Any) -> dict[str, Referred]:
    return {"restore.datastoreRef": Referred("ManagedDatastore shop/old", OTHER, datastore(id=OTHER, **fields))}


def restore(target_time: str | None = None) -> dict[str, Any]:
    told = {"datastoreRef": {"name": "old"}} | ({"targetTime": target_time} if target_time else {})
    return {"restore": told}


@pytest.mark.parametrize(
    ("target_time", "sent"),
    [
        (None, {"datastore_id": OTHER}),
        ("2026-01-31T12:00:00Z", {"datastore_id": OTHER, "target_time": "2026-01-31T12:00:00"}),
        ("2026-01-31T12:00:00.5+03:00", {"datastore_id": OTHER, "target_time": "2026-01-31T09:00:00"}),
    ],
)
def test_a_backup_is_asked_for_in_utc(target_time: str | None, sent: dict[str, str]) -> None:
    made = KIND.body(seen_datastore(restore(target_time), refs=source()), None)
    assert made.model_dump(mode="json", exclude_unset=True, context=WIRE)["restore"] == sent


@pytest.mark.parametrize(
    ("target_time", "fields", "message"),
    [
        ("2026-02-30T00:00:00Z", {}, "restore.targetTime: there is no such moment as 2026-02-30T00:00:00Z"),
        (None, {"allow_restore": False}, "restore.datastoreRef: the cloud does not allow to restore from ManagedDatastore shop/old"),
        (
            None,
            {"type_id": TYPES["mysql 8"]},
            "restore.datastoreRef: ManagedDatastore shop/old is mysql 8; a backup can be restored to the same engine only",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_restored(target_time: str | None, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecRefused) as refused:
        KIND.body(seen_datastore(restore(target_time), refs=source(**fields)), None)
    assert (refused.value.verdict.reason, refused.value.verdict.message) == (Reason.INVALID_SPEC, message)


def test_another_version_or_an_unknown_one_is_for_the_api_to_judge() -> None:
    for type_id in (TYPES["postgresql 9"], OTHER, None):
        assert KIND.body(seen_datastore(restore(), refs=source(type_id=type_id)), None).restore is not None


def test_a_restore_never_matters_again() -> None:
    assert [*KIND.changes(seen_datastore(restore(), datastore()))] == []


EXPORT = {"logExport": {"logGroup": "s/dbaas/a"}}


@pytest.mark.parametrize(
    ("why", "spec", "cloud", "managed", "operations"),
    [
        ("on", EXPORT, {"log_platform": None}, [], ["export-logs"]),
        ("elsewhere", EXPORT, {"log_platform": {"log_group": "s/dbaas/b"}}, [], ["export-logs"]),
        ("as it is", EXPORT, {"log_platform": {"log_group": "s/dbaas/a"}}, [], []),
        ("the cloud does not tell", EXPORT, {}, [], []),
        ("off", {}, {"log_platform": {"log_group": "s/dbaas/a"}}, ["logExport"], ["stop-exporting-logs"]),
        ("never managed", {}, {"log_platform": {"log_group": "s/dbaas/a"}}, [], []),
    ],
)
def test_log_export(
    why: str, spec: dict[str, Any], cloud: dict[str, Any], managed: list[str], operations: list[str]
) -> None:
    found = list(KIND.changes(seen_datastore(spec, datastore(**cloud), {"managed": managed})))
    assert [change.call.operation.removeprefix("datastores.") for change in found] == operations, why
    assert all(change.risk is Risk.NONE for change in found)


def test_the_creation_says_where_logs_go_and_the_spec_what_is_managed() -> None:
    observed = seen_datastore(EXPORT)
    made = KIND.body(observed, None).model_dump(mode="json", exclude_unset=True, context=WIRE)
    assert made["log_platform"] == {"log_group": "s/dbaas/a"}
    assert [*KIND.wanted_values(observed)] == ["logExport"]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, {}),
        ({"status": "DISK_FULL"}, {"DiskFull": Reason.DISK_FULL}),
        ({"is_maintenance": True}, {"Maintenance": Reason.MAINTENANCE}),
    ],
)
def test_conditions_tell_what_is_not_well(fields: dict[str, Any], told: dict[str, Reason]) -> None:
    external: Datastore = datastore(**fields)
    assert {
        type_: reason for type_, (_, reason, _) in KIND.conditions(seen_datastore(external=external)).items()
    } == told
