"""Changes of the spec and drift in the cloud: each is made by the right call, once; impossible changes are reported."""

from typing import Any

import pytest

from cluster import Refused
from stories.clouds import in_both_clouds
from stories.pace import FAST, fast
from stories.world import World, condition

GROUP_A, GROUP_B = "aaaaaaaa-2222-4333-8444-555555555555", "bbbbbbbb-2222-4333-8444-555555555555"

DATASTORE_CHANGES: list[tuple[str, dict[str, Any], str, str, dict[str, Any]]] = [
    ("rename", {"name": "renamed"}, "PUT", "", {"datastore": {"name": "renamed"}}),
    ("more nodes", {"nodeCount": 2}, "POST", "/resize", {"resize": {"node_count": 2}}),
    (
        "flavor and disk",
        {"flavor": {"vcpus": 4, "ramMB": 8192, "diskGB": 64}},
        "POST",
        "/resize",
        {"resize": {"flavor": {"vcpus": 4, "ram": 8192, "disk": 64}}},
    ),
    ("protection on", {"deletionProtection": True}, "PUT", "/protection", {"protection": True}),
    ("protection off", {"deletionProtection": False}, "PUT", "/protection", {"protection": False}),
    ("parameters", {"config": {"work_mem": 8192, "autovacuum": "off"}}, "PUT", "/config",
     {"config": {"work_mem": 8192, "autovacuum": False}}),
    ("another value", {"config": {"work_mem": "16384"}}, "PUT", "/config", {"config": {"work_mem": 16384}}),
    ("parameter removed", {"config": {"autovacuum": None}}, "PUT", "/config", {"config": {"autovacuum": None}}),
    ("all parameters removed", {"config": None}, "PUT", "/config", {"config": {"work_mem": None}}),
    ("pooler", {"pooler": {"mode": "session"}}, "PUT", "/pooler", {"pooler": {"mode": "session", "size": 30}}),
    ("pooler's size", {"pooler": {"size": 50}}, "PUT", "/pooler", {"pooler": {"mode": "session", "size": 50}}),
    ("pooler removed", {"pooler": None}, "PUT", "/pooler", {"pooler": {"mode": "transaction", "size": 30}}),
    ("backups", {"backupRetentionDays": 14}, "PUT", "/backups", {"backups": {"backup_retention_days": 14}}),
    ("security groups", {"securityGroups": [GROUP_A, GROUP_B]}, "PUT", "/security-groups",
     {"security_groups": [GROUP_A, GROUP_B]}),
    ("firewall", {"firewall": ["10.0.0.0/8", "192.0.2.1"]}, "PUT", "/firewall",
     {"firewall": {"ips": ["10.0.0.0/8", "192.0.2.1"]}}),
    ("firewall emptied", {"firewall": []}, "PUT", "/firewall", {"firewall": {"ips": []}}),
    ("firewall set again", {"firewall": ["10.0.0.0/8"]}, "PUT", "/firewall", {"firewall": {"ips": ["10.0.0.0/8"]}}),
    ("firewall removed", {"firewall": None}, "PUT", "/firewall", {"firewall": {"ips": []}}),
]  # fmt: skip


async def mutations(world: World) -> list[tuple[str, str, Any]]:
    """What was asked of the cloud to change, oldest first."""
    asked = await world.sandbox.requests(path="/v1/")
    return [(each["method"], each["path"], each["body"]) for each in asked if each["method"] != "GET"]


async def at_rest(world: World) -> None:
    """The datastore is in sync, and still so after the cloud was listed twice more."""

    async def lists() -> int:
        return len([each for each in await world.calls("GET") if each["path"].endswith("/datastores")])

    await world.becomes("ManagedDatastore", "main", "Synced")
    before = await lists()

    async def listed_twice() -> bool:
        return await lists() >= before + 2

    await world.until("two more lists", listed_twice)
    await world.becomes("ManagedDatastore", "main", "Synced")


@in_both_clouds
async def test_each_change_is_one_call(world: World) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore())
    id_ = (await world.becomes("ManagedDatastore", "main"))["status"]["id"]
    for what, change, method, path, body in DATASTORE_CHANGES:
        await world.sandbox.clear_requests()
        await world.change("ManagedDatastore", "main", **change)
        resource = await world.becomes("ManagedDatastore", "main", "Synced")
        assert condition(resource, "Ready")["status"] == "True", what
        assert await mutations(world) == [(method, f"/v1/datastores/{id_}{path}", body)], what
        assert resource["status"]["id"] == id_
    await world.sandbox.clear_requests()
    await at_rest(world)
    assert await mutations(world) == []
    cloud = (await world.sandbox.objects("datastores"))[0]
    assert (cloud["name"], cloud["node_count"], cloud["firewall"]) == ("renamed", 2, [])
    assert cloud["config"] == {}


@pytest.mark.parametrize("world", [{"settings": FAST, "sandbox_arguments": ("--config-defaults",)}], indirect=True)
async def test_defaults_are_no_drift(world: World) -> None:
    """A cloud may show each parameter in `config`, or only what was set."""
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore(config={"work_mem": 8192, "jit": True}))
    await world.becomes("ManagedDatastore", "main", "Synced")
    (cloud,) = await world.sandbox.objects("datastores")
    assert cloud["config"] == {"work_mem": 8192, "jit": True}
    await world.sandbox.clear_requests()
    await at_rest(world)
    assert await mutations(world) == []
    await world.change("ManagedDatastore", "main", config={"jit": None})
    await world.becomes("ManagedDatastore", "main", "Synced")
    assert [body for _, _, body in await mutations(world)] == [{"config": {"jit": None}}]


@fast
async def test_drift_is_corrected_once_and_what_is_absent_is_left_alone(world: World) -> None:
    await world.operator.start()
    spec = {"config": {"work_mem": 8192}, "firewall": ["10.0.0.0/8"], "pooler": {"size": 40}}
    await world.apply(world.project_manifest(), world.datastore(**spec))
    resource = await world.becomes("ManagedDatastore", "main", "Synced")
    id_ = resource["status"]["id"]
    for drift, method, path, body in (
        ({"firewall": [{"ip": "0.0.0.0/0"}]}, "PUT", "/firewall", {"firewall": {"ips": ["10.0.0.0/8"]}}),
        ({"is_protected": True}, "PUT", "/protection", {"protection": False}),
        ({"name": "stolen"}, "PUT", "", {"datastore": {"name": "main"}}),
        ({"pooler": {"mode": "session", "size": 10}}, "PUT", "/pooler", {"pooler": {"mode": "session", "size": 40}}),
        ({"config": {"work_mem": 64, "autovacuum": False}}, "PUT", "/config", {"config": {"work_mem": 8192}}),
    ):
        await world.sandbox.clear_requests()
        await world.sandbox.edit("datastores", id_, **drift)

        async def corrected() -> bool:
            asked = await mutations(world)
            assert asked, await world.get("ManagedDatastore", "main")
            return True

        await world.until(f"{drift} is corrected", corrected)
        await at_rest(world)
        assert await mutations(world) == [(method, f"/v1/datastores/{id_}{path}", body)]
    await world.sandbox.clear_requests()
    await world.sandbox.edit("datastores", id_, backup_retention_days=3, security_groups=[GROUP_B])
    await at_rest(world)
    assert await mutations(world) == []


@fast
async def test_a_smaller_disk_is_not_reversible_and_the_rest_goes_on(world: World) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore())
    await world.becomes("ManagedDatastore", "main", "Synced")
    await world.sandbox.clear_requests()
    await world.change("ManagedDatastore", "main", flavor={"diskGB": 16, "vcpus": 4, "ramMB": 8192})
    resource = await world.becomes("ManagedDatastore", "main", "Synced", "False", "NotReversible")
    assert "32" in condition(resource, "Synced")["message"]
    assert condition(resource, "Ready")["status"] == "True"
    assert [body["resize"]["flavor"] for _, _, body in await mutations(world)] == [
        {"vcpus": 4, "ram": 8192, "disk": 32}
    ]
    await world.change("ManagedDatastore", "main", flavor={"diskGB": 32})
    await world.becomes("ManagedDatastore", "main", "Synced")
    assert len(await mutations(world)) == 1


@fast
async def test_owners_and_the_database_of_a_secret(world: World) -> None:
    await world.operator.start()
    await world.apply(
        world.project_manifest(),
        world.datastore(),
        world.user(),
        world.user("boss"),
        world.database(),
        world.database("other"),
    )
    for kind, name in (("DatabaseUser", "app"), ("DatabaseUser", "boss"), ("ManagedDatabase", "shop")):
        await world.becomes(kind, name)
    other = await world.becomes("ManagedDatabase", "other")
    boss = (await world.get("DatabaseUser", "boss"))["status"]["id"]
    app = (await world.get("DatabaseUser", "app"))["status"]["id"]
    shop = (await world.get("ManagedDatabase", "shop"))["status"]["id"]
    await world.sandbox.clear_requests()
    await world.change("ManagedDatabase", "shop", ownerRef={"name": "app"})
    await world.becomes("ManagedDatabase", "shop", "Synced")
    await world.change("ManagedDatabase", "shop", ownerRef={"name": "boss"})
    await world.becomes("ManagedDatabase", "shop", "Synced")
    await world.change("ManagedDatabase", "shop", ownerRef=None)
    await world.becomes("ManagedDatabase", "shop", "Synced")
    path = f"/v1/databases/{shop}"
    assert await mutations(world) == [
        ("PUT", path, {"database": {"owner_id": app}}),
        ("PUT", path, {"database": {"owner_id": boss}}),
    ]
    await world.sandbox.clear_requests()
    before = await world.secret("app-user")
    for reference, name in (({"name": "shop"}, "shop"), ({"name": None, "id": other["status"]["id"]}, "other")):
        await world.change("DatabaseUser", "app", databaseRef=reference)
        await world.becomes("DatabaseUser", "app", "Synced")
        after = await world.secret("app-user")
        assert after.pop("database") == name
        assert after.pop("uri") == f"{before['uri'].partition('?')[0].rstrip('/')}/{name}?sslmode=require"
        assert after.pop("jdbc-url") == f"{before['jdbc-url'].partition('?')[0]}{name}?sslmode=require"
        assert after == {key: value for key, value in before.items() if key not in ("uri", "jdbc-url")}
    await world.change("DatabaseUser", "app", databaseRef=None)
    await world.becomes("DatabaseUser", "app", "Synced")
    assert await world.secret("app-user") == before
    assert await mutations(world) == []


@fast
async def test_what_can_never_change_is_refused_with_the_reason(world: World) -> None:
    await world.apply(world.datastore(), world.database(lcCollate="C"), world.user())
    for kind, name in (("ManagedDatastore", "main"), ("ManagedDatabase", "shop"), ("DatabaseUser", "app")):
        begun = '{"status": {"intent": {"attempt": 1, "waitSeconds": 60}}}'
        flags = ("--type=merge", "--subresource=status", "-p", begun)
        await world.cluster.kubectl("patch", kind, name, "-n", world.namespace, *flags)
    for kind, name, change, why in (
        ("ManagedDatastore", "main", {"engine": {"version": "17"}}, "the API can never change an engine"),
        ("ManagedDatastore", "main", {"subnetID": GROUP_A}, "the API can never change a subnet"),
        ("ManagedDatastore", "main", {"flavor": {"diskType": "local"}}, "the API can never change a disk's type"),
        ("ManagedDatastore", "main", {"projectRef": {"name": "x"}}, "cannot move to another project"),
        ("ManagedDatabase", "shop", {"name": "store"}, "the API cannot rename a database"),
        ("ManagedDatabase", "shop", {"lcCollate": None}, "can never change a database's collation"),
        ("ManagedDatabase", "shop", {"datastoreRef": {"name": "b"}}, "cannot move to another datastore"),
        ("DatabaseUser", "app", {"name": "b"}, "the API cannot rename a user"),
        ("DatabaseUser", "app", {"secretName": "b"}, "applications mount this Secret"),
    ):
        with pytest.raises(Refused) as refused:
            await world.change(kind, name, **change)
        assert refused.value.code == 422
        assert why in refused.value.message, (kind, change)
