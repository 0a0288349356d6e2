"""Where two users take turns, Ready says whether the mounted Secret opens, whatever the own user waits for."""

from dataclasses import replace
from typing import Any

import pytest

from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.observed import Observed
from managed_databases.kinds.turns_view import ALONE
from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.reconcile.report.paired import paired_ready, probes_next
from managed_databases.reconcile.statuses.conditions import Saying
from reconcile.two_users import THERE, paired

WAITS = Wait(Reason.ROTATING, "a user gets a new password")
USABLE: Saying = (True, Reason.READY, "usable")
NOT_YET: Saying = (False, WAITS.reason, WAITS.message)
TAKEN = Stall(Reason.SECRET_CONFLICT, "the Secret is somebody else's")
REFUSED: Saying = (False, TAKEN.reason, TAKEN.message)
TWIN = {"active": "Twin"}
TURN = {"active": "Own", "turning_to": "Twin"}
NEXT = {"leads_to": "Twin", "is_mounted": False}


@pytest.mark.parametrize(
    ("why", "told", "turns", "twin", "was_ready", "ready"),
    [
        ("the own user is in use: Ready follows from it", {}, {}, {}, True, None),
        ("also if its password is in doubt", {}, {"opens": False, "is_mounted": False}, {}, True, None),
        ("its login is not in the mounted Secret", {}, {"is_mounted": False}, {}, True, NOT_YET),
        ("the Secret cannot be written", {}, {"problem": TAKEN}, {}, True, REFUSED),
        ("nor for the second user", TWIN, {"problem": TAKEN}, {}, True, REFUSED),
        ("nor in a turn", TURN, NEXT | {"problem": TAKEN, "has_active": True}, {}, True, REFUSED),
        ("the second user is in use", TWIN, {}, {}, False, USABLE),
        ("and is not usable", TWIN, {}, {"is_ready": False}, True, NOT_YET),
        ("or its password is in doubt", TWIN, {"opens": False}, {}, True, NOT_YET),
        ("or its login is not mounted", TWIN, {"is_mounted": False}, {}, True, NOT_YET),
        ("nothing of all that is so", TWIN, {"opens": False, "is_mounted": False}, {}, True, NOT_YET),
        ("in a turn the login before opens still", TURN, NEXT | {"has_active": True}, {}, False, USABLE),
        ("it did until now", TURN, NEXT, {}, True, USABLE),
        ("nobody knows whether it does", TURN, NEXT, {}, False, NOT_YET),
        ("the own user's turn comes", TWIN | {"turning_to": "Own"}, {"leads_to": "Own"}, {}, True, USABLE),
        ("for which the second user need not be well", TWIN, {"leads_to": "Own"}, {"is_ready": False}, True, USABLE),
    ],
)
def test_ready(
    why: str, told: dict[str, Any], turns: dict[str, Any], twin: dict[str, Any], was_ready: bool, ready: Saying | None
) -> None:
    assert paired_ready(paired(told, turns, twin), WAITS, was_ready=was_ready) == ready, why


def test_without_a_second_user_its_login_is_not_usable() -> None:
    assert paired_ready(replace(paired(TWIN), pair=ALONE), WAITS, was_ready=True) == NOT_YET


@pytest.mark.parametrize(
    ("phase", "is_said"),
    [
        ("ACTIVE", True),
        ("DEGRADED", True),
        ("PENDING_UPDATE", True),
        ("RESIZING", True),
        (None, True),
        ("PENDING_DELETE", False),
        ("ERROR", False),
        ("DOWN", False),
        ("DISK_FULL", False),
    ],
)
def test_the_own_user_has_to_be_there(phase: str | None, is_said: bool) -> None:
    seen = paired(TWIN, external=THERE.model_copy(update={"status": phase}))
    assert paired_ready(seen, WAITS, was_ready=True) == (USABLE if is_said else None)


ONE_USER = paired().status.model_copy(update={"rotation": None})


@pytest.mark.parametrize(
    ("why", "seen"),
    [
        ("its object is not seen", paired(TWIN, external=None)),
        ("another resource has its object", paired(TWIN, holder="DatabaseUser other/app")),
        ("no Secret was looked at", replace(paired(TWIN), credential=None)),
        ("nothing is known of the mounted one", replace(paired(TWIN), credential=PasswordView())),
        ("the status says nothing of turns", replace(paired(TWIN), status=ONE_USER)),
        ("nor whose turn it is", paired({"active": None}, {"leads_to": "Twin"})),
    ],
)
def test_where_it_follows_from_the_own_user_alone(why: str, seen: Observed) -> None:
    assert paired_ready(seen, WAITS, was_ready=True) is None, why


@pytest.mark.parametrize(
    ("why", "seen", "expected"),
    [
        ("the mounted Secret has the active user's login", paired(), False),
        ("so it is with the second one", paired(TWIN), False),
        ("a turn has begun, and its user has no password yet", paired(TURN), False),
        ("it has one", paired(TURN, NEXT), True),
        ("no Secret was looked at", replace(paired(TURN, NEXT), credential=None), False),
        ("there is one user", replace(paired(TURN, NEXT), credential=PasswordView()), False),
        ("the status does not say so yet", replace(paired(TURN, NEXT), status=ONE_USER), False),
    ],
)
def test_as_whom_the_operator_logs_in(why: str, seen: Observed, expected: bool) -> None:
    assert probes_next(seen) is expected, why
