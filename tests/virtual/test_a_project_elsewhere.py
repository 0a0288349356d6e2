"""A DatabaseProject that leads to another project makes nothing there while its resources hold objects in the old one."""

import asyncio

import pytest

from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition, manifest
from virtual.begun_world import APP, MAIN, PROJECT, SHOP, apply, begin, ids, synced
from virtual.everything import project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, SYSTEM, URL, VirtualWorld
from virtual.walk import SPECS


@pytest.mark.parametrize("is_put_back", [False, True], ids=["made again as it was", "put back"])
def test_a_project_made_again_elsewhere_while_an_attempt_is_open(is_put_back: bool) -> None:
    """Nothing is held yet, and the new project's status knows of no other place: only the attempt does."""

    async def work() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project(endpoint=f"{URL}/v1"))
            await world.start()
            await world.fault(path="^/v1/datastores$", method="POST", reset=True, when="after")
            apply(world, MAIN)
            await world.until("the attempt is open", lambda: world.get(MAIN)["status"]["intent"])
            await asyncio.sleep(5)
            await world.clear_faults()
            (made,) = await world.objects("datastores")
            world.cluster.delete(PROJECT)
            await asyncio.sleep(1)
            world.cluster.apply(project(endpoint=f"{URL}/region-2/v1"))
            world.sent.clear()
            await asyncio.sleep(900)
            assert not [each for each in world.sent if each.method == "POST" and "/datastores" in each.path]
            assert world.says(PROJECT, "Stalled") == ("True", "ProjectChanged")
            assert f"{URL}/v1" in condition(world.get(PROJECT), "Stalled")["message"]
            if is_put_back:
                world.cluster.change(PROJECT, endpoint=f"{URL}/v1")
            else:
                world.cluster.delete(PROJECT)
                await asyncio.sleep(1)
                world.cluster.apply(project(endpoint=f"{URL}/v1"))
            await synced(world, MAIN)
            assert [each["id"] for each in await world.objects("datastores")] == [made["id"]]
            assert world.get(MAIN)["status"]["id"] == made["id"]

    in_virtual_time(work())


@pytest.mark.parametrize("is_killed", [False, True], ids=["lives", "killed"])
@pytest.mark.parametrize("is_doomed", [False, True], ids=["stays", "deleted"])
def test_an_endpoint_of_another_region(is_doomed: bool, is_killed: bool) -> None:
    in_virtual_time(another_region(is_doomed, is_killed))


async def another_region(is_doomed: bool, is_killed: bool) -> None:
    async with VirtualWorld() as world:
        keys = (MAIN, SHOP, APP)
        await begin(world, *keys, endpoint=f"{URL}/v1")
        before, secret = await ids(world), world.secret("app-user")
        if is_killed:
            await world.kill()
        world.cluster.change(PROJECT, endpoint=f"{URL}/region-2/v1")
        if is_killed:
            await world.start()
        await asyncio.sleep(30)
        if is_doomed:
            for key in reversed(keys):
                world.cluster.delete(key)
        new = ResourceKey(MAIN.kind, NAMESPACE, "new")
        world.cluster.apply(manifest(MAIN.kind, "new", NAMESPACE, SPECS[MAIN]))
        await asyncio.sleep(900)
        assert world.says(PROJECT, "Stalled") == ("True", "ProjectChanged")
        assert {key: id_ for key, id_ in (await ids(world)).items() if key in before} == before
        assert [each["id"] for each in await world.objects("datastores")] == [before[MAIN]], "nothing is made there"
        assert all(key in world.cluster.objects for key in keys)
        world.cluster.change(PROJECT, endpoint=f"{URL}/v1")
        if is_doomed:
            await world.until("they are gone", lambda: not set(keys) & world.cluster.objects.keys())
            await synced(world, new)
        else:
            await synced(world, *keys, new)
            assert {key: id_ for key, id_ in (await ids(world)).items() if key in before} == before
            assert world.secret("app-user") == secret


def test_another_secret_has_to_show_what_is_known() -> None:
    """At the same address, and for the same project as far as anybody says: what is not shown there is not gone."""

    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, APP)
            before = await ids(world)
            await world.kill()
            await world.vanish("datastores", before[MAIN])  # as where these credentials see another project
            world.change_secret(SYSTEM, "cloud", {"NOTE": "another one"})
            await world.start()
            await asyncio.sleep(900)
            assert world.says(PROJECT, "Stalled") == ("True", "ProjectChanged")
            assert {key: (await ids(world))[key] for key in (MAIN, APP)} == {key: before[key] for key in (MAIN, APP)}
            assert "uri" in world.secret("app-user")

    in_virtual_time(work())


def test_an_endpoint_may_have_another_address() -> None:
    """The same API under another name: a known id answers there."""

    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, endpoint=f"{URL}/v1")
            world.cluster.change(PROJECT, endpoint=f"{URL}:443/v1")
            await asyncio.sleep(60)
            assert world.says(PROJECT, "Synced")[0] == "True"
            assert world.get(PROJECT)["status"]["endpoint"] == f"{URL}:443/v1"
            world.cluster.change(MAIN, backupRetentionDays=14)
            await synced(world, MAIN)

    in_virtual_time(work())


@pytest.mark.parametrize("is_killed", [False, True], ids=["lives", "killed"])
def test_a_lost_object_does_not_tie_a_project_to_its_address(is_killed: bool) -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, APP, endpoint=f"{URL}/v1")
            await world.vanish("datastores", world.get(MAIN)["status"]["id"])
            await world.until("it is seen", lambda: world.says(MAIN, "Stalled") == ("True", "Gone"))
            await asyncio.sleep(60)
            if is_killed:
                await world.kill()
            world.cluster.change(PROJECT, endpoint=f"{URL}:443/v1")
            if is_killed:
                await world.start()
            await asyncio.sleep(100)
            assert world.says(PROJECT, "Synced")[0] == "True"

    in_virtual_time(work())
