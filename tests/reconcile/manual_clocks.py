"""Clocks that stand still, so that a test decides when time passes."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from managed_databases.reconcile.clock import Clock

T = TypeVar("T")


class WouldWait(Exception):
    """Somebody would have waited until that moment."""

    def __init__(self, until: float | None) -> None:
        super().__init__(f"until {until}")
        self.until = until


class StillClock(Clock):
    """Moves only when `moment` is set; a wait raises WouldWait instead."""

    def __init__(self) -> None:
        super().__init__()
        self.moment = 1000.0

    def monotonic(self) -> float:
        return self.moment

    async def wait(self, event: asyncio.Event, until: float | None) -> bool:
        if event.is_set():
            return True
        if until is not None and until <= self.moment:
            return False
        raise WouldWait(until)


class LeapingClock(StillClock):
    """Each wait ends at once, at its moment."""

    async def wait(self, event: asyncio.Event, until: float | None) -> bool:
        if until is None:
            raise WouldWait(until)
        self.moment = max(self.moment, until)
        return event.is_set()


class GatedClock(StillClock):
    """Each wait lasts until the gate is open, and ends at its moment."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def wait(self, event: asyncio.Event, until: float | None) -> bool:
        await self.gate.wait()
        await asyncio.sleep(0)  # others have their turn, though nobody waits any more
        self.moment = max(self.moment, until or self.moment)
        return event.is_set()


def without_waiting(coroutine: Coroutine[Any, Any, T]) -> T | None:
    """The coroutine's result when it gives one at once, None when it would wait on a StillClock."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    except WouldWait:
        return None
    coroutine.close()
    raise AssertionError("it waits for something else than the clock")
