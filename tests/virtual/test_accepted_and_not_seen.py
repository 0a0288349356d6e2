"""If the API accepts creations and does not show the objects, the operator slows down, and asks a person to look."""

import asyncio

import httpx
import pytest

from managed_databases.reconcile.ports import ResourceKey
from stories.world import manifest
from virtual.everything import collection, project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import KEYS, SPECS

MAIN, TOKEN = KEYS[0], KEYS[-1]


def apply(world: VirtualWorld, key: ResourceKey) -> None:
    world.cluster.apply(manifest(key.kind, key.name, NAMESPACE, SPECS[key]))


@pytest.mark.parametrize("status", [202, 502], ids=["accepted", "unclear"])
@pytest.mark.parametrize("key", [MAIN, TOKEN], ids=lambda key: key.kind)
def test_creations_that_never_show(key: ResourceKey, status: int) -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            name = collection(key.kind)
            world.cluster.apply(project())
            await world.start()
            await asyncio.sleep(5)
            path = f"/v1/{name}"
            world.refuses = lambda request: (
                httpx.Response(200, json={name: []}) if (request.method, request.url.path) == ("GET", path) else None
            )
            await world.fault(path=f"^{path}$", method="POST", when="after", status=status)
            apply(world, key)
            await asyncio.sleep(3600)
            made = {each["id"] for each in await world.objects(name)}
            assert len(made) <= 6, "in the first hour"
            assert world.says(key, "Stalled") == ("True", "DuplicateSuspected")
            world.refuses = lambda _: None
            await world.until("what was made is told", lambda: world.says(key, "Stalled") == ("True", "Ambiguous"))
            for each in sorted(made)[1:]:
                await world.vanish(name, each)
            await world.until("the last one is taken", lambda: world.says(key, "Synced")[0] == "True")
            assert [each["id"] for each in await world.objects(name)] == [world.get(key)["status"]["id"]]

    in_virtual_time(work())


@pytest.mark.parametrize("key", [MAIN, TOKEN], ids=lambda key: key.kind)
def test_an_object_that_shows_is_taken_however_many_attempts_there_were(key: ResourceKey) -> None:
    """The long pause is before another attempt. A new process waits as long as after a first one, and then looks."""

    async def work() -> None:
        async with VirtualWorld() as world:
            name = collection(key.kind)
            world.cluster.apply(project())
            await world.start()
            await asyncio.sleep(5)
            path = f"/v1/{name}"
            made: list[str] = []

            def refuses(request: httpx.Request) -> httpx.Response | None:
                if (request.method, request.url.path) != ("POST", path):
                    return None
                made.append(request.method)
                return httpx.Response(502) if len(made) < 3 else None

            world.refuses = refuses
            await world.fault(path=f"^{path}$", method="POST", when="after", status=502)
            apply(world, key)
            await world.until("the third attempt is sent", lambda: len(made) == 3)
            await world.kill()
            await world.start()
            await world.until("it is taken", lambda: world.says(key, "Synced")[0] == "True", 200)
            assert len(await world.objects(name)) == 1

    in_virtual_time(work())


@pytest.mark.parametrize("key", [MAIN, TOKEN], ids=lambda key: key.kind)
def test_a_deletion_that_does_nothing(key: ResourceKey) -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project())
            await world.start()
            apply(world, key)
            await world.until("it is there", lambda: world.says(key, "Synced")[0] == "True")
            world.refuses = lambda request: httpx.Response(204) if request.method == "DELETE" else None
            world.cluster.delete(key)
            await asyncio.sleep(600)
            assert world.says(key, "Synced")[1] == "Deleting", "it may only take a while"
            await asyncio.sleep(7200)
            assert world.says(key, "Stalled") == ("True", "PendingTooLong")
            world.refuses = lambda _: None
            await world.until("it goes in the end", lambda: key not in world.cluster.objects)

    in_virtual_time(work())
