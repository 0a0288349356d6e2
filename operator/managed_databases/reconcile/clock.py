"""Time as the controller sees it. Every wait of the controller goes through here, so that a test can compress it."""

import asyncio
import time
from datetime import UTC, datetime


class Clock:
    """A monotonic clock whose seconds pass `speed` times as fast as real ones; never negative, never backwards.

    `speed` above 1 is for tests. Raises ValueError unless it is positive.
    """

    def __init__(self, speed: float = 1.0) -> None:
        if speed <= 0:
            raise ValueError(f"time must pass: speed is {speed}")
        self.speed = speed

    def monotonic(self) -> float:
        """Seconds since an arbitrary start, as this clock counts them."""
        return time.monotonic() * self.speed

    def now(self) -> datetime:
        """The real wall clock in UTC: for time stamps in status only, never for a decision."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Sleep for that many seconds of this clock; not at all when zero or negative."""
        await self.wait(asyncio.Event(), self.monotonic() + seconds)

    async def wait(self, event: asyncio.Event, until: float | None) -> bool:
        """Wait for `event`, at most until that moment of this clock (None: for ever); return whether it was set.

        The event is not cleared. Never returns False before the moment.
        """
        while not event.is_set():
            left = None if until is None else until - self.monotonic()
            if left is not None and left <= 0:
                return False
            try:
                async with asyncio.timeout(None if left is None else left / self.speed):
                    await event.wait()
            except TimeoutError:
                continue
        return True
