"""A status proves ownership only with the operator's seal: a forged status takes no object from anybody."""

import asyncio
import copy
from collections.abc import Callable
from typing import Any

import pytest

from managed_databases.kube.cache import resource_of
from managed_databases.reconcile.observe.seal_key import TRUST_CLAIMS
from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition, manifest
from virtual.attacked_world import (
    DECOY,
    HERS,
    KEY,
    MAIN,
    USERS,
    begin,
    changing,
    datastore,
    forged_id,
    identity,
    made,
    reason,
    writes_status,
)
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import VirtualWorld
from virtual.walk import SPECS


@pytest.mark.parametrize("decoy_is_older", [True, False], ids=["older", "younger"])
def test_a_forged_claim_yields_to_a_proven_one(decoy_is_older: bool) -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            if decoy_is_older:
                world.cluster.apply(datastore(DECOY, name="decoy"))
                world.cluster.annotate(DECOY, paused="true")
            await made(world)
            if not decoy_is_older:
                world.cluster.apply(datastore(DECOY, name="decoy"))
                world.cluster.annotate(DECOY, paused="true")
            await asyncio.sleep(5)
            status = world.get(MAIN)["status"]
            world.sent.clear()
            writes_status(world, DECOY, id=status["id"], identity=status["identity"], seal=status["seal"])
            world.cluster.annotate(DECOY, paused=None)
            await world.until("the decoy is told", lambda: reason(world, DECOY) == "Conflict")
            assert "endpoints" not in world.get(DECOY)["status"], "nor does it learn anything of the object"
            world.cluster.objects[DECOY]["metadata"]["finalizers"] = ["manageddatabases.io/cloud-object"]
            world.cluster.change(DECOY, deletionProtection=False)
            world.cluster.delete(DECOY)
            await asyncio.sleep(600)
            assert changing(world) == []
            assert world.says(MAIN, "Synced") == ("True", "InSync")
            world.cluster.annotate(DECOY, force_delete="true")
            await world.until("it lets go", lambda: DECOY not in world.cluster.objects)
            assert changing(world) == []

    in_virtual_time(scenario())


def forged_intent(orphan: str) -> dict[str, Any]:
    return {"identity": identity("orphan"), "intent": {"attempt": 1, "others": [], "waitSeconds": 0.1, "expected": {}}}


def forged_loss(orphan: str) -> dict[str, Any]:
    return {"lostIDs": [orphan]}


@pytest.mark.parametrize("forged", [forged_id, forged_intent, forged_loss])
def test_an_unheld_object_is_not_taken_without_the_power_to_adopt(forged: Callable[[str], dict[str, Any]]) -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            orphan = await world.create("datastores", {"name": "orphan"})
            key = ResourceKey(MAIN.kind, HERS, "orphan")
            world.cluster.apply(datastore(key))
            await world.until("it is taken", lambda: reason(world, key) == "AlreadyExists")
            writes_status(world, key, **forged(orphan["id"]))
            await world.until("it is told", lambda: reason(world, key) == "OwnershipNotProven")
            world.cluster.change(key, nodeCount=3, adoption="IfExists")
            await world.until("nor by asking", lambda: reason(world, key) == "Forbidden")
            world.cluster.objects[key]["metadata"]["finalizers"] = ["manageddatabases.io/cloud-object"]
            world.cluster.delete(key)
            await asyncio.sleep(600)
            assert changing(world) == []
            assert [each["id"] for each in await world.objects("datastores")] == [orphan["id"]]

    in_virtual_time(scenario())


def test_a_user_of_hers_does_not_get_in_by_a_forged_datastore() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await made(world)
            status = world.get(MAIN)["status"]
            world.cluster.apply(datastore(DECOY, name="decoy"))
            world.cluster.annotate(DECOY, paused="true")
            await asyncio.sleep(5)
            writes_status(world, DECOY, id=status["id"], identity=status["identity"])
            spy = ResourceKey(USERS, HERS, "spy")
            world.cluster.apply(manifest(USERS, "spy", HERS, {"datastoreRef": {"name": DECOY.name}}))
            await world.until("it waits", lambda: world.says(spy, "Ready")[1] == "ParentNotReady")
            await asyncio.sleep(300)
            assert await world.objects("users") == []

    in_virtual_time(scenario())


def test_a_name_that_is_only_claimed_takes_nothing_from_a_proven_one() -> None:
    """And an adoption with the power to makes it proven again."""

    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await made(world)
            id_ = world.get(MAIN)["status"]["id"]
            writes_status(world, MAIN, seal="00000000.0000")
            await world.until("it is told", lambda: reason(world, MAIN) == "OwnershipNotProven")
            assert world.says(MAIN, "Ready")[0] == "True", "what is used stays"
            assert "another key" in condition(world.get(MAIN), "Stalled")["message"]
            world.cluster.change(MAIN, nodeCount=3)
            await asyncio.sleep(300)
            assert not [each for each in changing(world) if each != ("POST", "/v1/datastores")]
            world.cluster.change(MAIN, adoption="IfExists", nodeCount=SPECS[MAIN].get("nodeCount", 1))
            await world.until("it is taken over", lambda: world.says(MAIN, "Synced")[0] == "True")
            assert world.get(MAIN)["status"]["id"] == id_
            assert world.seals().proof(resource_of(copy.deepcopy(world.get(MAIN)), MAIN)).holds

    in_virtual_time(scenario())


def test_nothing_is_made_in_the_place_of_an_unproven_object() -> None:
    """Its object is gone, or never was: a second one would be paid for, or hide the loss."""

    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await made(world)
            await world.vanish("datastores", world.get(MAIN)["status"]["id"])
            await world.until("it is missed", lambda: reason(world, MAIN) == "Gone")
            writes_status(world, MAIN, seal="00000000.0000")
            world.cluster.change(MAIN, adoption="IfExists")
            await world.until("it is told", lambda: reason(world, MAIN) == "OwnershipNotProven")
            await asyncio.sleep(900)
            assert reason(world, MAIN) == "OwnershipNotProven"
            assert await world.objects("datastores") == []

    in_virtual_time(scenario())


def test_two_unproven_claims_wait_for_a_person() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await made(world)
            status = world.get(MAIN)["status"]
            world.cluster.apply(datastore(DECOY, name="decoy"))
            world.cluster.annotate(DECOY, paused="true")
            await asyncio.sleep(5)
            world.sent.clear()
            for key in (MAIN, DECOY):
                writes_status(world, key, id=status["id"], identity=status["identity"], seal=None)
            await world.until("both are told", lambda: {reason(world, key) for key in (MAIN, DECOY)} == {"Conflict"})
            world.cluster.annotate(KEY, **{TRUST_CLAIMS.partition("/")[2].replace("-", "_"): "all of it"})
            await world.until("it was heard", lambda: TRUST_CLAIMS not in world.get(KEY)["metadata"]["annotations"])
            await asyncio.sleep(300)
            assert {reason(world, key) for key in (MAIN, DECOY)} == {"Conflict"}
            world.cluster.annotate(DECOY, force_delete="true")
            world.cluster.delete(DECOY)
            await world.until("the other one goes on", lambda: world.says(MAIN, "Synced")[0] == "True")
            assert changing(world) == []

    in_virtual_time(scenario())


def test_a_namespace_that_is_not_allowed_any_more_makes_no_call_in_a_deletion() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await made(world)
            world.cluster.change(MAIN, deletionProtection=False)
            await world.until("it is done", lambda: world.says(MAIN, "Synced")[0] == "True")
            world.cluster.change(ResourceKey("DatabaseProject", "", "team"), allowedNamespaces=[{"name": HERS}])
            world.sent.clear()
            world.cluster.delete(MAIN)
            await world.until("it is told", lambda: reason(world, MAIN) == "Forbidden")
            await asyncio.sleep(600)
            assert changing(world) == []
            world.cluster.annotate(MAIN, force_delete="true")
            await world.until("it lets go", lambda: MAIN not in world.cluster.objects)
            assert len(await world.objects("datastores")) == 1

    in_virtual_time(scenario())
