"""Lets the process read only one large answer at a time, so that the memory of large lists does not add up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from weakref import WeakKeyDictionary

LARGE_BYTES: Final = 2**20
"""An answer is large from this number of unpacked bytes on."""
LARGE_SECONDS: Final = 15.0
"""The most seconds that the rest of a large answer may take, because others wait for it."""

_gates: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


class TooSlow(Exception):
    """A large answer took longer than LARGE_SECONDS."""


class LargeAnswers:
    """The large answers of one client. Only one answer of each client waits for its turn, so no project can take all turns."""

    def __init__(self) -> None:
        self._own = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A context manager that waits until no other large answer is read, and then gives the block LARGE_SECONDS. Raises
        TooSlow.
        """
        gate = _gates.setdefault(asyncio.get_running_loop(), asyncio.Lock())
        async with self._own, gate:
            try:
                async with asyncio.timeout(LARGE_SECONDS) as limit:
                    yield
            except TimeoutError:
                if not limit.expired():
                    raise
                raise TooSlow(f"a large answer took longer than {LARGE_SECONDS:g} s") from None
