"""The API may tell a metrics token's value only once: its Secret must be writable before, and counts afterwards."""

import asyncio
from base64 import b64encode

import pytest

from managed_databases.kube.watched_collections import SECRET
from managed_databases.reconcile.annotations import OBJECT_ID
from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition, manifest
from virtual.everything import project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import KEYS, SPECS

TOKEN = KEYS[-1]
ITS_SECRET = ResourceKey(SECRET, NAMESPACE, "prometheus-metrics-token")
NOT_TOLD = {"value": "(left out)"}


async def begin(world: VirtualWorld) -> None:
    world.cluster.apply(project())
    await world.start()
    world.cluster.apply(manifest(TOKEN.kind, TOKEN.name, NAMESPACE, SPECS[TOKEN]))


async def made(world: VirtualWorld) -> str:
    """Return the value, which is told no more from now on, to a process that has only started."""
    await begin(world)
    await world.until("the token is there", lambda: world.says(TOKEN, "Synced")[0] == "True")
    await world.kill()
    await world.fault(path="^/v1/prometheus-metrics-tokens", method="GET", rows=NOT_TOLD)
    return world.secret(ITS_SECRET.name)["token"]


def posts(world: VirtualWorld) -> int:
    return sum(sent.method == "POST" and sent.path == "/v1/prometheus-metrics-tokens" for sent in world.sent)


@pytest.mark.parametrize("what", ["a quota", "a policy"])
def test_no_token_is_made_whose_secret_cannot_be_written(what: str) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            if what == "a quota":
                world.cluster.max_secrets = 0
            else:
                world.cluster.refuses = lambda method, path: (
                    "by our policy" if method == "POST" and path.endswith(f"/{NAMESPACE}/secrets") else None
                )
            await begin(world)
            await asyncio.sleep(900)
            assert posts(world) == 0
            assert await world.objects("prometheus-metrics-tokens") == []
            assert world.says(TOKEN, "Stalled") == ("True", "KubernetesRefuses")
            assert "intent" not in world.get(TOKEN)["status"], "nothing was begun"
            world.cluster.refuses, world.cluster.max_secrets = (lambda method, path: None), None
            await world.until("it heals by itself", lambda: world.says(TOKEN, "Ready")[0] == "True")
            assert posts(world) == 1

    in_virtual_time(story())


def test_a_secret_that_proves_to_hold_the_value_counts() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            value = await made(world)
            await world.start()
            world.cluster.annotate(TOKEN, sync_requested="now")
            await asyncio.sleep(900)
            assert world.says(TOKEN, "Ready")[0] == "True"
            assert world.says(TOKEN, "Synced") == ("True", "InSync")
            assert world.secret(ITS_SECRET.name)["token"] == value
            world.cluster.drop_data(ITS_SECRET, "type")
            await world.until("it is mended", lambda: world.secret(ITS_SECRET.name).get("type") == "prometheus")
            assert world.secret(ITS_SECRET.name)["token"] == value

    in_virtual_time(story())


@pytest.mark.parametrize("what", ["edited", "of another object", "without its marks", "emptied", "deleted"])
@pytest.mark.parametrize("is_killed", [False, True], ids=["lives", "killed"])
def test_a_secret_that_proves_nothing_is_not_ready(what: str, is_killed: bool) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await made(world)
            if not is_killed:
                await world.start()
                await asyncio.sleep(120)
            secret = world.get(ITS_SECRET)
            marks = secret["metadata"]["annotations"]
            if what == "edited":
                world.cluster.change_data(ITS_SECRET, {"token": b64encode(b"typed-by-hand").decode()})
            elif what == "of another object":
                marks[OBJECT_ID] = "11111111-1111-4111-8111-111111111111"
            elif what == "without its marks":
                marks.clear()
            elif what == "emptied":
                world.cluster.drop_data(ITS_SECRET, "token")
            else:
                world.cluster.delete(ITS_SECRET)
            if what in ("of another object", "without its marks"):
                world.cluster.touch(ITS_SECRET)
            if is_killed:
                await world.start()
            await asyncio.sleep(900)
            assert world.says(TOKEN, "Ready") == ("False", "NotTold")
            assert "make it again" in condition(world.get(TOKEN), "Ready")["message"]
            await world.clear_faults()
            await world.until("it heals once it is told", lambda: world.says(TOKEN, "Ready")[0] == "True")

    in_virtual_time(story())


def test_a_mistyped_annotation_is_told_once() -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project())
            await world.start()
            key = ResourceKey("PrometheusMetricsToken", NAMESPACE, "prometheus")
            world.cluster.apply(manifest(key.kind, key.name, NAMESPACE, {}))
            await world.until("it is there", lambda: world.says(key, "Synced")[0] == "True")
            world.cluster.annotate(key, pause="true")
            await asyncio.sleep(1800)
            told = [each["note"] for each in world.cluster.events if each["reason"] == "OddAnnotation"]
            (note,) = told
            assert "did you mean manageddatabases.io/paused?" in note

    in_virtual_time(work())
