"""How long a resource waits for a name whose object the cloud is deleting, and what tells that."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kinds.builders import PROJECT, uuid
from managed_databases.api.models import User
from managed_databases.kinds.database_user_spec import DatabaseUserStatus
from managed_databases.kinds.observed import SameKey
from managed_databases.reconcile.memory import Memory
from managed_databases.reconcile.observe.current_pass import Pass, PassContext
from managed_databases.reconcile.observe.dying_namesakes import DyingNamesakes
from managed_databases.reconcile.observe.passwords import PasswordChecks
from managed_databases.reconcile.observe.seals import Seals
from managed_databases.reconcile.scheduling.work_queue import Priority
from reconcile.fake_cache import resource
from reconcile.manual_clocks import StillClock
from reconcile.passes import KINDS, observed

LIMIT = 3600.0
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
APP = resource("DatabaseUser", "app", spec={"datastoreRef": {"name": "main"}})


class Clock(StillClock):
    def now(self) -> datetime:
        return NOW


def user(status: str | None = "PENDING_DELETE", *, changed_ago: float | None = None) -> User:
    updated_at = None if changed_ago is None else NOW - timedelta(seconds=changed_ago)
    return User(id=uuid(60), name="app", status=status, datastore_id=uuid(2), updated_at=updated_at)


def told(type_: str, reason: str, ago: float | str) -> dict[str, Any]:
    since = ago if isinstance(ago, str) else f"{NOW - timedelta(seconds=ago):%Y-%m-%dT%H:%M:%SZ}"
    return {"conditions": [{"type": type_, "status": "True", "reason": reason, "lastTransitionTime": since}]}


def look(status: dict[str, Any], *namesakes: User, waited: float = 0.0) -> float | None:
    asker = replace(APP, status=status)
    context = PassContext(memory=Memory(asker.uid), woken_by=Priority.LOW)
    current = Pass(
        resource=asker,
        kind=KINDS[asker.key.kind],
        observed=replace(observed(APP, PROJECT), status=DatabaseUserStatus(id=status.get("id"))),
        context=context,
        checks=PasswordChecks(Seals()),
    )
    clock = Clock()
    dying = DyingNamesakes(clock, LIMIT)
    dying.look(current, SameKey(namesakes=namesakes))
    clock.moment += waited
    return dying.look(current, SameKey(namesakes=namesakes)).dying_seconds


@pytest.mark.parametrize(
    ("why", "status", "namesake", "waited", "left"),
    [
        ("none is being deleted", {}, user("ACTIVE"), 0.0, None),
        ("it has only begun", {}, user(), 0.0, LIMIT),
        ("this process has waited", {}, user(), 600.0, LIMIT - 600),
        ("for long enough", {}, user(), LIMIT + 1, 0.0),
        ("another process has waited", told("Reconciling", "Pending", 600), user(), 0.0, LIMIT - 600),
        ("for long enough", told("Reconciling", "Pending", LIMIT), user(), 0.0, 0.0),
        ("it has waited for something else", told("Reconciling", "ParentNotReady", LIMIT), user(), 0.0, LIMIT),
        ("and the deletion is new", told("Reconciling", "Pending", LIMIT), user(changed_ago=5), 0.0, LIMIT - 5),
        ("the deletion is older", told("Reconciling", "Pending", 600), user(changed_ago=LIMIT), 0.0, LIMIT - 600),
        ("it was told", told("Stalled", "PendingTooLong", 5), user(), 0.0, 0.0),
        ("something else was told", told("Stalled", "Refused", 5), user(), 0.0, LIMIT),
        ("a time of another hand", told("Reconciling", "Pending", "yesterday"), user(), 0.0, LIMIT),
        ("a time without a zone", told("Reconciling", "Pending", "2026-06-01T11:50:00"), user(), 0.0, LIMIT - 600),
        ("a time that is to come", told("Reconciling", "Pending", -600), user(), 0.0, LIMIT),
    ],
)
def test_how_long_it_may_take(
    why: str, status: dict[str, Any], namesake: User, waited: float, left: float | None
) -> None:
    assert look(status, namesake, waited=waited) == left, why


def test_who_has_an_object_waits_for_no_name() -> None:
    assert look({"id": uuid(61)}, user()) is None
