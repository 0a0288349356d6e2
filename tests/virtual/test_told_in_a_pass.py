"""Events that arrive during a pass: this pass or the next one takes them up, long before the next periodic look."""

import asyncio

import pytest

from managed_databases.kube.watched_collections import SECRET
from managed_databases.reconcile.ports import ResourceKey
from stories.world import manifest
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import IN_MAIN, begin_with_datastore

CHANGED, SYNCED, ROBBED, LEFT = (
    ResourceKey("DatabaseUser", NAMESPACE, name) for name in ("changed", "synced", "robbed", "left")
)
USERS = (CHANGED, SYNCED, ROBBED, LEFT)
CREATION_MILLISECONDS = 400
"""How long a user's creation takes here, and a bit; asserted."""

MENDING_MILLISECONDS = 300

BOTH_ORDERS = pytest.mark.parametrize("late_seconds", [0, 0.03], ids=["answer before watch", "watch before answer"])


@BOTH_ORDERS
def test_nothing_is_missed(late_seconds: float) -> None:
    for milliseconds in range(10, CREATION_MILLISECONDS, 10):
        in_virtual_time(tell_after(milliseconds / 1000, late_seconds))


async def tell_after(seconds: float, late_seconds: float) -> None:
    async with VirtualWorld(delay_seconds=0) as world:
        await begin_with_datastore(world)
        world.cluster.answer_seconds, world.cluster.late_seconds = 0.03, late_seconds
        for user in USERS:
            world.cluster.apply(manifest(user.kind, user.name, NAMESPACE, IN_MAIN))
        await asyncio.sleep(seconds)
        world.cluster.change(CHANGED, deletionPolicy="Retain")
        world.cluster.annotate(SYNCED, sync_requested="now")
        world.cluster.delete(ResourceKey(SECRET, NAMESPACE, f"{ROBBED.name}-user"))
        world.cluster.delete(LEFT)
        await asyncio.sleep(CREATION_MILLISECONDS / 1000)
        made = {each["name"] for each in await world.objects("users")}
        assert made >= {each.name for each in USERS if each != LEFT}, "the steps do not span the creation"
        await asyncio.sleep(30)
        for user in (CHANGED, SYNCED, ROBBED):
            status = world.get(user)["status"]
            assert world.says(user, "Ready")[0] == "True", user
            assert status["observedGeneration"] == world.get(user)["metadata"]["generation"], user
            secret = world.secret(f"{user.name}-user")
            assert await world.login(status["identity"]["datastoreID"], user.name, secret["password"]), user
        assert world.get(SYNCED)["status"]["lastHandledSyncRequest"] == "now"
        assert LEFT not in world.cluster.objects
        assert {each["name"] for each in await world.objects("users")} == {each.name for each in USERS} - {LEFT.name}


@BOTH_ORDERS
def test_a_sync_that_is_asked_for_while_a_secret_is_mended(late_seconds: float) -> None:
    for milliseconds in range(10, MENDING_MILLISECONDS, 10):
        in_virtual_time(ask_for_sync_after(milliseconds / 1000, late_seconds))


async def ask_for_sync_after(seconds: float, late_seconds: float) -> None:
    async with VirtualWorld(delay_seconds=0) as world:
        await begin_with_datastore(world)
        world.cluster.apply(manifest(ROBBED.kind, ROBBED.name, NAMESPACE, IN_MAIN))
        await world.until("the user is there", lambda: world.says(ROBBED, "Synced")[0] == "True")
        await asyncio.sleep(5)
        world.cluster.answer_seconds, world.cluster.late_seconds = 0.03, late_seconds
        secret = ResourceKey(SECRET, NAMESPACE, f"{ROBBED.name}-user")
        world.cluster.drop_data(secret, "host")
        await asyncio.sleep(seconds)
        world.cluster.annotate(ROBBED, sync_requested="now")
        await asyncio.sleep(30)
        assert world.get(ROBBED)["status"].get("lastHandledSyncRequest") == "now"
        assert "host" in world.secret(secret.name)
