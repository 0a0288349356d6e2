"""The next step where two users take turns: nothing is done to the user whose login the mounted Secret has."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from kinds.builders import MAIN, seen_of, uuid
from managed_databases.api.models import User
from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.database_user import KIND
from managed_databases.kinds.keeper_views import KeptViews, ProbeView
from managed_databases.kinds.kind import any_kind
from managed_databases.kinds.observed import Observed, ObservedOwned
from managed_databases.kinds.shared_fields import Rotated
from managed_databases.kinds.turns_view import PairView, TurnsView, TwinView
from managed_databases.kinds.verdicts import Arrange, Credentials, PasswordStep
from managed_databases.reconcile.annotations import ROTATE_PASSWORD
from managed_databases.reconcile.decide.password_steps import password_step

THERE = User(id=uuid(60), name="app", datastore_id=MAIN, status="ACTIVE")
TWO = {"rotation": {"strategy": "TwoUsers"}}
IS_TWIN = {"leads_to": "Twin"}
IS_DUE = {"is_due": "somebody asks for it", "may_begin": True}
BEFORE = {"turn": "T", "lock_at": "L", "switched_at": "S"}
LOCK = {"is_lock_due": True}
WELL: dict[str, Any] = {"name": "app-twin", "uid": "u", "password_check": "check", "is_ready": True}


def observed(
    status: dict[str, Any],
    view: dict[str, Any],
    twin: dict[str, Any] | None,
    spec: dict[str, Any],
    **more: Any,
) -> Observed:
    seen = seen_of(KIND, {"datastoreRef": {"name": "main"}} | spec, engine="postgresql 16", external=THERE)
    usual: dict[str, Any] = {"leads_to": status.get("active"), "opens": True, "is_mounted": True}
    turns = TurnsView(**usual | view)
    rotation = Rotated.model_validate({"active": "Own"} | status)
    seen = replace(
        seen,
        status=seen.status.model_copy(update={"id": uuid(60), "rotation": rotation}),
        pair=PairView(None if twin is None else TwinView(**WELL | twin)),
        credential=PasswordView(**{"password": SecretStr("own"), "turns": turns} | more.pop("own", {})),
    )
    wanted = [each for each in KIND.owned(seen) if twin is not None or each.kind != "DatabaseUser"]
    trouble: str | None = more.pop("trouble", None)
    owned = tuple(
        ObservedOwned(each.kind, each.name, each.spec, is_ours=True, is_going=False, trouble=trouble) for each in wanted
    )
    return replace(seen, owned=owned, **more)


def step_of(seen: Observed) -> PasswordStep | str | None:
    step = password_step(any_kind(KIND), seen)
    if isinstance(step, Arrange):
        return step.owned.annotations[ROTATE_PASSWORD]
    return step.step if isinstance(step, Credentials) else None


STEPS: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any] | None, PasswordStep | str | None]] = [
    ("at rest", {}, {}, {}, None),
    ("a turn is due", {}, IS_DUE, {}, PasswordStep.BEGIN),
    ("its moment is not there", {}, IS_DUE | {"may_begin": False}, {}, None),
    ("there is no second user yet", {}, IS_DUE, None, None),
    ("the login before is still valid", BEFORE, IS_DUE, {}, None),
    ("the second user is next", {"turning_to": "Twin", "turn": "T"}, {}, {}, "T"),
    ("it is deleted by hand", {"turning_to": "Twin", "turn": "T"}, {}, {"is_going": True}, PasswordStep.BEGIN),
    ("it is asked already", {"turning_to": "Twin", "turn": "T"}, {}, {"requested": "T"}, None),
    ("it has its password", {"turning_to": "Twin", "turn": "T"}, IS_TWIN | {"is_mounted": False}, {}, PasswordStep.MOUNT),
    ("its login is mounted, and the status does not say so", {"turning_to": "Twin"}, IS_TWIN, {}, PasswordStep.MOUNT),
    ("it cannot be used", {"turning_to": "Twin", "turn": "T"}, IS_TWIN | {"opens": False}, {}, None),
    ("somebody has changed the mounted Secret", {}, {"is_mounted": False}, {}, PasswordStep.MOUNT),
    ("and nobody knows whether the login opens", {}, {"is_mounted": False, "opens": False}, {}, None),
    ("nothing ends while the mounted Secret is wrong", BEFORE, LOCK | {"opens": False, "is_mounted": False}, {}, None),
    ("the second user's login before is over", BEFORE, LOCK, {}, "lock T"),
    ("it is not over", BEFORE, {}, {}, None),
    ("the end is asked for", BEFORE, LOCK, {"requested": "lock T"}, None),
    ("it opens nothing any more", BEFORE, LOCK, {"requested": "lock T", "handled": "lock T"}, PasswordStep.LOCKED),
    ("its password is in doubt", BEFORE, LOCK, {"handled": "lock T", "password_check": None}, None),
    ("the own user's login before is gone", BEFORE | {"active": "Twin", "own_changed_for": "lock T"}, LOCK, {}, PasswordStep.LOCKED),
    ("it is not gone", BEFORE | {"active": "Twin", "own_changed_for": "T"}, LOCK, {}, None),
    ("the user in use goes away", {"active": "Twin"}, IS_DUE, {"is_going": True}, PasswordStep.BEGIN),
    ("also before the time is over", BEFORE | {"active": "Twin"}, IS_DUE, {"is_going": True}, PasswordStep.BEGIN),
    ("and if its password is not known", {"active": "Twin"}, IS_DUE | {"opens": False}, None, PasswordStep.BEGIN),
    ("the user that nobody uses goes away", {}, IS_DUE, {"is_going": True}, None),
    ("the own user's Secret is gone", {}, {"opens": False, "has_own": True}, {}, PasswordStep.PART),
]  # fmt: skip


@pytest.mark.parametrize(("why", "status", "view", "twin", "step"), STEPS)
def test_the_next_step(
    why: str, status: dict[str, Any], view: dict[str, Any], twin: dict[str, Any] | None, step: PasswordStep | str | None
) -> None:
    seen = observed({"active": "Own"} | status, view, twin, TWO)
    assert step_of(seen) == step, why


ONE: list[tuple[str, dict[str, Any], dict[str, Any], PasswordStep | str | None]] = [
    ("the own user is in use", {}, {}, PasswordStep.UNITE),
    ("the second user's login before is still valid", BEFORE, {}, None),
    ("it is over: the second user goes as a whole", BEFORE, LOCK, PasswordStep.LOCKED),
    ("a turn is given up", {"turning_to": "Twin", "turn": "T"}, {}, PasswordStep.BEGIN),
    ("the second user is in use", {"active": "Twin"}, IS_DUE, PasswordStep.BEGIN),
    ("and the own user's login before is still valid", {"active": "Twin"} | BEFORE, IS_DUE, None),
    ("until it is over", {"active": "Twin"} | BEFORE, IS_DUE | LOCK, PasswordStep.BEGIN),
]


@pytest.mark.parametrize(("why", "status", "view", "step"), ONE)
def test_back_to_one_user(
    why: str, status: dict[str, Any], view: dict[str, Any], step: PasswordStep | str | None
) -> None:
    assert step_of(observed({"active": "Own"} | status, view, {}, {})) == step, why


def test_users_that_lack_something_do_not_change_places() -> None:
    assert step_of(observed({"active": "Own"}, IS_DUE, {}, TWO, trouble="waits for a database")) is None


def test_the_mounted_secret_of_the_second_user_waits_for_nothing_of_the_own_one() -> None:
    own = {"password": None}
    view = {"is_mounted": False}
    assert step_of(observed({"active": "Twin"}, view, {}, TWO, own=own)) is PasswordStep.MOUNT
    assert step_of(observed({"active": "Own"}, view | {"opens": False}, {}, TWO, own=own)) is PasswordStep.PREPARE


@pytest.mark.parametrize("side", ["Own", "Twin"])
def test_a_login_comes_first_where_one_is_asked_for(side: str) -> None:
    active = {"Own": "Twin", "Twin": "Own"}[side]
    view = {"leads_to": side, "is_mounted": False}
    for is_proven, step in ((False, None), (True, PasswordStep.MOUNT)):
        seen = observed({"active": active, "turning_to": side}, view, {"requested": None}, TWO)
        told = step_of(replace(seen, kept=KeptViews(ProbeView(is_proven=is_proven))))
        assert told == step


@pytest.mark.parametrize(("policy", "step"), [("Delete", PasswordStep.LOCKED), ("Retain", "lock T")])
def test_a_second_user_that_stays_in_the_cloud_gets_a_password_that_nobody_has(
    policy: str, step: PasswordStep | str
) -> None:
    assert step_of(observed({"active": "Own"} | BEFORE, LOCK, {}, {"deletionPolicy": policy})) == step


def test_the_login_before_ends_also_while_the_active_second_user_cannot_be_used() -> None:
    status = BEFORE | {"active": "Twin", "own_changed_for": "lock T"}
    assert step_of(observed(status, LOCK, {"is_ready": False}, TWO)) is PasswordStep.LOCKED
