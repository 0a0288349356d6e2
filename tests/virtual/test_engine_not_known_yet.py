"""A user in a datastore that nobody has a resource of: which engine that is tells the catalogue only, which may be read late."""

import asyncio

import pytest

from managed_databases.kube.collections import SECRET
from managed_databases.reconcile.ports import ResourceKey
from stories.world import manifest
from virtual.begun_world import APP, begin
from virtual.memory_cluster import Raw
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld

MAY_ADOPT = [{"name": NAMESPACE, "powers": ["adopt"]}]


async def begin_elsewhere(world: VirtualWorld) -> str:
    """Return the id of a datastore that the console has made."""
    await begin(world, allowedNamespaces=MAY_ADOPT)
    return str((await world.create("datastores", {"name": "made-in-the-console"}))["id"])


async def hide_the_catalogue(world: VirtualWorld) -> None:
    """From a process that begins now."""
    await world.kill()
    await world.fault(path="^/v1/datastore-types$", method="GET", status=500, times=None)
    await world.start()


def secret(world: VirtualWorld, name: str = "app-user") -> Raw:
    return world.cluster.objects.get(ResourceKey(SECRET, NAMESPACE, name), {})


@pytest.mark.parametrize("adopted", [False, True])
def test_no_secret_is_written_before_the_engine_is_known(adopted: bool) -> None:
    """The type of a Secret says the engine, and can never be changed."""

    async def scenario() -> None:
        async with VirtualWorld() as world:
            there = {"datastoreRef": {"id": await begin_elsewhere(world)}}
            if adopted:
                told = {"name": "app", "datastore_id": there["datastoreRef"]["id"], "password": "set-by-hand-9"}
                await world.create("users", told)
            await hide_the_catalogue(world)
            how = {"adoption": "IfExists", "onUnknownPassword": "Reset"} if adopted else {}
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, {**there, **how}))
            await asyncio.sleep(120)
            assert secret(world) == {}
            assert world.says(APP, "Ready")[0] == "False"
            assert "datastore-types" in world.get(APP)["status"]["message"]
            await world.clear_faults()
            await world.until("it is ready", lambda: world.says(APP, "Ready")[0] == "True", 300)
            assert secret(world)["type"] == "servicebinding.io/postgresql"
            assert {"uri", "port"} <= secret(world)["data"].keys()

    in_virtual_time(scenario())


def test_a_secret_that_is_there_is_kept_right_meanwhile() -> None:
    """It says itself which engine it is for: nothing of it is taken away, and a new password gets into it."""

    async def scenario() -> None:
        async with VirtualWorld() as world:
            there = {"datastoreRef": {"id": await begin_elsewhere(world)}}
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, there))
            await world.until("it is ready", lambda: world.says(APP, "Ready")[0] == "True")
            before = dict(secret(world))
            await hide_the_catalogue(world)
            await asyncio.sleep(120)
            assert secret(world) == before
            assert world.says(APP, "Ready") == ("True", "Ready")
            world.cluster.annotate(APP, rotate_password="now")
            await world.until("the password is another one", lambda: secret(world)["data"] != before["data"], 120)
            await asyncio.sleep(60)
            assert secret(world)["type"] == before["type"]
            assert secret(world)["data"].keys() == before["data"].keys()
            assert world.says(APP, "Ready") == ("True", "Ready")

    in_virtual_time(scenario())


@pytest.mark.parametrize("endpoint", [None, "ReadWrite", "Pooler"])
def test_a_copy_that_is_there_is_kept_right_meanwhile(endpoint: str | None) -> None:
    """Wherever it leads: its engine is that of the Secret that it is a copy of."""

    async def scenario() -> None:
        async with VirtualWorld() as world:
            copy = {"name": "app-copy", "presets": ["libpq"]} | ({"endpoint": endpoint} if endpoint else {})
            where = {"datastoreRef": {"id": await begin_elsewhere(world)}, "credentials": {"copies": [copy]}}
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, where))
            await world.until("the copy opens", lambda: "PGPASSWORD" in secret(world, "app-copy")["data"])
            await asyncio.sleep(60)
            before = copy_of(secret(world, "app-copy"))
            await hide_the_catalogue(world)
            world.cluster.change_data(ResourceKey(SECRET, NAMESPACE, "app-copy"), {"username": ""})
            await world.until("it is put right", lambda: copy_of(secret(world, "app-copy")) == before, 1200)
            await asyncio.sleep(120)
            assert copy_of(secret(world, "app-copy")) == before

    in_virtual_time(scenario())


def copy_of(raw: Raw) -> Raw:
    return {"type": raw["type"], "data": dict(raw["data"])}
