"""What becomes of objects: pending, busy, active, gone; and the actions that tell of it."""

from typing import Any

import pytest

from managed_databases.sandbox.catalogue import catalogue_id
from sandbox.account import NOWHERE, Account, new_datastore, outcome


def user_in(datastore: dict[str, Any], name: str = "app", password: str = "secret-1") -> dict[str, Any]:
    return {"user": {"name": name, "password": password, "datastore_id": datastore["id"]}}


def database_in(datastore: dict[str, Any], name: str = "app", **told: Any) -> dict[str, Any]:
    return {"database": {"name": name, "datastore_id": datastore["id"], **told}}


async def test_a_datastore_is_born(account: Account) -> None:
    told = new_datastore(node_count=3, floating_ips={"master": 1, "replica": 1})
    answer = await account.call("POST", "/datastores", told)
    born = answer.json()["datastore"]
    assert (born["status"], born["connection"], born["creation_finished_at"]) == ("PENDING_CREATE", {}, None)
    refused = await account.call("POST", "/users", user_in(born))
    assert refused.status_code == 409
    (action,) = await account.get(f"/actions?datastore_id={born['id']}")
    assert action["status"] == "PENDING"
    assert action["request_id"] == answer.headers["X-Request-Id"]

    await account.admin("complete")
    ready = await account.get(f"/datastores/{born['id']}")
    assert ready["status"] == "ACTIVE"
    assert ready["connection"]["master"] == ready["connection"]["MASTER"]
    assert set(ready["connection"]) == {"master", "MASTER", "replica-1", "replica-2"}
    assert [instance["role"] for instance in ready["instances"]] == ["MASTER", "REPLICA", "REPLICA"]
    assert [bool(instance["floating_ip"]) for instance in ready["instances"]] == [True, True, False]
    assert ready["pooler"] == {"mode": "transaction", "size": 30}
    assert ready["creation_finished_at"]
    assert (await account.get(f"/actions/{action['id']}"))["status"] == "DONE"


async def test_a_creation_can_fail(account: Account) -> None:
    born = (await account.call("POST", "/datastores", new_datastore())).json()["datastore"]
    await account.admin("complete", id=born["id"], fail=True)
    assert (await account.get(f"/datastores/{born['id']}"))["status"] == "ERROR"
    assert [action["status"] for action in await account.get("/actions")] == ["ERROR"]


OPERATIONS: list[tuple[str, str, Any, str, Any]] = [
    ("PUT", "", {"datastore": {"name": "renamed"}}, "name", "renamed"),
    ("PUT", "/firewall", {"firewall": {"ips": ["10.0.0.0/8"]}}, "firewall", [{"ip": "10.0.0.0/8"}]),
    (
        "PUT",
        "/pooler",
        {"pooler": {"mode": "session", "size": 5, "datastore_id": NOWHERE}},
        "pooler",
        {"mode": "session", "size": 5},
    ),
    ("PUT", "/backups", {"backups": {"backup_retention_days": 14}}, "backup_retention_days", 14),
    ("PUT", "/protection", {"protection": True}, "is_protected", True),
    ("PUT", "/log-platform", {"log_platform": {"log_group": "s/dbaas/a"}}, "log_platform", {"log_group": "s/dbaas/a"}),
    ("DELETE", "/log-platform", None, "log_platform", {"log_group": None}),
    ("POST", "/resize", {"resize": {"node_count": 2}}, "node_count", 2),
]


@pytest.mark.parametrize(
    ("method", "tail", "body", "field", "value"), OPERATIONS, ids=[f"{row[0]} {row[1]}" for row in OPERATIONS]
)
async def test_one_change_at_a_time(
    method: str, tail: str, body: Any, field: str, value: Any, account: Account, postgresql: dict[str, Any]
) -> None:
    path = f"/datastores/{postgresql['id']}"
    changing = (await account.call(method, path + tail, body)).json()["datastore"]
    assert changing["status"] == ("RESIZING" if tail == "/resize" else "PENDING_UPDATE")
    assert (await account.call(method, path + tail, body)).status_code == 409
    assert (await account.call("DELETE", path)).status_code == 409
    await account.admin("complete")
    changed = await account.get(path)
    assert (changed["status"], changed[field]) == ("ACTIVE", value)


async def test_configuration_is_set_and_reset(account: Account, postgresql: dict[str, Any]) -> None:
    path = f"/datastores/{postgresql['id']}"
    for told, expected in (({"max_connections": 200}, {"max_connections": 200}), ({"max_connections": None}, {})):
        await account.call("PUT", f"{path}/config", {"config": told})
        await account.admin("complete")
        assert (await account.get(path))["config"] == expected
    assert (await account.call("PUT", f"{path}/config", {"config": {"wal_level": "logical"}})).status_code == 400


async def test_defaults_are_shown_when_that_is_asked_for(account: Account, postgresql: dict[str, Any]) -> None:
    path = f"/datastores/{postgresql['id']}"
    await account.call("PUT", f"{path}/config", {"config": {"work_mem": 64}})
    await account.admin("complete")
    await account.admin("settings", config_defaults=True)
    shown = await account.get(path)
    assert (shown["config"]["work_mem"], shown["config"]["max_connections"]) == (64, 100)
    assert await account.get("/datastores") == [shown]


async def test_what_is_in_a_datastore_at_work(account: Account, postgresql: dict[str, Any]) -> None:
    user = {"user": {"name": "app", "password": "secret", "datastore_id": postgresql["id"]}}
    await account.call("PUT", f"/datastores/{postgresql['id']}", {"datastore": {"name": "renamed"}})
    assert (await account.call("POST", "/users", user)).status_code == 409
    await account.admin("settings", busy_children=False)
    assert outcome(await account.call("POST", "/users", user)) == 201
    fresh = (await account.call("POST", "/datastores", new_datastore())).json()["datastore"]
    too_early = {"user": user["user"] | {"datastore_id": fresh["id"]}}
    assert (await account.call("POST", "/users", too_early)).status_code == 409


async def test_a_renamed_token_is_read_with_and_without_its_envelope(account: Account) -> None:
    token = await account.make("prometheus-metrics-tokens", {"prometheus-metrics-token": {"name": "a"}})
    path, told = f"/prometheus-metrics-tokens/{token['id']}", {"prometheus-metrics-token": {"name": "b"}}
    renamed = (await account.call("PUT", path, told)).json()
    envelope = renamed.pop("prometheus-metrics-token")
    assert envelope == renamed == await account.get(path)
    assert renamed["name"] == "b"


async def test_a_resize_keeps_what_is_there(account: Account, postgresql: dict[str, Any]) -> None:
    path = f"/datastores/{postgresql['id']}"
    smaller = {"resize": {"flavor": {"vcpus": 2, "ram": 4096, "disk": 16}}}
    assert (await account.call("POST", f"{path}/resize", smaller)).status_code == 400
    larger = {"resize": {"node_count": 2, "flavor": {"vcpus": 4, "ram": 8192}}}
    assert (await account.call("POST", f"{path}/resize", larger)).status_code == 200
    await account.admin("complete")
    resized = await account.get(path)
    assert resized["flavor"] == {"vcpus": 4, "ram": 8192, "disk": 32, "disk_type": "local"}
    assert resized["instances"][0]["id"] == postgresql["instances"][0]["id"]
    assert "replica-1" in resized["connection"]


async def test_a_protected_datastore_stays(account: Account, postgresql: dict[str, Any]) -> None:
    path = f"/datastores/{postgresql['id']}"
    for protected, status in ((True, 409), (False, 204)):
        await account.call("PUT", f"{path}/protection", {"protection": protected})
        await account.admin("complete")
        assert (await account.call("DELETE", path)).status_code == status
    assert (await account.get(path))["status"] == "PENDING_DELETE"


async def test_references_are_there_and_ready(account: Account, postgresql: dict[str, Any]) -> None:
    user = (await account.call("POST", "/users", user_in(postgresql))).json()["user"]
    assert user["status"] == "PENDING_CREATE"
    assert "password" not in user
    owned = database_in(postgresql, owner_id=user["id"])
    assert (await account.call("POST", "/databases", owned)).status_code == 409
    assert (await account.call("POST", "/databases", database_in(postgresql, owner_id=NOWHERE))).status_code == 404
    await account.admin("complete")
    database = await account.make("databases", owned)
    assert (database["owner_id"], database["lc_collate"], database["lc_ctype"]) == (user["id"], "C", "C")
    assert (await account.get(f"/datastores/{postgresql['id']}"))["databases_count"] == 1


async def test_names_are_unique_in_a_datastore(account: Account, postgresql: dict[str, Any]) -> None:
    other = await account.make("datastores", new_datastore())
    assert other["name"] == postgresql["name"]
    for body in (user_in(postgresql), database_in(postgresql)):
        collection = f"{next(iter(body))}s"
        await account.make(collection, body)
        assert (await account.call("POST", f"/{collection}", body)).status_code == 409
    await account.make("users", user_in(other))


async def test_a_deletion_takes_everything_in_it(account: Account, postgresql: dict[str, Any]) -> None:
    user = await account.make("users", user_in(postgresql))
    database = await account.make("databases", database_in(postgresql, owner_id=user["id"]))
    reference = {"datastore_id": postgresql["id"], "database_id": database["id"]}
    other = await account.make("users", user_in(postgresql, "other"))
    grant = await account.make("grants", {"grant": reference | {"user_id": other["id"]}})
    slot = await account.make("logical-replication-slots", {"logical-replication-slot": reference | {"name": "s"}})
    assert slot["in_use"] is False

    assert (await account.call("DELETE", f"/users/{other['id']}")).status_code == 204
    assert (await account.get(f"/users/{other['id']}"))["status"] == "PENDING_DELETE"
    await account.admin("complete")
    assert (await account.call("GET", f"/grants/{grant['id']}")).status_code == 404

    assert (await account.call("DELETE", f"/datastores/{postgresql['id']}")).status_code == 204
    await account.admin("complete")
    for collection in ("datastores", "users", "databases", "grants", "logical-replication-slots"):
        assert await account.get(f"/{collection}") == [], collection


async def test_a_database_outlives_its_owner(account: Account, postgresql: dict[str, Any]) -> None:
    user = await account.make("users", user_in(postgresql))
    database = await account.make("databases", database_in(postgresql, owner_id=user["id"]))
    assert (await account.call("DELETE", f"/users/{user['id']}")).status_code == 204
    await account.admin("complete")
    assert (await account.get(f"/databases/{database['id']}"))["owner_id"] is None
    heir = await account.make("users", user_in(postgresql))
    update = {"database": {"owner_id": heir["id"]}}
    assert (await account.call("PUT", f"/databases/{database['id']}", update)).status_code == 200
    await account.admin("complete")
    assert (await account.get(f"/databases/{database['id']}"))["owner_id"] == heir["id"]


async def test_extensions_need_others_first(account: Account, postgresql: dict[str, Any]) -> None:
    database = await account.make("databases", database_in(postgresql))

    def extension(name: str) -> dict[str, Any]:
        told = {"datastore_id": postgresql["id"], "database_id": database["id"]}
        return {"extension": told | {"available_extension_id": catalogue_id("available-extension", name)}}

    assert (await account.call("POST", "/extensions", extension("earthdistance"))).status_code == 400
    assert (await account.call("POST", "/extensions", extension("timescaledb"))).status_code == 400
    assert outcome(await account.call("POST", "/extensions", extension("cube"))) == 201
    assert (await account.call("POST", "/extensions", extension("earthdistance"))).status_code == 409
    await account.admin("complete")
    await account.make("extensions", extension("earthdistance"))


async def test_partitions_only_grow(account: Account, kafka: dict[str, Any]) -> None:
    topic = await account.make("topics", {"topic": {"name": "t.1", "datastore_id": kafka["id"], "partitions": 3}})
    path = f"/topics/{topic['id']}"
    assert (await account.call("PUT", path, {"topic": {"partitions": 2}})).status_code == 400
    changing = (await account.call("PUT", path, {"topic": {"partitions": 4}})).json()["topic"]
    assert (changing["status"], changing["partitions"]) == ("PENDING_UPDATE", 3)
    await account.admin("complete")
    assert (await account.get(path))["partitions"] == 4


async def test_floating_ips_come_and_go(account: Account, postgresql: dict[str, Any]) -> None:
    body = {"floating_ip": {"instance_id": postgresql["instances"][0]["id"]}}
    for method, there in (("POST", True), ("DELETE", False)):
        answer = await account.call(method, "/floating-ips", body)
        assert (answer.status_code, answer.content) == (204, b"")
        await account.admin("complete")
        (instance,) = (await account.get(f"/datastores/{postgresql['id']}"))["instances"]
        assert bool(instance["floating_ip"]) is there
        assert (await account.call(method, "/floating-ips", body)).status_code == 400


async def test_metrics_tokens_are_shown_on_every_read(account: Account) -> None:
    token = await account.make("prometheus-metrics-tokens", {"prometheus-metrics-token": {"name": "t"}})
    path = f"/prometheus-metrics-tokens/{token['id']}"
    assert token["value"]
    await account.call("PUT", path, {"prometheus-metrics-token": {"name": "renamed"}})
    assert (await account.get(path))["value"] == token["value"]
    assert [one["name"] for one in await account.get(f"/prometheus-metrics-tokens?value={token['value']}")] == [
        "renamed"
    ]
    assert (await account.call("DELETE", path)).status_code == 204
    assert (await account.call("GET", path)).status_code == 404


async def test_lists_are_filtered(account: Account, postgresql: dict[str, Any], kafka: dict[str, Any]) -> None:
    assert [one["id"] for one in await account.get(f"/datastores?type_id={kafka['type_id']}")] == [kafka["id"]]
    assert len(await account.get("/datastores?is_protected=false&enabled=true&status=ACTIVE")) == 2
    assert await account.get("/datastores?name=other") == []
    count = (await account.call("GET", "/datastores/count")).json()
    assert count == {"kafka": 1, "mysql_semisync": 0, "mysql_sync": 0, "postgresql": 1, "redis": 0}
    assert (
        len(
            await account.get(
                "/configuration-parameters?name=max_connections&datastore_type_id=" + postgresql["type_id"]
            )
        )
        == 1
    )
