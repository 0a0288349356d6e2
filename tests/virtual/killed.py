"""Kills the operator before a change that it makes, whichever."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx

from virtual.memory_cluster import Raw
from virtual.two_users import HOUR
from virtual.virtual_world import VirtualWorld


class Killed:
    """Before the operator's n-th change of anything, from now on, it is killed, and started again a moment later."""

    def __init__(self, world: VirtualWorld, boundary: int) -> None:
        self.world = world
        self.changes = 0
        self._boundary = boundary
        self._reached = asyncio.Event()
        self._request = world.cluster.request
        world.cluster.request = self._asked  # type: ignore[method-assign]
        self._seconds = world.seconds_to_answer
        world.seconds_to_answer = self._sent
        self._task = asyncio.create_task(self._kill())

    @property
    def is_over(self) -> bool:
        return self._task.done()

    def give_up(self) -> None:
        self._task.cancel()

    def _counts(self) -> bool:
        self.changes += 1
        if self.changes == self._boundary:
            self._reached.set()
        return self.changes >= self._boundary and not self.is_over

    async def _asked(
        self,
        method: str,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        body: Any = None,
        content_type: str = "",
        accept: str = "",
    ) -> Raw:
        is_change = method != "GET" and ("dryRun", "All") not in query and "/events" not in path
        if is_change and self._counts():
            await asyncio.sleep(HOUR)
        return await self._request(method, path, query=query, body=body, content_type=content_type, accept=accept)

    def _sent(self, request: httpx.Request) -> float:
        is_change = request.method != "GET" and "/v1/" in request.url.path
        return float(HOUR) if is_change and self._counts() else self._seconds(request)

    async def _kill(self) -> None:
        await self._reached.wait()
        await self.world.kill()
        await asyncio.sleep(1)
        await self.world.start()
