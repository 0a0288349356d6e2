"""Before the first attempt, too, an object that does not tell its name may be the one that a resource wants."""

import asyncio

import pytest

from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition, manifest
from virtual.everything import collection, project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import KEYS, SPECS

MAIN, TOKEN = KEYS[0], KEYS[-1]


@pytest.mark.parametrize("key", [MAIN, TOKEN], ids=lambda key: key.kind)
@pytest.mark.parametrize("told", [None, "", 5, "(left out)"], ids=["null", "empty", "a number", "left out"])
def test_an_object_without_a_name_at_first_may_have_the_wanted_name(told: object, key: ResourceKey) -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project())
            name = collection(key.kind)
            there = await world.create(name, {"name": SPECS[key].get("name", key.name)})
            await world.fault(path=f"^/v1/{name}", method="GET", rows={"name": told})
            await world.start()
            world.cluster.apply(manifest(key.kind, key.name, NAMESPACE, SPECS[key]))
            await asyncio.sleep(240)
            assert world.says(key, "Synced") == ("False", "Looking")
            assert there["id"] in condition(world.get(key), "Synced")["message"]
            assert len(world.sent) < 60, "nothing is asked for the whole time"
            await world.clear_faults()
            await world.until("it is seen", lambda: world.says(key, "Stalled") == ("True", "AlreadyExists"))
            assert [each["id"] for each in await world.objects(name)] == [there["id"]]

    in_virtual_time(work())


@pytest.mark.parametrize("key", [MAIN, TOKEN], ids=lambda key: key.kind)
def test_an_object_without_a_name_may_have_the_name_of_a_rename(key: ResourceKey) -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project())
            await world.start()
            world.cluster.apply(manifest(key.kind, key.name, NAMESPACE, SPECS[key]))
            await world.until("it is there", lambda: world.says(key, "Synced")[0] == "True")
            name, mine = collection(key.kind), world.get(key)["status"]["id"]
            there = await world.create(name, {"name": "wanted"})
            await world.kill()
            await world.fault(path=f"^/v1/{name}(/{there['id']})?$", method="GET", rows={"name": None})
            await world.start()
            world.cluster.change(key, name="wanted")
            await asyncio.sleep(240)
            assert world.says(key, "Synced") == ("False", "Looking")
            assert there["id"] in condition(world.get(key), "Synced")["message"]
            await world.clear_faults()
            await world.until("it is seen", lambda: world.says(key, "Stalled") == ("True", "AlreadyExists"))
            assert {each["id"]: each["name"] for each in await world.objects(name)}[mine] != "wanted"

    in_virtual_time(work())


def test_an_object_that_never_tells_its_name_holds_up_no_rename_for_ever() -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project())
            await world.start()
            world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN]))
            await world.until("it is there", lambda: world.says(MAIN, "Synced")[0] == "True")
            there = await world.create("datastores", {"name": "somebodys"})
            await world.fault(path=f"^/v1/datastores(/{there['id']})?$", method="GET", rows={"name": None})
            await asyncio.sleep(120)
            world.cluster.change(MAIN, name="wanted")
            await asyncio.sleep(5)
            await world.until("it is renamed", lambda: world.says(MAIN, "Synced")[0] == "True", 900)
            names = [each["name"] for each in await world.objects("datastores")]
            assert sorted(names) == ["somebodys", "wanted"]

    in_virtual_time(work())


def test_an_object_that_never_tells_its_name_holds_up_no_creation_for_ever() -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project())
            there = await world.create("datastores", {"name": "somebodys"})
            await world.start()
            await world.fault(path=f"^/v1/datastores(/{there['id']})?$", method="GET", rows={"name": None})
            world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN]))
            await world.until("it is made", lambda: world.get(MAIN)["status"]["id"], 900)
            assert len(await world.objects("datastores")) == 2

    in_virtual_time(work())
