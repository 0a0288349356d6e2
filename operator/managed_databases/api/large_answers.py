"""One large answer at a time in the whole process: what lists cost does not add up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from weakref import WeakKeyDictionary

LARGE_BYTES: Final = 2**20
"""Unpacked; from here on an answer is large."""
LARGE_SECONDS: Final = 15.0
"""How long one may take from there on: others wait for it."""

_gates: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


class TooSlow(Exception):
    """A large answer took longer than LARGE_SECONDS."""


class LargeAnswers:
    """The large answers of one client: of each client only one waits for its turn, so that one project cannot take them all."""

    def __init__(self) -> None:
        self._own = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until no other large answer is read, then have LARGE_SECONDS. Raises TooSlow."""
        gate = _gates.setdefault(asyncio.get_running_loop(), asyncio.Lock())
        async with self._own, gate:
            try:
                async with asyncio.timeout(LARGE_SECONDS) as limit:
                    yield
            except TimeoutError:
                if not limit.expired():
                    raise
                raise TooSlow(f"a large answer took longer than {LARGE_SECONDS:g} s") from None
