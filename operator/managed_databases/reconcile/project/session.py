"""One project as the controller uses it: its snapshots and catalogue, and the calls to its API."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from managed_databases.api.calls import Call
from managed_databases.api.client import Client, Reply
from managed_databases.api.collections import DATASTORES
from managed_databases.api.models import Action, CloudObject, Datastore, Quota
from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.project_view import ParametersFor, ProjectView
from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.controller_settings import ControllerSettings
from managed_databases.reconcile.ports import ResourceKey
from managed_databases.reconcile.project.catalogue_reader import CatalogueReader, News
from managed_databases.reconcile.project.circuit_breaker import CircuitBreaker
from managed_databases.reconcile.project.collection_lists import CollectionLists
from managed_databases.reconcile.project.datastore_actions import ActionReader
from managed_databases.reconcile.project.defects import Defects
from managed_databases.reconcile.project.pinned_identity import foreign_project, project_changed
from managed_databases.reconcile.project.project_client import ProjectClient
from managed_databases.reconcile.project.project_objects import ProjectObjects
from managed_databases.reconcile.project.rate_limiter import RateLimiter
from managed_databases.reconcile.scheduling import dependencies as dependency
from managed_databases.reconcile.scheduling.allowance import Allowance
from managed_databases.reconcile.scheduling.dependencies import Dependency
from managed_databases.reconcile.scheduling.work_queue import Priority

T = TypeVar("T")

_WORTH_TELLING_SECONDS: Final = 60.0
LIMITS_AT_ONCE: Final = 20
LIMITS_SECONDS: Final = 10.0
"""After some readings of flavors' limits at once, a namespace gets one in this number of seconds."""


@dataclass(frozen=True)
class SessionHooks:
    """Whom a session tells: those who depend on something, whoever shows the project's own status (`changed`), and a
    resource that waited for its turn and may make one call (`granted`).
    """

    wake: Callable[[Dependency, Priority], None]
    changed: Callable[[], None]
    look_seconds: Callable[[], float]
    """Seconds in which each resource is looked at once."""
    granted: Callable[[ResourceKey, Priority], None] = lambda key, priority: None
    is_heard: Callable[[Dependency], bool] = lambda dependency: True
    """Whether a resource has this dependency."""


class ProjectSession:
    """One `DatabaseProject` (one uid). Its connection is replaced when credentials or endpoint change; the snapshots
    stay, because a connection is used only once it is known to lead to the same project.

    `view` is None until the project was identified once. `problem` is why no pass may act (credentials, identity);
    `actions` are the latest ones by datastore id.
    """

    def __init__(
        self,
        name: str,
        uid: str,
        clock: Clock,
        settings: ControllerSettings,
        hooks: SessionHooks,
        draw: Callable[[], float],
    ) -> None:
        self.name = name
        self.uid = uid
        self.view: ProjectView | None = None
        self.is_identity_stated = False
        self._clock = clock
        self._settings = settings
        self._hooks = hooks
        self._draw = draw
        opening = Wait(Reason.PROJECT_NOT_READY, f"waits for the DatabaseProject {name}, which is being opened")
        self._client = ProjectClient(
            name, clock, settings, self._line_changed, opening, hooks.granted, lambda: self.lists.probe()
        )
        self._was_unreachable = False
        self._defects = Defects(name, clock, hooks.changed)
        self._objects = ProjectObjects(name, self._client, hooks.wake, self._is_ours)
        self.lists = CollectionLists(
            self._objects,
            self._client,
            clock,
            settings,
            self._defects,
            draw=draw,
            listed=self._listed,
            troubled=hooks.changed,
            look_seconds=hooks.look_seconds,
            is_foreign=self._is_foreign,
            is_awaited=lambda collection, id_: hooks.is_heard(dependency.cloud_object(name, collection, id_)),
        )
        self._catalogue = CatalogueReader(self._client, clock, settings, draw, self._catalogue_changed)
        self._limits_read = Allowance(clock, LIMITS_AT_ONCE, LIMITS_SECONDS)
        self._actions = ActionReader(self._client, clock, settings.actions_seconds, self._actions_changed)

    # --- for passes ---

    @property
    def problem(self) -> Wait | Stall | None:
        return self._client.problem

    @property
    def is_opened(self) -> bool:
        """Whether this process has identified the project once, or knows why it cannot."""
        at_first = (Reason.PROJECT_NOT_READY, Reason.UNREACHABLE)
        return self.view is not None or (self.problem is not None and self.problem.reason not in at_first)

    @property
    def was_catalogue_read(self) -> bool:
        """Whether this process has read the project's catalogue once, with or without failures."""
        return self._catalogue.was_read

    @property
    def circuit(self) -> CircuitBreaker:
        return self._client.circuit

    @property
    def budget(self) -> RateLimiter:
        return self._client.budget

    @property
    def used(self) -> Mapping[tuple[str, Priority], int]:
        """The number of calls so far, by section of the API and priority."""
        return self._client.used

    @property
    def actions(self) -> dict[str, tuple[Action, ...]]:
        return self._actions.actions

    def forget(self, key: ResourceKey) -> None:
        """The resource is gone."""
        self.lists.forget(key)
        self.leave(key)

    def need_parameters(self, wanted: ParametersFor, namespace: str) -> None:
        """Have the catalogue read the limits of configuration parameters of this flavor, once.

        A namespace that asks for the limits of too many flavors gets no more for a while; the API then refuses what is wrong.
        """
        if not self._catalogue.holds(wanted) and self._limits_read.has_now(namespace):
            self._catalogue.need(wanted)

    def need_user_offers(self) -> None:
        """Have the catalogue read the roles and settings that users can have."""
        self._catalogue.need_user_offers()

    def take_turn(self, key: ResourceKey, priority: Priority, datastore_id: str | None) -> bool:
        """Return whether a pass over this resource may make one call now. If not, the pass has to end: the resource stands in
        line, and gets another pass when it may make the call.
        """
        return self._client.take_turn(key, priority, (key.namespace, datastore_id))

    def why_not_now(self, priority: Priority) -> Wait | None:
        """Return the wait to show for a call whose turn has not come; None if its turn comes soon."""
        if self.budget.closed_until(priority) is not None:
            return Wait(
                Reason.RATE_LIMITED,
                "the API asks to call less often: resources that nobody has just changed wait as long as it asks",
            )
        if self.budget.seconds_to_wait(priority) > _WORTH_TELLING_SECONDS:
            return Wait(Reason.RATE_LIMITED, "waits for its turn: more is to be done than the project's rate allows")
        return None

    def leave(self, key: ResourceKey) -> None:
        """The resource wants no call any more."""
        self.budget.leave(key)

    async def send(self, call: Call[T], priority: Priority, key: ResourceKey | None = None) -> Reply[T]:
        """Send one call: at once if a call was claimed for `key`, else when its turn comes.

        Raises ApiError; NeverSent while the project has a problem or its API does not answer. The caller has to enter the answer
        into the snapshot.
        """
        try:
            if key is not None:
                return await self._client.send_in_turn(call, priority, key, key.namespace)
            return await self._client.send(call, priority)
        finally:
            if call.mutates:
                self.lists.hurry_after(call.operation)

    async def get_object(
        self, kind: CloudKind, id_: str, priority: Priority, key: ResourceKey | None = None
    ) -> CloudObject | None:
        """GET an object by its id, enter the answer into the snapshot, and wake the resources that depend on it.

        Returns the object; None if it is gone (404). With a datastore all objects in it are gone. Raises ApiError.
        """
        self.lists.poll(kind)
        account = None if key is None else key.namespace
        return await self._objects.look(self._objects.of(kind), id_, priority, key, account)

    def tell(self, kind: CloudKind, shapes: Collection[CloudObject | None], priority: Priority) -> None:
        """Wake the resources that depend on an object whose answer was entered into the snapshot; `shapes` are the object as it
        was (or None) and as it is.
        """
        known = self._objects.of(kind)
        for id_ in {shape.id for shape in shapes if shape is not None}:
            self._objects.tell(known, id_, shapes, priority)

    def show_actions(self, id_: str) -> None:
        """Read this datastore's actions from now on, while it is pending."""
        self._actions.show(id_)

    # --- for whoever opens it ---

    async def open(self, client: Client, view: ProjectView, *, is_identity_stated: bool) -> None:
        """Use this client, which leads to the project that `view` names. `is_identity_stated`: only the user says which project
        that is, and the API's lists must confirm it.
        """
        self.is_identity_stated = is_identity_stated
        self.show(view)
        await self._client.connect(client)
        self.refresh()

    def show(self, view: ProjectView) -> None:
        """Make `view` the session's view; its catalogue is the session's own."""
        view = replace(view, catalogue=self._catalogue.catalogue)
        if view != self.view:
            self.view = view
            self._hooks.wake(dependency.project(self.name), Priority.LOW)

    def block(self, problem: Wait | Stall) -> None:
        """Let no pass act, and send nothing, until `open`."""
        self._client.block(problem)

    def refresh(self) -> None:
        """List everything in use, and read the catalogue."""
        self._catalogue.refresh()
        self.lists.request_all()

    @property
    def quotas(self) -> tuple[Quota, ...]:
        """The project's quotas for the status; the quotas that decide about specs are in the catalogue."""
        return self._catalogue.shown_quotas

    @property
    def answered(self) -> bool:
        """Whether the API has ever answered."""
        return self._client.answered

    @property
    def troubles(self) -> tuple[tuple[Reason, str], ...]:
        """Return what cannot be read, and why: lists, catalogue, and parts that failed by a defect of the operator."""
        catalogue = () if self._catalogue.trouble is None else (self._catalogue.trouble,)
        return (*self._defects.troubles, *self.lists.troubles, *catalogue)

    async def close(self) -> None:
        """Send nothing any more; calls under way may end."""
        await self._client.close()

    async def run(self) -> None:
        """Poll until cancelled, then close the connection."""
        try:
            async with asyncio.TaskGroup() as group:
                for part, work in (
                    ("catalogue", self._catalogue.run),
                    ("actions", self._actions.run),
                    ("lines", self.budget.serve),
                ):
                    group.create_task(self._defects.lasting(part, work), name=f"{part} of {self.name}")
                await self.lists.run()
        finally:
            await self.close()

    # --- inside ---

    def _is_ours(self, obj: CloudObject) -> bool:
        """Return whether an object is in this project. A LIST may show several projects; an object that tells none counts."""
        return self.view is None or obj.project_id in (None, self.view.project_id)

    def _is_foreign(self, objects: Sequence[CloudObject]) -> bool:
        """Return whether these objects refute a project id that only the user states: they are in another project."""
        view = self.view
        if view is None or not self.is_identity_stated:
            return False
        foreign = foreign_project(objects, view.project_id)
        if foreign is not None:
            self.block(project_changed(self.name, view.project_id, foreign))
        return foreign is not None

    def _line_changed(self) -> None:
        is_back = self._was_unreachable and not self.circuit.is_open
        self._was_unreachable = self.circuit.is_open
        if is_back:
            self.refresh()
        self._hooks.changed()
        self._hooks.wake(dependency.project(self.name), Priority.LOW)

    def _catalogue_changed(self, news: News) -> None:
        """Wake the resources that depend on the changed parts of the catalogue, and no others: there may be thousands."""
        if self.view is not None:
            self.view = replace(self.view, catalogue=self._catalogue.catalogue)
        if news.offer:
            self._hooks.wake(dependency.catalogue(self.name), Priority.LOW)
        if news.quotas:
            self._hooks.wake(dependency.quotas(self.name), Priority.LOW)
        for wanted in news.limits:
            self._hooks.wake(dependency.parameters(self.name, wanted), Priority.LOW)
        if news.offer or news.told:
            self._hooks.changed()

    def _actions_changed(self, id_: str) -> None:
        self._hooks.wake(dependency.actions(self.name, id_), Priority.LOW)

    def _listed(self, collection: str) -> None:
        if collection == DATASTORES.name:
            snapshot = self._objects.known[collection].snapshot
            self._actions.listed(snapshot)
            self._catalogue.used(
                frozenset(
                    (one.id, one.node_count, one.flavor_id, one.flavor, one.disk)
                    for one in snapshot.all()
                    if isinstance(one, Datastore)
                )
            )
