"""A world in which the operator runs and some resources are as their specs say."""

from typing import Any

from managed_databases.reconcile.ports import ResourceKey
from stories.world import manifest
from virtual.everything import project
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import KEYS, SPECS

MAIN, SHOP, APP, TOKEN = KEYS[0], KEYS[1], KEYS[2], KEYS[-1]
PROJECT = ResourceKey("DatabaseProject", "", "team")


def apply(world: VirtualWorld, key: ResourceKey, **spec: Any) -> None:
    world.cluster.apply(manifest(key.kind, key.name, key.namespace, SPECS[key] | spec))


async def begin(world: VirtualWorld, *keys: ResourceKey, **of_project: Any) -> None:
    """Start the operator, and wait until these are there."""
    world.cluster.apply(project(**of_project))
    await world.start()
    for key in keys:
        world.cluster.apply(manifest(key.kind, key.name, NAMESPACE, SPECS[key] | {"ownerRef": None}))
        raw = world.cluster.objects[key]
        raw["spec"] = {name: value for name, value in raw["spec"].items() if value is not None}
    await synced(world, *keys)


async def synced(world: VirtualWorld, *keys: ResourceKey) -> None:
    await world.until(
        "all is as the specs say", lambda: all(world.says(key, "Synced")[0] == "True" for key in keys), 7200
    )


async def ids(world: VirtualWorld) -> dict[ResourceKey, str]:
    return {key: raw["status"].get("id") for key, raw in world.cluster.objects.items() if key.kind != "Secret"}
