"""Reads of a cloud that bears only few of them at a time (`Settings.reads_at_once`)."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Final

from managed_databases.sandbox.answers import Answer, Refusal
from managed_databases.sandbox.settings import Settings

_READ_SECONDS: Final = 0.02
"""How long a read takes where only few are answered at a time. Made up."""


class Reads:
    """Counts the reads of each project that are under way."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._under_way: Counter[str] = Counter()

    async def answered(self, project_id: str, produce: Callable[[], Answer]) -> Answer:
        """Return the answer to a read, or a 503 if as many as possible are under way."""
        if not self._settings.reads_at_once:
            return produce()
        if self._under_way[project_id] >= self._settings.reads_at_once:
            return Refusal(503, "The service is overloaded.").answer()
        self._under_way[project_id] += 1
        try:
            await asyncio.sleep(_READ_SECONDS)
            return produce()
        finally:
            self._under_way[project_id] -= 1
