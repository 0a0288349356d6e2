"""Ready, by what the cloud says of the object, and what stays of it while nothing is known."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from kinds.builders import (
    MAIN,
    database_ref,
    datastore,
    parent,
    seen_database,
    seen_datastore,
    seen_user,
    user_ref,
    uuid,
)
from managed_databases.api.models import Database, User
from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.database_user import KIND as USER
from managed_databases.kinds.datastore_seen import ObservedDatastore
from managed_databases.kinds.managed_database import KIND as DATABASE
from managed_databases.kinds.managed_datastore import KIND
from managed_databases.kinds.observed import Referred
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
SENT = replace(at("PENDING_UPDATE"), credential=PasswordView(password=SecretStr("old"), pending_sent=True))
UNCLEAR = replace(at("PENDING_UPDATE"), credential=PasswordView(password=SecretStr("old"), pending_unclear=True))


@pytest.mark.parametrize(
    ("why", "observed", "verdict", "old", "expected"),
    [
        ("it serves", at("ACTIVE"), DONE, {}, "True Ready"),
        ("with less than all nodes", at("DEGRADED"), DONE, {}, "True Ready"),
        ("it has no status", at(None), DONE, {}, "True Ready"),
        ("it is made", at("PENDING_CREATE"), WAITS, {}, "False Pending"),
        ("it is changed while it serves", at("PENDING_UPDATE"), WAITS, WAS_READY, "True Ready"),
        ("and did not serve before", at("RESIZING"), WAITS, {}, "False Pending"),
        ("a password was sent, and the cloud is at work on it", SENT, WAITS, WAS_READY, "False RotatingPassword"),
        ("it may have got a password", UNCLEAR, WAITS, WAS_READY, "False RotatingPassword"),
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


APP = User(id=uuid(60), name="app", status="ACTIVE", datastore_id=MAIN)
ORDERS = Database(id=uuid(70), name="orders", status="ACTIVE", datastore_id=MAIN)
GONE = Referred("ManagedDatabase orders", ORDERS.id, is_gone=True)
UNSEEN_DATABASE = Referred("ManagedDatabase orders", ORDERS.id)
SERVES, GOES = "ACTIVE", "PENDING_DELETE"
NOT_READY = "False ParentNotReady"
WAS_GONE = {
    "type": "Ready", "status": "False", "reason": "ParentNotReady",
    "message": "ManagedDatabase orders is not usable: it is gone from the cloud",
}  # fmt: skip


@pytest.mark.parametrize(
    ("why", "phase", "refs", "before", "expected"),
    [
        ("it has all that it needs", SERVES, {"databaseRef": database_ref()}, {}, "True Ready"),
        ("the datastore is being deleted", SERVES, {"datastoreRef": parent(status=GOES)}, {}, NOT_READY),
        ("the datastore is gone", SERVES, {"datastoreRef": Referred("main", MAIN, is_gone=True)}, {}, NOT_READY),
        ("the datastore is down", SERVES, {"datastoreRef": parent(status="DOWN")}, {}, "False Down"),
        ("also while it is changed", "PENDING_UPDATE", {"datastoreRef": parent(status="DOWN")}, {}, "False Down"),
        ("the datastore is changed", SERVES, {"datastoreRef": parent(status="PENDING_UPDATE")}, {}, "True Ready"),
        ("the datastore is not seen, nor its host", SERVES, {"datastoreRef": Referred("main", MAIN)}, {}, "False NotTold"),
        ("the database is gone", SERVES, {"databaseRef": GONE}, {}, NOT_READY),
        ("the database is being deleted", SERVES, {"databaseRef": database_ref(status=GOES)}, {}, NOT_READY),
        ("the database is broken", SERVES, {"databaseRef": database_ref(status="ERROR")}, {}, "False Error"),
        ("the database is not made yet", SERVES, {"databaseRef": Referred("ManagedDatabase orders")}, {}, "True Ready"),
        ("the database is not seen", SERVES, {"databaseRef": UNSEEN_DATABASE}, {}, "True Ready"),
        ("it was gone, and is not seen yet", SERVES, {"databaseRef": UNSEEN_DATABASE}, WAS_GONE, NOT_READY),
        ("another one was gone", SERVES, {"databaseRef": Referred("x", uuid(71))}, WAS_GONE, "True Ready"),
    ],
)  # fmt: skip
def test_with_what_it_needs(
    why: str, phase: str, refs: dict[str, Referred], before: dict[str, str], expected: str
) -> None:
    view = PasswordView(password=SecretStr("secret-of-the-test"))
    observed = seen_user(external=APP.model_copy(update={"status": phase}), refs=refs, credential=view)
    old = {"conditions": [before]} if before else WAS_READY
    ready = Told(status(USER, observed, DONE, Told(old), NOW)).condition("Ready")
    assert ready is not None
    assert f"{ready.status} {ready.reason}" == expected, why


@pytest.mark.parametrize("owner", [user_ref(status=GOES), Referred("app", uuid(60), is_gone=True)])
def test_a_database_serves_without_its_owner(owner: Referred) -> None:
    observed = seen_database(external=ORDERS, refs={"ownerRef": owner})
    ready = Told(status(DATABASE, observed, DONE, Told(WAS_READY), NOW)).condition("Ready")
    assert ready is not None
    assert ready.is_true
