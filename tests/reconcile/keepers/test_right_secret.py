"""Which Secret those who work beside the passes use: only one whose password is the cloud's, for certain."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from kinds.builders import MAIN
from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.observed import Observed, Presence
from managed_databases.kinds.verdicts import Reason, Stall
from managed_databases.reconcile.keepers.right_secret import (
    RightSecret,
    as_mounted,
    next_secret,
    right_secret,
    serves,
)
from managed_databases.reconcile.observe.current_pass import Pass
from reconcile.act.recording import Stage
from reconcile.fake_cache import FakeCache, resource
from reconcile.two_users import OWN_PASSWORD, THERE, paired

APP = resource("DatabaseUser", "app", spec={"datastoreRef": {"name": "main"}}, id_=THERE.id, inside=MAIN)
TOPIC = resource("KafkaTopic", "app", spec={"datastoreRef": {"name": "main"}}, id_=THERE.id, inside=MAIN)
OTHER = SecretStr("another password")
TAKEN = Stall(Reason.SECRET_CONFLICT, "the Secret is somebody else's")


class Watched(FakeCache):
    """Has seen a version of each Secret."""

    def secret_version(self, namespace: str, name: str) -> str | None:
        return f"seen of {namespace}/{name}"


def pass_of(seen: Observed | None = None, **view: Any) -> Pass:
    """A pass at a user with these passwords; or, with `seen`, one that has observed that."""
    stage = Stage(APP, external=THERE, credential=PasswordView(**{"password": OWN_PASSWORD} | view))
    if seen is not None:
        stage.current.observed = seen
    return stage.current


def in_doubt(current: Pass) -> Pass:
    status = current.observed.status.model_copy(update={"password_unconfirmed": True})
    current.observed = replace(current.observed, status=status)
    return current


@pytest.mark.parametrize(
    ("why", "phase", "presence", "expected"),
    [
        ("it serves", "ACTIVE", Presence(), True),
        ("with less than all", "DEGRADED", Presence(), True),
        ("nobody says that it does not", None, Presence(), True),
        ("it is changed just now", "PENDING_UPDATE", Presence(), False),
        ("it is on its way out", "PENDING_DELETE", Presence(), False),
        ("it is broken", "ERROR", Presence(), False),
        ("it is another resource's", "ACTIVE", Presence(holder="DatabaseUser other/app"), False),
    ],
)
def test_whether_it_serves(why: str, phase: str | None, presence: Presence, expected: bool) -> None:
    current = pass_of()
    there = THERE.model_copy(update={"status": phase})
    current.observed = replace(current.observed, external=there, presence=presence)
    assert serves(current) is expected, why


def test_what_is_not_seen_does_not_serve() -> None:
    current = pass_of()
    current.observed = replace(current.observed, external=None)
    assert not serves(current)


def test_nothing_serves_without_a_project() -> None:
    there = pass_of()
    assert serves(there)
    alone = Pass(
        resource=there.resource,
        kind=there.kind,
        observed=there.observed,
        context=there.context,
        checks=there.checks,
    )
    assert not serves(alone)


RIGHT = RightSecret("app-user", "password", "7")
SEEN = RIGHT._replace(version="seen of home/app-user")
READ: dict[str, Any] = {"versions": ("7", None)}


@pytest.mark.parametrize(
    ("why", "view", "expected"),
    [
        ("it is as it should be", READ, RIGHT),
        ("it was right before, and is not read again", {}, SEEN),
        ("it was looked at by the version of the pending one only", {"versions": (None, "7")}, SEEN),
        ("it has no password", READ | {"password": None}, None),
        ("a change is under way", READ | {"pending": OTHER}, None),
        ("it cannot be used", READ | {"problem": TAKEN}, None),
        ("it is not what it should be", READ | {"outdated": True}, None),
        ("nothing vouches for its password", READ | {"is_unvouched": True}, None),
        ("but the API has just accepted it", READ | {"is_unvouched": True, "confirmed": True}, RIGHT),
        ("somebody has put an older one back", READ | {"is_set_back": True}, None),
        ("a change that cannot begin changes nothing", READ | {"no_change": TAKEN}, RIGHT),
    ],
)  # fmt: skip
def test_the_secret_of_one_user(why: str, view: Mapping[str, Any], expected: RightSecret | None) -> None:
    assert right_secret(pass_of(**view), Watched()) == expected, why


def test_a_password_that_the_status_doubts_has_to_be_confirmed() -> None:
    assert right_secret(in_doubt(pass_of(**READ)), Watched()) is None
    assert right_secret(in_doubt(pass_of(**READ, confirmed=True)), Watched()) == RIGHT


def test_a_secret_of_another_name_is_that_one() -> None:
    named = replace(APP, spec={**APP.spec, "secretName": "login"})
    current = Stage(named, external=THERE, credential=PasswordView(password=OWN_PASSWORD)).current
    assert right_secret(current, Watched()) == RightSecret("login", "password", "seen of home/login")


def test_without_a_look_at_secrets_there_is_none() -> None:
    assert right_secret(Stage(APP, external=THERE).current, Watched()) is None
    assert right_secret(Stage(TOPIC, credential=PasswordView(password=OWN_PASSWORD)).current, Watched()) is None


MOUNTED = {"version": "9", "user": "app_twin"}


@pytest.mark.parametrize(
    ("why", "told", "turns", "expected"),
    [
        ("it has the own user's login", {}, MOUNTED, "9"),
        ("it has the second one's", {"active": "Twin"}, MOUNTED, "9"),
        ("nobody knows whether that opens", {}, MOUNTED | {"opens": False}, None),
        ("it has not got it", {}, MOUNTED | {"is_mounted": False}, None),
        ("nor is any other version as good", {}, {"version": None}, "none"),
    ],
)
def test_the_mounted_secret_of_two_users(
    why: str, told: dict[str, Any], turns: dict[str, Any], expected: str | None
) -> None:
    found = right_secret(pass_of(paired(told, turns)), Watched())
    if expected is None:
        assert found is None, why
    else:
        assert found == RightSecret("app-user", "password", None if expected == "none" else expected), why


def test_what_the_own_user_waits_for_does_not_matter_to_the_mounted_secret() -> None:
    seen = paired({"active": "Twin"}, MOUNTED)
    assert seen.credential is not None
    seen = replace(seen, credential=replace(seen.credential, password=None, pending=OTHER, outdated=True))
    assert right_secret(pass_of(seen), Watched()) == RightSecret("app-user", "password", "9")


@pytest.mark.parametrize(
    ("why", "seen", "login_as"),
    [
        ("the Secret has the second user's login", paired({"active": "Twin"}, MOUNTED), "app_twin"),
        ("whose name in the cloud is not known yet", paired({"active": "Twin"}), None),
        ("there is one user", replace(paired(), credential=PasswordView(password=OWN_PASSWORD)), None),
        ("no Secret was looked at", replace(paired(), credential=None), None),
    ],
)
def test_as_whom_the_secret_logs_in(why: str, seen: Observed, login_as: str | None) -> None:
    mounted = as_mounted(seen)
    assert mounted.pair.login_as == login_as, why
    assert replace(mounted, pair=seen.pair) == seen, "nothing else is changed"
    assert mounted.pair.twin == seen.pair.twin


TURN, SOURCE = {"turning_to": "Twin"}, {"leads_to": "Twin", "source": ("app-user-twin", "4")}


@pytest.mark.parametrize(
    ("why", "told", "turns", "is_there"),
    [
        ("its turn is next", TURN, SOURCE, True),
        ("nobody knows whether it opens", TURN, SOURCE | {"opens": False}, False),
        ("its Secret was not read", TURN, {"leads_to": "Twin"}, False),
        ("no turn is under way", {}, SOURCE, False),
        ("the mounted Secret keeps the login before", TURN, SOURCE | {"leads_to": "Own"}, False),
    ],
)
def test_the_secret_of_the_one_whose_turn_is_next(
    why: str, told: dict[str, Any], turns: dict[str, Any], is_there: bool
) -> None:
    expected = RightSecret("app-user-twin", "password", "4") if is_there else None
    assert next_secret(pass_of(paired(told, turns))) == expected, why


@pytest.mark.parametrize(
    ("why", "changes"),
    [
        ("no Secret was looked at", {"credential": None}),
        ("there is one user", {"credential": PasswordView(password=OWN_PASSWORD)}),
        ("the status knows of no turns", {"status": paired().status.model_copy(update={"rotation": None})}),
    ],
)
def test_nobody_is_next(why: str, changes: dict[str, Any]) -> None:
    assert next_secret(pass_of(replace(paired(TURN, SOURCE), **changes))) is None, why
