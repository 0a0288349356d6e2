"""The controller: takes keys from the queue and runs one pass over the resource of each key, whatever woke it."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AbstractContextManager, suppress
from typing import Any

import structlog

from managed_databases.api.calls import Call
from managed_databases.api.client import CallRecord, Client
from managed_databases.kinds.database_project import KIND as PROJECT
from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import cloud_kinds
from managed_databases.probe import attempt as log_in
from managed_databases.reconcile.act.secret_ownership import SecretOwnership
from managed_databases.reconcile.assembly import assembled_reconciler
from managed_databases.reconcile.catalogues.catalogue_keeper import CatalogueKeeper
from managed_databases.reconcile.catalogues.port import Catalogues
from managed_databases.reconcile.catalogues.wanted import Wishes
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.controller_settings import ControllerSettings
from managed_databases.reconcile.decide.failures import defect, kubernetes_refusal
from managed_databases.reconcile.enqueuer import Enqueuer, Waker
from managed_databases.reconcile.first_place import FirstPlace
from managed_databases.reconcile.keepers.copy_keeper import CopyKeeper
from managed_databases.reconcile.keepers.keepers import Keepers
from managed_databases.reconcile.keepers.prober import Attempt, Prober, Record
from managed_databases.reconcile.keepers.restarter import Restarter
from managed_databases.reconcile.keepers.service_keeper import ServiceKeeper
from managed_databases.reconcile.memory import Memory
from managed_databases.reconcile.observe.ownership_index import OwnershipIndex
from managed_databases.reconcile.observe.passwords import PasswordChecks
from managed_databases.reconcile.observe.reading import Specs
from managed_databases.reconcile.observe.seal_key import KEY_SECRET, KeyKeeper
from managed_databases.reconcile.observe.seals import Seals
from managed_databases.reconcile.pass_record import Failure, PassRecord, PassStats, failed
from managed_databases.reconcile.ports import Kube, KubeError, KubeRefused, Resource, ResourceCache, ResourceKey
from managed_databases.reconcile.project.connector import ClientFactory
from managed_databases.reconcile.project.projects import Projects
from managed_databases.reconcile.project.reaching import known_in
from managed_databases.reconcile.reconciler import after_kube_error
from managed_databases.reconcile.report.event_recorder import EventRecorder
from managed_databases.reconcile.report.stalled_inside import StalledInside
from managed_databases.reconcile.report.status_writer import StatusWriter
from managed_databases.reconcile.scheduling import dependencies as dependency
from managed_databases.reconcile.scheduling.dependencies import Dependency, DependencyIndex
from managed_databases.reconcile.scheduling.looks import Looks
from managed_databases.reconcile.scheduling.work_queue import Priority, WorkQueue
from managed_databases.reconcile.scheduling.workers import Workers

log = structlog.get_logger()

WRITING_SECONDS = 1.0
"""Real seconds for writing at the end what waits to be written."""
SPARE_SHARE = 4
"""For so many workers there is one more: for projects that come while others have taken all places (see `WorkQueue`)."""


async def _always() -> None:
    """This process may probe."""


class Controller:
    """The controller of all kinds. It is level-triggered: each pass looks at everything anew, and ends with done, with a wait, or
    with a moment at which to run again.

    `before_send` is awaited right before each call to the API is sent, `observer` is given the project and a record of each
    call, `draw` returns a random number in [0, 1), and `unguarded` returns why statuses are not guarded by the admission
    policy, None if they are. `attempt` logs in to a database, `may_probe` is awaited right before that and raises KubeError in a
    process that does not lead, and `probed` is given each result. `around_pass` returns what a pass runs in, the record included.
    `catalogues` are kept for `watched` namespaces (empty: for all); with None there are none.
    """

    def __init__(
        self,
        cache: ResourceCache,
        kube: Kube,
        clock: Clock,
        settings: ControllerSettings,
        kinds: Mapping[str, Kind],
        *,
        before_send: Callable[[Call[Any]], Awaitable[None]] | None = None,
        observer: Callable[[str, CallRecord], None] | None = None,
        draw: Callable[[], float] = random.random,
        client_factory: ClientFactory = Client,
        unguarded: Callable[[], str | None] = lambda: None,
        attempt: Attempt = log_in,
        may_probe: Callable[[], Awaitable[None]] = _always,
        probed: Record = lambda kind, result, seconds: None,
        around_pass: Callable[[PassRecord], AbstractContextManager[object]] = lambda record: record,
        catalogues: Catalogues | None = None,
        watched: tuple[str, ...] = (),
    ) -> None:
        self._cache = cache
        self._kube = kube
        self._clock = clock
        self._settings = settings
        self._kinds = kinds
        self._queue: WorkQueue[ResourceKey] = WorkQueue(clock, settings.datastore_workers, places=settings.workers)
        self._dependencies: DependencyIndex[ResourceKey] = DependencyIndex()
        waker = Waker(self._queue, self._dependencies)
        self._memories: dict[ResourceKey, Memory] = {}
        self._looks = Looks(settings.resync_seconds)
        self.seals = Seals()
        self.keeper = KeyKeeper(
            kube,
            clock,
            settings.operator_namespace,
            self.seals,
            self.everything,
            lambda: self._enqueuer.key_changed(),
            self._no_key,
        )
        self.owners = OwnershipIndex(kinds.__getitem__, lambda held: waker.wake(dependency.holder(*held)))
        self._workers = Workers(self._queue, self._run)
        self.passes = PassStats(kinds)
        self._around_pass = around_pass
        self._event_recorder = EventRecorder(
            kube, lambda: bool(self._queue), clock, lambda resource, told: self._stalled_inside.warned(resource, told)
        )
        self._stalled_inside = StalledInside(cache.get, self._event_recorder.post, clock)
        writer = StatusWriter(
            kube, clock, lambda written: self._enqueuer.written(written), self._event_recorder, self.seals
        )
        self.projects = Projects(
            cache,
            kube,
            clock,
            settings,
            wake=waker.wake,
            is_heard=lambda heard: bool(self._dependencies.of(heard)),
            look_seconds=lambda: self._looks.longest(clock.monotonic()),
            enqueue=self._queue.add,
            write_status=writer.write_project,
            known=lambda project: known_in(project, kinds, self._proven()),
            seal_key=lambda: None if self.seals.key is None else self.seals.key.id,
            before_send=before_send,
            observer=observer,
            draw=draw,
            client_factory=client_factory,
            unguarded=unguarded,
            offer_changed=self._offer_changed,
            uncatalogued=lambda: None if self._catalogues is None else self._catalogues.trouble,
        )
        self._catalogues = (
            CatalogueKeeper(
                catalogues,
                Wishes(cache, self.projects, self.everything, watched),
                clock,
                watched,
                self.project_told_changed,
            )
            if catalogues is not None
            else None
        )
        first_place = FirstPlace(
            cache, self.owners, lambda project, namespace: self.projects.granted_powers(project, namespace) is not None
        )
        self._enqueuer = Enqueuer(
            cache=cache,
            everything=self.everything,
            queue=self._queue,
            waker=waker,
            owners=self.owners,
            seals=self.seals,
            first_place=first_place,
            projects=self.projects,
            by_people=self._offer_changed,
        )
        self._specs = Specs()
        ownership = SecretOwnership(
            lambda: {resource.uid for resource in self.everything()}, PasswordChecks(self.seals)
        )
        add = self._queue.add
        self._keepers = Keepers(
            Prober(cache, kube, clock, attempt, add, may_probe=may_probe, record=probed, draw=draw),
            Restarter(cache, kube, clock, self.seals, add),
            ServiceKeeper(cache, kube, clock, add),
            CopyKeeper(cache, kube, clock, ownership, add),
        )
        self._reconciler = assembled_reconciler(
            cache=cache,
            kube=kube,
            clock=clock,
            settings=settings,
            kinds=cloud_kinds(kinds),
            draw=draw,
            owners=self.owners,
            seals=self.seals,
            specs=self._specs,
            ownership=ownership,
            projects=self.projects,
            keepers=self._keepers,
            writer=writer,
            event_recorder=self._event_recorder,
            interest=self,
            arranged=self.resource_changed,
        )

    def resource_changed(self, key: ResourceKey) -> None:
        """Take note that the cache has a new version of this resource, or has lost it."""
        self._enqueuer.resource_changed(key)

    def secret_changed(self, namespace: str, name: str) -> None:
        """Take note that a Secret has come, has another version, or is gone."""
        if (namespace, name) == (self._settings.operator_namespace, KEY_SECRET):
            self.keeper.look_soon()
        self._enqueuer.secret_changed(namespace, name)
        self._keepers.copies.secret_changed(namespace, name)

    def namespace_changed(self, name: str) -> None:
        """Take note that a namespace has other labels."""
        self._enqueuer.namespace_changed(name)
        self._keepers.copies.namespace_changed(name)
        self._offer_changed()

    def service_changed(self, namespace: str, name: str) -> None:
        self._keepers.services.changed(namespace, name)

    def project_told_changed(self) -> None:
        """Take note that something has changed that the statuses of projects tell besides: whether the admission policy on
        statuses is there, or whether catalogues can be kept.
        """
        if self._enqueuer.is_started:
            self.projects.look_again()

    def _offer_changed(self) -> None:
        """Take note that a namespace may have something else to choose from."""
        if self._catalogues is not None:
            self._catalogues.notice()

    # --- what a pass tells (see `Interest`) ---

    def observed(self, resource: Resource) -> None:
        known = self._cache.get(resource.key)
        if known is not None and known.resource_version == resource.resource_version:
            self._queue.clear_dirty(resource.key)

    def depends_on(self, key: ResourceKey, dependencies: Collection[Dependency]) -> None:
        self._dependencies.replace(key, dependencies)

    def works_in(self, key: ResourceKey, project: str | None, datastore_id: str | None) -> None:
        memory = self._memories.get(key)
        if memory is not None and memory.left_project(project):  # a mistaken projectRef was corrected
            for session in self.projects.sessions():
                if session.name != project:
                    session.forget(key)
        if project is not None:
            self._queue.set_share(key, (project, key.namespace))
        self._queue.set_group(key, datastore_id)

    async def _no_key(self, error: KubeRefused) -> None:
        """Report in the status of every project why there is no key: without the key there are no passes that could."""
        for project in self._cache.of_kind(PROJECT.name):
            await self._reconciler.writer.tell(project, kubernetes_refusal(error))

    def _proven(self) -> list[Resource]:
        """Return the resources whose claims are proven; all resources if none is."""
        everything = self.everything()
        return [resource for resource in everything if self.owners.counts(resource.key)] or everything

    # --- running ---

    async def run(self) -> None:
        """Work until cancelled. First all resources in the cache are queued: the projects, then the others from the oldest on,
        because the oldest one gets what two of them want.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._event_recorder.run(), name="event recorder")
            group.create_task(self._stalled_inside.run(), name="events of datastores")
            await self.keeper.get_key()
            self._enqueuer.start()
            group.create_task(self.projects.run(), name="projects")
            group.create_task(self.keeper.run(), name="ownership key")
            self._keepers.start(group)
            if self._catalogues is not None:
                group.create_task(self._catalogues.run(), name="catalogues")
            number = self._settings.workers + self._settings.workers // SPARE_SHARE
            group.create_task(self._workers.run(number, "worker"), name="workers")

    def queues(self) -> dict[str, WorkQueue[ResourceKey]]:
        """Return the queues by their names in metrics: what waits for passes, logins, restarts, and the keeping of Services and
        of copies of Secrets.
        """
        return {"resources": self._queue, **self._keepers.queues()}

    def everything(self) -> list[Resource]:
        """Return all resources in the cache."""
        return [resource for kind in self._kinds for resource in self._cache.of_kind(kind)]

    async def drain(self, seconds: float) -> None:
        """Begin no more passes, give the passes under way so many real seconds to end, and write what waits to be written."""
        await self._workers.drain(seconds)
        with suppress(TimeoutError):
            async with asyncio.timeout(WRITING_SECONDS):
                await asyncio.gather(*(self._write_unwritten(key) for key in [*self._memories]))

    async def _write_unwritten(self, key: ResourceKey) -> None:
        resource, memory = self._cache.get(key), self._memories[key]
        if resource is None or resource.uid != memory.uid or not memory.creation.unwritten:
            return
        try:
            await self._reconciler.write_unwritten(resource, memory)
        except Exception:  # the next process finds the object by its intent
            log.exception("an id was not written", **key._asdict())

    async def _run(self, key: ResourceKey, priority: Priority) -> None:
        resource = self._cache.get(key)
        if resource is None:
            self._forget(key)
            return
        record, started = (
            PassRecord(*key, resource.uid, resource.generation, resource.changed_by),
            self._clock.monotonic(),
        )
        with self._around_pass(record):
            memory = self._memory(resource)
            if key.kind == PROJECT.name:
                again = await self._reconcile_project(resource, memory)
            else:
                again = await self._reconciler.reconcile(resource, memory, priority)
                memory.drop_empty_parts()
            record.again_seconds = again
        now = self._clock.monotonic()
        self.passes.ended(record, now - started)
        memory.look_step = self._looks.take(memory.look_step, now, len(self._memories))
        look = self._looks.moment(memory.look_step)
        self._queue.cancel_timer(key)
        self._queue.add_at(key, look if again is None else min(now + again, look))

    def _look_sooner(self) -> None:
        """Bring the looks forward that were put off when there were many more resources: lists end when looks do not come."""
        now, left = self._clock.monotonic(), len(self._memories)
        if not self._looks.has_fallen(now, left):
            return
        for key, memory in self._memories.items():
            if memory.look_step is not None and (step := self._looks.sooner(memory.look_step, now, left)) is not None:
                memory.look_step = step
                self._queue.add_at(key, self._looks.moment(step))

    def _memory(self, resource: Resource) -> Memory:
        memory = self._memories.get(resource.key)
        if memory is None or memory.uid != resource.uid:
            held = None if memory is None else memory.look_step
            memory = self._memories[resource.key] = Memory(resource.uid, look_step=held)
        return memory

    async def _reconcile_project(self, resource: Resource, memory: Memory) -> float | None:
        try:
            again = await self.projects.reconcile(resource)
            memory.pass_ended(by_old_view=False)
            return again
        except KubeError as error:
            if isinstance(error, KubeRefused):
                await self._reconciler.writer.tell(resource, kubernetes_refusal(error))
            return after_kube_error(resource.key, error, memory)
        except Exception as error:
            failed(Failure.DEFECT)
            incident, trouble = defect(error, resource.uid)
            log.exception("a pass failed", incident=incident, kind=resource.key.kind, name=resource.key.name)
            await self._reconciler.writer.tell(self._cache.get(resource.key) or resource, trouble)
            return self._settings.min_backoff_seconds * 10

    def _forget(self, key: ResourceKey) -> None:
        if (memory := self._memories.pop(key, None)) is not None:
            self._looks.leave(memory.look_step)
            self._look_sooner()
        self._specs.forget(key)
        self._event_recorder.forget(key)
        self._dependencies.drop(key)
        self._queue.remove(key)
        self._keepers.forget(key)
        self.owners.forget(key)
        for session in self.projects.sessions():
            session.forget(key)
        if key.kind == PROJECT.name:
            self.projects.forget(key.name)
