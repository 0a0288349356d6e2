"""Nothing else that is wrong holds up firewall, protection and the closing of addresses."""

import asyncio
from typing import Any

import pytest

from managed_databases.kube.watched_collections import SECRET
from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition, manifest
from virtual.everything import project
from virtual.faults import REQUEST_FAULTS
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import KEYS, SPECS

MAIN = KEYS[0]
OPEN = {"firewall": ["0.0.0.0/0"], "floatingIPs": {"master": True}}
CLOSED: dict[str, Any] = {"firewall": ["192.0.2.0/24"], "floatingIPs": {"master": False}, "deletionProtection": True}
REDIS = {
    "engine": {"type": "redis", "version": "7"},
    "flavor": {"name": "RS1.2-4096-40"},
    "nodeCount": 1,
    "subnetID": SPECS[MAIN]["subnetID"],
    "deletionProtection": False,
}


async def made(world: VirtualWorld, spec: dict[str, Any], **more: Any) -> None:
    world.cluster.apply(project())
    await world.start()
    world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, spec | more))
    await world.until("it is made", lambda: world.says(MAIN, "Synced")[0] == "True")


async def the_datastore(world: VirtualWorld) -> dict[str, Any]:
    id_ = world.get(MAIN)["status"]["id"]
    return next(each for each in await world.objects("datastores") if each["id"] == id_)


async def is_closed(world: VirtualWorld) -> None:
    datastore = await the_datastore(world)
    assert [entry["ip"] for entry in datastore["firewall"]] == CLOSED["firewall"]
    assert datastore["is_protected"]
    assert not any(instance.get("floating_ip") for instance in datastore["instances"])


def message(world: VirtualWorld, type_: str = "Stalled") -> str:
    return str(condition(world.get(MAIN), type_)["message"])


@pytest.mark.parametrize("by", ["nobody's", "another resource's"])
def test_a_name_that_is_taken_holds_up_nothing(by: str) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await made(world, SPECS[MAIN], **OPEN)
            if by == "nobody's":
                await world.create("datastores", {"name": "taken"})
            else:
                world.cluster.apply(manifest(MAIN.kind, "taken", NAMESPACE, SPECS[MAIN]))
            await asyncio.sleep(90)
            world.cluster.change(MAIN, name="taken", nodeCount=2, **CLOSED)
            await asyncio.sleep(600)
            await is_closed(world)
            assert (await the_datastore(world))["node_count"] == 2
            assert (await the_datastore(world))["name"] == "main"
            why = "AlreadyExists" if by == "nobody's" else "Conflict"
            assert world.says(MAIN, "Stalled") == ("True", why)
            assert world.says(MAIN, "Ready")[0] == "True", "it serves under its old name"

    in_virtual_time(story())


@pytest.mark.parametrize("fault", ["403", "400 of validation", "409", "404"])
def test_a_refused_change_holds_up_nothing(fault: str) -> None:
    """Each of the other changes is refused; then each guard but one is refused, too."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await made(world, SPECS[MAIN], **OPEN)
            await world.fault(
                path="^/v1/datastores/[^/]+(/resize|/config|/pooler|/backups)?$", method="PUT", **REQUEST_FAULTS[fault]
            )
            await world.fault(path="/firewall$", method="PUT", **REQUEST_FAULTS["400 of validation"])
            world.cluster.change(MAIN, name="other", nodeCount=2, config={"work_mem": 9999}, **CLOSED)
            await asyncio.sleep(900)
            datastore = await the_datastore(world)
            assert datastore["is_protected"]
            assert not any(instance.get("floating_ip") for instance in datastore["instances"])
            assert world.says(MAIN, "Stalled")[0] == "True"
            assert "Validation failure" in message(world), "and that the firewall is refused is told"
            await asyncio.sleep(1800)
            world.sent.clear()
            await asyncio.sleep(3600)
            assert len([sent for sent in world.sent if sent.method == "PUT"]) <= 12, "however many are refused"
            await world.clear_faults()
            await world.until("it heals by itself", lambda: world.says(MAIN, "Synced")[0] == "True")
            await is_closed(world)
            assert (await the_datastore(world))["name"] == "other"

    in_virtual_time(story())


def test_an_error_holds_up_no_guard() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await made(world, SPECS[MAIN], **OPEN)
            await world.edit("datastores", world.get(MAIN)["status"]["id"], status="ERROR")
            await world.until("it is told", lambda: world.says(MAIN, "Stalled") == ("True", "Error"))
            world.cluster.change(MAIN, nodeCount=3, **CLOSED)
            await asyncio.sleep(600)
            await is_closed(world)

    in_virtual_time(story())


@pytest.mark.parametrize("secret", ["missing", "refused", "foreign"])
def test_a_password_holds_up_no_guard(secret: str) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await made(world, REDIS)
            own = ResourceKey(SECRET, NAMESPACE, "main-redis")
            change: dict[str, Any] = {"firewall": ["192.0.2.0/24"]}
            if secret == "missing":
                change["redis"] = {"passwordSecretRef": {"name": "nowhere"}}
            elif secret == "refused":
                change["redis"] = {"passwordSecretRef": {"name": "given"}}
                world.put_secret(NAMESPACE, "given", {"password": "a-new-password"})
                await world.fault(path="/redis|password", method="PUT", **REQUEST_FAULTS["400 of validation"])
            else:
                world.cluster.delete(own)
                world.put_secret(NAMESPACE, own.name, {"password": "of-somebody-else"})
            world.cluster.change(MAIN, **change)
            await asyncio.sleep(300)
            assert [entry["ip"] for entry in (await the_datastore(world))["firewall"]] == change["firewall"]
            assert world.says(MAIN, "Synced")[0] == "False"

    in_virtual_time(story())


def test_an_object_that_is_made_again_gets_its_guards_also_under_report() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            guarded = {"firewall": ["192.0.2.0/24"], "deletionProtection": True, "config": {"work_mem": 4321}}
            await made(world, SPECS[MAIN], driftPolicy="Report", **guarded)
            lost = world.get(MAIN)["status"]["id"]
            await world.edit("datastores", lost, is_protected=False)
            await world.vanish("datastores", lost)
            await world.until("it is gone", lambda: world.says(MAIN, "Stalled") == ("True", "Gone"))
            world.cluster.annotate(MAIN, recreate=lost)
            await world.until("it is there again", lambda: world.says(MAIN, "Synced") == ("True", "InSync"))
            datastore = await the_datastore(world)
            assert datastore["id"] != lost
            assert [entry["ip"] for entry in datastore["firewall"]] == guarded["firewall"]
            assert datastore["is_protected"]
            await world.edit("datastores", datastore["id"], is_protected=False)
            await world.until("drift is told", lambda: world.says(MAIN, "Synced") == ("False", "Drift"))
            await asyncio.sleep(600)
            assert not (await the_datastore(world))["is_protected"], "and left, from then on"

    in_virtual_time(story())
