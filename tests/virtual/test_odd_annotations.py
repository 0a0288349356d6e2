"""Annotations without effect: a condition tells of them as long as they are there, and an Event once."""

import asyncio
import re

import pytest

from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition
from virtual.given_passwords import MAIN
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import VirtualWorld
from virtual.walk import begin_with_datastore

ODD, SOON = "OddAnnotation", 120
HASH = "0123456789ab"


def notes(world: VirtualWorld) -> list[str]:
    return [each["note"] for each in world.cluster.events if each["reason"] == ODD]


def is_told(world: VirtualWorld, key: ResourceKey = MAIN) -> bool:
    return world.says(key, ODD) == ("True", ODD)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("pause", "true", "did you mean manageddatabases.io/paused?"),
        ("recreate", "zzz", "only with the id"),
        ("approve", "s3cret", "approves nothing"),
        ("approve", HASH, "approves nothing"),
    ],
)
def test_a_condition_comes_and_goes_with_the_annotation(name: str, value: str, words: str) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            await asyncio.sleep(SOON)
            world.cluster.annotate(MAIN, **{name: value})
            await world.until("it is told", lambda: is_told(world), SOON)
            message = condition(world.get(MAIN), ODD)["message"]
            assert words in message
            assert value == HASH or value not in message, "it may be a secret that somebody has pasted"
            assert world.says(MAIN, "Ready")[0] == world.says(MAIN, "Synced")[0] == "True"
            await asyncio.sleep(SOON)
            version = world.get(MAIN)["metadata"]["resourceVersion"]
            await asyncio.sleep(1800)
            await world.kill()
            await world.start()
            await asyncio.sleep(1800)
            assert world.get(MAIN)["metadata"]["resourceVersion"] == version, "nothing is written at rest"
            (note,) = notes(world)
            assert words in note
            world.cluster.annotate(MAIN, **{name: None})
            await world.until("it is gone", lambda: not is_told(world), SOON)
            assert len(notes(world)) == 1

    in_virtual_time(story())


@pytest.mark.parametrize("is_killed", [False, True])
def test_an_approval_is_odd_until_it_is_right_and_never_after_that(is_killed: bool) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            world.cluster.change(MAIN, changePolicy="Approve", config={"max_connections": 55})
            await world.until("it waits", lambda: world.says(MAIN, "Stalled") == ("True", "ApprovalNeeded"), SOON)
            [hash_] = re.findall(r"approve: ([0-9a-f]{12})", condition(world.get(MAIN), "Stalled")["message"])
            world.cluster.annotate(MAIN, approve=HASH)
            await world.until("the wrong one is told", lambda: is_told(world), SOON)
            assert len(notes(world)) == 1
            world.cluster.annotate(MAIN, approve=hash_)
            await world.until("it is made", lambda: world.says(MAIN, "Synced")[0] == "True", 600)
            if is_killed:
                await world.kill()
                await world.start()
            await asyncio.sleep(1800)
            assert not is_told(world), "it is left of what was made"
            assert len(notes(world)) == 1

    in_virtual_time(story())
