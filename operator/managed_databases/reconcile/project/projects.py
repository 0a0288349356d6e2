"""All projects: opens and keeps a session for each `DatabaseProject`, and writes the status of that resource."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

from pydantic import ValidationError

from managed_databases.api.calls import Call
from managed_databases.api.client import CallRecord, Client
from managed_databases.kinds.database_project import KIND, AllowedNamespace, DatabaseProjectSpec
from managed_databases.kinds.project_view import Power
from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.kinds.written import Written
from managed_databases.reconcile.annotations import sync_request
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.controller_settings import ControllerSettings
from managed_databases.reconcile.decide.failures import KUBERNETES_SECONDS, kubernetes_refusal
from managed_databases.reconcile.packed_spec import as_values
from managed_databases.reconcile.pass_record import Failure, failed
from managed_databases.reconcile.ports import Kube, KubeRefused, Resource, ResourceCache, ResourceKey
from managed_databases.reconcile.project.connector import ClientFactory, Connector, Opening
from managed_databases.reconcile.project.project_status import ObservedProject, project_status
from managed_databases.reconcile.project.reaching import Known
from managed_databases.reconcile.project.session import ProjectSession, SessionHooks
from managed_databases.reconcile.project.tenancy import default_project, granted_powers, name_prefixes, named_namespaces
from managed_databases.reconcile.scheduling import dependencies as dependency
from managed_databases.reconcile.scheduling.dependencies import Dependency
from managed_databases.reconcile.scheduling.work_queue import Priority


class Projects:
    """All sessions by project.

    `write_status` makes the status of a `DatabaseProject` what it shall be, and raises KubeError. `wake` is called with each
    dependency that has changed (projects, their catalogues, lists, objects, keys and actions); `enqueue` with the
    `DatabaseProject` that needs a pass; `observer` with each call and the project's name. `known` returns the cloud objects of a
    project that resources hold and that are not gone, and the open attempts. `unguarded` returns why the policy on statuses is
    not in place, `seal_key` the id of the key of the seals, `uncatalogued` why not all catalogues can be kept.
    `look_seconds` returns how long it takes until each resource was looked at once (by default `resync_seconds`).
    `offer_changed` is called when something of a project is read that its status or its catalogues may tell.
    """

    def __init__(
        self,
        cache: ResourceCache,
        kube: Kube,
        clock: Clock,
        settings: ControllerSettings,
        *,
        write_status: Callable[[Resource, Written], Awaitable[None]],
        wake: Callable[[Dependency, Priority], None],
        enqueue: Callable[[ResourceKey, Priority], None],
        known: Callable[[str], Known] = lambda project: Known(),
        client_factory: ClientFactory = Client,
        before_send: Callable[[Call[Any]], Awaitable[None]] | None = None,
        observer: Callable[[str, CallRecord], None] | None = None,
        draw: Callable[[], float] = random.random,
        is_heard: Callable[[Dependency], bool] = lambda dependency: True,
        look_seconds: Callable[[], float] | None = None,
        unguarded: Callable[[], str | None] = lambda: None,
        seal_key: Callable[[], str | None] = lambda: None,
        uncatalogued: Callable[[], str | None] = lambda: None,
        offer_changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._offer_changed = offer_changed
        self._uncatalogued = uncatalogued
        self._unguarded = unguarded
        self._seal_key = seal_key
        self._is_heard = is_heard
        self._look_seconds = look_seconds or (lambda: settings.resync_seconds)
        self._cache = cache
        self._clock = clock
        self._settings = settings
        self._wake = wake
        self._enqueue = enqueue
        self._write_status = write_status
        self._draw = draw
        self._connector = Connector(
            kube,
            clock,
            settings,
            draw,
            client_factory=client_factory,
            before_send=before_send,
            observer=observer,
            known=known,
        )
        self._openings: dict[str, Opening] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._arrivals: asyncio.Queue[ProjectSession] = asyncio.Queue()
        self._allowed: dict[str, tuple[str, tuple[AllowedNamespace, ...] | None]] = {}
        self._told_kinds: tuple[str, ...] = ()

    # --- for passes ---

    def session(self, name: str) -> ProjectSession | None:
        """Return the project's session; None if there is no such `DatabaseProject`, or if it has had no pass yet."""
        opening = self._openings.get(name)
        return None if opening is None else opening.session

    def sessions(self) -> tuple[ProjectSession, ...]:
        return tuple(opening.session for opening in self._openings.values())

    def list_ages(self) -> Iterator[tuple[str, str, float]]:
        """Yield project, collection, and the seconds since the begin of its newest list that was believed."""
        now = self._clock.monotonic()
        for session in self.sessions():
            for collection, snapshot in session.lists.snapshots.items():
                if snapshot.last_list_begun is not None:
                    yield session.name, collection, now - snapshot.last_list_begun

    def odd_rows(self) -> Iterator[tuple[str, str, int]]:
        """Yield project, collection, and how many rows of its last list could not be read whole."""
        for session in self.sessions():
            for odd in session.lists.odd_rows:
                yield session.name, odd.collection, odd.rows

    def default_name(self) -> str | Wait:
        """Return the name of the default project, or the wait if not exactly one project is the default."""
        return default_project(self._cache.of_kind(KIND.name))

    def granted_powers(self, name: str, namespace: str) -> frozenset[Power] | None:
        """Return the powers that the namespace has in the project ("adopt", "metrics"); None when it may not use the project."""
        allowed = self._allowed_namespaces(name)
        return None if allowed is None else granted_powers(allowed, namespace, self._cache.namespace_labels(namespace))

    def name_prefixes(self, name: str, namespace: str) -> tuple[str, ...]:
        """Return the prefixes that the namespace's new names in the project may have; none: any name is allowed."""
        allowed = self._allowed_namespaces(name) or ()
        return name_prefixes(allowed, namespace, self._cache.namespace_labels(namespace))

    def named_namespaces(self, name: str) -> tuple[str, ...]:
        """Return the namespaces that the project allows by their names."""
        return named_namespaces(self._allowed_namespaces(name) or ())

    def tells_allowed(self, name: str) -> bool:
        """Return whether it is known which namespaces may use the project. While they are not known, none may."""
        return self._allowed_namespaces(name) is not None

    def _allowed_namespaces(self, name: str) -> tuple[AllowedNamespace, ...] | None:
        """Return `allowedNamespaces` of the `DatabaseProject`; None if there is no project of that name, or its spec cannot be
        read.
        """
        resource = self._cache.get(ResourceKey(KIND.name, "", name))
        if resource is None:
            self._allowed.pop(name, None)
            return None
        version = f"{resource.uid} {resource.generation}"
        known = self._allowed.get(name)
        if known is None or known[0] != version:
            allowed: tuple[AllowedNamespace, ...] | None = None
            with suppress(ValidationError):
                allowed = DatabaseProjectSpec.model_validate(as_values(resource.spec)).allowed_namespaces
            known = self._allowed[name] = (version, allowed)
        return known[1]

    # --- a project's own pass ---

    async def reconcile(self, resource: Resource) -> float | None:
        """Run one pass over a `DatabaseProject`; return the seconds until its next pass. Raises KubeError."""
        opening = self._opening_of(resource)
        session = opening.session
        is_requested = sync_request(resource.annotations) not in (None, resource.told.handled_sync_request)
        try:
            spec = DatabaseProjectSpec.model_validate(as_values(resource.spec))
        except ValidationError as error:
            fields = sorted({".".join(map(str, told["loc"])) for told in error.errors(include_input=False)})
            why = f"this operator cannot read spec.{', spec.'.join(fields)}: the installed CRDs are of another version"
            session.block(Stall(Reason.INVALID_SPEC, why))
            again = None
        else:
            again = await self._open(opening, resource, spec, at_once=is_requested)
        if is_requested:
            session.refresh()
        await self._report(resource, opening)
        return again

    async def _open(
        self, opening: Opening, resource: Resource, spec: DatabaseProjectSpec, *, at_once: bool
    ) -> float | None:
        """Open the session. A refusal of Kubernetes is reported in the status, and a connection in use stays in use. Raises
        KubeError for all other errors of Kubernetes.
        """
        try:
            return await self._connector.open(opening, resource, spec, at_once=at_once)
        except KubeRefused as error:
            failed(Failure.KUBERNETES)
            refusal = kubernetes_refusal(error)
            if opening.session.problem is None and opening.session.view is not None:
                opening.note = refusal
            else:
                opening.session.block(refusal)
            return KUBERNETES_SECONDS

    def forget(self, name: str) -> None:
        """End the session of a `DatabaseProject` that is deleted."""
        self._allowed.pop(name, None)
        opening = self._openings.pop(name, None)
        if opening is None:
            return
        opening.session.block(Wait(Reason.PROJECT_MISSING, f"there is no DatabaseProject {name}"))
        if task := self._tasks.pop(name, None):
            task.cancel()

    def notice_use(self) -> None:
        """Queue all projects if the kinds in use have changed, because the statuses of projects list these kinds."""
        kinds = self._kinds_in_use()
        if kinds != self._told_kinds:
            self._told_kinds = kinds
            self.look_again()

    def look_again(self) -> None:
        """Queue all projects, because something has changed that their statuses depend on."""
        for resource in self._cache.of_kind(KIND.name):
            self._enqueue(resource.key, Priority.LOW)

    def _kinds_in_use(self) -> tuple[str, ...]:
        return tuple(kind for kind in self._cache.kinds_in_use() if kind != KIND.name)

    def notice_secret(self, namespace: str, name: str) -> None:
        """Queue the projects whose credentials are in a Secret that has changed."""
        if namespace != self._settings.operator_namespace:
            return
        for resource in self._cache.of_kind(KIND.name):
            if resource.stated.credentials_secret == name:
                self._enqueue(resource.key, Priority.HIGH)

    async def run(self) -> None:
        """Poll the clouds until cancelled, then close all connections."""
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    session = await self._arrivals.get()
                    if self.session(session.name) is session:
                        task = group.create_task(session.run(), name=f"project {session.name}")
                        self._tasks[session.name] = task
                    else:  # forgotten before it ran
                        await session.close()
        finally:
            for opening in self._openings.values():
                await opening.session.close()

    # --- inside ---

    def _opening_of(self, resource: Resource) -> Opening:
        name = resource.key.name
        opening = self._openings.get(name)
        if opening is not None and opening.session.uid == resource.uid:
            return opening
        self.forget(name)

        def changed() -> None:
            self._enqueue(resource.key, Priority.LOW)
            self._offer_changed()

        hooks = SessionHooks(self._wake, changed, self._look_seconds, self._enqueue, self._is_heard)
        session = ProjectSession(name, resource.uid, self._clock, self._settings, hooks, self._draw)
        opening = self._openings[name] = Opening(session)
        self._arrivals.put_nowait(session)
        self._wake(dependency.project(name), Priority.LOW)
        return opening

    async def _report(self, resource: Resource, opening: Opening) -> None:
        current = self._cache.get(resource.key)
        if current is not None and current.uid == resource.uid and current.generation == resource.generation:
            resource = current  # our own last write may be newer than what this pass was given
        session = opening.session
        observed = ObservedProject(
            view=session.view,
            endpoint=opening.endpoint,
            problem=session.problem,
            note=opening.note,
            troubles=session.troubles,
            unreachable=session.circuit.is_open,
            answered=session.answered,
            quotas=session.quotas,
            operator_namespace=self._settings.operator_namespace,
            kinds_in_use=self._kinds_in_use(),
            odd_rows=session.lists.odd_rows,
            reached=opening.reached,
            unguarded=self._unguarded(),
            uncatalogued=self._uncatalogued(),
            seal_key=self._seal_key(),
            warning=opening.warning,
        )
        await self._write_status(resource, project_status(resource, observed, self._clock.now()))
