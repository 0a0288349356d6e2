"""What a new process says before it knows its projects is true."""

import asyncio

from managed_databases.reconcile.ports import ResourceKey
from virtual.begun_world import APP, MAIN, SHOP, begin
from virtual.memory_cluster import Raw
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import VirtualWorld


def test_a_project_that_is_there_is_never_said_to_be_missing() -> None:
    """Specs that were changed while no process ran have it say something at once."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, SHOP, APP)
            await asyncio.sleep(600)
            await world.kill()
            world.cluster.change(MAIN, nodeCount=3)
            for key in (SHOP, APP):
                world.cluster.change(key, deletionProtection=False)
            told: list[str] = []

            def listen(kind: str, key: ResourceKey, raw: Raw, gone: bool) -> None:
                told.extend(
                    f"{each['reason']}: {each['message']}" for each in raw.get("status", {}).get("conditions", ())
                )

            world.cluster.told.append(listen)
            await world.start()
            await world.until("all is seen", lambda: all(is_seen(world.get(key)) for key in (MAIN, SHOP, APP)))
            assert [each for each in told if "there is no DatabaseProject" in each] == []

    in_virtual_time(story())


def is_seen(raw: Raw) -> bool:
    return bool(raw["status"]["observedGeneration"] == raw["metadata"]["generation"])
