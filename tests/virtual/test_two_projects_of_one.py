"""Two `DatabaseProject`s may lead to one cloud project, for different namespaces; who holds an object is the same for both."""

import asyncio
from typing import Any

import pytest

from managed_databases.reconcile.ports import ResourceKey
from stories.world import manifest
from virtual.attacked_world import HERS, MAIN, USERS, begin, changing, made, reason
from virtual.everything import project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import VirtualWorld
from virtual.walk import SPECS

IN_HERS = {"projectRef": {"name": "hers"}}


def second(world: VirtualWorld, **entry: Any) -> None:
    """With the same credentials, for her namespace, in which she may adopt what nobody holds."""
    told = project(allowedNamespaces=[{"name": HERS, "powers": ["adopt"]} | entry], default=False)
    told["metadata"]["name"] = "hers"
    world.cluster.apply(told)


@pytest.mark.parametrize("adoption", ["Never", "IfExists", "Required"])
def test_what_is_held_by_way_of_another_is_not_adopted(adoption: str) -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await made(world)
            second(world)
            taken = ResourceKey(MAIN.kind, HERS, "taken")
            spec = {"name": MAIN.name, "adoption": adoption, "nodeCount": 3, "deletionProtection": False} | IN_HERS
            world.sent.clear()
            world.cluster.apply(manifest(taken.kind, taken.name, HERS, SPECS[MAIN] | spec))
            await world.until("it is refused", lambda: reason(world, taken) == "Conflict")
            await asyncio.sleep(900)
            assert changing(world) == []
            world.cluster.delete(taken)
            await world.until("it goes", lambda: taken not in world.cluster.objects)
            assert changing(world) == []
            assert world.says(MAIN, "Synced") == ("True", "InSync")

    in_virtual_time(scenario())


def test_a_name_is_claimed_by_whoever_was_first() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            second(world)
            hers = ResourceKey(MAIN.kind, HERS, "same")
            for key, spec in ((MAIN, {}), (hers, {"name": MAIN.name} | IN_HERS)):
                world.cluster.apply(manifest(key.kind, key.name, key.namespace, SPECS[MAIN] | spec))
            await world.until("one is there", lambda: world.says(MAIN, "Synced")[0] == "True")
            await world.until("the other is told", lambda: reason(world, hers) == "Conflict")
            assert [each["name"] for each in await world.objects("datastores")] == [MAIN.name]
            world.cluster.change(MAIN, deletionProtection=False)
            world.cluster.delete(MAIN)
            await world.until("then it is hers", lambda: world.says(hers, "Synced")[0] == "True")

    in_virtual_time(scenario())


def test_nobody_gets_in_by_an_id() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await made(world)
            second(world)
            world.cluster.change(MAIN, allowedNamespaces=[HERS])
            id_ = world.get(MAIN)["status"]["id"]
            spy, copy = ResourceKey(USERS, HERS, "spy"), ResourceKey(MAIN.kind, HERS, "copy")
            there = {"datastoreRef": {"id": id_}}
            world.cluster.apply(manifest(spy.kind, spy.name, HERS, there | IN_HERS))
            world.cluster.apply(manifest(copy.kind, copy.name, HERS, SPECS[MAIN] | {"restore": there} | IN_HERS))
            await asyncio.sleep(900)
            assert reason(world, spy) == reason(world, copy) == "Forbidden"
            assert await world.objects("users") == []
            assert len(await world.objects("datastores")) == 1

    in_virtual_time(scenario())
