"""Time as the controller sees it. Every wait of the controller goes through `Clock`, so that a test can compress time."""

import asyncio
import time
from datetime import UTC, datetime


class Clock:
    """A monotonic clock whose seconds pass `speed` times as fast as real seconds. It is never negative and never goes backwards.

    A `speed` above 1 is for tests. Raises ValueError unless `speed` is positive.
    """

    def __init__(self, speed: float = 1.0) -> None:
        if speed <= 0:
            raise ValueError(f"time must pass: speed is {speed}")
        self.speed = speed

    def monotonic(self) -> float:
        """Return the seconds since an arbitrary start, as this clock counts them."""
        return time.monotonic() * self.speed

    def now(self) -> datetime:
        """Return the real time in UTC: for time stamps in a status and what is told by them, and for the dates at which people
        want something (of a password, kinds/password_rotation.py). Nothing else is decided by it.
        """
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Sleep for so many seconds of this clock; not at all if `seconds` is zero or negative."""
        await self.wait(asyncio.Event(), self.monotonic() + seconds)

    async def wait(self, event: asyncio.Event, until: float | None) -> bool:
        """Wait for `event`, at most until the moment `until` of this clock (None: for ever); return whether the event is set.

        The event is not cleared. False is never returned before that moment.
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
