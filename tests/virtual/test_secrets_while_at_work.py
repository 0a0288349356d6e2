"""A Secret that somebody deletes while the cloud is at work on its datastore: only the call to the API waits for that work."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from managed_databases.kube.watched_collections import SECRET
from managed_databases.reconcile.ports import ResourceKey
from stories.world import SUBNET, condition, manifest
from virtual.given_passwords import APP, FIRST, GIVEN, GOOD, MAIN, MINE, PENDING, SOON, begin_with_given, opens, write
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import IN_MAIN, begin_with_datastore

WORK = ("RESIZING", "PENDING_UPDATE")
LONG = 1800
CACHE = ResourceKey(MAIN.kind, NAMESPACE, "cache")
CACHE_SECRET, CACHE_PENDING = (ResourceKey(SECRET, NAMESPACE, f"cache-redis{end}") for end in ("", "-pending"))
CACHE_SPEC: dict[str, Any] = {
    "engine": {"type": "redis", "version": "7"},
    "flavor": {"name": "RS1.2-4096-40"},
    "subnetID": SUBNET,
}


async def begin_generated(world: VirtualWorld) -> None:
    await begin_with_datastore(world)
    world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, IN_MAIN))
    await world.until("it is made", lambda: world.says(APP, "Synced")[0] == "True")


async def phase(world: VirtualWorld, phase: str, of: ResourceKey = MAIN) -> None:
    await world.edit("datastores", world.get(of)["status"]["id"], status=phase)
    world.cluster.annotate(of, sync_requested=phase)
    await world.until("it is seen", lambda: world.get(of)["status"]["phase"] == phase, SOON)


def calls(world: VirtualWorld) -> list[str]:
    return [f"{each.method} {each.path}" for each in world.sent if each.method != "GET" and "/v1/" in each.path]


def pending(world: VirtualWorld, secret: ResourceKey = PENDING) -> str | None:
    return world.secret(secret.name).get("password")


async def is_ready_again(world: VirtualWorld, key: ResourceKey = APP) -> None:
    await world.until(
        "all is well", lambda: world.says(key, "Ready")[0] == world.says(key, "Synced")[0] == "True", LONG
    )


async def killed(world: VirtualWorld) -> None:
    await world.kill()
    await asyncio.sleep(1)
    await world.start()


async def left_alone(world: VirtualWorld) -> None:
    await asyncio.sleep(0)


MEANWHILE = pytest.mark.parametrize("meanwhile", [left_alone, killed], ids=["", "killed"])
Move = Callable[[VirtualWorld], Awaitable[None]]


@MEANWHILE
@pytest.mark.parametrize("work", WORK)
def test_a_given_password_is_back_at_once_without_a_call(work: str, meanwhile: Move) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_given(world)
            await phase(world, work)
            world.sent.clear()
            world.cluster.delete(MINE)
            await meanwhile(world)
            await world.until("it is back", lambda: world.secret(MINE.name)["password"] == FIRST, SOON)
            assert await opens(world)
            await asyncio.sleep(SOON)
            assert not calls(world)
            assert world.says(APP, "Ready")[0] == "True", condition(world.get(APP), "Ready")

    in_virtual_time(story())


@MEANWHILE
@pytest.mark.parametrize("work", WORK)
def test_a_lost_password_is_prepared_at_once_and_sent_after_the_work(work: str, meanwhile: Move) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_generated(world)
            await phase(world, work)
            world.sent.clear()
            world.cluster.delete(MINE)
            await world.until("one is prepared", lambda: pending(world), SOON)
            prepared = pending(world)
            await meanwhile(world)
            await asyncio.sleep(SOON)
            version = world.get(APP)["metadata"]["resourceVersion"]
            await asyncio.sleep(LONG)
            assert not calls(world)
            assert pending(world) == prepared, "it is made once"
            assert world.get(APP)["metadata"]["resourceVersion"] == version, "nothing is written at rest"
            said = condition(world.get(APP), "Ready")
            assert (said["status"], said["reason"]) == ("False", "ParentNotReady")
            assert work in said["message"]
            assert "the new password is sent" in said["message"]
            await phase(world, "ACTIVE")
            await is_ready_again(world)
            assert world.secret(MINE.name)["password"] == prepared
            assert await opens(world)
            assert PENDING not in world.cluster.objects
            assert len(calls(world)) == 1

    in_virtual_time(story())


@MEANWHILE
def test_at_rest_a_given_password_is_sent_again_whoever_has_changed_it_in_the_cloud(meanwhile: Move) -> None:
    """The status proves what the operator has sent last, not what the cloud has."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_given(world)
            (user,) = await world.objects("users")
            await world.edit("users", user["id"], password="changed-by-hand-0")
            world.sent.clear()
            world.cluster.delete(MINE)
            await meanwhile(world)
            await world.until("it is back", lambda: world.secret(MINE.name)["password"] == FIRST, SOON)
            await is_ready_again(world)
            assert len(calls(world)) == 1
            assert await opens(world)

    in_virtual_time(story())


def test_a_given_password_that_the_cloud_does_not_have_yet_is_prepared() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_given(world)
            await phase(world, "RESIZING")
            world.sent.clear()
            write(world, GIVEN, "password", GOOD)
            await world.until("it is prepared", lambda: pending(world) == GOOD, SOON)
            assert world.secret(MINE.name)["password"] == FIRST
            assert world.says(APP, "Ready")[0] == "True", "the password before still opens"
            world.cluster.delete(MINE)
            await asyncio.sleep(SOON)
            assert MINE not in world.cluster.objects, "nobody knows the cloud's password any more"
            assert world.says(APP, "Ready")[0] == "False"
            assert not calls(world)
            write(world, GIVEN, "password", FIRST)
            await world.until("it is back", lambda: world.secret(MINE.name).get("password") == FIRST, SOON)
            assert await opens(world)
            assert not calls(world)
            await phase(world, "ACTIVE")
            await is_ready_again(world)
            assert await opens(world)
            assert PENDING not in world.cluster.objects

    in_virtual_time(story())


def test_one_that_is_in_doubt_is_not_put_back_unseen() -> None:
    """The cloud may have another one: its answer was lost."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_given(world)
            await world.fault(path="/users/", method="PUT", times=1, status=503)
            write(world, GIVEN, "password", GOOD)
            await world.until("it is in doubt", lambda: world.get(APP)["status"].get("passwordUnconfirmed"), SOON)
            await world.kill()
            for each in (MINE, PENDING):
                world.cluster.delete(each)
            write(world, GIVEN, "password", FIRST)
            await phase_unseen(world, "RESIZING")
            world.sent.clear()
            await world.start()
            await asyncio.sleep(SOON)
            assert MINE not in world.cluster.objects
            assert world.says(APP, "Ready")[0] == "False"
            assert not calls(world)
            await phase(world, "ACTIVE")
            await is_ready_again(world)
            assert await opens(world)

    in_virtual_time(story())


async def phase_unseen(world: VirtualWorld, phase: str) -> None:
    await world.edit("datastores", world.get(MAIN)["status"]["id"], status=phase)


@pytest.mark.parametrize("trouble", ["ERROR", "PENDING_DELETE", "deleted"])
@pytest.mark.parametrize("begin", [begin_with_given, begin_generated])
def test_nothing_is_written_for_a_datastore_in_trouble(begin: Move, trouble: str) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            if trouble == "deleted":
                world.cluster.delete(MAIN)
            else:
                await phase(world, trouble)
            await asyncio.sleep(SOON)
            world.cluster.delete(MINE)
            await asyncio.sleep(SOON)
            assert not {MINE, PENDING} & world.cluster.objects.keys()
            assert world.says(APP, "Ready")[0] == "False"

    in_virtual_time(story())


@MEANWHILE
@pytest.mark.parametrize("is_given", [True, False], ids=["given", "generated"])
@pytest.mark.parametrize("work", WORK)
def test_the_secret_of_a_redis_at_work(work: str, is_given: bool, meanwhile: Move) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            world.put_secret(NAMESPACE, GIVEN.name, {"password": FIRST})
            given = {"redis": {"passwordSecretRef": {"name": GIVEN.name, "key": "password"}}} if is_given else {}
            world.cluster.apply(manifest(CACHE.kind, CACHE.name, NAMESPACE, CACHE_SPEC | given))
            await is_ready_again(world, CACHE)
            await phase(world, work, CACHE)
            world.sent.clear()
            world.cluster.delete(CACHE_SECRET)
            if is_given:
                await meanwhile(world)
                await world.until("it is back", lambda: world.secret(CACHE_SECRET.name)["password"] == FIRST, SOON)
                assert world.says(CACHE, "Ready")[0] == "True"
            else:
                await world.until("one is prepared", lambda: pending(world, CACHE_PENDING), SOON)
                await meanwhile(world)
                await asyncio.sleep(SOON)
                said = condition(world.get(CACHE), "Ready")
                assert said["status"] == "False"
                assert "the new password is sent" in said["message"]
            assert not calls(world)
            await phase(world, "ACTIVE", CACHE)
            await is_ready_again(world, CACHE)
            id_ = world.get(CACHE)["status"]["id"]
            assert await world.login(id_, "", world.secret(CACHE_SECRET.name)["password"])
            assert len(calls(world)) == (0 if is_given else 1)

    in_virtual_time(story())
