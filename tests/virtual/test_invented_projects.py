"""A tenant whose resources name many projects that do not exist gets no more turns than others. All times are virtual."""

import asyncio
from functools import partial

import pytest

from managed_databases.reconcile.memory import Memory
from managed_databases.reconcile.ports import Resource, ResourceKey
from managed_databases.reconcile.reconciler import Reconciler
from managed_databases.reconcile.scheduling.work_queue import Priority
from virtual.two_projects import begin_with_two_projects, datastore, is_in_sync
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld

THEIRS = ResourceKey("ManagedDatastore", "other", "theirs")
INVENTED = [ResourceKey("ManagedDatastore", NAMESPACE, f"invented-{number:02}") for number in range(60)]
CHANGES = 3
MAX_BEFORE = 12
"""For each change its own passes, those of an invented project in turn with it, and one that has begun."""


def test_the_others_changes_take_turns_with_all_of_them_together(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[ResourceKey] = []
    reconcile = Reconciler.reconcile

    async def noted(self: Reconciler, resource: Resource, memory: Memory, priority: Priority) -> float | None:
        begun.append(resource.key)
        await asyncio.sleep(0.1)
        return await reconcile(self, resource, memory, priority)

    monkeypatch.setattr(Reconciler, "reconcile", noted)

    def had_passes(times: int) -> bool:
        return begun.count(THEIRS) >= times

    async def flood() -> None:
        async with VirtualWorld(workers=1) as world:
            await begin_with_two_projects(world)
            world.cluster.apply(datastore(THEIRS))
            await world.until("theirs is made", lambda: is_in_sync(world, THEIRS))
            await asyncio.sleep(30)
            begun.clear()
            for key in INVENTED:
                world.cluster.apply(datastore(key, projectRef={"name": key.name}))
            for days in range(8, 8 + CHANGES):
                world.cluster.change(THEIRS, backupRetentionDays=days)
                enough = begun.count(THEIRS) + 1
                await world.until("theirs had a pass", partial(had_passes, enough))
            await world.until("all had a pass", lambda: {*INVENTED} <= {*begun})

    in_virtual_time(flood())
    last = [number for number, key in enumerate(begun) if key == THEIRS][CHANGES - 1]
    assert last <= MAX_BEFORE, f"{last} passes came before that of the last change, most in invented projects"
