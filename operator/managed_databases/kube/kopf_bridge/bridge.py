"""Starts kopf for the collections that the operator watches, and ends all its tasks."""

import asyncio
import logging
from collections.abc import Callable, Collection
from typing import Any, Final

import aiohttp
import kopf

from managed_databases.kube.connection import KubeConnection
from managed_databases.kube.kopf_bridge.kopf_settings import (
    end_orphans,
    kopf_identity,
    own_signal_handlers,
    quiet_settings,
)
from managed_databases.kube.kopf_bridge.watch_transport import WatchTransport
from managed_databases.kube.watched_collections import WatchedCollection

_KOPF_TASKS: Final = (
    "kopf._core.reactor.running",
    "kopf._core.reactor.orchestration",
    "kopf._core.reactor.queueing",
)
_KOPF_WATCHES: Final = "kopf._cogs.clients.watching"


class KopfBridge:
    """Has kopf list and watch through the sessions of `transport`. kopf's times are divided by `speed`."""

    def __init__(self, connection: KubeConnection, transport: WatchTransport, speed: float) -> None:
        self._connection = connection
        self._transport = transport
        self._speed = speed
        self._sessions: list[aiohttp.ClientSession] = []
        logging.getLogger("kopf").setLevel(logging.WARNING)
        _report_failed_tasks_once()
        _leave_out(_KOPF_WATCHES, _is_not_of_forbidden)

    async def start(
        self, collections: list[WatchedCollection], namespaces: tuple[str, ...]
    ) -> Collection[asyncio.Task[Any]]:
        """List and watch the collections, in these namespaces, or in the whole cluster if `namespaces` is empty.

        Return kopf's tasks. If one of them ends, nothing starts it again, so the process should end.
        """
        registry = kopf.OperatorRegistry()
        settings = quiet_settings(self._speed)
        self._sign_in(registry)
        for collection in {each.kind: each for each in collections}.values():
            self._ask_for(registry, collection)
            if collection.label_selector:
                selected = (collection.group, collection.version, collection.plural)
                settings.watching.label_selectors[selected] = collection.label_selector
        with own_signal_handlers(asyncio.get_running_loop()):
            return await kopf.spawn_tasks(
                registry=registry,
                settings=settings,
                # There is no peering, yet without an identity kopf would ask for the user's name, and a container's has none.
                identity=kopf_identity(),
                standalone=True,
                clusterwide=not namespaces,
                namespaces=namespaces,
            )

    async def close(self) -> None:
        """End the watchers that kopf has forgotten, and close the connections. Call this once kopf's tasks have ended."""
        await end_orphans()
        for session in self._sessions:
            await session.close()

    def _sign_in(self, registry: kopf.OperatorRegistry) -> None:
        @kopf.on.login(registry=registry, id="sign-in")
        async def sign_in(**_: Any) -> kopf.AiohttpSession:
            session = await self._transport.open_session()
            self._sessions.append(session)
            return kopf.AiohttpSession(server=await self._connection.server(), aiohttp_session=session)

    @staticmethod
    def _ask_for(registry: kopf.OperatorRegistry, collection: WatchedCollection) -> None:
        """Have kopf watch the collection: it watches what it has a handler for. The events go to the transport's `on_event`."""

        @kopf.on.event(
            group=collection.group,
            version=collection.version,
            plural=collection.plural,
            id="watched",
            registry=registry,
        )
        async def watched(**_: Any) -> None:
            raise AssertionError("kopf was told of an event")


def _report_failed_tasks_once() -> None:
    """Drop kopf's log lines with the errors of its tasks: the part of the operator that watches these tasks logs them, too."""
    for name in _KOPF_TASKS:
        _leave_out(name, _not_an_exception)


def _leave_out(name: str, keep: Callable[[logging.LogRecord], bool]) -> None:
    logger = logging.getLogger(name)
    if keep not in logger.filters:
        logger.addFilter(keep)


def _not_an_exception(record: logging.LogRecord) -> bool:
    return not record.exc_info


def _is_not_of_forbidden(record: logging.LogRecord) -> bool:
    """Return False for kopf's line with a whole Status for each try: the transport tells of it, once a minute."""
    return "; will retry: " not in (told := record.getMessage()) or " -> APIForbiddenError(" not in told
