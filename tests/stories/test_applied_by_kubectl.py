"""Applying and replacing with the real kubectl: the same manifest again changes nothing, and no field of people or operator is
lost.
"""

import json
from typing import Any

import pytest

from cluster import Manifest
from managed_databases.kinds.registry import FINALIZER
from managed_databases.reconcile.annotations import OWNER_UID, PASSWORD_CHECK
from managed_databases.reconcile.ports import MANAGED_LABEL
from stories.inside_a_datastore import KAFKA, with_powers
from stories.pace import FAST
from stories.passwords_seen import until_event
from stories.world import SUBNET, World, condition, manifest

WAYS = {"client-side": (), "server-side": ("--server-side",)}
THEIRS: dict[str, Any] = {
    "firewall": ["192.0.2.0/24"],
    "pooler": {"mode": "session", "size": 77},
    "config": {"work_mem": 7777},
}
"""As somebody else has set them in the cloud."""
OURS: dict[str, Any] = {
    "firewall": ["198.51.100.0/24"],
    "pooler": {"mode": "statement"},
    "config": {"work_mem": "1.111e+03"},
}

quick = pytest.mark.parametrize("world", [{"settings": FAST}], indirect=True, ids=["fast"])


def nested(world: World) -> list[Manifest]:
    """Whatever the schema fills in inside of what people write, and what it takes in several forms."""
    access = [
        {"patternType": "literal", "pattern": "orders", "allowRead": True},
        {"patternType": "all", "allowWrite": True},
    ]
    return [
        world.project_manifest(),
        world.datastore(pooler={"mode": "session"}, config={"work_mem": "2.048e+03"}, floatingIPs={"master": False}),
        world.database(ownerRef={"name": "app"}),
        world.user(databases=[{"name": "shop"}], databaseRef={"name": "shop"}),
        world.datastore("broker", **KAFKA),
        manifest("DatabaseUser", "producer", world.namespace, {"datastoreRef": {"name": "broker"}, "access": access}),
    ]


async def kubectl_apply(world: World, way: str, *manifests: Manifest) -> list[str]:
    """Return what became of each."""
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
    said = await world.cluster.kubectl("apply", *WAYS[way], "-f", "-", stdin=listed)
    return [line.rsplit(" ", 1)[1] for line in said.splitlines()]


async def seen(world: World, manifests: list[Manifest]) -> list[tuple[str, int]]:
    """Each one's version, and the generation of its spec."""
    found = [await world.get(each["kind"], each["metadata"]["name"]) for each in manifests]
    return [(each["metadata"]["resourceVersion"], each["metadata"]["generation"]) for each in found]


async def all_in_sync(world: World, manifests: list[Manifest]) -> None:
    for each in manifests:
        if each["kind"] != "DatabaseProject":
            await world.becomes(each["kind"], each["metadata"]["name"])
            await world.becomes(each["kind"], each["metadata"]["name"], "Synced")


@quick
@pytest.mark.parametrize("way", WAYS)
async def test_the_same_again_is_unchanged(world: World, way: str) -> None:
    """Before the operator has seen it, and once all of it is made."""
    manifests = nested(world)
    await kubectl_apply(world, way, *manifests)
    before = await seen(world, manifests)
    again = await kubectl_apply(world, way, *manifests)
    assert set(again) == {"unchanged" if way == "client-side" else "serverside-applied"}, again
    # (The first write after a creation also writes down the status that the schema fills in.)
    assert [generation for _, generation in await seen(world, manifests)] == [generation for _, generation in before]

    await world.operator.start()
    await all_in_sync(world, manifests)
    before = await seen(world, manifests)
    again = await kubectl_apply(world, way, *manifests)
    assert set(again) == {"unchanged" if way == "client-side" else "serverside-applied"}, again
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
    assert await world.cluster.kubectl("diff", *WAYS[way], "-f", "-", stdin=listed) == ""
    assert await seen(world, manifests) == before


@quick
@pytest.mark.parametrize("way", WAYS)
async def test_a_reported_value_is_not_reset(world: World, way: str) -> None:
    """A datastore that others made and set up; the spec says otherwise, and then nothing any more."""
    theirs = THEIRS | {"name": "main", "subnet_id": SUBNET, "firewall": [{"ip": ip} for ip in THEIRS["firewall"]]}
    await world.sandbox.create("datastores", theirs)
    await world.operator.start()
    await world.apply(with_powers(world, "adopt"))
    kept: dict[str, Any] = {"adoption": "Required", "driftPolicy": "Report"}
    await kubectl_apply(world, way, world.datastore(**kept, **OURS))
    await world.becomes("ManagedDatastore", "main")
    told = await world.becomes("ManagedDatastore", "main", "Synced", "False", "Drift")
    assert not {"managed", "applying"} & told["status"].keys(), told["status"]

    await kubectl_apply(world, way, world.datastore(**kept))
    left = await world.becomes("ManagedDatastore", "main", "Synced")
    assert not OURS.keys() & left["spec"].keys()
    assert await world.calls("PUT", "/datastores/") == []
    (datastore,) = await world.sandbox.objects("datastores")
    assert [each["ip"] for each in datastore["firewall"]] == THEIRS["firewall"]
    assert datastore["pooler"] == THEIRS["pooler"]
    assert datastore["config"]["work_mem"] == THEIRS["config"]["work_mem"]


@quick
async def test_what_kubectl_replace_drops_comes_back(world: World) -> None:
    """The finalizer, on each kind of resource; what is deleted then leaves nothing behind."""
    await world.operator.start()
    manifests = [
        world.datastore(),
        world.database(),
        world.user(databases=[{"name": "shop"}]),
    ]
    await world.apply(world.project_manifest(), *manifests)
    await all_in_sync(world, manifests)
    await world.becomes("DatabaseGrant", "app-shop")
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
    await world.cluster.kubectl("replace", "-f", "-", stdin=listed)
    for each in manifests:
        name = each["metadata"]["name"]

        async def is_held(kind: str = each["kind"], name: str = name) -> bool:
            assert (await world.get(kind, name))["metadata"].get("finalizers") == [FINALIZER]
            return True

        await world.until(f"the finalizer of {each['kind']} {name} is back", is_held)
        await until_event(world, name, "FinalizerRestored")

    for kind, name in (("DatabaseUser", "app"), ("ManagedDatabase", "shop"), ("ManagedDatastore", "main")):
        await world.delete(kind, name)
    for collection in ("grants", "users", "databases", "datastores"):
        assert await world.sandbox.objects(collection) == [], collection
    assert not await world.cluster.exists("Secret", "app-user", world.namespace)


@quick
async def test_the_marks_of_a_secret_are_put_back(world: World) -> None:
    """By kubectl, as long as one of them is left to tell whose it is."""
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore(), world.user(), world.database())
    await world.becomes("DatabaseUser", "app")
    await world.becomes("DatabaseUser", "app", "Synced")
    before = (await world.cluster.get("Secret", "app-user", world.namespace))["metadata"]
    password = (await world.secret("app-user"))["password"]
    where = ("-n", world.namespace, "secret", "app-user")
    without_owner = json.dumps([{"op": "remove", "path": "/metadata/ownerReferences"}])
    takings: list[list[tuple[str, ...]]] = [
        [("annotate", *where, f"{OWNER_UID}-")],
        [("label", *where, f"{MANAGED_LABEL}-"), ("annotate", *where, f"{OWNER_UID}-", f"{PASSWORD_CHECK}-")],
        [("patch", *where, "--type=json", "-p", without_owner)],
    ]
    for commands in takings:
        for command in commands:
            await world.cluster.kubectl(*command)

        async def is_marked() -> bool:
            after = (await world.cluster.get("Secret", "app-user", world.namespace))["metadata"]
            for part in ("annotations", "labels", "ownerReferences"):
                assert after.get(part) == before[part], (part, after)
            return True

        await world.until(f"what {commands} took away is back", is_marked)
    await until_event(world, "app", "SecretMarksRestored")
    assert (await world.secret("app-user"))["password"] == password
    sent = await world.calls("PUT", "/users/")
    assert len(sent) == 1, f"without its check nothing vouches for the password, and it is sent once more: {sent}"
    assert condition(await world.get("DatabaseUser", "app"), "Ready")["status"] == "True"
    await world.delete("DatabaseUser", "app")
    assert await world.sandbox.objects("users") == []
    assert not await world.cluster.exists("Secret", "app-user", world.namespace)
