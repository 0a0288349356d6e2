"""No text, number or structure in a status ends the operator or holds up another namespace, not at the next start either."""

import asyncio
from typing import Any

import pytest

from managed_databases.reconcile.ports import ResourceKey
from virtual.attacked_world import (
    HERS,
    MAIN,
    begin,
    changing,
    datastore,
    identity,
    made,
    reason,
    writes_status,
)
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import VirtualWorld

PROJECT = ResourceKey("DatabaseProject", "", "team")
OWN = ResourceKey(MAIN.kind, HERS, "own")
ATTEMPT: dict[str, Any] = {"attempt": 1, "others": [], "waitSeconds": 1.0, "expected": {}}
DEEP: dict[str, Any] = {}
for _ in range(400):
    DEEP = {"deeper": DEEP}

ODD: dict[str, dict[str, Any]] = {
    "a seal that is not ASCII": {"seal": "\u00e9"},
    "a wait without end": {"intent": ATTEMPT | {"waitSeconds": 1e300}},
    "a wait of less than nothing": {"intent": ATTEMPT | {"waitSeconds": -1e300}},
    "more attempts than a number of 64 bits counts": {"intent": ATTEMPT | {"attempt": 10**30}},
    "a number that is expected": {"intent": ATTEMPT | {"expected": {"size": 2**64, "nodes": 1e30}}},
    "what is expected in itself": {"intent": ATTEMPT | {"expected": DEEP}},
    "a generation": {"observedGeneration": 10**300},
    "a time that is none": {
        "conditions": [
            {
                "type": "Synced",
                "status": "True",
                "reason": "x",
                "message": "",
                "lastTransitionTime": "0000-99-99T00:00:00Z",
            }
        ]
    },
    "an identity without a key": {"identity": {"project": "team"}, "intent": ATTEMPT},
    "an identity of no project": {"identity": identity() | {"project": ""}},
}


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_status_stops_nobody(odd: str) -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await made(world)
            world.cluster.apply(datastore(OWN))
            await world.until("hers is there", lambda: world.says(OWN, "Synced")[0] == "True")
            world.sent.clear()
            writes_status(world, OWN, **ODD[odd])
            await asyncio.sleep(60)
            assert "OperatorDefect" not in (world.says(OWN, "Stalled")[1], world.says(OWN, "Synced")[1])
            await world.kill()
            writes_status(world, OWN, **ODD[odd])
            await world.start()
            await world.until("it is looked at", lambda: reason(world, OWN) != "OperatorDefect")
            assert changing(world) == []
            world.cluster.change(MAIN, nodeCount=2)
            await world.until("another goes on", lambda: changing(world))
            await world.until("to its end", lambda: world.says(MAIN, "Synced")[0] == "True")

    in_virtual_time(scenario())


def test_a_seal_that_is_not_ascii_proves_nothing_but_which_key_it_names() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await made(world)
            key = world.seals().key
            assert key is not None
            writes_status(world, MAIN, seal=f"{key.id}.\u00e9")
            await world.until("it is told", lambda: reason(world, MAIN) == "OwnershipNotProven")

    in_virtual_time(scenario())


@pytest.mark.parametrize("forged", [{"projectID": "f" * 32}, {"region": "elsewhere-1"}], ids=["project", "region"])
def test_a_forged_pin_of_a_project_is_put_right(forged: dict[str, str]) -> None:
    """Else the next start would find another project, and stop it for all its namespaces."""

    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await made(world)
            right = {name: world.get(PROJECT)["status"][name] for name in forged}
            writes_status(world, PROJECT, **forged)
            await world.until("it is put right", lambda: right.items() <= world.get(PROJECT)["status"].items())
            await world.kill()
            await world.start()
            world.sent.clear()
            world.cluster.change(MAIN, nodeCount=2)
            await world.until("all goes on", lambda: changing(world))
            assert world.says(PROJECT, "Ready") == ("True", "Ready")

    in_virtual_time(scenario())
