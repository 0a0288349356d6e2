"""With very many resources each is looked at less often, so that looks at rest stay few; nothing else depends on them."""

import asyncio
from collections import Counter
from contextlib import AbstractContextManager, nullcontext

import pytest

from managed_databases.reconcile.controller import Controller
from managed_databases.reconcile.pass_record import PassRecord
from managed_databases.reconcile.ports import ResourceKey
from managed_databases.reconcile.scheduling import next_look
from stories.world import condition, manifest
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import IN_MAIN, begin_with_datastore

USERS = 20
HOUR = 3600
HOURS = 3
"""So long takes a look at each of them in the test."""
DATABASE = ResourceKey("ManagedDatabase", NAMESPACE, "only-one")


def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Have the passes over each resource counted, by its name."""
    looked_at: Counter[str] = Counter()

    def count(record: PassRecord) -> AbstractContextManager[object]:
        looked_at[record.name] += 1
        return nullcontext()

    class Counted(Controller):
        def __init__(self, *args: object, **settings: object) -> None:
            super().__init__(*args, **settings, around_pass=count)  # type: ignore[arg-type]

    monkeypatch.setattr("virtual.virtual_world.Controller", Counted)
    monkeypatch.setattr(next_look, "LOOKS_A_SECOND", USERS / (HOURS * HOUR))
    return looked_at


def test_looks_at_rest_stay_few(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = counted(monkeypatch)
    in_virtual_time(are_looked_at_seldom(looked_at))


async def many_at_rest(world: VirtualWorld) -> list[ResourceKey]:
    """Make users, which it returns, and one database; at the end all are at rest."""
    await begin_with_datastore(world)
    users = [ResourceKey("DatabaseUser", NAMESPACE, f"user{number}") for number in range(USERS)]
    for user in users:
        world.cluster.apply(manifest(user.kind, user.name, NAMESPACE, IN_MAIN))
    world.cluster.apply(manifest(DATABASE.kind, DATABASE.name, NAMESPACE, IN_MAIN | {"name": "only_one"}))
    await world.until("all is made", lambda: all(world.says(key, "Synced")[0] == "True" for key in (*users, DATABASE)))
    return users


async def are_looked_at_seldom(looked_at: Counter[str]) -> None:
    async with VirtualWorld(delay_seconds=0) as world:
        users = await many_at_rest(world)
        await asyncio.sleep(2 * HOURS * HOUR)
        looked_at.clear()
        await asyncio.sleep(2 * HOURS * HOUR)
        assert {1 <= looked_at[user.name] <= 3 for user in users} == {True}, looked_at
        await its_collection_is_listed_all_the_time(world)


async def its_collection_is_listed_all_the_time(world: VirtualWorld) -> None:
    """Also that of a single resource, whose looks are hours apart: what changes in the cloud is seen by the next list."""
    (there,) = await world.objects("databases")
    await world.vanish("databases", there["id"])
    await world.until("it is missed", lambda: condition(world.get(DATABASE), "Ready")["status"] == "False", 180)


def test_what_is_left_of_very_many_is_looked_at_as_often_as_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = counted(monkeypatch)
    in_virtual_time(most_go(looked_at))


async def most_go(looked_at: Counter[str]) -> None:
    async with VirtualWorld(delay_seconds=0) as world:
        users = await many_at_rest(world)
        await asyncio.sleep(0.1 * HOUR)
        for user in users:
            world.cluster.delete(user)
        await world.until("they are gone", lambda: not any(user in world.cluster.objects for user in users))
        looked_at.clear()
        left = (USERS - 17) / USERS * HOURS * HOUR
        await asyncio.sleep(1.2 * left)
        assert looked_at[DATABASE.name] >= 1, looked_at
        await asyncio.sleep(3 * left)
        await its_collection_is_listed_all_the_time(world)
