"""Ready, by what the cloud says of the object, and what stays of it while nothing is known."""

from datetime import UTC, datetime
from typing import Any

import pytest

from kinds.builders import datastore, seen_datastore
from managed_databases.kinds.datastore_seen import ObservedDatastore
from managed_databases.kinds.managed_datastore import KIND
from managed_databases.kinds.verdicts import Done, Reason, Stall, Verdict, Wait
from managed_databases.reconcile.report.status import status
from managed_databases.reconcile.told import Told

NOW = datetime(2026, 1, 31, tzinfo=UTC)
WAS_READY: dict[str, Any] = {
    "conditions": [{"type": "Ready", "status": "True", "reason": "Ready", "message": "usable"}]
}
OF_ANOTHER_VERSION: dict[str, Any] = {"conditions": [WAS_READY["conditions"][0] | {"reason": "Newer"}]}
WAITS = Wait(Reason.PENDING, "the cloud is at work")
STALLS = Stall(Reason.INVALID, "refused")
DONE = Done(Reason.IN_SYNC, "as the spec says")


def at(phase: str | None) -> ObservedDatastore:
    return seen_datastore(external=datastore(status=phase))


UNSEEN = seen_datastore(status={"id": "1"})


@pytest.mark.parametrize(
    ("why", "observed", "verdict", "old", "expected"),
    [
        ("it serves", at("ACTIVE"), DONE, {}, "True Ready"),
        ("with less than all nodes", at("DEGRADED"), DONE, {}, "True Ready"),
        ("it has no status", at(None), DONE, {}, "True Ready"),
        ("it is made", at("PENDING_CREATE"), WAITS, {}, "False Pending"),
        ("it is changed while it serves", at("PENDING_UPDATE"), WAITS, WAS_READY, "True Ready"),
        ("and did not serve before", at("RESIZING"), WAITS, {}, "False Pending"),
        ("the disk is full", at("DISK_FULL"), DONE, WAS_READY, "False DiskFull"),
        ("it is down", at("DOWN"), DONE, WAS_READY, "False Down"),
        ("it is broken", at("ERROR"), DONE, WAS_READY, "False Error"),
        ("a status that nobody knows", at("ODD"), WAITS, WAS_READY, "True Ready"),
        ("and did not serve before it", at("ODD"), WAITS, {}, "False Pending"),
        ("nothing is seen of it yet", UNSEEN, WAITS, WAS_READY, "True Ready"),
        ("nor by a version that says it otherwise", UNSEEN, WAITS, OF_ANOTHER_VERSION, "True Ready"),
        ("what is wrong is this object", UNSEEN, STALLS, WAS_READY, "False Invalid"),
        ("it was not ready before either", UNSEEN, WAITS, {}, "False Pending"),
        ("it never was", seen_datastore(), WAITS, WAS_READY, "False Pending"),
    ],
)
def test_ready(why: str, observed: ObservedDatastore, verdict: Verdict, old: dict[str, Any], expected: str) -> None:
    ready = Told(status(KIND, observed, verdict, Told(old), NOW)).condition("Ready")
    assert ready is not None
    assert f"{ready.status} {ready.reason}" == expected, why


@pytest.mark.parametrize(
    ("why", "observed", "verdict", "expected"),
    [
        ("at rest", at("ACTIVE"), DONE, {"Synced"}),
        ("a difference that is only told", at("ACTIVE"), Done(Reason.DRIFT, "d"), set()),
        ("it is waited for", at("ACTIVE"), WAITS, {"Reconciling"}),
        ("a person must act", at("ACTIVE"), STALLS, {"Stalled"}),
        ("it does not serve, and no step of ours mends that", at("DOWN"), DONE, {"Synced", "Stalled"}),
        ("it serves with less", at("DEGRADED"), DONE, {"Synced", "Degraded"}),
    ],
)
def test_the_others(why: str, observed: ObservedDatastore, verdict: Verdict, expected: set[str]) -> None:
    told = Told(status(KIND, observed, verdict, Told({}), NOW)).conditions
    assert {each.type for each in told if each.is_true} - {"Ready"} == expected, why
