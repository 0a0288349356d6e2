"""A worker runs one pass after the other; at the end those under way may end, and no other is begun."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.scheduling.work_queue import Priority, WorkQueue
from managed_databases.reconcile.scheduling.workers import Workers

HOUR = 3600


class Passes:
    """Two workers; each pass lasts until the gate is open."""

    def __init__(self) -> None:
        self.queue: WorkQueue[str] = WorkQueue(Clock(), 2)
        self.workers = Workers(self.queue, self.run)
        self.gate = asyncio.Event()
        self.begun: list[str] = []
        self.ended: list[str] = []

    async def run(self, key: str, priority: Priority) -> None:
        self.begun.append(key)
        await self.gate.wait()
        self.ended.append(key)

    @asynccontextmanager
    async def at_work(self, *keys: str) -> AsyncIterator[None]:
        for key in keys:
            self.queue.add(key, Priority.LOW)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.workers.work()) for _ in range(2)]
            for _ in range(10):
                await asyncio.sleep(0)
            yield
            for task in tasks:
                task.cancel()


async def test_each_worker_has_one_pass_at_a_time() -> None:
    passes = Passes()
    async with passes.at_work("a", "b", "c"):
        assert passes.begun == ["a", "b"]
        passes.gate.set()
        for _ in range(10):
            await asyncio.sleep(0)
        assert passes.ended == ["a", "b", "c"]


async def test_a_drain_waits_for_the_passes_under_way_and_lets_no_other_begin() -> None:
    passes = Passes()
    async with passes.at_work("a", "b", "c"):
        drained = asyncio.create_task(passes.workers.drain(HOUR))
        await asyncio.sleep(0)
        assert not drained.done()
        passes.gate.set()
        await asyncio.wait_for(drained, 60)
        assert passes.ended == ["a", "b"]
        for _ in range(10):
            await asyncio.sleep(0)
        assert passes.begun == ["a", "b"]


async def test_a_drain_ends_though_a_pass_does_not() -> None:
    passes = Passes()
    async with passes.at_work("a"):
        await passes.workers.drain(0.01)
        assert passes.ended == []


async def test_a_drain_of_workers_at_rest_ends_at_once() -> None:
    passes = Passes()
    async with passes.at_work():
        await asyncio.wait_for(passes.workers.drain(HOUR), 60)
        passes.queue.add("a", Priority.LOW)
        for _ in range(10):
            await asyncio.sleep(0)
        assert passes.begun == []
