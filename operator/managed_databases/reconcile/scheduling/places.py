"""A fair limit of concurrent uses, such as connections: an account with much to do leaves places to those with little."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from managed_databases.reconcile.scheduling.fair_queue import FairQueue, Share


@dataclass(eq=False, slots=True)
class _Waiting:
    order: int
    account: Hashable
    turn: asyncio.Future[None]

    def __lt__(self, other: "_Waiting") -> bool:
        return self.order < other.order


class Places:
    """A number of places (`most`), and further ones (`spare`) for accounts that have none.

    One account alone may have all `most` places. When these are taken, an account without a place gets a spare one and so
    need not wait for the others. Accounts that wait take turns; within an account the order is first come, first served. For
    one event loop; not for threads.
    """

    def __init__(self, most: int, spare: int) -> None:
        self._most = most
        self._spare = spare
        self._taken: Counter[Hashable] = Counter()
        self._total = 0
        self._line: FairQueue[_Waiting] = FairQueue()
        self._order = 0

    @asynccontextmanager
    async def of(self, account: Hashable) -> AsyncIterator[None]:
        """A context manager that waits for a place for this account, and gives the place back at the end of the block."""
        await self._take(account)
        try:
            yield
        finally:
            self._leave(account)

    async def _take(self, account: Hashable) -> None:
        if self._may_have_one((account,)):
            self._enter(account)
            return
        self._order += 1
        waiting = _Waiting(self._order, account, asyncio.get_running_loop().create_future())
        self._line.push((account,), waiting)
        try:
            await waiting.turn
        except asyncio.CancelledError:
            if waiting.turn.done() and not waiting.turn.cancelled():
                self._leave(account)  # it was its turn just then
            raise

    def _enter(self, account: Hashable) -> None:
        self._taken[account] += 1
        self._total += 1

    def _leave(self, account: Hashable) -> None:
        self._total -= 1
        self._taken[account] -= 1
        if not self._taken[account]:
            del self._taken[account]
        while (waiting := self._line.pop(self._may_have_one)) is not None:
            if not waiting.turn.done():  # else it has given up
                self._enter(waiting.account)
                waiting.turn.set_result(None)

    def _may_have_one(self, path: Share) -> bool:
        return self._total < self._most or (self._total < self._most + self._spare and not self._taken[path[0]])
