"""Keeps the copies of credentials Secrets, by tasks of its own: a pass never waits for them.

The names of the copies that there may be are in the resource's status before a copy is made: so none is forgotten, whenever the
process ends. A copy is written only after a pass has found that the credentials Secret itself opens, and from what is in that
Secret. At rest nothing is read: the watch tells of each copy that somebody edits or deletes, and of the labels of namespaces.
"""

from collections.abc import Callable
from typing import Final

import structlog

from managed_databases.kinds.credentials_spec import CopySpec
from managed_databases.kinds.keeper_views import CopiesView
from managed_databases.kinds.kind import Credential
from managed_databases.kinds.secret_copies import Place, place_of
from managed_databases.kinds.shared_fields import MAX_COPIES_TOLD
from managed_databases.reconcile.act.secret_copy import CopySource, is_let_in
from managed_databases.reconcile.act.secret_ownership import SecretOwnership
from managed_databases.reconcile.annotations import PAUSED
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.keepers.copy_run import AWAY_SECONDS, REST_SECONDS, CopyRun, CopyWish, RunMemory
from managed_databases.reconcile.keepers.fights import Fights
from managed_databases.reconcile.keepers.right_secret import as_mounted, right_secret
from managed_databases.reconcile.multimap import Multimap
from managed_databases.reconcile.observe.current_pass import Pass, PassInProject
from managed_databases.reconcile.ports import Kube, KubeError, Resource, ResourceCache, ResourceKey
from managed_databases.reconcile.report.status import secret_name
from managed_databases.reconcile.scheduling.work_queue import Priority, WorkQueue
from managed_databases.reconcile.scheduling.workers import Workers

AT_A_TIME: Final = 4
"""The most resources at a time."""

log = structlog.get_logger()


class _Known(RunMemory):
    """What is remembered of one wish of one resource; may be lost at any instant.

    Another wish has a memory of its own: what a run that is still under way finds out for the old one says nothing of it.
    """

    def __init__(self, wish: CopyWish, before: "_Known | None") -> None:
        super().__init__()
        self.wish = wish
        if before is not None:
            self.is_known, self.told, self.fights = before.is_known, before.told, before.fights


class CopyKeeper:
    """`enqueue` has a pass over a resource."""

    def __init__(
        self,
        cache: ResourceCache,
        kube: Kube,
        clock: Clock,
        ownership: SecretOwnership,
        enqueue: Callable[[ResourceKey, Priority], None],
    ) -> None:
        self._cache = cache
        self._kube = kube
        self._clock = clock
        self._ownership = ownership
        self._enqueue = enqueue
        self._known: dict[ResourceKey, _Known] = {}
        self._busy: set[ResourceKey] = set()
        self._of_place: Multimap[Place, ResourceKey] = Multimap()
        """Which resources ask for a copy at a place, or in a namespace (a place without a name)."""
        self.queue: WorkQueue[ResourceKey] = WorkQueue(clock, 1, places=AT_A_TIME)
        self._workers = Workers(self.queue, self._run)

    # --- for passes ---

    def look(self, current: Pass, *, is_asked_for: bool = False) -> CopiesView | None:
        """Return what is known of the copies, and order what is due; None if there are none to be, and none to be removed.

        To be called once the pass has read the Secrets. `is_asked_for`: a person asks for a new look. Nothing is awaited.
        """
        key, told = current.resource.key, current.resource.told.copies
        asked = () if current.observed.deleting else _asked(current)
        if current.observed.deleting or current.kind.credential is None or not (asked or told):
            self.forget(key)  # letting go removes those of a resource that is deleted
            return None
        known, wish = self._known.get(key), _wish(current, current.kind.credential, asked, self._cache)
        is_new = known is None or known.wish != wish
        if known is None or is_new:
            if known is not None:
                self._index(key, known.wish, forget=True)
            known = self._known[key] = _Known(wish, known)
            self._index(key, wish)
        known.wish = wish  # if it is an equal one, it is made of what this pass has observed
        if is_asked_for:
            known.right, known.fights, known.gone, known.refusals = {}, Fights(), set(), 0
        if is_asked_for or is_new:
            self.queue.set_share(key, ("", key.namespace))
            self.queue.add(key, Priority.LOW)
        names = told if wish.is_paused else self._names(current.resource, wish, known.gone)
        return CopiesView(names, known.is_known, known.told)

    def secret_changed(self, namespace: str, name: str) -> None:
        """Take note that a Secret of the operator was edited or deleted, or has come."""
        self._wake(Place(namespace, name))

    def namespace_changed(self, name: str) -> None:
        """Take note that a namespace has other labels, has come, or is gone."""
        place = Place(name, "")
        self._wake(place)
        for key in self._of_place.of(place):  # the status names a copy before it is made
            self._enqueue(key, Priority.LOW)

    def is_busy(self, key: ResourceKey) -> bool:
        """Return whether a copy of this resource may be written at this instant."""
        return key in self._busy

    def forget(self, key: ResourceKey) -> None:
        known = self._known.pop(key, None)
        if known is not None:
            self.queue.remove(key)
            self._index(key, known.wish, forget=True)

    def _index(self, key: ResourceKey, wish: CopyWish, *, forget: bool = False) -> None:
        change = self._of_place.discard if forget else self._of_place.add
        for place, _ in wish.wanted:
            change(place, key)
            change(Place(place.namespace, ""), key)

    def _names(self, resource: Resource, wish: CopyWish, gone: set[Place]) -> tuple[str, ...]:
        """Return the names for the status: at first those that it has, so that none is ever forgotten for a new one. A copy that
        was never let in has no name there: no deletion has to look for it.
        """
        wanted = [str(place) for place, _ in wish.wanted if is_let_in(self._cache, place, resource)]
        left = [
            name
            for name in resource.told.copies
            if name in wanted or ((place := place_of(name)) is not None and place not in gone)
        ]
        return tuple(dict.fromkeys([*left, *wanted]))[:MAX_COPIES_TOLD]

    def _wake(self, place: Place) -> None:
        for key in self._of_place.of(place):
            known = self._known.get(key)
            if known is not None:
                for gone in [each for each in known.gone if place in (each, Place(each.namespace, ""))]:
                    known.gone.discard(gone)
                self.queue.add(key, Priority.LOW)

    # --- running ---

    async def run(self) -> None:
        """Work until cancelled."""
        await self._workers.run(AT_A_TIME, "copy keeper")

    async def _run(self, key: ResourceKey, _: Priority) -> None:
        known = self._known.get(key)
        if known is None:
            return
        self._busy.add(key)
        try:
            await self._look_after(key, known)
        finally:
            self._busy.discard(key)

    async def _look_after(self, key: ResourceKey, known: _Known) -> None:
        resource = self._live(key, known)
        if resource is None:
            return
        had_gone = set(known.gone)
        try:
            run = CopyRun(self._kube, self._cache, self._clock, self._ownership, resource, known.wish, known)
            pause, told, is_known = await run.keep(lambda: self._live(key, known) is not None)
        except KubeError:
            pause, told, is_known = AWAY_SECONDS, known.told, known.is_known
        except Exception:
            log.exception("copies of a Secret could not be kept", namespace=key.namespace, name=key.name)
            pause, told, is_known = REST_SECONDS, known.told, known.is_known
        if self._known.get(key) is not known:
            return  # a pass has ordered another run, or none
        if (known.is_known, known.told, known.gone) != (is_known, told, had_gone):
            known.is_known, known.told = is_known, told
            self._enqueue(key, Priority.LOW)
        if pause is not None:
            self.queue.add_at(key, self._clock.monotonic() + pause)

    def _live(self, key: ResourceKey, known: _Known) -> Resource | None:
        """Return the resource, if its copies may still be written: it is there, nobody deletes it, and its passes still
        wish for them.
        """
        resource = self._cache.get(key)
        if resource is None or resource.uid != known.wish.uid or resource.deleting_since is not None:
            return None
        return resource if self._known.get(key) is known else None


def _asked(current: Pass) -> tuple[CopySpec, ...]:
    credential, observed = current.kind.credential, current.observed
    return credential.copies(observed.spec) if credential is not None and credential.applies(observed) else ()


def _wish(current: Pass, credential: Credential, asked: tuple[CopySpec, ...], cache: ResourceCache) -> CopyWish:
    observed = current.observed
    wanted: dict[Place, CopySpec] = {}
    for copy in asked:
        wanted.setdefault(Place(copy.namespace or observed.namespace, copy.name), copy)
    mounted = secret_name(current.kind, observed)
    is_there = isinstance(current, PassInProject) and observed.external is not None and observed.presence.holder is None
    is_paused = observed.annotations.get(PAUSED) == "true"
    source = right_secret(current, cache) if is_there and not is_paused else None
    made_of = None if source is None else CopySource(credential, as_mounted(observed), current.resource, current.checks)
    shapes = () if made_of is None else tuple(made_of.shape(copy) for copy in wanted.values())
    is_double = len(wanted) < len(asked)
    return CopyWish(current.resource.uid, mounted, tuple(wanted.items()), is_double, is_paused, source, shapes, made_of)
