"""A change of password that cannot begin takes nothing away from a user whose Secret opens the database."""

import asyncio

import pytest

from managed_databases.kube.watched_collections import SECRET
from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition, manifest
from virtual.begun_world import MAIN, begin, synced
from virtual.everything import everything
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import IN_MAIN, KEYS

APP, OTHER = KEYS[2:4]
GIVEN = {"passwordSecretRef": {"name": "given", "key": "password"}}
PENDING = ResourceKey(SECRET, NAMESPACE, "app-user-pending")
NEW = "given-by-a-person-1"
SOON = 60


async def take_the_name(world: VirtualWorld, by: str) -> None:
    if by == "a person":
        world.put_secret(NAMESPACE, PENDING.name, {"theirs": "x"})
    else:
        world.cluster.apply(manifest(OTHER.kind, OTHER.name, NAMESPACE, IN_MAIN | {"secretName": PENDING.name}))
        await synced(world, OTHER)


@pytest.mark.parametrize("by", ["a person", "another user"])
@pytest.mark.parametrize("restart", [False, True])
def test_a_taken_name_of_the_pending_secret(by: str, restart: bool) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, APP)
            await take_the_name(world, by)
            before, theirs = world.secret("app-user"), world.secret(PENDING.name)
            world.put_secret(NAMESPACE, "given", {"password": NEW})
            world.cluster.change(APP, **GIVEN)
            await world.until("it is told", lambda: world.says(APP, "Synced") == ("False", "SecretConflict"), SOON)
            assert PENDING.name in condition(world.get(APP), "Synced")["message"]
            if restart:
                await world.kill()
                await world.start()
            await asyncio.sleep(900)
            assert world.says(APP, "Ready") == ("True", "Ready")
            assert world.says(APP, "Stalled") == ("True", "SecretConflict")
            assert world.secret("app-user") == before
            assert world.secret(PENDING.name) == theirs
            assert await world.login(world.get(MAIN)["status"]["id"], "app", before["password"])
            world.cluster.delete(OTHER if by == "another user" else PENDING)
            await world.until("it gets its new password", lambda: world.secret("app-user")["password"] == NEW, SOON)
            await synced(world, APP)
            assert await world.login(world.get(MAIN)["status"]["id"], "app", NEW)

    in_virtual_time(story())


def test_so_it_is_with_the_password_of_a_redis() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            example = next(each for each in everything() if each["spec"].get("engine", {}).get("type") == "redis")
            world.cluster.apply(example)
            redis = ResourceKey(MAIN.kind, NAMESPACE, example["metadata"]["name"])
            await synced(world, redis)
            name = world.get(redis)["status"]["binding"]["name"]
            world.put_secret(NAMESPACE, f"{name}-pending", {"theirs": "x"})
            world.put_secret(NAMESPACE, "given", {"password": NEW})
            before = world.secret(name)
            world.cluster.change(redis, redis=GIVEN)
            await world.until("it is told", lambda: world.says(redis, "Synced") == ("False", "SecretConflict"), SOON)
            assert world.says(redis, "Ready") == ("True", "Ready")
            assert world.secret(name) == before

    in_virtual_time(story())


def test_without_a_change_the_name_matters_to_nobody() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, APP)
            await take_the_name(world, "a person")
            await world.kill()
            await world.start()
            await asyncio.sleep(900)
            assert world.says(APP, "Synced") == ("True", "InSync")
            assert world.says(APP, "Ready") == ("True", "Ready")

    in_virtual_time(story())


def test_a_user_whose_secret_does_not_open_is_not_ready() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, APP)
            await take_the_name(world, "a person")
            world.change_secret(NAMESPACE, "app-user", {"password": "edited-by-hand"})
            await world.until("it is told", lambda: world.says(APP, "Ready") == ("False", "SecretConflict"), SOON)
            await asyncio.sleep(900)
            assert world.says(APP, "Ready")[0] == "False"
            world.cluster.delete(PENDING)
            await synced(world, APP)
            assert world.says(APP, "Ready")[0] == "True"

    in_virtual_time(story())


def test_the_name_taken_once_the_password_was_sent() -> None:
    """Nobody can tell any more which password the cloud has: the new one is in no Secret of the operator."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, APP)
            world.put_secret(NAMESPACE, "given", {"password": NEW})
            await world.fault(method="PUT", path="/users/", when="after", times=1, status=503)
            world.cluster.change(APP, **GIVEN)
            await world.until("it was sent", lambda: any(s.method in ("PUT", "PATCH") for s in world.sent), SOON)
            world.cluster.objects[PENDING]["metadata"] |= {"annotations": {}, "ownerReferences": []}
            world.change_secret(NAMESPACE, PENDING.name, {"password": "of-a-person"})
            await asyncio.sleep(900)
            assert world.says(APP, "Ready") == ("False", "SecretConflict")

    in_virtual_time(story())
