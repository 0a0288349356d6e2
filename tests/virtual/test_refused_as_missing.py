"""If the API answers a call with 404 again and again because something that it needs is missing, that is a refusal like any
other.
"""

import asyncio
from typing import Any

import pytest

from managed_databases.reconcile.ports import ResourceKey
from stories.world import manifest
from virtual.everything import project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import KEYS, SPECS

MAIN, APP, TOKEN = KEYS[0], KEYS[2], KEYS[-1]
MISSING = {
    "error": {"code": 404, "title": "Not Found", "message": "flavor 1e1e1e1e-0000-4000-8000-00000000000a not found."}
}


def refuse(method: str, path: str, **told: Any) -> dict[str, Any]:
    return {"method": method, "path": path, "status": 404, "body": MISSING, **told}


async def begin(world: VirtualWorld, *keys: ResourceKey) -> None:
    world.cluster.apply(project())
    await world.start()
    for key in keys:
        world.cluster.apply(manifest(key.kind, key.name, NAMESPACE, SPECS[key]))
    await world.until("it is there", lambda: all(world.says(key, "Synced")[0] == "True" for key in keys))


@pytest.mark.parametrize(
    ("first", "key", "fault"),
    [
        ((), MAIN, refuse("POST", "^/v1/datastores$")),
        ((MAIN,), APP, refuse("POST", "^/v1/users$")),
        ((MAIN,), MAIN, refuse("POST", "/resize$")),
        ((TOKEN,), TOKEN, refuse("DELETE", "^/v1/prometheus-metrics-tokens/")),
    ],
    ids=["a creation", "a creation inside", "a change", "a deletion"],
)
def test_it_is_told(first: tuple[ResourceKey, ...], key: ResourceKey, fault: dict[str, Any]) -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world, *first)
            await world.fault(**fault)
            if not first or key not in first:
                world.cluster.apply(manifest(key.kind, key.name, NAMESPACE, SPECS[key]))
            elif fault["method"] == "POST":
                world.cluster.change(key, nodeCount=2)
            else:
                world.cluster.delete(key)
            await asyncio.sleep(1800)
            assert world.says(key, "Stalled") == ("True", "Refused")
            told = [each for each in world.cluster.events if each["type"] == "Warning" and each["reason"] == "Refused"]
            assert [each["regarding"]["name"] for each in told] == [key.name], "once"
            calls = [each for each in world.sent if each.method == fault["method"]]
            await asyncio.sleep(3600)
            more = [each for each in world.sent if each.method == fault["method"]]
            assert len(more) - len(calls) <= 12, "an hour"
            await world.clear_faults()
            world.cluster.annotate(key, sync_requested="now")
            if fault["method"] == "DELETE":
                await world.until("it goes", lambda: key not in world.cluster.objects)
            else:
                await world.until("it is done", lambda: world.says(key, "Synced")[0] == "True")

    in_virtual_time(work())


def test_an_object_missing_for_a_moment_is_not_reported() -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await world.fault(**refuse("POST", "^/v1/datastores$", times=2))
            world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN]))
            await world.until("it is made", lambda: world.says(MAIN, "Synced")[0] == "True")
            assert [each for each in world.cluster.events if each["reason"] == "Refused"] == []

    in_virtual_time(work())
