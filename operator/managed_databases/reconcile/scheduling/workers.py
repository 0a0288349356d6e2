"""Those who take keys from the queue and have a pass run over each."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic

from managed_databases.reconcile.scheduling.work_queue import K, Priority, WorkQueue


class Workers(Generic[K]):
    """`run_pass` runs one pass over a key, and raises nothing that shall not end the operator."""

    def __init__(self, queue: WorkQueue[K], run_pass: Callable[[K, Priority], Awaitable[None]]) -> None:
        self._queue = queue
        self._run_pass = run_pass
        self._in_pass = 0
        self._no_pass = asyncio.Event()
        self._no_pass.set()
        self._stopping = False

    async def run(self, number: int, name: str) -> None:
        """Run so many workers until cancelled; their tasks are called after `name`."""
        async with asyncio.TaskGroup() as group:
            for each in range(number):
                group.create_task(self.work(), name=f"{name} {each}")

    async def work(self) -> None:
        """One pass after the other, until `drain`: the work of one worker."""
        while not self._stopping:
            key, priority = await self._queue.get()
            if self._stopping:
                return
            self._in_pass += 1
            self._no_pass.clear()
            try:
                await self._run_pass(key, priority)
            finally:
                self._queue.done(key)
                self._in_pass -= 1
                if not self._in_pass:
                    self._no_pass.set()
            # A pass that waits for nothing gives nobody else a turn: thousands of them, after a start, would keep the lease
            # from being renewed, and probes and signals from being answered.
            await asyncio.sleep(0)

    async def drain(self, seconds: float) -> None:
        """Begin no more passes, and give those under way so many real seconds to end."""
        self._stopping = True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._no_pass.wait()
