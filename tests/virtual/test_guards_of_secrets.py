"""The rules about passwords and their Secrets, one by one; `make mutants` breaks each of them."""

import asyncio
from base64 import b64encode
from typing import Any

from managed_databases.kube.watched_collections import SECRET
from managed_databases.reconcile.annotations import OBJECT_ID, OWNER_UID, RETAINED
from managed_databases.reconcile.ports import MANAGED_LABEL, ResourceKey
from stories.world import manifest
from virtual.memory_cluster import Raw
from virtual.test_guards import count, sent
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import IN_MAIN, begin_with_datastore

APP = ResourceKey("DatabaseUser", NAMESPACE, "app")
ITS_SECRET = ResourceKey(SECRET, NAMESPACE, "app-user")
FOREIGN = {"password": "of-somebody-else"}


def app(**spec: Any) -> Raw:
    return manifest(APP.kind, APP.name, NAMESPACE, IN_MAIN | spec)


async def made(world: VirtualWorld, **spec: Any) -> None:
    await begin_with_datastore(world)
    world.cluster.apply(app(**spec))
    await world.until("the user is there", lambda: world.says(APP, "Synced")[0] == "True")


def put_foreign(world: VirtualWorld, **annotations: str) -> None:
    """A Secret where ours would be, as people or another operator leave it there."""
    data = {name: b64encode(value.encode()).decode() for name, value in FOREIGN.items()}
    metadata = {"annotations": annotations, "labels": {MANAGED_LABEL: "true"} if annotations else {}}
    told = {"metadata": metadata, "type": "servicebinding.io/postgresql", "data": data}
    world.cluster.create(ITS_SECRET, told)


async def opens(world: VirtualWorld) -> bool:
    status = world.get(APP)["status"]
    return await world.login(status["identity"]["datastoreID"], APP.name, world.secret(ITS_SECRET.name)["password"])


def test_the_secret_is_there_when_the_call_is_sent_and_its_password_is_used_again() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            await world.fault(method="POST", path="/users$", times=1, status=500)
            world.cluster.apply(app())
            await sent(world, "POST", "/v1/users")
            password = world.secret(ITS_SECRET.name)["password"]
            await world.kill()
            await world.start()
            await world.until("the user is there", lambda: world.says(APP, "Synced")[0] == "True")
            assert count(world, "POST", "/v1/users") >= 2
            assert world.secret(ITS_SECRET.name)["password"] == password
            assert await opens(world)

    in_virtual_time(scenario())


def test_a_secret_that_belongs_to_something_else_is_not_touched() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            put_foreign(world)
            world.cluster.apply(app())
            await world.until("it is told", lambda: world.says(APP, "Stalled") == ("True", "SecretConflict"))
            world.cluster.delete(APP)
            await world.until("it is gone", lambda: APP not in world.cluster.objects)
            assert world.secret(ITS_SECRET.name) == FOREIGN
            assert count(world, "POST", "/v1/users") == 0

    in_virtual_time(scenario())


def test_a_retained_secret_goes_with_its_object_only() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            other = {OWNER_UID: "of-another-resource", RETAINED: "true", OBJECT_ID: "of-another-object"}
            put_foreign(world, **other)
            world.cluster.apply(app())
            await world.until("it is told", lambda: world.says(APP, "Stalled") == ("True", "SecretConflict"))
            assert world.secret(ITS_SECRET.name) == FOREIGN

    in_virtual_time(scenario())


def test_only_an_own_secret_is_let_go() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await made(world)
            await world.kill()
            world.cluster.delete(ITS_SECRET)
            put_foreign(world, **{OWNER_UID: "of-another-resource"})
            world.cluster.delete(APP)
            await world.start()
            await world.until("it is gone", lambda: APP not in world.cluster.objects)
            assert world.secret(ITS_SECRET.name) == FOREIGN

    in_virtual_time(scenario())


def test_retain_keeps_the_secret_and_lets_garbage_collection_pass_it_by() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await made(world, deletionPolicy="Retain")
            assert not world.get(ITS_SECRET)["metadata"].get("ownerReferences")
            before = world.secret(ITS_SECRET.name)
            world.cluster.delete(APP)
            await world.until("it is gone", lambda: APP not in world.cluster.objects)
            assert world.secret(ITS_SECRET.name) == before
            assert world.get(ITS_SECRET)["metadata"]["annotations"][RETAINED] == "true"
            assert len(await world.objects("users")) == 1

    in_virtual_time(scenario())


def test_a_secret_that_is_deleted_with_its_object_has_an_owner() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await made(world)
            (owner,) = world.get(ITS_SECRET)["metadata"]["ownerReferences"]
            assert owner["uid"] == world.get(APP)["metadata"]["uid"]

    in_virtual_time(scenario())


def test_an_edited_password_is_not_believed() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await made(world)
            world.get(ITS_SECRET)["data"]["password"] = b64encode(b"typed-by-hand").decode()
            world.cluster.drop_data(ITS_SECRET, "host")
            await world.until("it is mended", lambda: "host" in world.secret(ITS_SECRET.name))
            await asyncio.sleep(60)
            assert world.secret(ITS_SECRET.name)["password"] != "typed-by-hand"
            assert await opens(world)

    in_virtual_time(scenario())
