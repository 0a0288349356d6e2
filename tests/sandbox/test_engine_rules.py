"""What the engines refuse, and what a project may use at most."""

from typing import Any

import pytest

from managed_databases.sandbox.catalogue import CATALOGUE, type_id
from sandbox.account import SIZE, Account, new_datastore, outcome

REDIS_FLAVOR = next(
    row["id"] for row in CATALOGUE["flavors"].values() if row["datastore_type_ids"] == [type_id("redis", "7")]
)
OTHER_FLAVOR = next(row["id"] for row in CATALOGUE["flavors"].values() if row["name"].startswith("SL1"))


def new_redis(**told: Any) -> dict[str, Any]:
    return new_datastore("redis", "7", **{"flavor": None, "flavor_id": REDIS_FLAVOR, "redis_password": "p", **told})


@pytest.mark.parametrize(
    ("why", "body", "status"),
    [
        ("PostgreSQL: up to 6 nodes", new_datastore(node_count=6), 201),
        ("PostgreSQL: not 7 nodes", new_datastore(node_count=7), 400),
        ("MySQL semi-sync: up to 3 nodes", new_datastore("mysql_native", "8", node_count=3), 201),
        ("MySQL semi-sync: not 4 nodes", new_datastore("mysql_native", "8", node_count=4), 400),
        ("MySQL sync: 3 nodes", new_datastore("mysql", "8", node_count=3), 201),
        ("MySQL sync: not 2 nodes", new_datastore("mysql", "8", node_count=2), 400),
        ("Redis: 3 nodes", new_redis(node_count=3), 201),
        ("Redis: a password", new_redis(redis_password=None), 400),
        ("Redis: only sizes on offer", new_redis(flavor=SIZE, flavor_id=None), 400),
        ("Redis: only its own sizes", new_redis(flavor_id=OTHER_FLAVOR), 400),
        ("Kafka: 1 node", new_datastore("kafka", "3.6"), 201),
        ("Kafka: not 2 nodes", new_datastore("kafka", "3.6", node_count=2), 400),
        ("Kafka: no backups", new_datastore("kafka", "3.6", backup_retention_days=7), 400),
        ("Kafka: no floating IPs", new_datastore("kafka", "3.6", floating_ips={"master": 1}), 400),
        ("only Redis has such a password", new_datastore(redis_password="p"), 400),
        ("a pooler is PostgreSQL's", new_datastore("mysql", "8", pooler={"mode": "session"}), 400),
        ("a pooler is not 1C's", new_datastore("postgresql", "16-1C", pooler={"mode": "session"}), 400),
        ("replicas for floating IPs", new_datastore(floating_ips={"replica": 1}), 400),
        ("an unknown type", new_datastore("postgresql", "1"), 404),
        ("a size or the id of one", new_datastore(flavor=None), 400),
        ("not both", new_datastore(flavor_id=OTHER_FLAVOR), 400),
        ("the id of a size", new_datastore(flavor=None, flavor_id=OTHER_FLAVOR), 201),
        ("an unknown one", new_datastore(flavor=None, flavor_id=new_datastore()["datastore"]["subnet_id"]), 404),
        (
            "a network disk beside the size",
            new_datastore(flavor={"vcpus": 2, "ram": 4096}, disk={"type": "network-ultra", "size": 100}),
            201,
        ),
        ("no disk at all", new_datastore(flavor={"vcpus": 2, "ram": 4096}), 400),
        ("too large", new_datastore(flavor=SIZE | {"vcpus": 1000}), 400),
    ],
)
async def test_new_datastores(why: str, body: dict[str, Any], status: int, account: Account) -> None:
    answer = await account.call("POST", "/datastores", body)
    assert outcome(answer) == status, f"{why}: {answer.text}"


@pytest.mark.parametrize("ip", ["", "everyone", "10.0.0.0/33", "10.0.0.256", "10.0.0.1-10.0.0.9"])
async def test_a_firewall_opens_to_addresses_and_networks(
    ip: str, account: Account, postgresql: dict[str, Any]
) -> None:
    path = f"/datastores/{postgresql['id']}/firewall"
    answer = await account.call("PUT", path, {"firewall": {"ips": ["10.0.0.1", ip]}})
    assert (answer.status_code, "firewall.ips.1" in answer.text) == (400, True), answer.text


async def test_redis_has_one_password_and_no_users(account: Account) -> None:
    redis = await account.make("datastores", new_redis(redis_password="one"))
    told = {"datastore_id": redis["id"], "username": ""}
    assert (await account.admin("login", **told, password="one")) == {"ok": True}
    body = {"password": {"redis_password": "two"}}
    assert (await account.call("PUT", f"/datastores/{redis['id']}/password", body)).status_code == 200
    assert (await account.admin("login", **told, password="two")) == {"ok": False}, (
        "it comes with the end of the change"
    )
    await account.admin("complete")
    assert (await account.admin("login", **told, password="two")) == {"ok": True}
    assert (await account.admin("login", **told, password="one")) == {"ok": False}
    user = {"user": {"name": "u", "password": "p", "datastore_id": redis["id"]}}
    assert (await account.call("POST", "/users", user)).status_code == 400


async def test_mysql_databases_have_no_owner(account: Account) -> None:
    mysql = await account.make("datastores", new_datastore("mysql", "8"))
    database = {"name": "d", "datastore_id": mysql["id"]}
    assert (await account.call("POST", "/databases", {"database": database | {"lc_ctype": "C"}})).status_code == 400
    assert "owner_id" not in await account.make("databases", {"database": database})
    assert (await account.call("POST", "/topics", {"topic": database})).status_code == 400


async def test_a_restore_lies_within_the_retention(account: Account, postgresql: dict[str, Any]) -> None:
    for moment, status in (("2001-01-01T00:00:00", 400), ("soon", 400), (postgresql["created_at"], 201)):
        restore = {"datastore_id": postgresql["id"], "target_time": moment}
        answer = await account.call("POST", "/datastores", new_datastore(restore=restore))
        assert outcome(answer) == status, answer.text


async def test_quotas(account: Account, postgresql: dict[str, Any]) -> None:
    await account.admin("settings", quota={"vcpus": 4})
    rows = {row["name"]: (row["used"], row["limit"]) for row in await account.get("/quotas")}
    assert rows["vcpus"] == (2, 4)
    assert rows["datastores"][0] == 1
    for nodes, status in ((2, 403), (1, 201)):
        answer = await account.call("POST", "/datastores", new_datastore(node_count=nodes))
        assert outcome(answer) == status, answer.text
    body = {"resize": {"node_count": 2}}
    assert (await account.call("POST", f"/datastores/{postgresql['id']}/resize", body)).status_code == 403


async def test_a_flavor_of_redis_is_of_one_type(account: Account) -> None:
    """An acceptance test of the provider for Terraform expects a single type of the first flavor of the first Redis."""
    types = [row["id"] for row in await account.get("/datastore-types") if row["engine"] == "redis"]
    flavors = await account.get("/flavors")
    names = [[row["name"] for row in flavors if row["datastore_type_ids"] == [type_]] for type_ in types]
    assert names[0]
    assert all(each == names[0] for each in names)
    assert not [
        row for row in flavors if len(row["datastore_type_ids"]) > 1 and set(types) & {*row["datastore_type_ids"]}
    ]
