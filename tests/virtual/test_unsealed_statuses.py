"""Statuses without a seal: after an upgrade, with the key lost or deleted, and in a copied status."""

import asyncio

import pytest

from managed_databases.reconcile.observe.seal_key import KEY_SECRET, TRUST_CLAIMS
from managed_databases.reconcile.ports import ResourceKey
from virtual.attacked_world import (
    HERS,
    KEY,
    MAIN,
    begin,
    changing,
    datastore,
    forged_id,
    made,
    reason,
    unsealed,
    writes_status,
)
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import SYSTEM, VirtualWorld
from virtual.walk import SPECS


def test_an_upgrade_believes_what_is_there_and_nothing_later() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await made(world)
            orphan = await world.create("datastores", {"name": "orphan"})
            await world.kill()
            unsealed(world)
            world.sent.clear()
            await world.start()
            await world.until("it is sealed", lambda: world.get(MAIN)["status"].get("seal"))
            await world.until("that is over", lambda: "listed" not in world.get(KEY)["data"])
            assert world.says(MAIN, "Synced") == ("True", "InSync")
            key = ResourceKey(MAIN.kind, HERS, "orphan")
            world.cluster.apply(datastore(key))
            await world.until("it is taken", lambda: reason(world, key) == "AlreadyExists")
            writes_status(world, key, **forged_id(orphan["id"]))
            await world.until("it is told", lambda: reason(world, key) == "OwnershipNotProven")
            assert changing(world) == []

    in_virtual_time(scenario())


@pytest.mark.parametrize("seconds", [0, 0.001, 0.003, 0.005, 0.01, 0.1, 1])
def test_an_upgrade_that_is_killed_goes_on(seconds: float) -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await made(world)
            await world.kill()
            unsealed(world)
            world.sent.clear()
            await world.start()
            await asyncio.sleep(seconds)
            await world.kill()
            await world.start()
            await world.until("it is sealed", lambda: world.get(MAIN)["status"].get("seal"))
            await world.until("all is as before", lambda: world.says(MAIN, "Synced")[0] == "True")
            assert changing(world) == []

    in_virtual_time(scenario())


def test_an_attempt_that_is_open_at_an_upgrade_is_found() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await world.fault(path="^/v1/datastores$", method="POST", times=1, effect_after_seconds=20)
            world.cluster.apply(datastore(MAIN))
            await world.until("the attempt is open", lambda: world.get(MAIN)["status"].get("intent"))
            await asyncio.sleep(1)
            await world.kill()
            unsealed(world)
            await world.start()
            await world.until("it is there", lambda: world.says(MAIN, "Synced")[0] == "True")
            assert len(await world.objects("datastores")) == 1

    in_virtual_time(scenario())


def test_a_lost_key_is_no_first_start() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await made(world)
            await world.kill()
            world.cluster.delete(KEY)
            world.sent.clear()
            await world.start()
            await world.until("nothing is believed", lambda: reason(world, MAIN) == "OwnershipNotProven")
            assert world.says(MAIN, "Ready")[0] == "True"
            world.cluster.change(MAIN, nodeCount=3)
            await asyncio.sleep(300)
            assert changing(world) == []
            world.cluster.change(MAIN, nodeCount=SPECS[MAIN].get("nodeCount"))
            world.cluster.annotate(KEY, **{TRUST_CLAIMS.partition("/")[2].replace("-", "_"): "restored"})
            await world.until("until somebody says so", lambda: world.says(MAIN, "Synced")[0] == "True")
            assert TRUST_CLAIMS not in world.get(KEY)["metadata"]["annotations"]
            assert changing(world) == []

    in_virtual_time(scenario())


def test_a_key_that_is_deleted_under_a_running_operator_is_put_back() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await made(world)
            key = world.secret_in(SYSTEM, KEY_SECRET)["key"]
            world.cluster.delete(KEY)
            await world.until("it is back", lambda: world.secret_in(SYSTEM, KEY_SECRET).get("key") == key)
            await world.kill()
            await world.start()
            await asyncio.sleep(120)
            assert world.says(MAIN, "Synced") == ("True", "InSync")

    in_virtual_time(scenario())


def test_a_seal_is_for_one_uid() -> None:
    """As after a restore that gives new uids and keeps the status; and a copy to another resource."""

    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await made(world)
            await world.kill()
            world.get(MAIN)["metadata"]["uid"] = "00000000-0000-4000-8000-00000000000f"
            world.cluster.touch(MAIN)
            world.sent.clear()
            await world.start()
            await world.until("it is told", lambda: reason(world, MAIN) == "OwnershipNotProven")
            world.cluster.change(MAIN, adoption="IfExists")
            await world.until("it is taken over", lambda: world.says(MAIN, "Synced")[0] == "True")
            assert changing(world) == []

    in_virtual_time(scenario())
