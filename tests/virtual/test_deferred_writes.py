"""The id of an object that the cloud finishes at once is written together with Ready; it is lost to nobody meanwhile."""

import asyncio

import httpx
import pytest

from managed_databases.reconcile.ports import ResourceKey
from stories.world import manifest
from virtual.everything import collection, project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import KEYS, SPECS

MAIN, APP = KEYS[0], KEYS[2]


async def begin(world: VirtualWorld) -> list[tuple[str | None, str]]:
    """Apply a datastore and a user in it; return the list to which each status of the user adds its id and Ready."""
    world.cluster.apply(project())
    await world.start()
    world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN]))
    await world.until("it is there", lambda: world.says(MAIN, "Ready")[0] == "True")
    seen: list[tuple[str | None, str]] = []

    def note(kind: str, key: ResourceKey, raw: dict[str, object], gone: bool) -> None:
        if key == APP:
            status = world.get(APP).get("status", {})
            told = (status.get("id"), world.says(APP, "Ready")[0])
            if not seen or seen[-1] != told:
                seen.append(told)

    world.cluster.told.append(note)
    world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, SPECS[APP]))
    return seen


async def made(world: VirtualWorld, what: str = "users") -> None:
    await world.until(
        "the cloud has it", lambda: any(each.method == "POST" for each in world.sent if what in each.path)
    )


async def users(world: VirtualWorld) -> list[str]:
    return [each["id"] for each in await world.objects(collection(APP.kind))]


def changes_of_users(world: VirtualWorld) -> list[str]:
    return [each.method for each in world.sent if "/users" in each.path and each.method != "GET"]


def test_an_object_that_is_there_at_once_is_told_in_one_write() -> None:
    async def work() -> None:
        async with VirtualWorld(delay_seconds=1.0) as world:
            seen = await begin(world)
            await world.until("it is usable", lambda: world.says(APP, "Ready")[0] == "True")
            (id_,) = await users(world)
            assert (id_, "False") not in seen, "one write says both"
            assert seen[-1] == (id_, "True")
            assert world.get(APP)["status"]["phase"] == "ACTIVE"
            assert world.get(APP)["status"]["passwordCheck"], "or a Secret that is set back would be believed"
            assert "intent" not in world.get(APP)["status"]
            assert changes_of_users(world) == ["POST"]

    in_virtual_time(work())


def test_an_object_that_takes_its_time_is_told_before() -> None:
    async def work() -> None:
        async with VirtualWorld(delay_seconds=60.0) as world:
            seen = await begin(world)
            await made(world)
            (id_,) = await users(world)
            await world.until("its id is told", lambda: world.get(APP)["status"].get("id") == id_, seconds=7)
            assert seen[-1] == (id_, "False")

    in_virtual_time(work())


@pytest.mark.parametrize("is_asked_to_stop", [True, False])
def test_a_process_that_ends_before_the_write(is_asked_to_stop: bool) -> None:
    async def work() -> None:
        async with VirtualWorld(delay_seconds=2.0) as world:
            await begin(world)
            await made(world)
            await world.until("the answer is there", lambda: world.get(APP)["status"].get("intent"))
            (id_,) = await users(world)
            assert "id" not in world.get(APP)["status"]
            await (world.stop() if is_asked_to_stop else world.kill())
            assert world.get(APP)["status"].get("id") == (id_ if is_asked_to_stop else None)
            await world.start()
            await world.until("it is usable", lambda: world.says(APP, "Ready")[0] == "True")
            assert await users(world) == [id_] == [world.get(APP)["status"]["id"]]
            assert changes_of_users(world) == (["POST"] if is_asked_to_stop else ["POST", "PUT"])

    in_virtual_time(work())


def test_a_change_of_the_spec_meanwhile_is_told() -> None:
    async def work() -> None:
        async with VirtualWorld(delay_seconds=5.0) as world:
            await begin(world)
            await made(world)
            world.cluster.change(APP, driftPolicy="Report")
            (id_,) = await users(world)
            await world.until("it is told", lambda: world.get(APP)["status"].get("id") == id_, seconds=2)
            assert world.get(APP)["status"]["observedGeneration"] == 2

    in_virtual_time(work())


def test_a_deletion_meanwhile() -> None:
    async def work() -> None:
        async with VirtualWorld(delay_seconds=2.0) as world:
            await begin(world)
            await made(world)
            world.cluster.delete(APP)
            await world.until("it is gone", lambda: APP not in world.cluster.objects)
            assert await users(world) == []

    in_virtual_time(work())


def test_a_status_that_cannot_be_written_at_first_says_all_of_it_later() -> None:
    """Also of a datastore, whose id is written at once."""

    async def work() -> None:
        async with VirtualWorld(delay_seconds=5.0) as world:

            def refuses_the_status(request: httpx.Request) -> float:
                if request.method == "POST" and request.url.path.endswith("/datastores"):
                    world.cluster.refuses = lambda _, path: "a policy" if path.endswith("/main/status") else None
                return 0.01

            world.cluster.apply(project())
            await world.start()
            spec = SPECS[MAIN] | {"engine": {"type": "redis", "version": "7"}, "flavor": {"name": "RS1.2-4096-40"}}
            world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, spec))
            world.seconds_to_answer = refuses_the_status
            await made(world, "datastores")
            await asyncio.sleep(2)
            assert "id" not in world.get(MAIN)["status"]
            world.cluster.refuses = lambda method, path: None
            await world.until("it is usable", lambda: world.says(MAIN, "Ready")[0] == "True")
            assert world.get(MAIN)["status"]["passwordCheck"]
            assert len(await world.objects("datastores")) == 1

    in_virtual_time(work())
