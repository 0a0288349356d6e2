"""Roles and settings of users: what is sent, what is refused, and what is reset, by what the API offers."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from kinds.builders import MAIN, PROJECT, TYPES, parent, seen_user, uuid
from managed_databases.api.models import Role, User, UserSettingParameter
from managed_databases.api.secrets import WIRE
from managed_databases.kinds.database_user import KIND, ObservedUser
from managed_databases.kinds.database_user_spec import DatabaseUserStatus
from managed_databases.kinds.managed_datastore_spec import GuestRights
from managed_databases.kinds.observed import SpecRefused
from managed_databases.kinds.project_view import Catalogue, ProjectView
from managed_databases.kinds.verdicts import Change, Reason, Risk, Stall, Wait

READ, WRITE, OF_OTHERS, OF_ELSEWHERE = uuid(81), uuid(82), uuid(83), uuid(84)
PG = TYPES["postgresql 16"]
ROLES = (
    Role(id=READ, datastore_type_id=PG, name="pg_read_all_data"),
    Role(id=WRITE, datastore_type_id=PG, name="pg_write_all_data"),
    Role(id=OF_OTHERS, datastore_type_id=TYPES["postgresql 9"], name="old_only"),
)


def setting(name: str, type_: str, **fields: Any) -> UserSettingParameter:
    return UserSettingParameter(id=name, datastore_type_id=PG, name=name, type=type_, **fields)


SETTINGS = (
    setting("conn_limit", "int", min=-1, max=100),
    setting("login", "bool"),
    setting("search_path", "str", can_be_empty=False),
    setting("synchronous_commit", "str", choices=("on", "off", "local")),
    setting("hidden", "int", is_available_for_customer=False),
    setting("fixed", "int", is_changeable=False),
)


def project(**catalogue: Any) -> ProjectView:
    offered: dict[str, Any] = {"roles": ROLES, "user_settings": SETTINGS} | catalogue
    return replace(PROJECT, catalogue=replace(PROJECT.catalogue, **offered))


WITHOUT = project(roles=(), user_settings=())
UNREAD = project(roles=None, user_settings=None)


def user(**fields: Any) -> User:
    return User.model_validate({"id": uuid(60), "name": "app", "datastore_id": MAIN, "status": "ACTIVE"} | fields)


def seen(spec: dict[str, Any], status: dict[str, Any] | None = None, **fields: Any) -> ObservedUser:
    observed = seen_user(spec, **({"project": project()} | fields))
    return replace(observed, status=DatabaseUserStatus.model_validate(status or {}))


def sent_at_creation(observed: ObservedUser) -> dict[str, Any]:
    sent = KIND.body(observed, SecretStr("geheim")).model_dump(mode="json", exclude_unset=True, context=WIRE)
    return {name: sent[name] for name in sent if name not in ("name", "datastore_id", "password")}


def changes(observed: ObservedUser) -> tuple[list[Change], Stall | Wait | None]:
    found: list[Change] = []
    try:
        found.extend(KIND.changes(observed))
    except SpecRefused as refused:
        return found, refused.verdict
    return found, None


def test_the_post_carries_ids_and_typed_values() -> None:
    spec = {
        "roles": ["pg_write_all_data", "pg_read_all_data"],
        "settings": {"conn_limit": "20", "login": "on", "synchronous_commit": False},
    }
    assert sent_at_creation(seen(spec)) == {
        "roles": [READ, WRITE],
        "settings": {"conn_limit": 20, "login": True, "synchronous_commit": "off"},
    }


@pytest.mark.parametrize("spec", [{}, {"roles": []}, {"settings": {}}])
def test_without_them_nothing_more_is_sent(spec: dict[str, Any]) -> None:
    for offered in (project(), WITHOUT, UNREAD):
        assert sent_at_creation(seen(spec, project=offered)) == {}
        assert changes(seen(spec, project=offered, external=user())) == ([], None)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"roles": ["pg_reed_all_data"]}, "roles: the API offers no role pg_reed_all_data; on offer: pg_read_all_data"),
        ({"roles": ["old_only"]}, "the API offers no role old_only"),
        ({"settings": {"con_limit": 1}}, "settings.con_limit: the API has no such setting; did you mean conn_limit?"),
        ({"settings": {"conn_limit": 101}}, "settings.conn_limit: at most 100"),
        ({"settings": {"conn_limit": -2}}, "settings.conn_limit: at least -1"),
        ({"settings": {"conn_limit": "many"}}, "settings.conn_limit: must be an integer"),
        ({"settings": {"synchronous_commit": "remote"}}, "settings.synchronous_commit: choose one of on, off, local"),
        ({"settings": {"search_path": ""}}, "settings.search_path: must not be"),
        ({"settings": {"hidden": 1}}, "settings.hidden: the provider does not let this parameter be set"),
        ({"settings": {"fixed": 1}}, "settings.fixed: the provider does not let this parameter be set"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_made(spec: dict[str, Any], told: str) -> None:
    with pytest.raises(SpecRefused) as refused:
        KIND.body(seen(spec), None)
    assert refused.value.verdict.reason is Reason.INVALID_SPEC
    assert told in refused.value.verdict.message
    assert changes(seen(spec, external=user(roles=[], settings={})))[0] == []


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(SpecRefused) as refused:
        KIND.body(seen({"roles": ["x"], "settings": {"conn_limit": 101, "login": "maybe"}}), None)
    assert all(name in refused.value.verdict.message for name in ("role x", "conn_limit", "login"))


@pytest.mark.parametrize("engine", ["mysql 8", "kafka 3"])
def test_only_postgresql_has_them(engine: str) -> None:
    for spec in ({"roles": ["pg_read_all_data"]}, {"settings": {"conn_limit": 1}}):
        with pytest.raises(SpecRefused, match="only in a datastore of postgresql"):
            KIND.body(seen(spec, refs={"datastoreRef": parent(engine)}), None)


def test_where_the_api_has_none_the_rest_of_the_user_works() -> None:
    spec = {"roles": ["pg_read_all_data"], "settings": {"conn_limit": 1}}
    assert sent_at_creation(seen(spec, project=WITHOUT)) == {}
    found, verdict = changes(seen(spec, project=WITHOUT, external=user()))
    assert found == []
    assert isinstance(verdict, Stall)
    assert verdict.reason is Reason.NOT_SUPPORTED
    assert "roles: the API offers no roles" in verdict.message
    assert "settings: the API offers no settings" in verdict.message


def test_what_one_section_lacks_does_not_hold_up_the_other() -> None:
    spec = {"roles": ["pg_read_all_data"], "settings": {"conn_limit": 1}}
    only_settings = project(roles=())
    assert sent_at_creation(seen(spec, project=only_settings)) == {"settings": {"conn_limit": 1}}
    found, verdict = changes(seen(spec, project=only_settings, external=user(settings={})))
    assert [change.call.operation for change in found] == ["users.settings"]
    assert verdict is not None
    assert verdict.reason is Reason.NOT_SUPPORTED


def test_a_creation_waits_until_the_offers_are_read() -> None:
    for spec in ({"roles": ["pg_read_all_data"]}, {"settings": {"conn_limit": 1}}):
        observed = seen(spec, project=UNREAD)
        assert KIND.needs_user_offers(observed)
        with pytest.raises(SpecRefused) as refused:
            KIND.body(observed, None)
        assert isinstance(refused.value.verdict, Wait)
        assert refused.value.verdict.reason is Reason.LOOKING


def test_who_needs_the_offers() -> None:
    assert not KIND.needs_user_offers(seen({}))
    assert KIND.needs_user_offers(seen({}, {"managed": ["roles.pg_read_all_data"]})), "to reset them"
    assert KIND.needs_user_offers(seen({}, {"applying": {"settings.login": "1"}}))


@pytest.mark.parametrize(
    ("wanted", "actual", "sent", "risk"),
    [
        (["pg_read_all_data"], [], [READ], Risk.ONLINE),
        (["pg_read_all_data", "pg_write_all_data"], [READ], [READ, WRITE], Risk.ONLINE),
        (["pg_read_all_data"], [READ, WRITE], [READ], Risk.RESTART),
        (["pg_read_all_data"], [WRITE], [READ], Risk.RESTART),
        ([], [READ], [], Risk.RESTART),
        (["pg_write_all_data", "pg_read_all_data"], [READ, WRITE], None, None),
        ([], [], None, None),
        (["pg_read_all_data"], None, None, None),
    ],
)
def test_roles_become_those_of_the_spec(
    wanted: list[str], actual: list[str] | None, sent: list[str] | None, risk: Risk | None
) -> None:
    told = {} if actual is None else {"roles": actual}
    found, verdict = changes(seen({"roles": wanted}, external=user(**told)))
    assert verdict is None
    assert [change.call.body.model_dump() for change in found if change.call.body] == (
        [] if sent is None else [{"roles": tuple(sent)}]
    )
    assert [change.risk for change in found] == ([] if risk is None else [risk])
    names = {READ: "roles.pg_read_all_data", WRITE: "roles.pg_write_all_data"}
    given = tuple(names[id_] for id_ in sent or () if id_ not in (actual or ()))
    taken = tuple(names[id_] for id_ in actual or () if id_ not in (sent or ()))
    assert [(change.manages, change.unmanages) for change in found] == ([] if sent is None else [(given, taken)])


def test_settings_that_differ_are_sent_and_no_others() -> None:
    spec = {"settings": {"conn_limit": 20, "login": "true"}}
    found, _ = changes(seen(spec, external=user(settings={"login": True, "synchronous_commit": "off"})))
    (change,) = found
    assert change.call.body is not None
    assert change.call.body.model_dump() == {"settings": {"conn_limit": 20}}
    assert change.manages == ("settings.conn_limit",)
    assert change.risk is Risk.ONLINE


def test_to_forbid_the_login_interrupts() -> None:
    ((change,), _) = changes(seen({"settings": {"login": "false"}}, external=user(settings={})))
    assert change.risk is Risk.RESTART


def test_an_invalid_setting_holds_up_no_other() -> None:
    found, verdict = changes(
        seen({"settings": {"conn_limit": 20, "login": "maybe"}}, external=user(settings={}, roles=[]))
    )
    assert [change.manages for change in found] == [("settings.conn_limit",)]
    assert verdict is not None
    assert verdict.reason is Reason.INVALID_SPEC


def test_only_what_the_operator_has_set_is_reset() -> None:
    actual = user(roles=[READ], settings={"conn_limit": 20, "login": True})
    assert changes(seen({}, external=actual)) == ([], None)
    given = {"managed": ["roles.pg_read_all_data", "settings.conn_limit"]}
    found, verdict = changes(seen({}, given, external=actual))
    assert verdict is None
    assert [change.reason for change in found] == [Reason.RESETTING] * 2
    assert [change.call.body.model_dump() for change in found if change.call.body] == [
        {"roles": ()},
        {"settings": {"conn_limit": None}},
    ]
    assert [change.unmanages for change in found] == [("roles.pg_read_all_data",), ("settings.conn_limit",)]


@pytest.mark.parametrize(
    ("given", "has", "left"),
    [
        (["roles.pg_write_all_data"], [READ, WRITE], (READ,)),
        (["roles.pg_write_all_data"], [OF_ELSEWHERE, WRITE], (OF_ELSEWHERE,)),
        (["roles.pg_write_all_data"], [READ], None),
        (["roles.no_longer_on_offer"], [READ], None),
    ],
)
def test_roles_of_other_hands_stay(given: list[str], has: list[str], left: tuple[str, ...] | None) -> None:
    found, verdict = changes(seen({}, {"managed": given}, external=user(roles=has)))
    assert verdict is None
    assert [change.call.body.model_dump() for change in found if change.call.body] == (
        [] if left is None else [{"roles": left}]
    )


def test_a_value_is_ours_once_the_cloud_shows_what_was_sent() -> None:
    spec = {"roles": ["pg_read_all_data"], "settings": {"conn_limit": "20"}}
    sent = dict(KIND.wanted_values(seen(spec)))
    assert set(sent) == {"roles.pg_read_all_data", "settings.conn_limit"}
    there = user(roles=[READ], settings={"conn_limit": 20})
    assert KIND.actual_values(seen(spec, external=there)) == sent
    found, _ = changes(seen({}, {"applying": sent}, external=there))
    assert len(found) == 2, "both are reset: the cloud has what was sent"
    assert changes(seen({}, {"applying": sent}, external=user(roles=[WRITE], settings={"conn_limit": 7}))) == ([], None)


def test_what_was_sent_is_still_wanted_while_the_offers_are_unread() -> None:
    sent = {"roles.pg_read_all_data": "aaa", "settings.conn_limit": "bbb"}
    spec = {"roles": ["pg_read_all_data"], "settings": {"conn_limit": 20}}
    assert KIND.wanted_values(seen(spec, {"applying": sent}, project=UNREAD)) == sent


def test_roles_are_told_as_ids_or_whole() -> None:
    assert user(roles=[{"id": READ, "name": "pg_read_all_data"}]).roles == (READ,) == user(roles=[READ]).roles


def test_what_the_api_does_not_tell_is_reported() -> None:
    spec = {"roles": ["pg_read_all_data"], "settings": {"conn_limit": 1}}
    _, reason, message = KIND.conditions(seen(spec, external=user()))["NotTold"]
    assert reason is Reason.NOT_TOLD
    assert "roles, settings" in message
    assert not KIND.conditions(seen(spec, external=user(roles=[], settings={})))
    assert not KIND.conditions(seen(spec, external=user(), project=WITHOUT)), "NotSupported says it"


@pytest.mark.parametrize(
    ("granted", "may"), [((), False), (("pg_write_all_data",), False), (("pg_read_all_data",), True)]
)
def test_a_guest_has_the_roles_that_the_owner_lets_it_have(granted: tuple[str, ...], may: bool) -> None:
    datastore = replace(parent(), guest=GuestRights(namespace="shop", roles=granted))
    observed = seen({"roles": ["pg_read_all_data"]}, refs={"datastoreRef": datastore})
    if may:
        assert sent_at_creation(observed) == {"roles": [READ]}
        return
    with pytest.raises(SpecRefused) as refused:
        KIND.body(observed, None)
    assert refused.value.verdict.reason is Reason.FORBIDDEN
    assert "pg_read_all_data" in refused.value.verdict.message


def test_the_catalogue_is_optional() -> None:
    nothing = replace(seen({"roles": ["pg_read_all_data"]}), project=None)
    assert KIND.wanted_values(nothing) == {}
    assert not KIND.conditions(nothing)
    assert Catalogue().roles is None
