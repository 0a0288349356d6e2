"""One tenant floods the operator in different ways: a change of another tenant takes at most two seconds longer.

Both tenants use one project, in namespaces of their own; all times are virtual.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import httpx
import pytest

from managed_databases.kube.watched_collections import SECRET
from managed_databases.reconcile.ports import ResourceKey
from stories.world import manifest
from virtual.two_projects import begin_with_two_projects, datastore, is_in_sync
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import ANSWER_SECONDS, NAMESPACE, VirtualWorld

LONGER_SECONDS = 2.0
OTHER = "other"
THEIRS = ResourceKey("ManagedDatastore", OTHER, "theirs")
CROWD = [ResourceKey("ManagedDatastore", NAMESPACE, f"crowd-{number:03}") for number in range(80)]
SLOW_ANSWER_SECONDS = 25.0
"""Close below the limit of a call."""
QUICK_API_SERVER_SECONDS, BUSY_API_SERVER_SECONDS = 0.002, 0.4
FOR_EVER_SECONDS = 20.0
"""Nobody looks longer than that."""

Storm = Callable[[VirtualWorld], Coroutine[Any, Any, None]]


async def edits(world: VirtualWorld) -> None:
    """`kubectl apply` in a loop, each time with another spec."""
    for number in itertools.count():
        for key in CROWD:
            world.cluster.change(key, backupRetentionDays=8 + number % 20)
            await asyncio.sleep(0.025)


async def requested_syncs(world: VirtualWorld) -> None:
    for number in itertools.count():
        for key in CROWD:
            world.cluster.annotate(key, sync_requested=f"now-{number}")
            await asyncio.sleep(0.025)


async def refused_changes(world: VirtualWorld) -> None:
    """Changes to which the API answers that it has failed, begun anew whenever the operator gives them up for a while."""

    def fails(request: httpx.Request) -> httpx.Response | None:
        is_theirs = request.method == "PUT" and world.get(THEIRS)["status"]["id"] not in request.url.path
        error = {"error": {"code": 500, "title": "Internal Server Error", "message": "broken by this very spec"}}
        return httpx.Response(500, json=error, request=request) if is_theirs else None

    world.refuses = fails
    for key in CROWD:
        world.cluster.change(key, backupRetentionDays=25)
    await requested_syncs(world)


async def slow_calls(world: VirtualWorld) -> None:
    """Changes that the API takes almost half a minute for."""
    theirs = world.get(THEIRS)["status"]["id"]
    world.seconds_to_answer = lambda request: (
        SLOW_ANSWER_SECONDS if request.method == "PUT" and theirs not in request.url.path else ANSWER_SECONDS
    )
    await edits(world)


async def invented_projects(world: VirtualWorld) -> None:
    """Each resource says to be in a project of its own, which there is not."""
    invented = [ResourceKey("ManagedDatastore", NAMESPACE, f"invented-{number:03}") for number in range(200)]
    for key in invented:
        world.cluster.apply(datastore(key, projectRef={"name": key.name}))
    for number in itertools.count():
        for key in invented:
            world.cluster.annotate(key, sync_requested=f"now-{number}")
        await asyncio.sleep(0.5)


async def one_secret_for_all(world: VirtualWorld) -> None:
    """A Secret that 20 users take their password from is changed in a loop."""
    secret = ResourceKey(SECRET, NAMESPACE, "given")
    world.put_secret(NAMESPACE, secret.name, {"password": "given-by-attacker-0"}, is_watched=True)
    for number in range(20):
        spec = {
            "datastoreRef": {"name": CROWD[0].name},
            "passwordSecretRef": {"name": secret.name, "key": "password"},
        }
        world.cluster.apply(manifest("DatabaseUser", f"user{number:03}", NAMESPACE, spec))
    for number in itertools.count(1):
        await asyncio.sleep(0.25)
        world.change_secret(NAMESPACE, secret.name, {"password": f"given-by-attacker-{number}"})


async def made_and_deleted(world: VirtualWorld) -> None:
    """Thousands of resources that are made, and deleted before they are anything."""
    for number in itertools.count():
        key = ResourceKey("ManagedDatastore", NAMESPACE, f"fleeting-{number:05}")
        world.cluster.apply(datastore(key))
        world.cluster.delete(ResourceKey("ManagedDatastore", NAMESPACE, f"fleeting-{number - 100:05}"))
        await asyncio.sleep(0.025)


async def nothing(world: VirtualWorld) -> None:
    """For comparison."""


STORMS: tuple[tuple[Storm, float], ...] = (
    (edits, BUSY_API_SERVER_SECONDS),
    (requested_syncs, BUSY_API_SERVER_SECONDS),
    (invented_projects, BUSY_API_SERVER_SECONDS),
    (refused_changes, QUICK_API_SERVER_SECONDS),
    (slow_calls, QUICK_API_SERVER_SECONDS),
    (one_secret_for_all, QUICK_API_SERVER_SECONDS),
    (made_and_deleted, QUICK_API_SERVER_SECONDS),
)


@cache
def in_peace(answer_seconds: float) -> dict[str, float]:
    return in_virtual_time(longest_waits(nothing, answer_seconds))


@pytest.mark.parametrize(("storm", "answer_seconds"), STORMS, ids=[storm.__name__ for storm, _ in STORMS])
def test_the_others_change_waits_no_longer(storm: Storm, answer_seconds: float) -> None:
    calm = in_peace(answer_seconds)
    stormy = in_virtual_time(longest_waits(storm, answer_seconds))
    longer = {what: round(stormy[what] - calm[what], 2) for what in calm}
    assert max(longer.values()) <= LONGER_SECONDS, f"so many seconds longer: {longer}, in peace {calm}"


async def longest_waits(storm: Storm, answer_seconds: float) -> dict[str, float]:
    """What the other tenant waits for, at the longest of a few times: that a change is in the cloud, and that something
    new is usable.
    """
    async with beside(storm, answer_seconds) as world:
        changed, made = [], []
        for number in range(2):
            changed.append(await seconds_until_changed(world, 8 + number))
            made.append(await seconds_until_made(world, f"new{number}"))
            await asyncio.sleep(3.3)  # never the same moment of anything that comes round
        return {"changed": max(changed), "made": max(made)}


@asynccontextmanager
async def beside(storm: Storm, answer_seconds: float = QUICK_API_SERVER_SECONDS) -> AsyncIterator[VirtualWorld]:
    """All is at rest, then the storm begins; it has had a while."""
    async with VirtualWorld(delay_seconds=0) as world:
        await begin_with_two_projects(world)
        for key in (*CROWD, THEIRS):
            world.cluster.apply(datastore(key))
        await world.until("all are made", lambda: all(is_in_sync(world, key) for key in (*CROWD, THEIRS)))
        await asyncio.sleep(30)
        world.cluster.answer_seconds = answer_seconds
        weather = asyncio.create_task(storm(world))
        await asyncio.sleep(5)
        try:
            yield world
        finally:
            if weather.done():
                weather.result()
            weather.cancel()


async def seconds_until_changed(world: VirtualWorld, days: int) -> float:
    world.cluster.change(THEIRS, backupRetentionDays=days)
    return await seconds_until(lambda: is_in_sync(world, THEIRS))


async def seconds_until_made(world: VirtualWorld, name: str) -> float:
    new = ResourceKey("DatabaseUser", OTHER, name)
    world.cluster.apply(manifest(new.kind, new.name, OTHER, {"datastoreRef": {"name": THEIRS.name}}))
    return await seconds_until(lambda: world.says(new, "Ready")[0] == "True")


async def seconds_until(check: Callable[[], bool]) -> float:
    begun = asyncio.get_running_loop().time()
    while not check():
        await asyncio.sleep(0.02)
        if asyncio.get_running_loop().time() > begun + FOR_EVER_SECONDS:
            return FOR_EVER_SECONDS
    return asyncio.get_running_loop().time() - begun


def test_requested_syncs_of_one_namespace_cost_few_lists() -> None:
    in_virtual_time(lists_few_times())


async def lists_few_times() -> None:
    """However often it asks: what it asks for is looked up soon all the same."""
    async with beside(requested_syncs) as world:
        world.sent.clear()
        await asyncio.sleep(100)
        lists = [sent for sent in world.sent if sent.path == "/v1/datastores"]
        assert len(lists) <= 100 / 10 + 3, "one in ten seconds, and a few at once"
        assert len(lists) >= 100 / 10 - 2, "what is asked for happens"
        begun = asyncio.get_running_loop().time()
        world.cluster.annotate(THEIRS, sync_requested="once")
        await world.until("the other one's is looked up", lambda: listed_since(world, begun), 5)


def listed_since(world: VirtualWorld, moment: float) -> bool:
    return any(sent.path == "/v1/datastores" and sent.at >= moment for sent in world.sent)
