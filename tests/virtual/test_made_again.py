"""A lost object is made again, but not without end: each attempt may leave an object behind that the API does not show."""

import asyncio

import httpx
import pytest

from managed_databases.reconcile.ports import ResourceKey
from stories.world import manifest
from virtual.everything import collection, project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import KEYS, SPECS

MAIN, APP, TOKEN = KEYS[0], KEYS[2], KEYS[-1]
WORDS = {"users": "user", "prometheus-metrics-tokens": "prometheusmetrictoken"}


def blind(request: httpx.Request) -> httpx.Response | None:
    """The API's copy to read from does not get what is written: in its own words nothing is there."""
    _, _, name, *id_ = request.url.path.split("/")
    if request.method != "GET" or name not in WORDS:
        return None
    if not id_:
        return httpx.Response(200, json={name: []})
    return httpx.Response(404, json={"error": {"code": 404, "message": f"{WORDS[name]} {id_[0]} not found."}})


async def begin(world: VirtualWorld, key: ResourceKey) -> None:
    world.cluster.apply(project())
    await world.start()
    for each in {MAIN, key} if key is APP else {key}:
        world.cluster.apply(manifest(each.kind, each.name, NAMESPACE, SPECS[each]))
    await world.until("it is there", lambda: world.says(key, "Synced")[0] == "True")


@pytest.mark.parametrize("hours", [1, 2])
def test_an_api_that_does_not_show_what_it_makes(hours: int) -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world, TOKEN)
            first = world.get(TOKEN)["status"]["id"]
            world.refuses = blind
            await asyncio.sleep(hours * 3600 - 60)
            assert len(await world.objects(collection(TOKEN.kind))) <= 1 + 3 * hours, "three an hour"
            assert world.says(TOKEN, "Stalled") == ("True", "DriftFight")
            assert world.says(TOKEN, "Ready") == ("False", "DriftFight"), "the Secret leads to nothing that is known"
            world.refuses = lambda _: None
            await world.until("it is usable", lambda: world.says(TOKEN, "Ready")[0] == "True")
            there = {each["id"]: each["value"] for each in await world.objects(collection(TOKEN.kind))}
            assert first in there
            id_ = world.get(TOKEN)["status"]["id"]
            assert world.secret("prometheus-metrics-token")["token"] == there[id_]

    in_virtual_time(work())


def test_a_user_that_somebody_deletes_again_and_again() -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world, APP)

            async def deleted_and_made_again() -> bool:
                before = world.get(APP)["status"]["id"]
                await world.vanish("users", before)
                await asyncio.sleep(180)
                return before not in (world.get(APP)["status"].get("id"), None)

            assert [await deleted_and_made_again() for _ in range(4)] == [True, True, True, False]
            assert world.says(APP, "Stalled") == ("True", "DriftFight")
            world.cluster.annotate(APP, sync_requested="now")
            await world.until("it is made when a person asks", lambda: world.says(APP, "Synced")[0] == "True")
            assert len(await world.objects("users")) == 1

    in_virtual_time(work())
