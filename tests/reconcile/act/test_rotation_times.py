"""When a password is to be changed, and where two users take turns whose, by the dates of a spec and by what people ask for."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kinds.builders import MAIN
from managed_databases.kinds.kind import Credential
from managed_databases.kinds.observed import Observed
from managed_databases.kinds.password_rotation import begins_at, written
from managed_databases.kinds.turns_view import ALONE, TurnsView
from managed_databases.reconcile.act.rotation_times import (
    Due,
    begins_in_seconds,
    due,
    is_lock_due,
    turn_due,
)
from managed_databases.reconcile.annotations import ROTATE_PASSWORD
from managed_databases.reconcile.observe.current_pass import Pass
from reconcile.act.recording import Stage
from reconcile.fake_cache import resource
from reconcile.two_users import THERE, TWO, paired

DATE = datetime(2026, 3, 4, 5, 0, tzinfo=UTC)
BEGINS = begins_at(DATE, DATE, "1")
"""The moment of the hour that is the resource's own."""
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
EVERY = {"rotation": {"everyDays": 30}}
PLANNED = {"plan": "every 30 days", "due_at": written(DATE)}
ASKS = {ROTATE_PASSWORD: "now"}
APP = resource("DatabaseUser", "app", spec={"datastoreRef": {"name": "main"}}, id_=THERE.id, inside=MAIN)


def one(told: Mapping[str, Any] | None = None, *, spec: Mapping[str, Any] = EVERY, **changes: Any) -> Observed:
    """One user, of whose changes the status says this."""
    seen = paired({"active": None, **(told or {})}, {"leads_to": "Own"}, spec=spec)
    return replace(seen, pair=ALONE, **changes)


def pass_of(seen: Observed) -> Pass:
    current = Stage(APP, external=THERE).current
    rotation = seen.status.rotation
    status = {} if rotation is None else {"rotation": rotation.model_dump(by_alias=True, exclude_none=True)}
    current.resource = replace(current.resource, status={**current.resource.status, **status})
    current.observed = seen
    return current


def credential(current: Pass) -> Credential:
    return current.kind.existing_credential


def without_id(seen: Observed) -> Observed:
    return replace(seen, status=seen.status.model_copy(update={"id": None}))


GIVEN = {"passwordSecretRef": {"name": "mine", "key": "password"}}


@pytest.mark.parametrize(
    ("why", "seen", "now", "told", "may_begin"),
    [
        ("its date has not come", one(PLANNED), DATE - SECOND, None, False),
        ("it has, but not its moment", one(PLANNED), BEGINS - SECOND, "is due since", False),
        ("its moment is there", one(PLANNED), BEGINS, "is due since", True),
        ("there are no dates", one(PLANNED, spec={}), BEGINS, None, False),
        ("the date is of another plan", one({**PLANNED, "plan": "every 7 days"}), BEGINS, None, False),
        ("somebody asks for it", one(PLANNED, annotations=ASKS), DATE - SECOND, "asks for a change", True),
        ("also without dates", one(spec={}, annotations=ASKS), DATE, "asks for a change", True),
        ("that was done", one({"handled_request": "now"}, annotations=ASKS), DATE, None, False),
        ("and now again", one({"handled_request": "before"}, annotations=ASKS), DATE, "asks for a change", True),
        ("a person gives it", one(PLANNED, spec=EVERY | GIVEN, annotations=ASKS), BEGINS, None, False),
        ("the user is not there yet", without_id(one(PLANNED, annotations=ASKS)), BEGINS, None, False),
        ("it is being deleted", one(PLANNED, annotations=ASKS, deleting=True), BEGINS, None, False),
        ("with two to be the second one comes first", one(spec=TWO, annotations=ASKS), BEGINS, None, False),
    ],
)
def test_one_user(why: str, seen: Observed, now: datetime, told: str | None, may_begin: bool) -> None:
    current = pass_of(seen)
    found = due(current, credential(current), now)
    assert (found.why is not None, found.may_begin) == (told is not None, may_begin), why
    assert told is None or told in (found.why or "")


def test_what_has_begun_is_put_off_by_nothing() -> None:
    late = BEGINS + 30 * MINUTE
    assert not due(pass_of(one(PLANNED)), credential(pass_of(one())), late).may_begin, "a process that comes late waits"
    current = pass_of(one(PLANNED))
    assert due(current, credential(current), BEGINS).may_begin
    assert due(current, credential(current), late).may_begin


LOCKING = {"turn": "T", "lock_at": written(DATE), "switched_at": written(DATE - 60 * MINUTE)}
OPEN: dict[str, Any] = {"leads_to": "Twin", "opens": True, "is_mounted": True, "is_lock_due": True}


@pytest.mark.parametrize(
    ("why", "told", "turns", "expected"),
    [
        ("at rest", {"active": "Twin"}, OPEN, None),
        ("it is its turn", {"active": "Twin", "turning_to": "Own", "turn": "T"}, {}, "turn of the own user"),
        ("which it has had", {"active": "Twin", "turning_to": "Own", "turn": "T", "own_changed_for": "T"}, {}, None),
        ("it is the other one's", {"active": "Own", "turning_to": "Twin", "turn": "T"}, {}, None),
        ("its time is over", {"active": "Twin"} | LOCKING, OPEN, "is over"),
        ("it is not", {"active": "Twin"} | LOCKING, OPEN | {"is_lock_due": False}, None),
        ("that was done", {"active": "Twin", "own_changed_for": "lock T"} | LOCKING, OPEN, None),
        ("applications may have its login", {"active": "Twin"} | LOCKING, OPEN | {"leads_to": "Own"}, None),
        ("they may not have the other one", {"active": "Twin"} | LOCKING, OPEN | {"is_mounted": False}, None),
        ("nobody knows whether that opens", {"active": "Twin"} | LOCKING, OPEN | {"opens": False}, None),
        ("the time of the other one is over", {"active": "Own"} | LOCKING, OPEN | {"leads_to": "Own"}, None),
    ],
)
def test_the_own_user_of_two(why: str, told: dict[str, Any], turns: dict[str, Any], expected: str | None) -> None:
    current, view = pass_of(paired(told)), TurnsView(**{"leads_to": "Own"} | turns)
    found = due(current, credential(current), DATE, view)
    assert (found.why is not None, found.may_begin) == (expected is not None,) * 2, why
    assert expected is None or expected in (found.why or "")
    gone = pass_of(replace(current.observed, deleting=True))
    assert due(gone, credential(gone), DATE, view) == Due()


def test_the_own_user_keeps_its_password_where_only_one_is_asked_for() -> None:
    current = pass_of(paired({"active": "Twin"} | LOCKING, spec={}))
    assert due(current, credential(current), DATE, TurnsView(**OPEN)) == Due()


TWO_DATES = {"rotation": {"strategy": "TwoUsers", "everyDays": 30}}
GOES, IS_LOST = {"is_going": True}, replace(paired({"active": "Twin"}), pair=ALONE)


@pytest.mark.parametrize(
    ("why", "seen", "now", "told", "may_begin"),
    [
        ("at rest", paired(), BEGINS, None, False),
        ("with the second one in use", paired({"active": "Twin"}), BEGINS, None, False),
        ("the second one goes away", paired({"active": "Twin"}, twin=GOES), DATE, "not there any more", True),
        ("it is gone", IS_LOST, DATE, "not there any more", True),
        ("it goes, and nobody uses it", paired({}, twin=GOES), DATE, None, False),
        ("only one is asked for", paired({"active": "Twin"}, spec={}), DATE, "only one user", True),
        ("and that one is in use", paired({}, spec={}), DATE, None, False),
        ("its date has come", paired(PLANNED, spec=TWO_DATES), BEGINS, "is due since", True),
        ("and not its moment", paired(PLANNED, spec=TWO_DATES), BEGINS - SECOND, "is due since", False),
        ("somebody asks for it", replace(paired(), annotations=ASKS), DATE, "asks for a change", True),
        ("while it is being deleted", replace(paired(), annotations=ASKS, deleting=True), DATE, None, False),
    ],
)
def test_a_turn(why: str, seen: Observed, now: datetime, told: str | None, may_begin: bool) -> None:
    current = pass_of(seen)
    found = turn_due(current, credential(current), now)
    assert (found.why is not None, found.may_begin) == (told is not None, may_begin), why
    assert told is None or told in (found.why or "")


@pytest.mark.parametrize(
    ("why", "seen", "now", "moment"),
    [
        ("nothing is to come", one(), DATE, None),
        ("a date is", one(PLANNED), DATE - 60 * MINUTE, BEGINS),
        ("its moment is", one(PLANNED), BEGINS - MINUTE, BEGINS),
        ("a moment that is near is not asked for again and again", one(PLANNED), BEGINS - SECOND / 100, BEGINS + SECOND * 0.99),
        ("it is there", one(PLANNED), BEGINS, None),
        ("its hour was missed: the next one's", one(PLANNED), BEGINS + 30 * MINUTE, BEGINS + 60 * MINUTE),
        ("it is being deleted", one(PLANNED, deleting=True), DATE, None),
        ("a person gives the password", one(PLANNED, spec=EVERY | GIVEN), DATE, None),
        ("the login before ends", paired(LOCKING), DATE - MINUTE, DATE),
        ("it has ended", paired(LOCKING), DATE, None),
        ("whatever comes first", paired({**LOCKING, **PLANNED}, spec=TWO_DATES), DATE - MINUTE, DATE),
        ("then the other", paired({**LOCKING, **PLANNED}, spec=TWO_DATES), DATE, BEGINS),
    ],
)  # fmt: skip
def test_when_to_look_again(why: str, seen: Observed, now: datetime, moment: datetime | None) -> None:
    seconds = begins_in_seconds(pass_of(seen), now)
    expected = None if moment is None else (moment - now).total_seconds()
    assert seconds == (None if expected is None else pytest.approx(expected)), why


@pytest.mark.parametrize(
    ("why", "told", "now", "expected"),
    [
        ("the time is over", LOCKING, DATE, True),
        ("it is not", LOCKING, DATE - SECOND, False),
        ("nothing ends", {}, DATE, False),
    ],
)
def test_when_the_login_before_is_over(why: str, told: dict[str, Any], now: datetime, expected: bool) -> None:
    current = pass_of(paired(told))
    assert is_lock_due(current, credential(current), now) is expected, why


def test_where_nothing_is_known_of_changes_nothing_is_over() -> None:
    seen = paired(LOCKING)
    current = pass_of(replace(seen, status=seen.status.model_copy(update={"rotation": None})))
    assert not is_lock_due(current, credential(current), DATE)
    assert turn_due(current, credential(current), DATE) == Due()
