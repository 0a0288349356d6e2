"""Reduces kopf to listing and watching: kopf writes nothing, copies nothing and never gives up."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import kopf

from managed_databases.kinds.registry import GROUP
from managed_databases.kube.pages import PAGE

NOBODYS_FINALIZER: Final = f"{GROUP}/not-a-finalizer"
"""The finalizer that kopf is given. kopf removes its finalizer from every object that has it, and no object has this one."""

_ORPHANS_TRIES: Final = 5

MIN_LIMIT_SECONDS: Final = 5.0
"""The shortest limit of a request, in real seconds. Compressed time does not make the network faster, and a shorter limit would
cut off a server that is merely busy.
"""


class _NoDiffBase(kopf.DiffBaseStorage):
    """Remembers nothing of objects. Building what kopf remembers would copy each object twice, and the operator does not use
    it.
    """

    def build(self, **_: Any) -> Any:
        return {}

    def fetch(self, **_: object) -> None:
        return None

    def store(self, **_: object) -> None:
        return None


class _NoProgress(kopf.ProgressStorage):
    """Remembers no progress of handlers: kopf's handlers are not used."""

    def fetch(self, **_: object) -> None:
        return None

    def store(self, **_: object) -> None:
        return None

    def purge(self, **_: object) -> None:
        return None

    def touch(self, **_: object) -> None:
        return None

    def clear(self, *, essence: Any) -> Any:
        return essence


class _Backoffs:
    """The seconds between tries, without an end: the end of the series would be the end of the watch. Can be iterated anew."""

    def __init__(self, speed: float) -> None:
        self._speed = speed

    def __iter__(self) -> Iterator[float]:
        most = 1.0
        while True:
            yield random.uniform(most / 2, most) / self._speed  # noqa: S311 - jitter
            most = min(most * 2, 30.0)


def kopf_identity() -> Any:  # kopf keeps the type for itself
    """Return a name for kopf's peering, which the operator does not use. Without a name kopf asks for the user's name and looks
    up the host's.
    """
    return "managed-databases-operator"


async def end_orphans() -> None:
    """End the watchers that kopf forgets when one of them has failed.

    The end of the event loop would not end them: if a watcher is cancelled together with its `pause-waiter`, it takes the
    cancellation for a pause, and watches on.
    """
    for _ in range(_ORPHANS_TRIES):
        orphans = {task for task in asyncio.all_tasks() if task.get_name().startswith("watcher for ")}
        if not orphans:
            return
        for task in orphans:
            task.cancel()
        await asyncio.wait(orphans, timeout=1)


def quiet_settings(speed: float) -> kopf.OperatorSettings:
    """Return settings under which kopf only lists and watches, for ever.

    Times are divided by `speed`; limits of requests are so only down to MIN_LIMIT_SECONDS.
    """
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.queueing.idle_timeout = 0.05
    settings.persistence.finalizer = NOBODYS_FINALIZER
    settings.persistence.diffbase_storage = _NoDiffBase()
    settings.persistence.progress_storage = _NoProgress()
    settings.process.ultimate_exiting_timeout = None
    settings.networking.request_timeout = max(60 / speed, MIN_LIMIT_SECONDS)
    settings.networking.connect_timeout = max(10 / speed, MIN_LIMIT_SECONDS)
    settings.networking.error_backoffs = _Backoffs(speed)
    settings.watching.chunk_size = PAGE
    settings.watching.initial_streaming = False
    settings.watching.inactivity_timeout = 70 / speed
    settings.watching.server_timeout = max(1, round(300 / speed))
    settings.watching.client_timeout = settings.watching.server_timeout + 30 / speed
    return settings


@contextmanager
def own_signal_handlers(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Keep the process's handlers of SIGINT and SIGTERM, which kopf would replace while it starts."""
    loop.add_signal_handler = lambda *_: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        del loop.add_signal_handler
