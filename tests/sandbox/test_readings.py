"""Logs and metrics, and what stands in the way of a change."""

import time
from typing import Any

import httpx
import pytest

from managed_databases.sandbox.catalogue import catalogue_id
from managed_databases.sandbox.server import Sandbox
from managed_databases.sandbox.settings import Settings
from sandbox.account import Account, account_of, new_datastore, outcome


@pytest.fixture
async def mysql(account: Account) -> dict[str, Any]:
    """A datastore that was made long ago."""
    mysql = await account.make("datastores", new_datastore("mysql", "8"))
    await account.admin("edit", collection="datastores", id=mysql["id"], fields={"created_at": "2024-05-01T09:30:20"})
    return mysql


HOUR = "start=2024-05-01T10:00:00&end=2024-05-01T11:00:00"


async def test_readings_lie_between_start_and_end(account: Account, mysql: dict[str, Any]) -> None:
    path = f"/datastores/{mysql['id']}"
    (disk,) = await account.get(f"{path}/metrics?{HOUR}")
    assert [disk["values"][0][0], disk["values"][-1][0]] == ["2024-05-01T10:00:00", "2024-05-01T11:00:00"]
    assert len(disk["values"]) == 61
    (disk,) = await account.get(f"{path}/metrics?start=2001-01-01T00:00:00&end=2024-05-01T09:32:00%2B00:00")
    assert [moment for moment, _ in disk["values"]] == [f"2024-05-01T09:{minute}:00" for minute in (30, 31, 32)]
    assert await account.get(f"{path}/databases-metrics?{HOUR}") == []
    await account.make("databases", {"database": {"name": "shop", "datastore_id": mysql["id"]}})
    (sizes,) = await account.get(f"{path}/databases-metrics?{HOUR}")
    assert (sizes["database"], len(sizes["values"])) == ("shop", 61)


async def test_logs_are_chosen_and_limited(account: Account, mysql: dict[str, Any]) -> None:
    path = f"/datastores/{mysql['id']}/logs?{HOUR}"
    assert len(await account.get(path)) == 2 * 61
    lines = await account.get(f"{path}&job=mysql-slow&limit=3&ips={mysql['instances'][0]['ip']}")
    assert [line["timestamp"][-8:] for line in lines] == ["10:58:00", "10:59:00", "11:00:00"]
    assert {line["job"] for line in lines} == {"mysql-slow"}
    assert await account.get(f"{path}&ips=203.0.113.9") == []
    assert await account.get(f"{path}&databases=nothing") == []


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=0", "{'limit': '0 is less than the minimum of 1'}"),
        ("limit=many", "{'limit': \"'many' is not of type 'integer'\"}"),
        ("start=soon", "{'start': \"'soon' is not a 'date-time'\"}"),
    ],
)
async def test_what_a_reading_may_not_ask(query: str, message: str, account: Account, mysql: dict[str, Any]) -> None:
    answer = await account.call("GET", f"/datastores/{mysql['id']}/logs?{query}")
    assert answer.json()["error"]["message"] == f"Validation failure: {message}"


async def test_only_mysql_has_logs(account: Account, postgresql: dict[str, Any]) -> None:
    answer = await account.call("GET", f"/datastores/{postgresql['id']}/logs")
    assert (answer.status_code, answer.json()["error"]["message"]) == (
        400,
        "logs are not supported by PostgreSQL 16.",
    )


async def test_maintenance_refuses_changes(account: Account, postgresql: dict[str, Any]) -> None:
    edit = {"collection": "datastores", "id": postgresql["id"]}
    user = {"user": {"name": "u", "password": "p", "datastore_id": postgresql["id"]}}
    path = f"/datastores/{postgresql['id']}"
    await account.admin("edit", **edit, fields={"is_maintenance": True})
    assert [row["id"] for row in await account.get("/datastores?is_maintenance=true")] == [postgresql["id"]]
    for answer in (
        await account.call("POST", "/users", user),
        await account.call("PUT", path, {"datastore": {"name": "renamed"}}),
        await account.call("DELETE", path),
    ):
        assert (answer.status_code, answer.json()["error"]["message"]) == (
            409,
            f"datastore {postgresql['id']} is under maintenance.",
        )
    await account.admin("edit", **edit, fields={"is_maintenance": False})
    assert outcome(await account.call("POST", "/users", user)) == 201


async def test_a_slot_in_use_stays(account: Account, postgresql: dict[str, Any]) -> None:
    place = {"datastore_id": postgresql["id"]}
    database = await account.make("databases", {"database": place | {"name": "d"}})
    told = {"logical-replication-slot": place | {"name": "s", "database_id": database["id"]}}
    slot = await account.make("logical-replication-slots", told)
    path = f"/logical-replication-slots/{slot['id']}"
    for in_use, status in ((True, 409), (False, 204)):
        edit = {"collection": "logical-replication-slots", "id": slot["id"], "fields": {"in_use": in_use}}
        await account.admin("edit", **edit)
        listed = await account.get(f"/logical-replication-slots?in_use={str(in_use).lower()}")
        assert [row["id"] for row in listed] == [slot["id"]]
        assert (await account.call("DELETE", path)).status_code == status


async def test_a_needed_extension_stays(account: Account, postgresql: dict[str, Any]) -> None:
    place = {"datastore_id": postgresql["id"]}
    place["database_id"] = (await account.make("databases", {"database": place | {"name": "d"}}))["id"]
    made = {}
    for name in ("cube", "earthdistance"):
        told = place | {"available_extension_id": catalogue_id("available-extension", name)}
        made[name] = (await account.make("extensions", {"extension": told}))["id"]
    refused = await account.call("DELETE", f"/extensions/{made['cube']}")
    assert (refused.status_code, refused.json()["error"]["message"]) == (
        409,
        f"extension {made['cube']} is needed by earthdistance.",
    )
    assert (await account.call("DELETE", f"/extensions/{made['earthdistance']}")).status_code == 204
    await account.admin("complete")
    assert (await account.call("DELETE", f"/extensions/{made['cube']}")).status_code == 204


async def test_realistic_datastores_take_5_to_15_minutes_and_the_rest_does_not() -> None:
    sandbox = Sandbox(settings=Settings(realistic=True, manual=True))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox), base_url="http://sandbox.test") as http:
        account = await account_of(http)
        began = time.time()
        for _ in range(20):
            await account.call("POST", "/datastores", new_datastore())
        waits = [change["due"] - began for change in sandbox.store.table("changes").values()]
        assert len(waits) == 20
        assert all(300 <= wait <= 900 + 60 for wait in waits), waits
        assert max(waits) > min(waits)
        await account.admin("complete")
        (datastore, *_) = await account.get("/datastores")
        user = {"user": {"name": "u", "password": "p", "datastore_id": datastore["id"]}}
        await account.call("POST", "/users", user)
        (change,) = sandbox.store.table("changes").values()
        assert change["due"] - began < 300
