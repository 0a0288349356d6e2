"""A user in a datastore that nobody has a resource of: which engine that is tells the catalogue only, which may be read late."""

import asyncio
from typing import Any

import pytest

from managed_databases.kube.watched_collections import SECRET
from managed_databases.reconcile.ports import ResourceKey
from managed_databases.sandbox.catalogue import type_id
from stories.world import manifest
from virtual.begun_world import APP, begin
from virtual.memory_cluster import Raw
from virtual.two_users import TWO, is_well, rotation, turned
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld

MAY_ADOPT = [{"name": NAMESPACE, "powers": ["adopt"]}]


async def begin_elsewhere(world: VirtualWorld, version: str = "16") -> str:
    """Return the id of a PostgreSQL datastore that the console has made."""
    await begin(world, allowedNamespaces=MAY_ADOPT)
    type_ = type_id("postgresql", version)
    return str((await world.create("datastores", {"name": "made-in-the-console", "type_id": type_}))["id"])


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


@pytest.mark.parametrize("is_there", [False, True])
@pytest.mark.parametrize("told", [{"short_list": 0}, {"rows": {"engine": ""}}, {"rows": {"engine": " "}}])
def test_a_catalogue_that_does_not_list_the_type_is_waited_for(is_there: bool, told: dict[str, Any]) -> None:
    """As one that is not read: what it lists tomorrow would find a Secret of a type that can never be changed. An engine without
    a name is none.
    """

    async def scenario() -> None:
        async with VirtualWorld() as world:
            there = {"datastoreRef": {"id": await begin_elsewhere(world)}}
            if is_there:
                world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, there))
                await world.until("it is ready", lambda: world.says(APP, "Ready")[0] == "True")
            await world.kill()
            await world.fault(path="^/v1/datastore-types$", method="GET", times=None, **told)
            await world.start()
            if is_there:
                world.cluster.delete(ResourceKey(SECRET, NAMESPACE, "app-user"))
            else:
                world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, there))
            await asyncio.sleep(300)
            assert secret(world) == {}
            assert world.says(APP, "Ready")[0] == "False"
            assert "does not list its type" in world.get(APP)["status"]["message"]
            await world.clear_faults()
            await world.until("it is ready", lambda: world.says(APP, "Ready")[0] == "True", 7200)
            assert secret(world)["type"] == "servicebinding.io/postgresql"

    in_virtual_time(scenario())


@pytest.mark.parametrize("active", ["Own", "Twin"])
def test_the_mounted_secret_of_two_users_waits_as_others_do(active: str) -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            there = {"datastoreRef": {"id": await begin_elsewhere(world)}}
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, there | TWO))
            await world.until("two", lambda: rotation(world).get("active") == "Own" and is_well(world), 600)
            if active == "Twin":
                await turned(world, "one", "Twin")
            await asyncio.sleep(1200)
            before = copy_of(secret(world))
            await hide_the_catalogue(world)
            world.cluster.delete(ResourceKey(SECRET, NAMESPACE, "app-user"))
            await asyncio.sleep(120)
            assert secret(world) == {}
            assert world.says(APP, "Ready")[0] == "False"
            await world.clear_faults()
            await world.until("it is back", lambda: is_well(world) and secret(world), 900)
            assert copy_of(secret(world)) == before

    in_virtual_time(scenario())


@pytest.mark.parametrize("version", ["16", "16-1C"])
def test_a_pooler_is_there_if_the_secret_says_so(version: str) -> None:
    """An engine of 1C has none: applications would be led to a port where nothing listens."""

    async def scenario() -> None:
        async with VirtualWorld() as world:
            copies = {"copies": [{"name": "app-copy", "endpoint": "Pooler"}], "endpoint": "Pooler"}
            where = {"datastoreRef": {"id": await begin_elsewhere(world, version)}, "credentials": copies}
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, where))
            await world.until("the copy opens", lambda: "uri" in secret(world, "app-copy").get("data", {}))
            await asyncio.sleep(60)
            before = [copy_of(secret(world, name)) for name in ("app-user", "app-copy")]
            await hide_the_catalogue(world)
            await asyncio.sleep(1300)
            assert [copy_of(secret(world, name)) for name in ("app-user", "app-copy")] == before

    in_virtual_time(scenario())
