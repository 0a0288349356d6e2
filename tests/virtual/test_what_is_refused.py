"""The API refuses a change for hours: the conditions stay the same until it no longer refuses."""

import asyncio

import pytest

from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition, manifest
from virtual.everything import project
from virtual.faults import REQUEST_FAULTS
from virtual.memory_cluster import Raw
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import KEYS, SPECS

MAIN = KEYS[0]
HOURS = 3


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("403", "Forbidden"), ("400 of validation", "Invalid"), ("409", "Refused"), ("400 in prose", "Refused")],
)
def test_a_change_that_is_tried_again_stays_stalled(fault: str, reason: str) -> None:
    in_virtual_time(stays_stalled(fault, reason))


async def stays_stalled(fault: str, reason: str) -> None:
    async with VirtualWorld() as world:
        world.cluster.apply(project())
        await world.start()
        world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN]))
        await world.until("it is made", lambda: world.says(MAIN, "Synced")[0] == "True")
        await world.fault(path="^/v1/datastores/", method="PUT", **REQUEST_FAULTS[fault])
        world.cluster.change(MAIN, firewall=["192.0.2.0/24"])
        await world.until("it is refused", lambda: world.says(MAIN, "Stalled") == ("True", reason))
        await asyncio.sleep(1)
        told = conditions_told(world)
        world.sent.clear()
        await asyncio.sleep(HOURS * 3600)
        assert len([sent for sent in world.sent if sent.method == "PUT"]) >= HOURS, "it was tried again"
        assert not told, "nothing is written, as nothing is new"
        await world.clear_faults()
        await world.until("it heals by itself", lambda: world.says(MAIN, "Synced")[0] == "True")
        assert world.says(MAIN, "Stalled")[0] == "False"


@pytest.mark.parametrize(
    ("fault", "reason"), [("403", "Forbidden"), ("400 of validation", "Invalid"), ("400 in prose", "Refused")]
)
def test_a_creation_that_is_tried_again_stays_stalled(fault: str, reason: str) -> None:
    in_virtual_time(creation_stays_stalled(fault, reason))


async def creation_stays_stalled(fault: str, reason: str) -> None:
    """Before each try it is looked once more whether a datastore of that name is there: that is no news either."""
    async with VirtualWorld() as world:
        world.cluster.apply(project())
        await world.start()
        await world.fault(path="^/v1/datastores", method="POST", **REQUEST_FAULTS[fault])
        world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN]))
        await world.until("it is refused", lambda: world.says(MAIN, "Stalled") == ("True", reason))
        await asyncio.sleep(1)
        told = conditions_told(world)
        world.sent.clear()
        await asyncio.sleep(HOURS * 3600)
        assert len([sent for sent in world.sent if sent.method == "POST"]) >= HOURS, "it was tried again"
        assert not [each for each in told if each["status"] != "True" or each["reason"] != reason], told
        await world.clear_faults()
        await world.until("it heals by itself", lambda: world.says(MAIN, "Synced")[0] == "True")
        assert len(await world.objects("datastores")) == 1


def conditions_told(world: VirtualWorld) -> list[dict[str, str]]:
    """What is written about Stalled from now on; it grows."""
    told: list[dict[str, str]] = []

    def tell(kind: str, key: ResourceKey, raw: Raw, gone: bool) -> None:
        if key == MAIN:
            told.append(condition(raw, "Stalled"))

    world.cluster.told.append(tell)
    return told


@pytest.mark.parametrize("fault", ["409", "400 in prose"])
def test_what_its_busy_datastore_refuses_waits_for_it(fault: str) -> None:
    in_virtual_time(waits_for_its_datastore(fault))


async def waits_for_its_datastore(fault: str) -> None:
    """One change of the datastore after the other, and between any two the child comes too late."""
    shop = ResourceKey("ManagedDatabase", NAMESPACE, "shop")
    async with VirtualWorld(delay_seconds=20.0) as world:
        world.cluster.apply(project())
        await world.start()
        in_main = {"datastoreRef": {"name": MAIN.name}}
        world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN]))
        world.cluster.apply(manifest("DatabaseUser", "owner", NAMESPACE, in_main))
        world.cluster.apply(manifest(shop.kind, shop.name, NAMESPACE, in_main))
        await world.until("it is made", lambda: world.says(shop, "Synced")[0] == "True")
        await world.fault(path="^/v1/databases/", method="PUT", **REQUEST_FAULTS[fault])
        world.sent.clear()
        world.cluster.change(shop, ownerRef={"name": "owner"})
        for days in range(8, 20):
            world.cluster.change(MAIN, backupRetentionDays=days)
            await world.until("it is changed", lambda: world.says(MAIN, "Synced")[0] == "True")
            await asyncio.sleep(1)
            assert world.says(shop, "Stalled")[0] == "False", world.get(shop)["status"]
            assert world.says(shop, "Ready")[0] == "True"
        assert len([sent for sent in world.sent if sent.path.startswith("/v1/databases/")]) >= 3, "and it was tried"
        await world.until("nothing works on it", lambda: world.says(shop, "Stalled") == ("True", "Refused"))
        await world.clear_faults()
        await world.until("it heals by itself", lambda: world.says(shop, "Synced")[0] == "True")
