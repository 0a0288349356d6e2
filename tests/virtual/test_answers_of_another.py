"""An answer about another object, or from another endpoint, proves nothing about a resource's own object."""

import asyncio
from typing import Any

import pytest

from managed_databases.reconcile.ports import ResourceKey
from stories.world import manifest
from virtual.everything import collection, project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, URL, VirtualWorld
from virtual.walk import KEYS, SPECS

MAIN, APP, OTHER = KEYS[0], KEYS[2], KEYS[3]
PROJECT = ResourceKey("DatabaseProject", "", "team")
SECOND = ResourceKey("ManagedDatastore", NAMESPACE, "orders")
"""Made before, and what the mixed-up answers are about."""


def apply(world: VirtualWorld, key: ResourceKey, **spec: Any) -> None:
    world.cluster.apply(manifest(key.kind, key.name, key.namespace, SPECS.get(key, SPECS[MAIN]) | spec))


async def in_sync(world: VirtualWorld, *keys: ResourceKey) -> None:
    await world.until("they are in sync", lambda: all(world.says(key, "Synced")[0] == "True" for key in keys))


async def begin(world: VirtualWorld, *keys: ResourceKey) -> None:
    world.cluster.apply(project())
    await world.start()
    for key in keys:
        apply(world, key)
    await in_sync(world, *keys)


async def row_of(world: VirtualWorld, key: ResourceKey) -> dict[str, Any]:
    there = await world.objects(collection(key.kind))
    return next(each for each in there if each["id"] == world.get(key)["status"]["id"])


@pytest.mark.parametrize(("first", "key"), [(SECOND, MAIN), (OTHER, APP)], ids=["datastore", "user"])
@pytest.mark.parametrize("is_held", [True, False], ids=["held", "held by nobody"])
def test_a_creation_that_is_answered_with_what_was_there_before(
    first: ResourceKey, key: ResourceKey, is_held: bool
) -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world, *(each for each in (MAIN, first) if each != key))
            name = collection(key.kind)
            row = await row_of(world, first)
            if not is_held:
                world.cluster.change(first, deletionPolicy="Retain")
                world.cluster.delete(first)
                await asyncio.sleep(60)
            await world.fault(
                path=f"^/v1/{name}$",
                method="POST",
                times=1,
                status=200,
                when="after",
                body={name.removesuffix("s"): row},
            )
            apply(world, key)
            await in_sync(world, key)
            ids = {each["name"]: each["id"] for each in await world.objects(name)}
            assert len(ids) == 2, "nothing is made twice"
            assert world.get(key)["status"]["id"] == ids[key.name]
            world.cluster.delete(key)
            await world.until("it is gone", lambda: key not in world.cluster.objects)
            assert [each["id"] for each in await world.objects(name)] == [row["id"]], "only its own object goes with it"

    in_virtual_time(work())


def test_a_change_of_password_that_is_answered_with_another_user() -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, APP, OTHER)
            world.put_secret(NAMESPACE, "given", {"password": "given-by-a-person-1"})
            row = await row_of(world, OTHER)
            await world.fault(path="^/v1/users/", method="PUT", times=1, status=200, body={"user": row})
            world.cluster.change(APP, passwordSecretRef={"name": "given"})
            await world.until("it has the password", lambda: world.secret("app-user")["password"].startswith("given"))
            await in_sync(world, APP)
            datastore = (await row_of(world, MAIN))["id"]
            assert await world.login(datastore, "app", world.secret("app-user")["password"])

    in_virtual_time(work())


def test_a_creation_that_is_answered_without_an_id() -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project())
            await world.start()
            body = {"datastore": {"id": "", "name": "main", "status": "PENDING_CREATE"}}
            await world.fault(path="^/v1/datastores$", method="POST", times=1, status=200, when="after", body=body)
            apply(world, MAIN)
            await in_sync(world, MAIN)
            assert [each["id"] for each in await world.objects("datastores")] == [world.get(MAIN)["status"]["id"]]

    in_virtual_time(work())


@pytest.mark.parametrize("is_deleted", [False, True], ids=["wanted", "deleted"])
@pytest.mark.parametrize("is_killed", [False, True], ids=["lives", "killed"])
def test_an_open_attempt_is_not_looked_for_at_another_endpoint(is_killed: bool, is_deleted: bool) -> None:
    """Nothing is held yet that could answer there."""

    async def work() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project())
            await world.start()
            await world.fault(path="^/v1/datastores$", method="POST", times=1, reset=True, when="after")
            apply(world, MAIN)
            await world.until("the attempt is open", lambda: world.get(MAIN)["status"]["intent"])
            await asyncio.sleep(2)
            world.cluster.change(PROJECT, endpoint=f"{URL}/region-2/v1")
            if is_deleted:
                world.cluster.delete(MAIN)
            if is_killed:
                await world.kill()
                await world.start()
            await asyncio.sleep(1200)
            for key in (PROJECT, MAIN):
                assert world.says(key, "Stalled") == ("True", "ProjectChanged")
            made = await world.objects("datastores")
            assert len(made) == 1, "nothing is made in another region"
            world.cluster.change(PROJECT, endpoint=None)
            if is_deleted:
                await world.until("it is gone", lambda: MAIN not in world.cluster.objects)
                assert await world.objects("datastores") == []
            else:
                await in_sync(world, MAIN)
                assert world.get(MAIN)["status"]["id"] == made[0]["id"]

    in_virtual_time(work())
