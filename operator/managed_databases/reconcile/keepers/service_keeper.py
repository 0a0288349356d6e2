"""Keeps the Services that resources ask for, by tasks of its own: a pass never waits for them.

The names of the Services that there may be are in the resource's status before a Service is made: so none is forgotten, whenever
the process ends. At rest nothing is read: the watch tells of each Service that somebody edits or deletes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import structlog

from managed_databases.kinds.keeper_views import ServicesView, WantedService
from managed_databases.reconcile.annotations import PAUSED
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.keepers.fights import Fights
from managed_databases.reconcile.observe.current_pass import Pass, PassInProject
from managed_databases.reconcile.ports import (
    AlreadyThere,
    Kube,
    KubeError,
    KubeRefused,
    NewService,
    Resource,
    ResourceCache,
    ResourceKey,
    ServiceContent,
)
from managed_databases.reconcile.scheduling.work_queue import Priority, WorkQueue
from managed_databases.reconcile.scheduling.workers import Workers

AT_A_TIME: Final = 4
"""The most resources at a time."""
REST_SECONDS: Final = 600.0
"""Seconds until the next look after a refusal or a defect, where somebody else has a name, and where nothing is watched."""
AWAY_SECONDS: Final = 10.0
"""Seconds until the next look after a request that had no answer."""
STATUS_SECONDS: Final = 1.0
"""Seconds until the next look whether the status names the Services by now; that look asks nobody anything."""

log = structlog.get_logger()


class _Wish(NamedTuple):
    uid: str
    wanted: tuple[WantedService, ...]
    problem: str | None


@dataclass
class _Known:
    """What is remembered of one wish of one resource; may be lost at any instant.

    Another wish has a memory of its own: what a run that is still under way finds out for the old one says nothing of it.
    """

    wish: _Wish
    is_known: bool = False
    told: str | None = None
    is_ordered: bool = False
    """Whether a run is under way, has its time, or is not needed before something changes."""
    right: dict[str, str] = field(default_factory=dict)
    """By name, the resourceVersion that was found to be as wanted."""
    gone: set[str] = field(default_factory=set)
    """Names of the status that are not wanted, and that are surely not this resource's any more."""
    fights: Fights[str] = field(default_factory=Fights)


class ServiceKeeper:
    """`enqueue` has a pass over a resource."""

    def __init__(
        self,
        cache: ResourceCache,
        kube: Kube,
        clock: Clock,
        enqueue: Callable[[ResourceKey, Priority], None],
    ) -> None:
        self._cache = cache
        self._kube = kube
        self._clock = clock
        self._enqueue = enqueue
        self._known: dict[ResourceKey, _Known] = {}
        self._of_name: dict[tuple[str, str], ResourceKey] = {}
        """Which resource last asked for a Service of this namespace and name."""
        self.queue: WorkQueue[ResourceKey] = WorkQueue(clock, 1, places=AT_A_TIME)
        self._workers = Workers(self.queue, self._run)

    # --- for passes ---

    def look(self, current: Pass, *, is_asked_for: bool = False) -> ServicesView | None:
        """Return what is known of the Services, and order what is due; None if there are none to be, and none to be removed.

        `is_asked_for`: a person asks for a new look. Nothing is awaited.
        """
        key, observed, told = current.resource.key, current.observed, current.resource.told.services
        if observed.deleting or not (observed.spec.has_service or told):
            self.forget(key)  # those of a resource that is deleted go by garbage collection
            return None
        known, wish = self._known.get(key), _wish(current)
        if wish is None:
            if known is not None:
                self._rest(key, known)
            if not observed.spec.has_service:  # nobody asks for any: those of before stay while the resource is paused
                return ServicesView(told, is_known=True)
            return ServicesView(told) if known is None else ServicesView(told, known.is_known, known.told)
        if known is None:
            known = self._known[key] = _Known(wish)
        elif known.wish != wish:
            known = self._known[key] = _Known(wish, known.is_known, known.told, fights=known.fights)
        names = [one.name for one in wish.wanted]
        for name in names:
            self._of_name[key.namespace, name] = key
        if is_asked_for:
            known.right, known.fights = {}, Fights()
        if is_asked_for or not known.is_ordered:
            known.is_ordered = True
            self.queue.set_share(key, ("", key.namespace))
            self.queue.add(key, Priority.LOW)
        names += [name for name in told if name not in names and name not in known.gone]
        return ServicesView(tuple(names), known.is_known, known.told)

    def changed(self, namespace: str, name: str) -> None:
        """Take note that a Service of the operator was edited or deleted, or has come."""
        key = self._of_name.get((namespace, name))
        known = None if key is None else self._known.get(key)
        if key is not None and known is not None and known.is_ordered:
            self.queue.add(key, Priority.LOW)

    def forget(self, key: ResourceKey) -> None:
        known = self._known.pop(key, None)
        if known is None:
            return
        self._rest(key, known)
        self._of_name = {name: holder for name, holder in self._of_name.items() if holder != key}

    def _rest(self, key: ResourceKey, known: _Known) -> None:
        known.is_ordered = False
        self.queue.remove(key)

    # --- running ---

    async def run(self) -> None:
        """Work until cancelled."""
        await self._workers.run(AT_A_TIME, "service keeper")

    async def _run(self, key: ResourceKey, _: Priority) -> None:
        known, resource = self._known.get(key), self._cache.get(key)
        if known is None or not known.is_ordered or resource is None or resource.uid != known.wish.uid:
            return
        told, is_known, had_gone = known.told, known.is_known, set(known.gone)
        pause: float | None = STATUS_SECONDS
        try:
            if {one.name for one in known.wish.wanted} <= {*resource.told.services}:  # else the next pass names them
                pause, told = await self._keep(resource, known)
                is_known = True
        except KubeRefused as error:
            pause, told, is_known = REST_SECONDS, _refused(error), True
        except KubeError:
            pause = AWAY_SECONDS
        except Exception:
            log.exception("a Service could not be kept", namespace=key.namespace, name=key.name)
            pause = REST_SECONDS
        if self._known.get(key) is not known:
            return  # a pass has ordered another run, or none
        if (known.is_known, known.told, known.gone) != (is_known, told, had_gone):
            known.is_known, known.told = is_known, told
            self._enqueue(key, Priority.LOW)
        if pause is not None and known.is_ordered:
            self.queue.add_at(key, self._clock.monotonic() + pause)

    async def _keep(self, resource: Resource, known: _Known) -> tuple[float | None, str | None]:
        """Put all Services right, which the status names; return the seconds until the next look, None if there is none before
        something changes, and what is not as asked for. Raises KubeError.
        """
        wish, told = known.wish, resource.told.services
        names = {one.name for one in wish.wanted}
        namespace = resource.key.namespace
        for name in told:
            if name not in names and name not in known.gone:
                there = await self._kube.read_service(namespace, name)
                if there is not None and is_own(resource, there):
                    await self._kube.delete_service(there)
                known.gone.add(name)
        troubles = [] if wish.problem is None else [wish.problem]
        for one in wish.wanted:
            if (trouble := await self._put_right(resource, known, one)) is not None:
                troubles.append(trouble)
        is_watched = self._cache.knows_services(namespace)
        return (None if is_watched and not troubles else REST_SECONDS), "; ".join(troubles) or None

    async def _put_right(self, resource: Resource, known: _Known, one: WantedService) -> str | None:
        """Return why the Service is not as wanted; None once it is."""
        namespace = resource.key.namespace
        seen = self._cache.service_version(namespace, one.name)
        if seen is not None and seen == known.right.get(one.name) and self._cache.knows_services(namespace):
            return None
        service = NewService(namespace, one.name, one.host, one.port, resource)
        there = await self._kube.read_service(namespace, one.name)
        if there is not None and not is_own(resource, there):
            return _foreign(one.name)
        if there is not None and is_right(there, service):
            known.right[one.name] = there.resource_version
            return None
        if one.name in known.right and not known.fights.may_correct(one.name, self._clock.monotonic()):
            return f"somebody else changes the Service {one.name} again and again: it stays as it is for a while"
        try:
            made = await (
                self._kube.create_service(service) if there is None else self._kube.replace_service(there, service)
            )
        except AlreadyThere:
            return _foreign(one.name)  # the next look reads whose it is
        known.right[one.name] = made.resource_version
        log.info("a Service was written", namespace=namespace, service=one.name, name=resource.key.name)
        return None


def _wish(current: Pass) -> _Wish | None:
    """Return which Services are to be there; None while that is not known, or while nothing may be done."""
    observed, uid = current.observed, current.resource.uid
    if observed.annotations.get(PAUSED) == "true":
        return None
    if not observed.spec.has_service:
        return _Wish(uid, (), None)
    if not isinstance(current, PassInProject) or observed.external is None or observed.presence.holder is not None:
        return None
    asked = current.kind.services(observed)
    return None if asked is None else _Wish(uid, asked.wanted, asked.problem)


def is_own(resource: Resource, there: ServiceContent) -> bool:
    """Return whether the Service is the resource's: by the annotation that the operator has written, or, if somebody has removed
    that, by the ownerReference.
    """
    return resource.uid in there.owner_uids if there.owner is None else there.owner == resource.uid


def is_right(there: ServiceContent, service: NewService) -> bool:
    """Return whether nothing of the Service has to be changed. Labels, annotations and owners of others are theirs."""
    uid = service.owner.uid
    return (
        there.is_labelled
        and there.owner == uid
        and there.owner_uids == (uid,)
        and there.host == service.host
        and there.ports == service.ports
    )


def _foreign(name: str) -> str:
    # The same text, whatever that Service is: somebody who may write resources may not be allowed to read Services.
    return f"the Service {name} is not this resource's, and stays as it is: say another service.name, or remove that Service"


def _refused(error: KubeRefused) -> str:
    return (
        f"the Services cannot be kept: {error}. Let the operator write Services (the chart's rbac.services), or take service "
        "out of the spec"
    )
