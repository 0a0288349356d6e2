"""Informers: keep the store in step with Kubernetes, and report changed objects. Lists and watches come over `kopf_bridge`."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import structlog

from managed_databases.kinds.kind import Kind
from managed_databases.kube.cache import Store
from managed_databases.kube.connection import KubeConnection
from managed_databases.kube.ending import end_of
from managed_databases.kube.kopf_bridge.bridge import KopfBridge
from managed_databases.kube.kopf_bridge.watch_transport import WatchTransport
from managed_databases.kube.missing_kinds import MissingKinds
from managed_databases.kube.relist import Relist
from managed_databases.kube.watched_collections import (
    NAMESPACE,
    SECRET,
    SERVICE,
    WatchedCollection,
    all_namespaces,
    of_kinds,
    own_secrets,
    own_services,
)
from managed_databases.reconcile.ports import KubeError, KubeUnreachable, ResourceKey

MAX_LAG_SECONDS: Final = 5.0
LAGS_IN_A_ROW: Final = 5
CLEAN_UP_SECONDS: Final = 1.0
FORBIDDEN_SECONDS: Final = 30.0
"""A collection counts as forbidden after this time: an API server that starts may refuse for a moment what it allows."""

log = structlog.get_logger()


class HistoryRestored(Exception):
    """etcd was restored to an older state, so this process remembers things that have not happened."""


class Informers:
    """Watches the operator's kinds, its Secrets, and the labels of namespaces.

    With `namespaces` only these are watched (and `operator_namespace`, for Secrets), without them the whole cluster. A kind
    whose definition is gone has no resources; the API server is asked for the definition until it is back. Secrets,
    Services and namespaces are left out where the operator may not list and watch them.

    `on_resource` gets the key of a resource that was changed or removed, `on_secret` the namespace and name of a labelled Secret
    that was, `on_namespace` the name of a namespace whose labels were changed, `on_service` the namespace and name of a labelled
    Service. They are called for the first lists, too, and must neither block nor raise. `on_end` gets the reason as soon as
    watching has ended, before anything is cleaned up. Times are divided by `speed`.

    A namespace that has gone took the operator's Role along, and would hold up all the others at the next start: so a
    collection of one of `namespaces` that stays forbidden for FORBIDDEN_SECONDS is done without, until it can be listed.
    """

    synced: asyncio.Event
    """Set once the first list of every collection, but for those done without, is wholly in the store."""

    def __init__(
        self,
        connection: KubeConnection,
        store: Store,
        kinds: Iterable[Kind],
        *,
        namespaces: tuple[str, ...] = (),
        operator_namespace: str,
        on_resource: Callable[[ResourceKey], None],
        on_secret: Callable[[str, str], None],
        on_namespace: Callable[[str], None],
        on_service: Callable[[str, str], None] = lambda namespace, name: None,
        on_end: Callable[[str], None] = lambda _: None,
        speed: float = 1.0,
    ) -> None:
        self.synced = asyncio.Event()
        self._connection = connection
        self._store = store
        self._kinds = tuple(kinds)
        self._namespaces = namespaces
        self._operator_namespace = operator_namespace
        self._on_resource = on_resource
        self._on_secret = on_secret
        self._on_namespace = on_namespace
        self._on_service = on_service
        self._on_end = on_end
        self._speed = speed
        self._missing = MissingKinds(connection, self._kinds, self._kind_is_gone, speed)
        self._unlisted: set[WatchedCollection] = set()
        self._listed: dict[WatchedCollection, set[ResourceKey]] = {}
        self._newest: dict[WatchedCollection, int] = {}
        """The highest resourceVersion that lists and watches of each collection have shown."""
        self._went_back = asyncio.Event()
        self._transport: WatchTransport | None = None
        self._lags = [0.0] * LAGS_IN_A_ROW
        self._ended: str | None = None

    async def run(self) -> None:
        """Watch until cancelled. Raises an error if a watch has ended for good: then the process should end, too."""
        await self._missing.wait_at_start()
        collections = of_kinds(self._kinds, self._namespaces)
        collections += [each for each in self._extras() if await self._may_watch(each) or await self._is_lost(each)]
        self._unlisted = set(collections)
        self._transport = WatchTransport(
            self._connection,
            collections,
            self._enter_page,
            self._enter_event,
            self._missing.report,
            discovery=self._missing.discovery(),
            speed=self._speed,
        )
        relist = Relist(
            self._connection,
            self._store,
            collections,
            self._changed,
            newest=lambda collection: self._newest.get(collection, 0),
            is_restored=self._is_restored,
            speed=self._speed,
        )
        bridge = KopfBridge(self._connection, self._transport, self._speed)
        elsewhere = own_secrets(self._operator_namespace)
        here = [each for each in collections if not self._namespaces or each != elsewhere]
        tasks: list[asyncio.Task[Any]] = []
        try:
            tasks += await bridge.start(here, self._namespaces)
            if len(here) < len(collections):
                tasks += await bridge.start([elsewhere], (self._operator_namespace,))
            tasks.append(asyncio.create_task(relist.run(), name="relist"))
            tasks.append(asyncio.create_task(self._missing.run(), name="missing kinds"))
            tasks.append(asyncio.create_task(self._beat(), name="heartbeat"))
            tasks.append(
                asyncio.create_task(self._end_when_restored(), name="the memory of a cluster that was restored")
            )
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            failure = end_of(done)
            self._ended = str(failure)
            self._on_end(self._ended)
            raise failure
        finally:
            # What does not end must not hide that we have: whoever runs us goes on without it.
            cleaning = asyncio.create_task(self._clean_up(bridge, tasks), name="the end of the watches")
            await asyncio.wait([cleaning], timeout=CLEAN_UP_SECONDS)

    async def _clean_up(self, bridge: KopfBridge, tasks: Iterable[asyncio.Task[Any]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await bridge.close()

    def healthy(self) -> str | None:
        """Return what is wrong with the watches; None if nothing is. An API server that is away does not count."""
        if self._ended:
            return self._ended
        if min(self._lags) > MAX_LAG_SECONDS:
            return f"the event loop is late by {self._lags[-1]:.0f} s"
        return self._transport.silence() if self._transport else None

    def _extras(self) -> list[WatchedCollection]:
        places = dict.fromkeys((*self._namespaces, self._operator_namespace)) if self._namespaces else (None,)
        served = self._namespaces or (None,)
        return [
            all_namespaces(),
            *(own_secrets(place) for place in places),
            *(own_services(place) for place in served),
        ]

    async def _may_watch(self, collection: WatchedCollection) -> bool:
        for verb in ("list", "watch"):
            attributes = {
                "verb": verb,
                "group": collection.group,
                "resource": collection.plural,
                "namespace": collection.namespace or "",
            }
            if not await self._allowed(attributes):
                log.info("not watched for lack of a permission", path=collection.path, verb=verb)
                return False
        return True

    async def _is_lost(self, collection: WatchedCollection) -> bool:
        """Return whether the collection is in a named namespace that is gone with the operator's Role; both may come back."""
        place = collection.namespace
        return place in self._namespaces and not await self._may_watch(of_kinds(self._kinds[:1], (place,))[0])

    async def _allowed(self, attributes: dict[str, str]) -> bool:
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        while True:
            try:
                path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
                answer = await self._connection.request("POST", path, body=review)
                return bool(answer["status"]["allowed"])
            except KubeUnreachable:
                await asyncio.sleep(2 / self._speed)
            except KubeError:
                return False

    async def _end_when_restored(self) -> None:
        """End the process after a restore of etcd. The next process takes everything as it is, and waits for attempts that may be
        under way.
        """
        await self._went_back.wait()
        raise HistoryRestored("Kubernetes has gone back to an older state: etcd was restored")

    def _enter_page(self, collection: WatchedCollection, page: dict[str, Any], first: bool) -> None:
        """Enter one page of a list; at the last one, drop what the list did not show.

        A watch cannot tell what was deleted while it was interrupted; the next list can. If a list is older than the versions
        that the collection has shown before, or shows an older version of an object, etcd was restored.
        """
        version = page["metadata"]["resourceVersion"]
        shown = {
            ResourceKey(collection.kind, metadata.get("namespace") or "", metadata["name"]): metadata["resourceVersion"]
            for metadata in (raw["metadata"] for raw in page.get("items") or ())
        }
        if self._is_restored(collection, self._newest.get(collection, 0), shown, version):
            return
        self._newest[collection] = int(version)
        listed = self._listed.setdefault(collection, set())
        if first:
            listed.clear()
        listed.update(shown)
        for raw in page.get("items") or ():
            self._changed(self._store.seen(raw, collection.kind))
        if page["metadata"].get("continue"):
            return
        for key in self._store.forget_unlisted(collection.kind, collection.namespace, listed, version):
            self._changed(key)
        self._listed.pop(collection)
        if collection.kind == SECRET:
            self._store.secrets_watched_in |= {collection.namespace}
        if collection.kind == SERVICE:
            self._store.services_watched_in |= {collection.namespace}
        self._no_longer_waited_for(collection)

    def _is_restored(
        self, collection: WatchedCollection, newest: int, shown: Mapping[ResourceKey, str], list_version: str
    ) -> bool:
        """Return whether a list shows that etcd was restored, and end the process then. `newest` is the highest version that was
        known before the list began.
        """
        if int(list_version) >= newest and not any(
            self._store.contradicted_by(key, version, list_version) for key, version in shown.items()
        ):
            return False
        log.error("Kubernetes has gone back to an older state: this process ends", path=collection.path)
        self._went_back.set()
        return True

    def _kind_is_gone(self, collection: WatchedCollection) -> None:
        """Remove all resources of a kind whose definition is deleted: Kubernetes has deleted them, and the watch may have ended
        before it showed all deletions.
        """
        newest = max((int(each.resource_version) for each in self._store.of_kind(collection.kind)), default=0)
        for key in self._store.forget_unlisted(collection.kind, collection.namespace, (), str(newest)):
            self._changed(key)
        self._no_longer_waited_for(collection)

    def _no_longer_waited_for(self, *collections: WatchedCollection) -> None:
        self._unlisted.difference_update(collections)
        if not self._unlisted:
            self.synced.set()

    def _do_without_forbidden(self) -> None:
        """Go on without forbidden namespaced collections. Cluster-scoped ones are always waited for: without the right to list
        projects the operator can do nothing.
        """
        if self.synced.is_set() or self._transport is None:
            return
        forbidden = [each for each in self._transport.forbidden(FORBIDDEN_SECONDS) if each in self._unlisted]
        lost = [each for each in forbidden if each.namespace in self._namespaces]
        for each in lost:
            log.error(
                "done without, as it may not be listed: is the namespace gone, or the Role in it?", path=each.path
            )
        self._no_longer_waited_for(*lost)

    def _enter_event(self, collection: WatchedCollection, type_: str, raw: dict[str, Any]) -> None:
        try:
            told = int(raw["metadata"]["resourceVersion"])
            self._newest[collection] = max(told, self._newest.get(collection, 0))
            enter = self._store.deleted if type_ == "DELETED" else self._store.seen
            self._changed(enter(raw, collection.kind))
        except Exception:
            # One object that we cannot digest must not end the watch of all the others.
            log.exception("an event could not be entered", path=collection.path, type=type_)

    def _changed(self, key: ResourceKey | None) -> None:
        if key is None:
            return
        if key.kind == SECRET:
            self._on_secret(key.namespace, key.name)
        elif key.kind == SERVICE:
            self._on_service(key.namespace, key.name)
        elif key.kind == NAMESPACE:
            self._on_namespace(key.name)
        else:
            self._on_resource(key)

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + 1
            await asyncio.sleep(1)
            self._lags = [*self._lags[1:], loop.time() - due]
            self._do_without_forbidden()
