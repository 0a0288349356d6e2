"""Grants and access rules that a user's spec lists."""

from dataclasses import replace

import pytest

from kinds.builders import seen_user
from managed_databases.kinds.database_user import KIND
from managed_databases.kinds.inline_grants import MAX_NAME_LENGTH
from managed_databases.kinds.registry import kinds

OWNED = KIND.owned


def test_a_user_without_lists_owns_nothing() -> None:
    assert OWNED(seen_user({})) == ()


def test_each_database_becomes_a_grant_and_each_access_an_acl() -> None:
    access = {"patternType": "prefixed", "pattern": "orders.", "allowRead": True}
    owned = OWNED(seen_user({"databases": [{"name": "shop"}], "access": [access], "deletionPolicy": "Retain"}))
    grant, acl = owned
    assert (grant.kind, grant.name) == ("DatabaseGrant", "app-shop")
    assert grant.spec["databaseRef"] == {"name": "shop"}
    assert grant.spec["userRef"] == {"name": "app"}
    assert grant.spec["deletionPolicy"] == "Retain"
    assert acl.kind == "KafkaACL"
    assert acl.spec["pattern"] == "orders."
    assert acl.spec["allowWrite"] is False


@pytest.mark.parametrize("protection", [None, True, False])
def test_what_is_owned_is_protected_as_its_user(protection: bool | None) -> None:
    spec = {"databases": [{"name": "shop"}], "access": [{"patternType": "all", "allowRead": True}]}
    for owned in OWNED(seen_user(spec | {"deletionProtection": protection})):
        assert owned.spec["deletionProtection"] is protection


def test_what_is_owned_fits_the_models_of_its_kind() -> None:
    access = [{"patternType": "all", "allowWrite": True}, {"patternType": "literal", "pattern": "a", "allowRead": True}]
    for owned in OWNED(seen_user({"databases": [{"name": "shop"}], "access": access})):
        kinds()[owned.kind].spec.model_validate(owned.spec)


@pytest.mark.parametrize("length", [1, 190, 253])
def test_names_stay_within_the_limit_and_apart(length: int) -> None:
    databases = [{"name": "d" * length}, {"name": "d" * (length - 1) + "e"}]
    names = {owned.name for owned in OWNED(seen_user({"databases": databases}))}
    assert len(names) == 2
    assert all(len(name) <= MAX_NAME_LENGTH for name in names)


def test_entries_for_one_pattern_are_united() -> None:
    read, write = ({"patternType": "literal", "pattern": "a", right: True} for right in ("allowRead", "allowWrite"))
    for access in ([read, write], [write, read], [read, read, write]):
        (acl,) = OWNED(seen_user({"access": access}))
        assert (acl.spec["allowRead"], acl.spec["allowWrite"]) == (True, True)
    assert len(OWNED(seen_user({"databases": [{"name": "shop"}, {"name": "shop"}]}))) == 1


def test_grants_of_two_users_never_have_one_name() -> None:
    said = [("app", "main-ro"), ("app-main", "ro"), ("app", "main"), ("app-main-ro", "x"), ("app-main", "ro-x")]
    observed = {about: seen_user({"databases": [{"name": about}]}) for _, about in said}
    names = [OWNED(replace(observed[about], name=user))[0].name for user, about in said]
    assert len({*names}) == len(said)
