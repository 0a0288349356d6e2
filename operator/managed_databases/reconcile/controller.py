"""The controller: takes keys from the queue and runs one pass over the resource of each key, whatever woke it."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

import structlog

from managed_databases.api.calls import Call
from managed_databases.api.client import CallRecord, Client
from managed_databases.kinds.database_project import KIND as PROJECT
from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import cloud_kinds
from managed_databases.reconcile.act.actor import Actor
from managed_databases.reconcile.act.credentials import CredentialReader
from managed_databases.reconcile.act.letting_go import LettingGo
from managed_databases.reconcile.act.looks_by_id import LooksById
from managed_databases.reconcile.act.password_change import PasswordChange
from managed_databases.reconcile.act.retry_policy import RetryPolicy
from managed_databases.reconcile.act.secret_ownership import SecretOwnership
from managed_databases.reconcile.act.sender import Sender
from managed_databases.reconcile.annotations import sync_request
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.decide.failures import defect, kubernetes_refusal
from managed_databases.reconcile.first_place import FirstPlace
from managed_databases.reconcile.memory import Memory
from managed_databases.reconcile.observe.observer import Observer
from managed_databases.reconcile.observe.ownership_index import OwnershipIndex
from managed_databases.reconcile.observe.passwords import PasswordChecks
from managed_databases.reconcile.observe.reading import Specs
from managed_databases.reconcile.observe.references import References
from managed_databases.reconcile.observe.seal_key import KEY_SECRET, KeyKeeper
from managed_databases.reconcile.observe.seals import Seals
from managed_databases.reconcile.ports import Kube, KubeError, KubeRefused, Resource, ResourceCache, ResourceKey
from managed_databases.reconcile.project.connector import ClientFactory
from managed_databases.reconcile.project.projects import Projects
from managed_databases.reconcile.project.reaching import known_in
from managed_databases.reconcile.reconciler import Reconciler, after_kube_error
from managed_databases.reconcile.report.event_recorder import EventRecorder
from managed_databases.reconcile.report.status_writer import StatusWriter
from managed_databases.reconcile.scheduling import dependencies as dependency
from managed_databases.reconcile.scheduling.dependencies import Dependency, DependencyIndex
from managed_databases.reconcile.scheduling.next_look import next_look
from managed_databases.reconcile.scheduling.work_queue import Priority, WorkQueue
from managed_databases.reconcile.scheduling.workers import Workers
from managed_databases.reconcile.settings import ControllerSettings

log = structlog.get_logger()

SPARE_SHARE = 4
"""For so many workers there is one more: for projects that come while others have taken all places (see `WorkQueue`)."""


class Controller:
    """The controller of all kinds. It is level-triggered: each pass looks at everything anew, and ends with done, with a wait, or
    with a moment at which to run again.

    `before_send` is awaited right before each call to the API is sent, `observer` is given the project and a record of each
    call, `draw` returns a random number in [0, 1), and `unguarded` returns why statuses are not guarded by the admission
    policy, None if they are.
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
    ) -> None:
        self._cache = cache
        self._kube = kube
        self._clock = clock
        self._settings = settings
        self._kinds = kinds
        of_cloud = cloud_kinds(kinds)
        self._queue: WorkQueue[ResourceKey] = WorkQueue(clock, settings.datastore_workers, places=settings.workers)
        self._dependencies: DependencyIndex[ResourceKey] = DependencyIndex()
        self._memories: dict[ResourceKey, Memory] = {}
        self._seen_versions: dict[ResourceKey, tuple[str, int, bool, str | None]] = {}
        self.seals = Seals()
        self.keeper = KeyKeeper(
            kube, clock, settings.operator_namespace, self.seals, self.everything, self._key_changed, self._no_key
        )
        self.owners = OwnershipIndex(kinds.__getitem__, lambda held: self.wake(dependency.holder(*held)))
        self._workers = Workers(self._queue, self._run)
        self._started = False
        self._event_recorder = EventRecorder(kube, lambda: bool(self._queue), clock)
        writer = StatusWriter(kube, clock, self._written, self._event_recorder, self.seals)
        self.projects = Projects(
            cache,
            kube,
            clock,
            settings,
            wake=self.wake,
            is_heard=lambda heard: bool(self._dependencies.of(heard)),
            enqueue=self._queue.add,
            write_status=writer.write_project,
            known=lambda project: known_in(project, kinds, self._proven()),
            seal_key=lambda: None if self.seals.key is None else self.seals.key.id,
            before_send=before_send,
            observer=observer,
            draw=draw,
            client_factory=client_factory,
            unguarded=unguarded,
        )
        self._first_place = FirstPlace(
            cache, self.owners, lambda project, namespace: self.projects.granted_powers(project, namespace) is not None
        )
        specs = self._specs = Specs()
        references = References(cache, self.owners, of_cloud.__getitem__, specs.of)
        ownership = SecretOwnership(
            lambda: {resource.uid for resource in self.everything()}, PasswordChecks(self.seals)
        )
        sender = Sender(self.owners)
        self._reconciler = Reconciler(
            kube=kube,
            owners=self.owners,
            observer=Observer(
                cache=cache,
                owners=self.owners,
                projects=self.projects,
                references=references,
                clock=clock,
                specs=specs,
                kind_of=of_cloud.__getitem__,
                pending_limit_seconds=settings.pending_limit_seconds,
                seals=self.seals,
            ),
            reader=CredentialReader(kube, cache, ownership, settings.accept_unlabelled_passwords),
            actor=Actor(
                cache=cache,
                kube=kube,
                writer=writer,
                owners=self.owners,
                clock=clock,
                settings=settings,
                sender=sender,
                passwords=PasswordChange(kube, ownership, writer, sender, clock),
                letting_go=LettingGo(kube, cache, self.owners, ownership),
                arranged=self.resource_changed,
            ),
            retry_policy=RetryPolicy(clock, settings, draw),
            looks=LooksById(of_cloud, clock, settings, draw),
            writer=writer,
            interest=self,
        )

    # --- what wakes it ---

    def resource_changed(self, key: ResourceKey) -> None:
        """Take note that the cache has a new version of this resource, or has lost it: have a pass over the resource, and over
        each resource that depends on it.
        """
        resource = self._cache.get(key)
        if resource is None:
            self.owners.forget(key)
        else:
            self._note(resource)
        if not self._started:
            return
        self.projects.notice_use()
        if resource is None:
            self._seen_versions.pop(key, None)
            self._queue.add(key, Priority.LOW)
            self._notify_of(key)
            return
        version = (
            resource.uid,
            resource.generation,
            resource.deleting_since is not None,
            sync_request(resource.annotations),
        )
        before = self._seen_versions.get(key)
        self._seen_versions[key] = version
        person = before is not None and before != version or (before is None and self._is_new(resource))
        if before is None:
            # A resource needs its share before its first pass: many need only that one.
            self._queue.set_share(key, (self._first_place.project_of(resource), key.namespace))
            self._queue.set_group(key, self._first_place.datastore_of(resource))
        self._queue.add(key, Priority.HIGH if person else Priority.LOW)
        self._notify_of(key)

    def secret_changed(self, namespace: str, name: str) -> None:
        if (namespace, name) == (self._settings.operator_namespace, KEY_SECRET):
            self.keeper.look_soon()
        self.projects.notice_secret(namespace, name)
        self.wake(dependency.secret(namespace, name), Priority.LOW)

    def guard_changed(self) -> None:
        """Take note that the admission policy on statuses has come or gone."""
        if self._started:
            self.projects.look_again()

    def namespace_changed(self, name: str) -> None:
        """Have a pass over each resource in the namespace: its labels decide which projects it may use."""
        for kind in self._kinds.values():
            for resource in self._cache.of_kind(kind.name):
                if resource.key.namespace == name:
                    self._queue.add(resource.key, Priority.LOW)

    def observed(self, resource: Resource) -> None:
        known = self._cache.get(resource.key)
        if known is not None and known.resource_version == resource.resource_version:
            self._queue.clear_dirty(resource.key)

    def depends_on(self, key: ResourceKey, dependencies: Collection[Dependency]) -> None:
        self._dependencies.replace(key, dependencies)

    def works_in(self, key: ResourceKey, project: str | None, datastore_id: str | None) -> None:
        if project is not None:
            self._queue.set_share(key, (project, key.namespace))
        self._queue.set_group(key, datastore_id)

    def _note(self, resource: Resource) -> None:
        """Enter what the resource's status says into the ownership index, whatever the status holds.

        At a start this is done for all resources, so an error that one status raised would end every start.
        """
        try:
            self.owners.update(resource, self.seals.standing(resource))
        except Exception:
            log.exception("a status is not understood, and claims nothing", **resource.key._asdict())
            self.owners.forget(resource.key)

    def _key_changed(self) -> None:
        """Judge all statuses anew: with another key, what was proven may not be proven any more, and the other way round."""
        for resource in self.everything():
            self._note(resource)
            if self._started:
                self._queue.add(resource.key, Priority.LOW)

    async def _no_key(self, error: KubeRefused) -> None:
        """Report in the status of every project why there is no key: without the key there are no passes that could."""
        for project in self._cache.of_kind(PROJECT.name):
            await self._reconciler.writer.tell(project, kubernetes_refusal(error))

    def _proven(self) -> list[Resource]:
        """Return the resources whose claims are proven; all resources if none is."""
        everything = self.everything()
        return [resource for resource in everything if self.owners.counts(resource.key)] or everything

    def _written(self, resource: Resource) -> None:
        self._note(resource)
        self._notify_of(resource.key)

    def wake(self, dependency: Dependency, priority: Priority = Priority.LOW) -> None:
        """Have a pass over each resource that has this dependency."""
        for key in self._dependencies.of(dependency):
            self._queue.add(key, priority)

    def _is_new(self, resource: Resource) -> bool:
        return resource.told.observed_generation != resource.generation

    def _notify_of(self, key: ResourceKey) -> None:
        self.wake(dependency.resource(*key))
        if key.kind == PROJECT.name:
            self.wake(dependency.project(key.name))
            self.wake(dependency.default_project())

    # --- running ---

    async def run(self) -> None:
        """Work until cancelled. First all resources in the cache are queued: the projects, then the others from the oldest on,
        because the oldest one gets what two of them want.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._event_recorder.run(), name="event recorder")
            await self.keeper.get_key()
            self._started = True
            for resource in sorted(
                self.everything(),
                key=lambda resource: (resource.key.kind != PROJECT.name, resource.created_at, resource.uid),
            ):
                self.resource_changed(resource.key)
            group.create_task(self.projects.run(), name="projects")
            group.create_task(self.keeper.run(), name="ownership key")
            for number in range(self._settings.workers + self._settings.workers // SPARE_SHARE):
                group.create_task(self._workers.work(), name=f"worker {number}")

    def queued(self) -> int:
        """Return how many resources wait for a pass. Resources in a pass, or with a moment to wait for, do not count."""
        return len(self._queue)

    def everything(self) -> list[Resource]:
        return [resource for kind in self._kinds for resource in self._cache.of_kind(kind)]

    async def drain(self, seconds: float) -> None:
        """Begin no more passes, and give the passes under way so many real seconds to end."""
        await self._workers.drain(seconds)

    async def _run(self, key: ResourceKey, priority: Priority) -> None:
        resource = self._cache.get(key)
        if resource is None:
            self._forget(key)
            return
        if key.kind == PROJECT.name:
            again = await self._reconcile_project(resource)
        else:
            again = await self._reconciler.reconcile(resource, self._memory(resource), priority)
        now = self._clock.monotonic()
        resync = next_look(now, self._settings.resync_seconds)
        self._queue.cancel_timer(key)
        self._queue.add_at(key, resync if again is None else min(now + again, resync))

    def _memory(self, resource: Resource) -> Memory:
        memory = self._memories.get(resource.key)
        if memory is None or memory.uid != resource.uid:
            memory = self._memories[resource.key] = Memory(resource.uid)
        return memory

    async def _reconcile_project(self, resource: Resource) -> float | None:
        try:
            return await self.projects.reconcile(resource)
        except KubeError as error:
            if isinstance(error, KubeRefused):
                await self._reconciler.writer.tell(resource, kubernetes_refusal(error))
            return after_kube_error(resource.key, error)
        except Exception as error:
            incident, trouble = defect(error, resource.uid)
            log.exception("a pass failed", incident=incident, kind=resource.key.kind, name=resource.key.name)
            await self._reconciler.writer.tell(self._cache.get(resource.key) or resource, trouble)
            return self._settings.min_backoff_seconds * 10

    def _forget(self, key: ResourceKey) -> None:
        self._memories.pop(key, None)
        self._specs.forget(key)
        self._event_recorder.forget(key)
        self._dependencies.drop(key)
        self._queue.remove(key)
        self.owners.forget(key)
        for session in self.projects.sessions():
            session.forget(key)
        if key.kind == PROJECT.name:
            self.projects.forget(key.name)
