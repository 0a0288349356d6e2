"""The API answers a LIST with 429 and a long Retry-After. What nobody has just changed waits as long as it asks; what a person
begins meanwhile may ask once more; and who waits says for what, and until when.
"""

import asyncio
import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition, manifest
from virtual.begun_world import APP, MAIN, apply, begin
from virtual.everything import project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import SPECS

HOUR, SOON = 3600, 60
SECOND, THIRD = (ResourceKey("ManagedDatastore", NAMESPACE, name) for name in ("second", "third"))
LEFT_ALONE: dict[str, Any] = {"method": "GET", "status": 429, "headers": {"Retry-After": str(HOUR)}}


def begin_another(world: VirtualWorld, key: ResourceKey) -> None:
    world.cluster.apply(manifest(key.kind, key.name, NAMESPACE, SPECS[MAIN] | {"name": key.name}))


def lists(world: VirtualWorld, collection: str = "datastores") -> int:
    return sum(sent.method == "GET" and sent.path == f"/v1/{collection}" for sent in world.sent)


async def is_refused(world: VirtualWorld, collection: str, times: int) -> None:
    """The next LIST that nobody waits for is refused, and those of the next persons, `times` in all."""
    await world.fault(path=f"^/v1/{collection}$", times=times, **LEFT_ALONE)
    before = lists(world, collection)
    await world.until("it is refused", lambda: lists(world, collection) > before, 5 * SOON)


def told_until(world: VirtualWorld, key: ResourceKey) -> datetime:
    synced = condition(world.get(key), "Synced")
    assert (synced["status"], synced["reason"]) == ("False", "RateLimited"), synced
    found = re.search(r"cannot be listed: the API asks to call less often, until (\S+)$", synced["message"])
    assert found is not None, synced
    return datetime.fromisoformat(found[1])


def test_what_a_person_begins_is_looked_for_at_once() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN)
            await is_refused(world, "datastores", times=1)
            begin_another(world, SECOND)
            await world.until("it is made", lambda: world.says(SECOND, "Ready")[0] == "True", SOON)
            assert len(await world.objects("datastores")) == 2

    in_virtual_time(story())


def test_a_refused_look_is_told_and_not_repeated() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN)
            await is_refused(world, "datastores", times=2)
            refused, begun = lists(world), asyncio.get_running_loop().time()
            begin_another(world, SECOND)
            await asyncio.sleep(SOON)
            until = told_until(world, SECOND)
            said = datetime.fromisoformat(condition(world.get(SECOND), "Synced")["lastTransitionTime"])
            assert timedelta(seconds=HOUR) <= until - said < timedelta(seconds=HOUR + SOON), (
                "it began to wait before the refusal"
            )
            await asyncio.sleep(HOUR / 2)
            assert told_until(world, SECOND) == until, "nothing is written anew"
            assert lists(world) == refused + 1, "one LIST of its own, and the API asked to leave it at that"
            await world.until("it is made", lambda: world.says(SECOND, "Ready")[0] == "True")
            assert asyncio.get_running_loop().time() - begun < HOUR + 5 * SOON

    in_virtual_time(story())


def test_one_persons_refused_look_does_not_hold_up_anothers() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN)
            await is_refused(world, "datastores", times=2)
            begin_another(world, SECOND)
            await asyncio.sleep(SOON)
            told_until(world, SECOND)
            begin_another(world, THIRD)
            both = (THIRD, SECOND)
            await world.until("both are made", lambda: all(world.says(key, "Ready")[0] == "True" for key in both), SOON)
            assert len(await world.objects("datastores")) == 3

    in_virtual_time(story())


@pytest.mark.parametrize(("collection", "key"), [("datastores", MAIN), ("users", APP)])
def test_the_first_list_is_told(collection: str, key: ResourceKey) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, *([] if key == MAIN else [MAIN]))
            await world.fault(path=f"^/v1/{collection}$", times=1, **LEFT_ALONE)
            apply(world, key)
            await asyncio.sleep(SOON)
            told_until(world, key)
            assert lists(world, collection) == 1, "the API asked to be left alone"
            await world.until("and then it is made", lambda: world.says(key, "Synced")[0] == "True")

    in_virtual_time(story())


@pytest.mark.parametrize("collection", ["datastores", "users"])
def test_a_first_list_that_nobody_waited_for_holds_up_nobody(collection: str) -> None:
    """After a restart all that is there is looked at, and nobody waits for that."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, APP)
            await world.kill()
            await world.start()
            await is_refused(world, collection, times=1)
            like = APP if collection == "users" else MAIN
            new = ResourceKey(like.kind, NAMESPACE, "new")
            world.cluster.apply(manifest(new.kind, new.name, NAMESPACE, SPECS[like] | {"name": new.name}))
            await world.until("it is made", lambda: world.says(new, "Ready")[0] == "True", 2 * SOON)

    in_virtual_time(story())


@pytest.mark.parametrize("is_deleted", [False, True])
def test_an_attempt_whose_list_is_left_alone_says_so(is_deleted: bool) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN)
            await world.fault(method="POST", path="^/v1/datastores$", times=1, status=502, when="after")
            begin_another(world, SECOND)
            await world.until("the attempt is open", lambda: "intent" in world.get(SECOND)["status"], SOON)
            await world.fault(path="^/v1/datastores$", times=1, **LEFT_ALONE)
            if is_deleted:
                world.cluster.change(SECOND, deletionProtection=False)
                world.cluster.delete(SECOND)
            await asyncio.sleep(10 * SOON)
            told_until(world, SECOND)
            if not is_deleted:
                await world.until("it is found", lambda: world.says(SECOND, "Ready")[0] == "True")
            await world.until("all is well", lambda: (SECOND not in world.cluster.objects) is is_deleted)
            assert len(await world.objects("datastores")) == 2 - is_deleted

    in_virtual_time(story())


def test_a_project_that_was_only_opened_holds_up_nobody() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project())
            await world.fault(path="^/v1/limits$", times=1, **LEFT_ALONE)
            await world.start()
            await asyncio.sleep(SOON)
            apply(world, MAIN)
            await world.until("it is made", lambda: world.says(MAIN, "Ready")[0] == "True", 2 * SOON)

    in_virtual_time(story())
