"""Annotations without effect: a condition tells of them as long as they are there, and an Event once."""

import asyncio
import re
from typing import Any

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


def approvals(world: VirtualWorld) -> list[str]:
    """Those that would let a change happen which waits."""
    return re.findall(r"approve: ([0-9a-f]{12})", condition(world.get(MAIN), "Stalled").get("message", ""))


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
            assert (world.says(MAIN, "Ready")[0], world.says(MAIN, "Stalled")[0]) == ("True", "False")
            assert world.says(MAIN, "Synced") == ("False", ODD), "grep False finds it"
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
            [hash_] = approvals(world)
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


@pytest.mark.parametrize("is_killed", [False, True])
@pytest.mark.parametrize("comes_later", [False, True])
def test_what_waits_beside_an_approval_does_not_make_it_odd(comes_later: bool, is_killed: bool) -> None:
    """It approves nothing any more, and did what it was for: a process that has only started cannot know, and says nothing."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            other: dict[str, Any] = {"flavor": {"vcpus": 4, "ramMB": 8192, "diskGB": 64}}
            asked = {"changePolicy": "Approve", "config": {"max_connections": 55}} | ({} if comes_later else other)
            world.cluster.change(MAIN, **asked)
            await world.until("it waits", lambda: len(approvals(world)) == (1 if comes_later else 2), SOON)
            approved = approvals(world)[0]
            world.cluster.annotate(MAIN, approve=approved)
            if comes_later:
                await world.until("it is made", lambda: world.says(MAIN, "Synced")[0] == "True", 600)
                world.cluster.change(MAIN, **other)
            await world.until("another one waits", lambda: approvals(world) and approved not in approvals(world), 600)
            if is_killed:
                await world.kill()
                await world.start()
            await asyncio.sleep(1800)
            assert len(approvals(world)) == 1
            assert not is_told(world)
            assert notes(world) == []

    in_virtual_time(story())


def test_many_are_told_by_one_event() -> None:
    """Although the condition does not take all of the message."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            world.cluster.annotate(MAIN, approve=HASH, **{f"mistyped-{number}": "true" for number in range(60)})
            await world.until("they are told", lambda: is_told(world), SOON)
            version = world.get(MAIN)["metadata"]["resourceVersion"]
            for _ in range(2):
                await world.kill()
                await world.start()
                await asyncio.sleep(900)
            assert len(notes(world)) == 1
            assert world.get(MAIN)["metadata"]["resourceVersion"] == version
            assert f"approve: {HASH} approves nothing" in condition(world.get(MAIN), ODD)["message"]

    in_virtual_time(story())
