"""Queues what a change concerns: the changed resource itself, and each resource that depends on what has changed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import structlog

from managed_databases.kinds.database_project import KIND as PROJECT
from managed_databases.reconcile.annotations import rotation_request, sync_request
from managed_databases.reconcile.first_place import FirstPlace
from managed_databases.reconcile.observe.ownership_index import OwnershipIndex
from managed_databases.reconcile.observe.seals import Seals
from managed_databases.reconcile.ports import Resource, ResourceCache, ResourceKey
from managed_databases.reconcile.project.projects import Projects
from managed_databases.reconcile.scheduling import dependencies as dependency
from managed_databases.reconcile.scheduling.dependencies import Dependency, DependencyIndex
from managed_databases.reconcile.scheduling.work_queue import Priority, WorkQueue

log = structlog.get_logger()


@dataclass(frozen=True)
class Waker:
    queue: WorkQueue[ResourceKey]
    dependencies: DependencyIndex[ResourceKey]

    def wake(self, dependency: Dependency, priority: Priority = Priority.LOW) -> None:
        """Have a pass over each resource that has this dependency."""
        for key in self.dependencies.of(dependency):
            self.queue.add(key, priority)


class _Version(NamedTuple):
    """What a person changes of a resource; a write of the operator's own to the status leaves it as it is."""

    uid: str
    generation: int
    is_deleting: bool
    sync_request: str | None
    rotation_request: str | None


@dataclass(kw_only=True)
class Enqueuer:
    """Judges what changes in Kubernetes: which passes it asks for, and how soon. Nothing is queued before `start`. `everything`
    returns all resources in the cache.
    """

    cache: ResourceCache
    everything: Callable[[], Iterable[Resource]]
    queue: WorkQueue[ResourceKey]
    waker: Waker
    owners: OwnershipIndex
    seals: Seals
    first_place: FirstPlace
    projects: Projects
    by_people: Callable[[], None] = lambda: None
    """Called when a resource has come or gone, or has another spec."""
    is_started: bool = False
    _seen: dict[ResourceKey, _Version] = field(default_factory=dict)

    def start(self) -> None:
        """Queue all resources in the cache: the projects, then the others from the oldest on, because the oldest one gets what
        two of them want.
        """
        self.is_started = True
        for resource in sorted(
            self.everything(),
            key=lambda resource: (resource.key.kind != PROJECT.name, resource.created_at, resource.uid),
        ):
            self.resource_changed(resource.key)

    def resource_changed(self, key: ResourceKey) -> None:
        """Take note that the cache has a new version of this resource, or has lost it: have a pass over the resource, and over
        each resource that depends on it.
        """
        resource, named = self.cache.get(key), self.owners.named(key)
        if resource is None:
            self.owners.forget(key)
        else:
            self._note(resource)
        if not self.is_started:
            return
        for each in {*named, *self.owners.named(key)}:
            self.waker.wake(dependency.naming(*each))
        self.projects.notice_use()
        if resource is None:
            self._seen.pop(key, None)
            self.by_people()
            self.queue.add(key, Priority.LOW)
        else:
            self._queue_changed(resource)
        self._wake_dependents(key)

    def _queue_changed(self, resource: Resource) -> None:
        key = resource.key
        before = self._seen.get(key)
        version = self._seen[key] = _Version(
            resource.uid,
            resource.generation,
            resource.deleting_since is not None,
            sync_request(resource.annotations),
            rotation_request(resource.annotations),
        )
        is_new = resource.told.observed_generation != resource.generation
        by_a_person = is_new if before is None else before != version
        if before is None:
            # A resource needs its share before its first pass: many need only that one.
            self.queue.set_share(key, (self.first_place.project_of(resource), key.namespace))
            self.queue.set_group(key, self.first_place.datastore_of(resource))
        if before is None or (before.uid, before.generation) != (version.uid, version.generation):
            self.by_people()
        self.queue.add(key, Priority.HIGH if by_a_person else Priority.LOW)

    def secret_changed(self, namespace: str, name: str) -> None:
        """Have a pass over each project and each resource that uses the Secret."""
        self.projects.notice_secret(namespace, name)
        self.waker.wake(dependency.secret(namespace, name))

    def namespace_changed(self, name: str) -> None:
        """Have a pass over each resource in the namespace: its labels decide which projects it may use."""
        for resource in self.everything():
            if resource.key.namespace == name:
                self.queue.add(resource.key, Priority.LOW)

    def key_changed(self) -> None:
        """Judge all statuses anew: with another key, what was proven may not be proven any more, and the other way round."""
        for resource in self.everything():
            self._note(resource)
            if self.is_started:
                self.queue.add(resource.key, Priority.LOW)

    def written(self, resource: Resource) -> None:
        """Take note of the status that a pass has written, and have a pass over each resource that depends on that resource."""
        self._note(resource)
        self._wake_dependents(resource.key)

    def _note(self, resource: Resource) -> None:
        """Enter what the resource's status says into the ownership index, whatever the status holds.

        At a start this is done for all resources, so an error that one status raised would end every start.
        """
        try:
            self.owners.update(resource, self.seals.standing(resource))
        except Exception:
            log.exception("a status is not understood, and claims nothing", **resource.key._asdict())
            self.owners.forget(resource.key)

    def _wake_dependents(self, key: ResourceKey) -> None:
        self.waker.wake(dependency.resource(*key))
        if key.kind == PROJECT.name:
            self.waker.wake(dependency.project(key.name))
            self.waker.wake(dependency.default_project())
