"""Marks of belonging that people and tools set: the operator neither changes nor deletes a resource for its owner's sake unless
it has made that resource itself.
"""

import asyncio
from typing import Any

import pytest

from managed_databases.kinds.registry import GROUP, VERSION
from managed_databases.reconcile.ports import ResourceKey
from virtual.begun_world import APP, MAIN, SHOP, begin
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import IN_MAIN

GRANT = ResourceKey("DatabaseGrant", NAMESPACE, "by-hand")
GUARDED = {"deletionProtection": True}
GRANTED: dict[str, Any] = {**IN_MAIN, "databaseRef": {"name": "shop"}, "userRef": {"name": "app"}}
SYNCS_SECONDS = 1300


def marks(world: VirtualWorld, owner: ResourceKey, which: str) -> dict[str, Any]:
    uid = world.get(owner)["metadata"]["uid"]
    reference = {"apiVersion": f"{GROUP}/{VERSION}", "kind": owner.kind, "name": owner.name, "uid": uid}
    set_: dict[str, dict[str, Any]] = {
        "annotation": {"annotations": {f"{GROUP}/owned-by": uid}},
        "owner": {"ownerReferences": [reference]},
    }
    return {name: value for each in which.split(" and ") for name, value in set_[each].items()}


@pytest.mark.parametrize("which", ["owner", "annotation", "annotation and owner"])
@pytest.mark.parametrize("owner", [MAIN, APP], ids=lambda key: key.kind)
def test_a_database_that_somebody_marks_stays(owner: ResourceKey, which: str) -> None:
    """Also with both marks: no spec lists databases inline."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, APP, SHOP)
            world.cluster.change(SHOP, **GUARDED)
            world.cluster.objects[SHOP]["metadata"] |= marks(world, owner, which)
            world.cluster.touch(SHOP)
            await asyncio.sleep(SYNCS_SECONDS)
            assert world.get(SHOP)["spec"]["deletionProtection"] is True
            assert world.says(owner, "Synced")[0] == world.says(SHOP, "Synced")[0] == "True"
            if owner == APP:
                world.cluster.change(APP, deletionProtection=False)
                world.cluster.delete(APP)
                await asyncio.sleep(SYNCS_SECONDS)
                assert APP not in world.cluster.objects
            assert world.get(SHOP)["spec"]["deletionProtection"] is True, "it may go with its owner, but nobody said so"
            assert len(await world.objects("databases")) == 1

    in_virtual_time(story())


@pytest.mark.parametrize("which", ["owner", "annotation"])
def test_a_grant_that_somebody_marks_stays(which: str) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, APP, SHOP)
            made = {
                "metadata": marks(world, APP, which),
                "spec": GRANTED | GUARDED,
                "status": {"observedGeneration": -1},
            }
            world.cluster.create(GRANT, made)
            await asyncio.sleep(SYNCS_SECONDS)
            assert world.get(GRANT)["spec"]["deletionProtection"] is True
            assert world.says(GRANT, "Synced")[0] == "True"
            assert len(await world.objects("grants")) == 1

    in_virtual_time(story())


@pytest.mark.parametrize("taken", ["annotations", "ownerReferences"])
def test_a_grant_of_the_list_whose_mark_was_taken_away_stays(taken: str) -> None:
    """Nobody can tell it any more from one that somebody has made."""
    inline = ResourceKey("DatabaseGrant", NAMESPACE, "app-shop")

    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, APP, SHOP)
            world.cluster.change(APP, databases=[{"name": "shop"}])
            await world.until("it is granted", lambda: inline in world.cluster.objects)
            await asyncio.sleep(SYNCS_SECONDS)
            await world.kill()
            world.cluster.objects[inline]["metadata"].pop(taken)
            world.cluster.touch(inline)
            world.cluster.change(APP, databases=None)
            await world.start()
            await asyncio.sleep(SYNCS_SECONDS)
            assert world.says(inline, "Synced")[0] == world.says(APP, "Synced")[0] == "True"
            assert len(await world.objects("grants")) == 1

    in_virtual_time(story())


def test_a_strangers_marks_hold_up_nobody() -> None:
    """The stranger's namespace refuses writes of its resource."""
    strangers = ResourceKey("DatabaseGrant", "stranger", "by-hand")

    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, APP, allowedNamespaces=[{"name": NAMESPACE}, {"name": strangers.namespace}])
            made = {"metadata": marks(world, APP, "annotation and owner"), "spec": GRANTED}
            world.cluster.create(strangers, made | {"status": {"observedGeneration": -1}})
            await asyncio.sleep(5)
            world.cluster.refuses = lambda method, path: (
                "not here" if path.endswith(f"/{strangers.namespace}/databasegrants/{strangers.name}") else None
            )
            world.cluster.change(APP, deletionPolicy="Retain")
            await asyncio.sleep(5)
            world.cluster.delete(APP)
            await world.until("the user is let go", lambda: APP not in world.cluster.objects)

    in_virtual_time(story())
