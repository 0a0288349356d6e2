"""Roles and settings of users: there by a setting, and as unknown as on an older cloud without it."""

from typing import Any

import pytest

from managed_databases.sandbox.catalogue import type_id
from sandbox.account import NOWHERE, Account, new_datastore

PATHS: list[tuple[str, str, Any]] = [
    ("GET", "/roles", None),
    ("GET", "/user-setting-parameters", None),
    ("GET", f"/user-setting-parameters/{NOWHERE}", None),
    ("PUT", f"/users/{NOWHERE}/roles", {"roles": []}),
    ("PUT", f"/users/{NOWHERE}/settings", {"settings": {"login": True}}),
]


@pytest.fixture
async def offers(account: Account) -> Account:
    await account.admin("settings", user_offers=True)
    return account


def new_user(datastore: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"user": {"name": "app", "password": "secret", "datastore_id": datastore["id"], **fields}}


async def role(account: Account, name: str, engine: str = "16") -> str:
    (found,) = await account.get(f"/roles?name={name}&datastore_type_id={type_id('postgresql', engine)}")
    return str(found["id"])


@pytest.mark.parametrize(("method", "path", "body"), PATHS, ids=[f"{method} {path}" for method, path, _ in PATHS])
async def test_an_older_cloud_does_not_know_them(method: str, path: str, body: Any, account: Account) -> None:
    answer = await account.call(method, path, body)
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == "The requested URL was not found on the server."


async def test_an_older_cloud_takes_no_user_with_them(account: Account, postgresql: dict[str, Any]) -> None:
    answer = await account.call("POST", "/users", new_user(postgresql, roles=[], settings={}))
    assert answer.status_code == 400
    assert "('roles', 'settings' were unexpected)" in answer.json()["error"]["message"]
    made = await account.make("users", new_user(postgresql))
    assert not {"roles", "settings"} & made.keys()


async def test_offers_are_filtered_by_the_datastore(
    offers: Account, postgresql: dict[str, Any], kafka: dict[str, Any]
) -> None:
    found = await offers.get(f"/roles?datastore_id={postgresql['id']}")
    assert {row["name"] for row in found} == {"pg_read_all_data", "pg_write_all_data"}
    assert {row["datastore_type_id"] for row in found} == {type_id("postgresql", "16")}
    assert await offers.get(f"/roles?datastore_type_id={type_id('postgresql', '13')}") == []
    for nothing in (kafka["id"], NOWHERE, "x"):
        assert await offers.get(f"/user-setting-parameters?datastore_id={nothing}") == []
    (limit,) = await offers.get(f"/user-setting-parameters?datastore_id={postgresql['id']}&name=conn_limit")
    assert await offers.get(f"/user-setting-parameters/{limit['id']}") == limit
    assert (await offers.call("GET", f"/user-setting-parameters/{NOWHERE}")).json()["error"]["message"] == (
        f"usersettingparameter {NOWHERE} not found."
    )


async def test_a_user_has_roles_and_settings_from_the_beginning(offers: Account, postgresql: dict[str, Any]) -> None:
    read = await role(offers, "pg_read_all_data")
    made = await offers.make("users", new_user(postgresql, roles=[read], settings={"conn_limit": 5}))
    assert (made["roles"], made["settings"]) == ([read], {"conn_limit": 5})
    plain = await offers.make("users", new_user(postgresql) | {"user": new_user(postgresql)["user"] | {"name": "b"}})
    assert (plain["roles"], plain["settings"]) == ([], {})


async def test_changes_show_at_their_end(offers: Account, postgresql: dict[str, Any]) -> None:
    made = await offers.make("users", new_user(postgresql, settings={"login": True, "conn_limit": 5}))
    path, write = f"/users/{made['id']}", await role(offers, "pg_write_all_data")
    changing = (await offers.call("PUT", f"{path}/roles", {"roles": [write]})).json()["user"]
    assert (changing["status"], changing["roles"]) == ("PENDING_UPDATE", [])
    assert (await offers.call("PUT", f"{path}/settings", {"settings": {"login": False}})).status_code == 409
    await offers.admin("complete")
    await offers.call("PUT", f"{path}/settings", {"settings": {"login": None, "statement_timeout": 5000}})
    await offers.admin("complete")
    changed = await offers.get(path)
    assert (changed["roles"], changed["settings"]) == ([write], {"conn_limit": 5, "statement_timeout": 5000})
    await offers.call("PUT", f"{path}/roles", {"roles": []})
    await offers.admin("complete")
    assert (await offers.get(path))["roles"] == []


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"con_limit": 1}, "no such setting"),
        ({"conn_limit": "1"}, "is not of type 'int'"),
        ({"conn_limit": True}, "is not of type 'int'"),
        ({"conn_limit": -2}, "is not from -1"),
        ({"synchronous_commit": "maybe"}, "is not one of"),
    ],
)
async def test_settings_that_are_refused(
    settings: dict[str, Any], told: str, offers: Account, postgresql: dict[str, Any]
) -> None:
    answer = await offers.call("POST", "/users", new_user(postgresql, settings=settings))
    assert answer.status_code == 400
    assert told in answer.json()["error"]["message"]
    made = await offers.make("users", new_user(postgresql))
    answer = await offers.call("PUT", f"/users/{made['id']}/settings", {"settings": settings})
    assert answer.status_code == 400
    assert told in answer.json()["error"]["message"]


async def test_roles_of_another_version_and_engine_are_refused(
    offers: Account, postgresql: dict[str, Any], kafka: dict[str, Any]
) -> None:
    other = await role(offers, "pg_read_all_data", "17")
    for unknown in (other, NOWHERE):
        answer = await offers.call("POST", "/users", new_user(postgresql, roles=[unknown]))
        assert (answer.status_code, answer.json()["error"]["message"]) == (404, f"role {unknown} not found.")
    assert (await offers.call("POST", "/users", new_user(kafka, roles=[]))).status_code == 400
    assert (await offers.call("POST", "/users", new_user(await mysql(offers), settings={}))).status_code == 400


async def mysql(account: Account) -> dict[str, Any]:
    return await account.make("datastores", new_datastore("mysql", "8"))
