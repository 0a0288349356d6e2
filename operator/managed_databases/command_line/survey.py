"""A cluster and a cloud as the operator sees them, with a person's rights: the operator's own eyes and rules, without its hands.

Nothing is written to Kubernetes, and no call is sent that would change the cloud: both would raise.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from managed_databases.api.calls import Call
from managed_databases.command_line.options import note
from managed_databases.command_line.person import unanswered
from managed_databases.command_line.problems import Problem
from managed_databases.command_line.project_choice import Choice
from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.registry import cloud_kinds, kinds
from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.kube.cache import Store
from managed_databases.kube.connection import KubeConnection
from managed_databases.kube.watched_collections import NAMESPACE
from managed_databases.kube.writing import KubeWriter
from managed_databases.reconcile.act.credentials import CredentialReader
from managed_databases.reconcile.act.given_passwords import GivenPasswords
from managed_databases.reconcile.act.looks_by_id import LooksById
from managed_databases.reconcile.act.secret_ownership import SecretOwnership
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.controller_settings import ControllerSettings
from managed_databases.reconcile.decide.failures import kubernetes_refusal
from managed_databases.reconcile.memory import Memory
from managed_databases.reconcile.observe.current_pass import Pass, PassContext, PassInProject
from managed_databases.reconcile.observe.observer import Observer
from managed_databases.reconcile.observe.ownership_index import OwnershipIndex
from managed_databases.reconcile.observe.passwords import PasswordChecks
from managed_databases.reconcile.observe.reading import Specs, UnreadableSpec, read_status
from managed_databases.reconcile.observe.resolved_references import References
from managed_databases.reconcile.observe.seals import OwnershipKey, Proof, Seals
from managed_databases.reconcile.pass_rules import needs_secrets
from managed_databases.reconcile.ports import (
    KubeError,
    KubeForbidden,
    KubeRefused,
    Resource,
    ResourceKey,
    SecretContent,
)
from managed_databases.reconcile.project.projects import Projects
from managed_databases.reconcile.project.reaching import known_in
from managed_databases.reconcile.project.session import ProjectSession
from managed_databases.reconcile.scheduling.work_queue import Priority

PATIENCE_SECONDS: Final = 120.0
"""The longest that a command waits for the cloud's lists and catalogue."""
_LOOK_SECONDS: Final = 0.1
_TELL_SECONDS: Final = 5.0
"""Seconds of waiting after which a command says, and then repeats, what it waits for."""
ROUNDS: Final = 2
"""What one look wants of the cloud (other lists, limits of a flavor) is there for the next one."""


class _Believed(Seals):
    """What statuses say counts: only the operator has the key that proves it. Changes of passwords are judged without it, too."""

    def __init__(self) -> None:
        super().__init__(OwnershipKey.generate())

    def proof(self, resource: Resource) -> Proof:
        return Proof.FITS if resource.told.claims_something else Proof.NOTHING_CLAIMED


class ReadOnly(KubeWriter):
    """Reads Secrets and ConfigMaps. `given` stands for the Secret of this name in the operator's namespace, and for no other."""

    def __init__(
        self, connection: KubeConnection, store: Store, given: SecretContent | None, operator_namespace: str
    ) -> None:
        super().__init__(connection, store, kinds().values(), before_write=self._refuse)
        self.secrets = {} if given is None else {(operator_namespace, given.name): given}
        """Secrets that stand for those of the cluster, by namespace and name."""
        self.hidden: set[str] = set()
        """The namespaces whose Secrets may not be read."""

    async def _refuse(self) -> None:
        raise KubeRefused("a write, of which this command makes none")

    async def read_secret(self, namespace: str, name: str) -> SecretContent | None:
        if (told := self.secrets.get((namespace, name))) is not None:
            return told
        try:
            return await super().read_secret(namespace, name)
        except KubeForbidden:
            self.hidden.add(namespace)
            raise


async def send_no_change(call: Call[Any]) -> None:
    if call.mutates:
        raise AssertionError(f"{call.operation} would change the cloud")


@dataclass(frozen=True)
class Seen:
    """One resource as a pass of the operator would see it."""

    current: Pass
    is_password_hidden: bool = False
    """Whether its Secrets may not be read, so that nothing is known of its password."""


class Survey:
    """Everything about one project. Made by `surveying`."""

    def __init__(
        self, connection: KubeConnection, choice: Choice, resources: Iterable[Resource], operator_namespace: str
    ) -> None:
        self._connection = connection
        self._settings = ControllerSettings(operator_namespace=operator_namespace)
        self._clock = Clock()
        self._choice = choice
        self._news = asyncio.Event()
        self._of_cloud = cloud_kinds(kinds())
        self.store = Store(kinds())
        self.owners = OwnershipIndex(kinds().__getitem__)
        self.kube = ReadOnly(connection, self.store, choice.secret, operator_namespace)
        self._specs = specs = Specs()
        self.unreadable: dict[ResourceKey, str] = {}
        """Why resources cannot be read: the installed CRDs are of another version, or a field is too large."""
        seals = _Believed()
        self.projects = Projects(
            self.store,
            self.kube,
            self._clock,
            self._settings,
            write_status=self._note,
            wake=lambda dependency, priority: self._news.set(),
            enqueue=lambda key, priority: self._news.set(),
            known=lambda project: known_in(project, kinds(), self.resources()),
            before_send=send_no_change,
        )
        references = References(self.store, self.owners, self._of_cloud.__getitem__, specs.of)
        self._observer = Observer(
            cache=self.store,
            owners=self.owners,
            projects=self.projects,
            references=references,
            clock=self._clock,
            specs=specs,
            kind_of=self._of_cloud.__getitem__,
            pending_limit_seconds=self._settings.pending_limit_seconds,
            seals=seals,
        )
        ownership = SecretOwnership(lambda: {each.uid for each in self.resources()}, PasswordChecks(seals))
        self._given = GivenPasswords(self.kube)
        self._reader = CredentialReader(self.kube, self.store, ownership, self._clock, self._given)
        self._looks = LooksById(self._of_cloud, self._clock, self._settings, random.random)
        self._has_looked = False
        self._opened_at = self._clock.monotonic()
        self._contexts: dict[ResourceKey, PassContext] = {}
        for resource in (choice.resource, *resources):
            self.put(resource)

    async def _note(self, resource: Resource, status: object) -> None:
        """A project's status is not written."""

    # --- what there is ---

    def put(self, resource: Resource) -> None:
        """Take the resource for what is in the cluster."""
        self.store.put(resource)
        self.owners.update(resource)

    def resources(self) -> list[Resource]:
        return [each for kind in self._of_cloud for each in self.store.of_kind(kind)]

    def know_namespace(self, raw: dict[str, Any]) -> None:
        """Take note of a namespace's labels, by which a project may let it in."""
        self.store.seen(raw, NAMESPACE)

    @property
    def session(self) -> ProjectSession:
        session = self.projects.session(self._choice.name)
        assert session is not None, "it was opened"
        return session

    # --- looking ---

    async def open(self) -> None:
        """Log in to the project's API. Raises Problem."""
        try:
            await self.projects.reconcile(self._choice.resource)
        except KubeError as error:
            raise await unanswered(self._connection, error) from error
        self._must_be_usable()

    def _must_be_usable(self) -> None:
        problem = self.session.problem
        if problem is None or self.session.circuit.is_open:
            return
        hint = ""
        if self._settings.operator_namespace in self.kube.hidden:
            hint = ": you may not read its Secret. With credentials of your own in the environment, --env uses them"
        elif problem.reason is Reason.SECRET_MISSING:
            namespace = self._settings.operator_namespace
            hint = f" (--operator-namespace names the operator's namespace, if it is not {namespace})"
        raise Problem(f"the project {self._choice.name} cannot be used: {problem.message}{hint}")

    async def list_all(self, wanted: Sequence[CloudKind]) -> None:
        """Have these collections listed. Raises Problem if the cloud does not answer."""
        for kind in wanted:
            self.session.lists.poll(kind)
        await self._settled(self._clock.monotonic())

    async def look(self, resources: Sequence[Resource]) -> dict[ResourceKey, Seen]:
        """Return each resource as a pass of the operator would see it now, once the cloud has told all that these passes want.

        What cannot be read is left out, and is in `unreadable` then.
        """
        resources = [resource for resource in resources if self.can_read(resource)]
        for _ in range(1 if self._has_looked else ROUNDS):
            for resource in resources:
                self._observe(resource)
            await self._settled(self._opened_at)  # what was listed since is not polled for again
            begun = self._clock.monotonic()
            self.session.lists.request_all()  # a creation wants a list that was begun after its wish
            await self._settled(begun)
        self._has_looked = True
        return {resource.key: await self.see(resource) for resource in resources}

    async def see(self, resource: Resource) -> Seen:
        """Look at one resource, with its Secrets, and with a GET of an object that no list shows. Raises UnreadableSpec."""
        current = self._observe(resource)
        if await self._looks.look(current):
            current = self._observe(resource)
        if not needs_secrets(current):
            return Seen(current)
        try:
            read = await self._reader.read(current)
        except KubeForbidden:
            return Seen(current, is_password_hidden=current.kind.credential is not None)
        except KubeRefused as error:
            current.observed = replace(current.observed, problem=kubernetes_refusal(error))
            return Seen(current)
        except KubeError as error:
            raise await unanswered(self._connection, error) from error
        if read is not None:
            current.has_read(read.view, read.secrets, read.held)
        return Seen(current)

    async def why_not_given(self, seen: Seen) -> Wait | Stall | None:
        """Return why the password that the spec refers to cannot be taken; None if it can, or if its Secret may not be read."""
        credential = seen.current.kind.credential
        ref = None if credential is None else credential.given(seen.current.observed.spec)
        if ref is None:
            return None
        try:
            return (await self._given.read(seen.current.resource.key.namespace, ref))[1]
        except KubeForbidden:
            return None
        except KubeError as error:
            raise await unanswered(self._connection, error) from error

    def can_read(self, resource: Resource) -> bool:
        """Return whether spec and status of the resource fit their models; why not, is in `unreadable` then."""
        try:
            kind = self._of_cloud[resource.key.kind]
            self._specs.of(kind, resource)
            read_status(kind, resource.status)
        except UnreadableSpec as error:
            self.unreadable[resource.key] = str(error)
        return resource.key not in self.unreadable

    def context(self, resource: Resource) -> PassContext:
        known = self._contexts.get(resource.key)
        if known is None:
            known = self._contexts[resource.key] = PassContext(memory=Memory(resource.uid), woken_by=Priority.HIGH)
        return known

    def _observe(self, resource: Resource) -> Pass:
        context = self.context(resource)
        current = self._observer.observe(resource, context)
        context.looks_into(current.session if isinstance(current, PassInProject) else None)
        if isinstance(current, PassInProject):
            current.interests.order(resource.key, current.kind.collection.name, current.session, self.owners)
        return current

    async def _settled(self, since: float) -> None:
        """Wait until the catalogue is read, and each collection in use was listed since then, or cannot be. Raises Problem."""
        told_at = self._clock.monotonic() + _TELL_SECONDS
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while awaited := self._awaited(since):
                    now = self._clock.monotonic()
                    if now >= told_at:
                        told_at = now + _TELL_SECONDS
                        note(f"the API has not listed yet: {', '.join(awaited)}")
                    self._news.clear()
                    await self._clock.wait(self._news, now + _LOOK_SECONDS)
                    self._must_be_usable()
        except TimeoutError:
            raise Problem(f"the API of the project {self._choice.name} does not answer in time") from None

    def _awaited(self, since: float) -> list[str]:
        """Return the names of what the cloud has not told since then: the catalogue, and collections."""
        lists = self.session.lists
        if self.session.circuit.is_open:
            raise Problem(f"the API of the project {self._choice.name} does not answer")
        unlisted = sorted(
            name
            for name, snapshot in lists.snapshots.items()
            if lists.why_unlisted(name) is None
            and (snapshot.last_list_begun is None or snapshot.last_list_begun < since)
        )
        return unlisted if self.session.was_catalogue_read else ["the catalogue", *unlisted]


@asynccontextmanager
async def surveying(
    connection: KubeConnection, choice: Choice, resources: Iterable[Resource], operator_namespace: str
) -> AsyncIterator[Survey]:
    """Open the project, and keep its lists until the end. Raises Problem."""
    survey = Survey(connection, choice, resources, operator_namespace)
    running = asyncio.create_task(survey.projects.run(), name="projects")
    try:
        await survey.open()
        yield survey
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
