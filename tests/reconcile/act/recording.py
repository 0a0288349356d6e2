"""A Kubernetes and an API that write down in one list what they are asked to do, in the order in which it comes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast

from kinds.builders import MAIN, PROJECT, parent
from managed_databases.api.calls import Call
from managed_databases.api.client import Reply
from managed_databases.api.errors import ApiError
from managed_databases.api.models import CloudObject
from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.project_view import ProjectView
from managed_databases.kinds.verdicts import Stall, Wait
from managed_databases.reconcile.act.actor import Actor
from managed_databases.reconcile.act.letting_go import LettingGo
from managed_databases.reconcile.act.password_change import PasswordChange
from managed_databases.reconcile.act.secret_ownership import SecretOwnership
from managed_databases.reconcile.act.sender import Sender
from managed_databases.reconcile.controller_settings import ControllerSettings
from managed_databases.reconcile.observe.ownership_index import KeyName, OwnershipIndex
from managed_databases.reconcile.observe.passwords import PasswordChecks
from managed_databases.reconcile.observe.seals import OwnershipKey, Seals
from managed_databases.reconcile.ports import (
    AlreadyThere,
    Definition,
    Kube,
    NewSecret,
    NewService,
    Resource,
    ResourceKey,
    SecretContent,
    ServiceContent,
    Workload,
)
from managed_databases.reconcile.project.collection_snapshot import CollectionSnapshot
from managed_databases.reconcile.project.session import ProjectSession
from managed_databases.reconcile.report.event_recorder import Announcement, EventRecorder
from managed_databases.reconcile.report.status_writer import StatusWriter
from managed_databases.reconcile.scheduling.work_queue import Priority
from reconcile.fake_cache import FakeCache
from reconcile.manual_clocks import StillClock
from reconcile.passes import KINDS, pass_in_project


@dataclass
class Journal:
    """What was done, a line each. `refuses` has the errors that lines meet: what is refused is not done."""

    done: list[str] = field(default_factory=list)
    refuses: dict[str, Exception] = field(default_factory=dict)

    def enter(self, line: str) -> None:
        if line in self.refuses:
            raise self.refuses[line]
        self.done.append(line)


class RecordingKube(Kube):
    """Writes into memory. Reads are no lines: they change nothing."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.secrets: dict[str, SecretContent] = {}
        self.written: dict[str, NewSecret] = {}
        """What was asked for last, by name."""

    async def set_finalizers(self, resource: Resource, finalizers: tuple[str, ...]) -> Resource:
        self.journal.enter(f"finalizers: {', '.join(finalizers) or 'none'}")
        return replace(resource, finalizers=finalizers)

    async def write_status(self, resource: Resource, status: Mapping[str, Any]) -> Resource:
        self.journal.enter("status")
        return replace(resource, status=status)

    async def create_owned(
        self, owner: Resource, key: ResourceKey, spec: Mapping[str, Any], annotations: Mapping[str, str]
    ) -> Resource:
        self.journal.enter(f"create {key}")
        return replace(owner, key=key, spec=spec, annotations=annotations, owner_uids=(owner.uid,))

    async def change_spec(self, resource: Resource, spec: Mapping[str, Any]) -> Resource:
        self.journal.enter(f"change {resource.key}: {dict(spec)}")
        return replace(resource, spec={**resource.spec, **spec})

    async def change_owned(
        self, owner: Resource, resource: Resource, spec: Mapping[str, Any], annotations: Mapping[str, str]
    ) -> Resource:
        self.journal.enter(f"change {resource.key}: {dict(spec)}")
        return replace(resource, spec={**resource.spec, **spec}, annotations=annotations)

    async def delete_owned(self, resource: Resource) -> None:
        self.journal.enter(f"delete {resource.key}")

    async def read_secret(self, namespace: str, name: str) -> SecretContent | None:
        return self.secrets.get(name)

    async def create_secret(self, secret: NewSecret) -> SecretContent:
        self.journal.enter(f"create Secret {secret.name}")
        if secret.name in self.secrets:
            self.journal.done.pop()
            raise AlreadyThere(secret.name)
        return self._keep(secret, "1")

    async def replace_secret(self, old: SecretContent, secret: NewSecret) -> SecretContent:
        self.journal.enter(f"replace Secret {secret.name}")
        assert old == self.secrets[secret.name], "only what the pass has read is replaced"
        return self._keep(secret, str(int(old.resource_version) + 1))

    async def prove_secret(self, old: SecretContent | None, secret: NewSecret) -> None:
        self.journal.enter(f"prove Secret {secret.name}")

    async def delete_secret(self, secret: SecretContent) -> None:
        self.journal.enter(f"delete Secret {secret.name}")
        del self.secrets[secret.name]

    async def read_config_map(self, namespace: str, name: str) -> Mapping[str, str] | None:
        raise AssertionError("no step reads a ConfigMap")

    async def read_workload(self, kind: str, namespace: str, name: str) -> Workload | None:
        raise AssertionError("no step looks at workloads")

    async def list_workloads(self, kind: str, namespace: str, selector: str) -> Sequence[Workload]:
        raise AssertionError("no step looks at workloads")

    async def annotate_pods(self, workload: Workload, annotations: Mapping[str, str]) -> None:
        raise AssertionError("no step looks at workloads")

    async def read_service(self, namespace: str, name: str) -> ServiceContent | None:
        raise AssertionError("nobody asks for a Service")

    async def create_service(self, service: NewService) -> ServiceContent:
        raise AssertionError("nobody asks for a Service")

    async def replace_service(self, old: ServiceContent, service: NewService) -> ServiceContent:
        raise AssertionError("nobody asks for a Service")

    async def delete_service(self, service: ServiceContent) -> None:
        raise AssertionError("nobody asks for a Service")

    async def read_definition(self, kind: str) -> Definition | None:
        raise AssertionError("no step reads a definition")

    async def post_event(self, resource: Resource, type_: str, reason: str, message: str, at: datetime) -> None:
        raise AssertionError("events are told to the recorder")

    def _keep(self, secret: NewSecret, version: str) -> SecretContent:
        self.written[secret.name] = secret
        self.secrets[secret.name] = as_read(secret, version)
        return self.secrets[secret.name]


def as_read(secret: NewSecret, version: str = "1") -> SecretContent:
    """The Secret as it is read once it was written so."""
    return SecretContent(
        namespace=secret.namespace,
        name=secret.name,
        uid=f"uid-{secret.name}",
        resource_version=version,
        type=secret.type,
        labels={"manageddatabases.io/managed": "true"},
        annotations=secret.annotations,
        data=secret.data,
        owner_uids=() if secret.owner is None else (secret.owner.uid,),
    )


@dataclass
class FakeCircuit:
    times_closed: int = 0
    is_open: bool = False


class RecordingSession:
    """A project whose API answers what `answer` says to a call; with nothing else it has the object that there is."""

    def __init__(self, journal: Journal, kind: CloudKind, answer: Callable[[Call[Any]], CloudObject | None]) -> None:
        self.journal = journal
        self.kind = kind
        self.name = PROJECT.name
        self.view: ProjectView | None = replace(PROJECT, endpoint="https://api.example")
        self.calls: list[Call[Any]] = []
        self.told: list[object] = []
        self.answer = answer
        self.circuit = FakeCircuit()
        self.turns = 1000
        """So many calls the passes may make still."""
        self.unlisted: Wait | Stall | None = None
        self.shown: dict[str, CloudObject | ApiError] = {}
        """What a GET by an id answers; what is not here is gone."""
        self.own = CollectionSnapshot[CloudObject](kind.key_of, lambda _: None)

    @property
    def lists(self) -> "RecordingSession":
        return self

    def snapshot(self, kind: CloudKind) -> CollectionSnapshot[CloudObject]:
        return self.own

    async def send(self, call: Call[Any], priority: Priority, key: ResourceKey) -> Reply[Any]:
        self.journal.enter(f"{call.method} {call.path}")
        self.calls.append(call)
        return Reply(self.answer(call), 200, "request-1", 0.0)

    async def get_object(
        self, kind: CloudKind, id_: str, priority: Priority, key: ResourceKey | None = None
    ) -> CloudObject | None:
        self.journal.enter(f"GET {kind.collection.name}/{id_} for {key}, {priority.name}")
        found = self.shown.get(id_)
        if isinstance(found, ApiError):
            raise found
        if kind is self.kind:
            self.own.confirmed_gone(id_) if found is None else self.own.answered(found)
        return found

    def take_turn(self, key: ResourceKey, priority: Priority, datastore_id: str | None) -> bool:
        self.turns -= 1
        return self.turns >= 0

    def why_unlisted(self, collection: str) -> Wait | Stall | None:
        return self.unlisted

    def tell(self, kind: CloudKind, shapes: tuple[CloudObject | None, ...], priority: Priority) -> None:
        self.told.append(shapes)


@dataclass
class Events:
    told: list[Announcement] = field(default_factory=list)

    def tell(self, resource: Resource, announcement: Announcement) -> None:
        self.told.append(announcement)

    def status_written(self, before: Mapping[str, Any], written: Resource) -> None:
        """Nothing is told of it here."""


class Stage:
    """One resource, its pass, and an actor that carries out steps for it."""

    def __init__(
        self,
        resource: Resource,
        *others: Resource,
        answer: CloudObject | None = None,
        external: CloudObject | None = None,
        credential: PasswordView | None = None,
        **observed: Any,
    ) -> None:
        self.journal, self.events = Journal(), Events()
        self.kube, self.clock, settings = RecordingKube(self.journal), StillClock(), ControllerSettings()
        kind = KINDS[resource.key.kind]
        self.session = RecordingSession(self.journal, kind, lambda _: answer)
        seals = Seals(OwnershipKey.generate())
        resource = replace(resource, status=seals.sealed(resource, dict(resource.status)))
        self.current = pass_in_project(resource, cast(ProjectSession, self.session), PROJECT)
        refs = {"datastoreRef": parent()} if kind.is_inside else {}
        self.current.observed = replace(
            self.current.observed, external=external, credential=credential, **{"refs": refs} | observed
        )
        self.current.checks = PasswordChecks(seals)
        self.current.datastore_id = MAIN if kind.is_inside else None
        wanted = KeyName(PROJECT.place, kind.collection.name, kind.key(self.current.observed))
        self.current.interests.wanted_key = wanted
        if external is not None:
            self.session.own.answered(external)
        self.owners = OwnershipIndex(KINDS.__getitem__)
        for each in (resource, *others):
            self.owners.update(each)
        cache = FakeCache(resource, *others)
        ownership = SecretOwnership(lambda: {each.uid for each in (resource, *others)}, self.current.checks)
        writer = StatusWriter(self.kube, self.clock, cache.put, cast(EventRecorder, self.events), seals)
        sender = Sender(self.owners)
        self.passwords = PasswordChange(self.kube, ownership, writer, sender, self.clock)
        self.arranged: list[ResourceKey] = []
        self.actor = Actor(
            cache=cache,
            kube=self.kube,
            writer=writer,
            owners=self.owners,
            clock=self.clock,
            settings=settings,
            sender=sender,
            passwords=self.passwords,
            letting_go=LettingGo(self.kube, cache, self.owners, ownership),
            arranged=self.arranged.append,
        )

    @property
    def done(self) -> list[str]:
        return self.journal.done

    @property
    def status(self) -> Mapping[str, Any]:
        """As it was written last."""
        return self.current.resource.status

    def keep(self, secret: NewSecret) -> SecretContent:
        """Let this Secret be there, as if an earlier pass had written it."""
        self.kube.secrets[secret.name] = as_read(secret)
        return self.kube.secrets[secret.name]
