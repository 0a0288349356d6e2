"""Asks by GET for objects that a LIST did not show: an object is gone only if the API answers a GET by its id with 404."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from managed_databases.api.collections import DATASTORES
from managed_databases.api.errors import ApiError
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.project.project_objects import KnownCollection, ProjectObjects
from managed_databases.reconcile.scheduling.backoff import retry_delay
from managed_databases.reconcile.scheduling.work_queue import Priority

_GETS_AT_ONCE: Final = 4
_CHILDREN_WORTH_ASKING_THE_PARENT: Final = 4


@dataclass(frozen=True)
class _Hidden:
    """An existing object that LISTs do not show: how often it was asked for, and the moment from which it is asked for again."""

    times: int
    again: float


class MissingObjects:
    """The missing objects of one collection. `priority` returns the priority for a GET at that moment; `min_pause_seconds` is
    the shortest time until an existing object that LISTs do not show is asked for again.
    """

    def __init__(
        self,
        known: KnownCollection,
        objects: ProjectObjects,
        clock: Clock,
        draw: Callable[[], float],
        min_pause_seconds: float,
        priority: Callable[[], Priority],
    ) -> None:
        self._known = known
        self._objects = objects
        self._clock = clock
        self._draw = draw
        self._min_pause_seconds = min_pause_seconds
        self._priority = priority
        self._hidden: dict[str, _Hidden] = {}

    async def look_for(self, missing: Collection[str]) -> None:
        """GET the objects that a LIST did not show; first the datastores in which many of them were. Raises ApiError.

        An object that exists all the same, and that LISTs leave out again and again, is asked for more and more rarely.
        """
        snapshot = self._known.snapshot
        now = self._clock.monotonic()
        self._hidden = {id_: hidden for id_, hidden in self._hidden.items() if id_ in missing}
        due = [id_ for id_ in sorted(missing) if id_ not in self._hidden or self._hidden[id_].again <= now]
        datastores = self._objects.known.get(DATASTORES.name)
        if datastores is not None:
            await self._look_each(datastores, self._parents_of_many(due))
        looked_at = [id_ for id_ in due if snapshot.is_dirty(id_)]
        await self._look_each(self._known, looked_at)
        for id_ in looked_at:
            if snapshot.get(id_) is not None:
                times = self._hidden[id_].times + 1 if id_ in self._hidden else 1
                self._hidden[id_] = _Hidden(times, now + retry_delay(times, self._draw, self._min_pause_seconds))

    def _parents_of_many(self, ids: Collection[str]) -> list[str]:
        by_parent: dict[str, int] = {}
        for id_ in ids:
            known = self._known.snapshot.get(id_)
            parent = known.in_datastore if known is not None else None
            if parent is not None:
                by_parent[parent] = by_parent.get(parent, 0) + 1
        return [parent for parent, count in by_parent.items() if count >= _CHILDREN_WORTH_ASKING_THE_PARENT]

    async def _look_each(self, known: KnownCollection, ids: Collection[str]) -> None:
        failures: list[ApiError] = []
        places = asyncio.Semaphore(_GETS_AT_ONCE)

        async def look(id_: str) -> None:
            async with places:
                if failures:
                    return
                try:
                    await self._objects.look(known, id_, self._priority())
                except ApiError as error:
                    failures.append(error)

        async with asyncio.TaskGroup() as group:
            for id_ in ids:
                group.create_task(look(id_), name=f"look for {known.collection.one} {id_}")
        if failures:
            raise failures[0]
