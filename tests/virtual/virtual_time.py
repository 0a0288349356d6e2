"""An event loop whose clock moves on only when no task has anything to do, and then at once: hours take milliseconds.

Everything that takes part must run in this loop: nothing may wait for a socket or a thread.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from managed_databases.reconcile.clock import Clock

T = TypeVar("T")
_STARTED: Final = datetime.now(UTC)


class _Selector(selectors.SelectSelector):
    """Takes a wait for what it is: time that passes. Raises RuntimeError when everybody waits for nothing."""

    def __init__(self, passes: Callable[[float], None]) -> None:
        super().__init__()
        self._passes = passes

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout == 0:  # somebody has something to do
            return []
        if found := super().select(0):
            return found
        if timeout is None:
            raise RuntimeError("everybody waits, and nothing will ever happen")
        self._passes(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._passed = 1000.0
        super().__init__(_Selector(self._pass))

    def time(self) -> float:
        return self._passed

    def _pass(self, seconds: float) -> None:
        self._passed += seconds


class VirtualClock(Clock):
    """The engine's clock in such a loop. `ahead` is how far the calendar is ahead of the time that has passed in the loop."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead = timedelta()

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return _STARTED + timedelta(seconds=self.monotonic()) + self.ahead


def in_virtual_time(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
