"""Handles kinds without a definition: the operator waits for them at its start, and works without those that are deleted."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final

import structlog

from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import GROUP, VERSION
from managed_databases.kube.connection import KubeConnection
from managed_databases.kube.definitions import read_definition
from managed_databases.kube.watched_collections import WatchedCollection
from managed_databases.reconcile.ports import Definition, KubeError, KubeRefused, NotThere

LOOK_SECONDS: Final = 2.0
GROUP_PATH: Final = f"/apis/{GROUP}/{VERSION}"

log = structlog.get_logger()


class MissingKinds:
    """Watches for deleted definitions. `gone` is called once with a collection that was answered 404 and has no definition.

    Times are divided by `speed`.
    """

    def __init__(
        self, connection: KubeConnection, kinds: Iterable[Kind], gone: Callable[[WatchedCollection], None], speed: float
    ) -> None:
        self._connection = connection
        self._kinds = {kind.plural: kind for kind in kinds}
        self._gone = gone
        self._speed = speed
        self._reported: set[WatchedCollection] = set()
        self._news = asyncio.Event()

    def discovery(self) -> dict[str, dict[str, Any]]:
        """Return the discovery of the operator's API group for kopf, so that kopf asks for all kinds, whether they exist or
        not.
        """
        verbs = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]
        resources = [
            {
                "name": kind.plural,
                "singularName": kind.singular,
                "namespaced": kind.namespaced,
                "kind": kind.name,
                "verbs": verbs,
            }
            for kind in self._kinds.values()
        ]
        return {GROUP_PATH: {"groupVersion": f"{GROUP}/{VERSION}", "resources": resources}}

    async def wait_at_start(self) -> None:
        """Wait until the API server serves all kinds. While one of the definitions is being deleted, wait only for the kinds that
        are served.

        When all definitions were deleted, those whose resources have finalizers stay for a while, without the others; the
        operator must let go of these resources.
        """
        told: tuple[list[str], list[str]] | None = None
        while True:
            try:
                absent, going = await self._absent(), await self._going()
            except KubeError as error:
                log.warning("Kubernetes cannot be reached, trying again", error=str(error))
                await asyncio.sleep(LOOK_SECONDS / self._speed)
                continue
            if going:
                log.warning(
                    "custom resource definitions are being deleted: what is of them is let go, and the cloud keeps it",
                    going=going,
                    missing=absent,
                )
            if going or not absent:
                return
            if (absent, going) != told:
                log.warning("custom resource definitions are missing, waiting for them", missing=absent)
            told = (absent, going)
            await asyncio.sleep(LOOK_SECONDS / self._speed)

    def report(self, collection: WatchedCollection) -> None:
        """Note that the API server answered 404 for this collection."""
        if collection.group == GROUP:
            self._reported.add(collection)
            self._news.set()

    async def run(self) -> None:
        """Look up the definitions of reported collections, until cancelled. If the definition exists, the 404 was only early."""
        while True:
            await self._news.wait()
            self._news.clear()
            for collection in tuple(self._reported):
                self._reported.discard(collection)
                try:
                    if await read_definition(self._connection, collection.plural) is None:
                        self._gone(collection)
                except KubeError as error:
                    log.warning("a missing kind could not be looked at", path=collection.path, error=str(error))

    async def _absent(self) -> list[str]:
        try:
            served = await self._connection.request("GET", GROUP_PATH)
        except NotThere:
            return sorted(self._kinds)
        return sorted(self._kinds.keys() - {resource["name"] for resource in served["resources"]})

    async def _going(self) -> list[str]:
        """Return the kinds whose definitions are being deleted, as far as the operator may read definitions."""
        going = []
        for plural in self._kinds:
            try:
                definition: Definition | None = await read_definition(self._connection, plural)
            except KubeRefused:
                continue
            if definition is not None and definition.deleting_since is not None:
                going.append(plural)
        return sorted(going)
