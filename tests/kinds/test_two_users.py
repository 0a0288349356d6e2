"""What the second user is called, what it has, and how long the login before stays valid."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from kinds.builders import seen_user
from managed_databases.kinds.database_user import KIND
from managed_databases.kinds.password_rotation import lock_date, rotated
from managed_databases.kinds.shared_fields import Rotated
from managed_databases.kinds.turns_view import Naming, PairView
from managed_databases.kinds.two_users import MAX_SECRET, needs_twin, twin_user, wanted_token
from managed_databases.kinds.user_rotation import UserRotation

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
TWO = {"rotation": {"strategy": "TwoUsers"}}


def owned(spec: dict[str, Any], *naming: Naming, **status: Any) -> dict[str, dict[str, Any]]:
    seen = seen_user(TWO | spec)
    seen = replace(seen, pair=PairView(naming=naming), status=seen.status.model_copy(update={"id": "1"} | status))
    return {f"{each.kind} {each.name}": dict(each.spec) for each in KIND.owned(seen)}


def test_the_second_user_has_what_the_first_one_has() -> None:
    spec = {
        "databases": [{"name": "shop"}],
        "roles": ["pg_read_all_data"],
        "settings": {"conn_limit": 5},
        "probe": True,
        "credentials": {"name": "login", "labels": {"a": "b"}},
        "deletionProtection": True,
    }
    made = owned(spec)
    assert made.keys() == {"DatabaseGrant app-shop", "DatabaseUser app-twin"}
    twin = made["DatabaseUser app-twin"]
    assert {field: twin[field] for field in ("databases", "roles", "settings", "probe", "deletionProtection")} == {
        field: spec[field] for field in ("databases", "roles", "settings", "probe", "deletionProtection")
    }
    assert (twin["name"], twin["secretName"], twin["adoption"]) == ("app_twin", "login-twin", "Never")
    assert twin["rotation"] is twin["credentials"] is twin["rolloutRestart"] is twin["passwordSecretRef"] is None


def test_rights_that_others_give_the_first_one_are_given_to_the_second_one() -> None:
    main = {"datastoreRef": {"name": "main"}}
    made = owned(
        {"databases": [{"name": "listed"}]},
        Naming("DatabaseGrant", "by-hand", main | {"databaseRef": {"name": "stock"}, "userRef": {"name": "app"}}),
        Naming("KafkaACL", "topics", main | {"patternType": "all", "allowRead": True, "userRef": {"name": "app"}}),
        Naming("ManagedDatabase", "owned", main | {"ownerRef": {"name": "app"}}),
        Naming("ManagedDatabase", "listed", main | {"ownerRef": {"name": "app"}}),
        Naming("ManagedDatabase", "stock", main | {"ownerRef": {"name": "app"}}),
        Naming("DatabaseGrant", "twice", main | {"databaseRef": {"name": "owned"}, "userRef": {"name": "app"}}),
    )
    further = [spec for name, spec in made.items() if name.split()[1].startswith("app-twin-")]
    assert all(spec["userRef"] == {"name": "app-twin"} for spec in further)
    assert [spec.get("databaseRef") for spec in further] == [{"name": "stock"}, None, {"name": "owned"}]
    assert (further[1]["patternType"], further[1]["allowRead"]) == ("all", True)


@pytest.mark.parametrize(
    ("why", "spec", "status"),
    [
        ("nobody asks for two", {"rotation": {"everyDays": 1}}, {}),
        ("it was there before the operator", {}, {"adopted": True}),
        ("the Secrets could have no names", {"secretName": "s" * (MAX_SECRET + 1)}, {}),
        ("there is no first one yet", {}, {"id": None}),
    ],
)
def test_there_is_no_second_user(why: str, spec: dict[str, Any], status: dict[str, Any]) -> None:
    assert owned(spec, **status) == {}, why


def test_names_that_the_api_takes() -> None:
    assert twin_user("app") == "app_twin"
    assert twin_user("a" * 27) == f"{'a' * 27}_twin"
    assert len(twin_user("a" * 28)) == 32
    assert twin_user("a" * 28) != twin_user("a" * 29)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [(None, 3600), ("0s", 0), ("0", 0), ("90s", 90), ("1h30m", 5400), ("2d", 172800), ("99999d", 365 * 86400)],
)
def test_durations(told: str | None, seconds: int) -> None:
    rotation = UserRotation.model_validate({"strategy": "TwoUsers"} | ({} if told is None else {"keepOldFor": told}))
    assert rotation.keeps_old == timedelta(seconds=seconds)


def test_a_strategy_is_one_of_two() -> None:
    with pytest.raises(ValidationError):
        UserRotation.model_validate({"strategy": "ThreeUsers"})


def test_the_end_of_the_login_before_follows_the_spec() -> None:
    before = Rotated(active="Twin", switched_at="2026-03-04T05:00:00Z", lock_at="2026-03-04T06:00:00Z")
    plan = UserRotation.model_validate({"strategy": "TwoUsers", "keepOldFor": "10m"})
    told = rotated(plan, before, asked=None, has_changed=False, now=NOW)
    assert told is not None
    assert told.lock_at == "2026-03-04T05:10:00Z"
    assert lock_date(plan, told) == datetime(2026, 3, 4, 5, 10, tzinfo=UTC)
    assert lock_date(plan, Rotated(active="Twin", switched_at="2026-03-04T05:00:00Z")) is None


@pytest.mark.parametrize(
    ("why", "told", "own", "twin"),
    [
        ("at rest", {"active": "Own", "turn": "T"}, None, None),
        ("a turn", {"active": "Own", "turn": "T", "turning_to": "Twin"}, None, "T"),
        ("a turn while the login before is valid", {"active": "Twin", "turn": "T", "turning_to": "Own", "lock_at": "L"}, "T", None),
        ("the end of one", {"active": "Own", "turn": "T", "lock_at": "L"}, None, "lock T"),
        ("the end of the other", {"active": "Twin", "turn": "T", "lock_at": "L"}, "lock T", None),
    ],
)  # fmt: skip
def test_only_the_user_that_nobody_uses_is_changed(
    why: str, told: dict[str, Any], own: str | None, twin: str | None
) -> None:
    rotation = Rotated.model_validate(told)
    assert (wanted_token(rotation, "Own"), wanted_token(rotation, "Twin")) == (own, twin), why


@pytest.mark.parametrize(
    ("why", "told", "wants_two", "needs"),
    [
        ("it is asked for", None, True, True),
        ("it is not", None, False, False),
        ("its login is in use", {"active": "Twin"}, False, True),
        ("its login was in use a while ago", {"active": "Own", "lock_at": "L"}, False, True),
        ("that is over", {"active": "Own"}, False, False),
    ],
)
def test_how_long_the_second_user_is_there(why: str, told: dict[str, Any] | None, wants_two: bool, needs: bool) -> None:
    rotation = None if told is None else Rotated.model_validate(told)
    assert needs_twin(rotation, wants_two=wants_two) is needs, why


def test_a_reference_that_names_its_own_namespace_is_the_same() -> None:
    main = {"datastoreRef": {"name": "main"}, "userRef": {"name": "app"}}
    seen = seen_user(TWO)
    databases = ({"name": "stock"}, {"name": "stock", "namespace": seen.namespace})
    made = [
        owned({}, *(Naming("DatabaseGrant", str(at), main | {"databaseRef": each}) for at, each in enumerate(order)))
        for order in (databases, databases[::-1], databases[:1])
    ]
    assert made[0] == made[1] == made[2]
    assert sum(name.startswith("DatabaseGrant") for name in made[0]) == 1
    other = Naming("DatabaseGrant", "other", main | {"databaseRef": {"name": "stock", "namespace": "elsewhere"}})
    assert any(spec.get("databaseRef") == other.spec["databaseRef"] for spec in owned({}, other).values())


def test_a_clock_that_was_set_back_keeps_no_login_for_long() -> None:
    ahead = Rotated(active="Twin", turn="T", switched_at="2036-03-04T05:06:07Z", lock_at="2036-03-04T06:06:07Z")
    told = rotated(UserRotation.model_validate(TWO["rotation"]), ahead, asked=None, has_changed=False, now=NOW)
    assert told is not None
    assert (told.switched_at, told.lock_at) == ("2026-03-04T05:06:07Z", "2026-03-04T06:06:07Z")
