"""Resources of every kind from their creation to their end, in both clouds that are possible by what is known of the API."""

import asyncio
from typing import Any

import pytest

from managed_databases.reconcile.ports import ResourceKey
from managed_databases.sandbox.settings import OTHER_CLOUD
from virtual.everything import all_is_right, change_everything, everything, keys_of, nothing_is_left
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld

HOUR = 3600


@pytest.mark.parametrize("cloud", [{}, OTHER_CLOUD], ids=["usual", "other"])
def test_a_life_in_either_cloud(cloud: dict[str, Any]) -> None:
    in_virtual_time(lives(cloud))


async def lives(cloud: dict[str, Any]) -> None:
    manifests = everything()
    resources = keys_of(manifests)
    async with VirtualWorld() as world:
        await world.settings(**cloud)
        await world.start()
        for each in manifests:
            world.cluster.apply(each)
        await all_is_right(world, resources)
        await rests(world)
        change_everything(world)
        await all_is_right(world, resources)
        await rests(world)
        world.cluster.change(ResourceKey("ManagedDatastore", NAMESPACE, "kafka"), deletionProtection=False)
        for key in resources:
            world.cluster.delete(key)
        await nothing_is_left(world)


async def rests(world: VirtualWorld) -> None:
    """Nothing is done in the cloud for an hour: no setting of the cloud is taken for a difference."""
    world.sent.clear()
    await asyncio.sleep(HOUR)
    assert [
        f"{each.method} {each.path}" for each in world.sent if each.method != "GET" and "/auth/" not in each.path
    ] == []
