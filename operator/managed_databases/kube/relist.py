"""Compares the store with Kubernetes periodically, in case a watch has missed an event."""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import structlog

from managed_databases.kube.cache import Store, light
from managed_databases.kube.connection import KubeConnection
from managed_databases.kube.paged_list import pages_of
from managed_databases.kube.pages import PAGE
from managed_databases.kube.watched_collections import WatchedCollection, collection_path
from managed_databases.reconcile.ports import KubeError, ResourceKey

EVERY_SECONDS: Final = 600.0
SETTLE_SECONDS: Final = 5.0
"""The seconds that a watch may lag behind a list before a difference counts."""

METADATA_LIST: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

log = structlog.get_logger()


class Relist:
    """Lists uids and versions of all collections every ten minutes (divided by `speed`).

    Objects that have vanished are removed from the store, objects that differ are read again; `changed` gets the keys of both.
    `newest` returns the highest version that a collection's watch has shown; `is_restored` is called for each list, with the
    highest version from before it.
    """

    def __init__(
        self,
        connection: KubeConnection,
        store: Store,
        collections: Iterable[WatchedCollection],
        changed: Callable[[ResourceKey | None], None],
        *,
        newest: Callable[[WatchedCollection], int],
        is_restored: Callable[[WatchedCollection, int, Mapping[ResourceKey, str], str], bool],
        speed: float = 1.0,
    ) -> None:
        self._connection = connection
        self._store = store
        self._collections = tuple(collections)
        self._changed = changed
        self._newest = newest
        self._is_restored = is_restored
        self._speed = speed

    async def run(self) -> None:
        """Relist until cancelled. A failure is logged; the next round tries again."""
        while True:
            await asyncio.sleep(EVERY_SECONDS * random.uniform(0.9, 1.1) / self._speed)  # noqa: S311 - jitter
            for collection in self._collections:
                try:
                    await self.compare(collection)
                except KubeError as error:
                    log.warning("a relist failed", path=collection.path, error=str(error))

    async def compare(self, collection: WatchedCollection) -> None:
        """Correct the store's state of one collection. Raises KubeError."""
        newest = self._newest(collection)
        listed, list_version = await self._list(collection)
        if self._is_restored(collection, newest, listed, list_version):
            return
        for key in self._store.forget_unlisted(collection.kind, collection.namespace, listed, list_version):
            log.warning("a deletion was missed by the watch", object=str(key))
            self._changed(key)
        if not self._stale(listed):
            return
        await asyncio.sleep(SETTLE_SECONDS / self._speed)
        for key in self._stale(listed):
            log.warning("a change was missed by the watch", object=str(key))
            await self._read(collection, key)

    def _stale(self, listed: dict[ResourceKey, str]) -> list[ResourceKey]:
        known = ((key, version, self._store.version(key)) for key, version in listed.items())
        return [key for key, version, mine in known if mine is None or int(mine[1]) < int(version)]

    async def _read(self, collection: WatchedCollection, key: ResourceKey) -> None:
        """Read one object through a list: the operator has the right to list its kinds, not to get them."""
        path = collection_path(collection.group, collection.version, collection.plural, key.namespace or None)
        query = {"fieldSelector": f"metadata.name={key.name}"}
        if collection.label_selector:
            query["labelSelector"] = collection.label_selector
        accept = METADATA_LIST if collection.metadata_only else "application/json"
        page = await self._connection.request("GET", path, query=query, accept=accept, items=light)
        for raw in page.get("items") or ():
            if raw["metadata"]["name"] == key.name:
                self._changed(self._store.seen(raw, collection.kind))

    async def _list(self, collection: WatchedCollection) -> tuple[dict[ResourceKey, str], str]:
        """Return the versions by key, and the version of the list itself."""
        listed: dict[ResourceKey, str] = {}
        version = ""
        pages = pages_of(
            self._connection,
            collection.path,
            size=PAGE,
            label_selector=collection.label_selector or "",
            accept=METADATA_LIST,
            items=_version_only,
        )
        async for page in pages:
            for item in page.get("items") or ():
                metadata = item["metadata"]
                key = ResourceKey(collection.kind, metadata.get("namespace") or "", metadata["name"])
                listed[key] = metadata["resourceVersion"]
            version = page["metadata"]["resourceVersion"]
        return listed, version


def _version_only(raw: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {name: raw["metadata"].get(name) for name in ("namespace", "name", "resourceVersion")}}
