"""A row of a list that cannot be read still counts by its id, and affects only its own object."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition, manifest
from virtual.begun_world import APP, MAIN, PROJECT, SHOP, apply, begin, ids, synced
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import SPECS

ODD: dict[str, Mapping[str, Any]] = {
    "another type": {"disk_used": "n/a"},
    "no name": {"name": None},
    "a number for a name": {"name": 5},
    "a status that is no text": {"status": {"is": "ACTIVE"}},
    "nonsense in all": {"connection": 5, "instances": "none", "firewall": 5, "config": []},
}


@pytest.mark.parametrize("fields", ODD.values(), ids=ODD.keys())
def test_one_odd_row_of_another_datastore(fields: Mapping[str, Any]) -> None:
    """Datastores are made, changed and deleted all the same; the project's status tells of the row."""

    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, APP)
            other = await world.create("datastores", {"name": "console"})
            await world.edit("datastores", other["id"], **fields)
            new = ResourceKey(MAIN.kind, NAMESPACE, "new")
            world.cluster.apply(manifest(MAIN.kind, "new", NAMESPACE, SPECS[MAIN]))
            await synced(world, new, MAIN, APP)
            await asyncio.sleep(100)
            assert world.says(PROJECT, "Synced")[0] == "True"
            (told,) = world.get(PROJECT)["status"]["oddRows"]
            assert (told["collection"], told["rows"]) == ("datastores", 1)
            assert next(iter(fields)) in told["why"][0]
            world.cluster.change(MAIN, backupRetentionDays=14)
            await synced(world, MAIN)
            world.cluster.delete(APP)
            world.cluster.delete(MAIN)
            await world.until("it is gone", lambda: MAIN not in world.cluster.objects)
            assert {each["id"] for each in await world.objects("datastores")} == {
                other["id"],
                world.get(new)["status"]["id"],
            }
            await world.vanish("datastores", other["id"])
            await world.until("nothing is odd any more", lambda: "oddRows" not in world.get(PROJECT)["status"])

    in_virtual_time(work())


@pytest.mark.parametrize("is_killed", [False, True], ids=["lives", "killed"])
@pytest.mark.parametrize("fields", ODD.values(), ids=ODD.keys())
def test_an_odd_row_of_our_own(fields: Mapping[str, Any], is_killed: bool) -> None:
    """Nothing is changed by it, made again, or lost; and once it is readable, all goes on."""

    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, SHOP, APP)
            before, secret = await ids(world), world.secret("app-user")
            await world.fault(path="^/v1/datastores", rows=fields)
            if is_killed:
                await world.kill()
                await world.start()
            world.sent.clear()
            await asyncio.sleep(900)
            assert await ids(world) == before
            assert world.secret("app-user") == secret
            assert [each for each in world.sent if each.method != "GET" and each.path.startswith("/v1")] == []
            assert world.get(MAIN)["status"]["identity"]["key"] == ["main"]
            await world.clear_faults()
            world.cluster.change(MAIN, backupRetentionDays=14)
            await synced(world, MAIN, SHOP, APP)
            assert await ids(world) == before

    in_virtual_time(work())


def test_what_an_attempt_has_made_cannot_be_read() -> None:
    """A row without a name that is new since the attempt may be what it made: no second one is made."""

    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            old = await world.create("datastores", {"name": "console"})
            await world.edit("datastores", old["id"], name=None)
            await asyncio.sleep(100)
            await world.fault(path="^/v1/datastores$", method="POST", times=1, reset=True, when="after")
            apply(world, MAIN)
            await world.until("the attempt is open", lambda: world.get(MAIN)["status"]["intent"])
            (made,) = [each for each in await world.objects("datastores") if each["id"] != old["id"]]
            await world.edit("datastores", made["id"], name=None)
            await asyncio.sleep(3600)
            assert len(await world.objects("datastores")) == 2
            assert made["id"] in condition(world.get(MAIN), "Synced")["message"]
            await world.edit("datastores", made["id"], name="main")
            await synced(world, MAIN)
            assert world.get(MAIN)["status"]["id"] == made["id"]

    in_virtual_time(work())
