"""A cloud project, a Kubernetes and the engine's ears in memory, to run `Projects` against."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, NoReturn

import httpx
from pydantic import SecretStr

from managed_databases.api.client import Client
from managed_databases.kinds.kind import CloudKind, any_kind
from managed_databases.kinds.managed_database import KIND as DATABASE
from managed_databases.kinds.managed_datastore import KIND as DATASTORE
from managed_databases.kinds.written import Written
from managed_databases.reconcile.controller_settings import ControllerSettings
from managed_databases.reconcile.ports import (
    Definition,
    NewSecret,
    NewService,
    Resource,
    ResourceKey,
    SecretContent,
    ServiceContent,
    Workload,
)
from managed_databases.reconcile.project.projects import Projects
from managed_databases.reconcile.project.session import ProjectSession
from managed_databases.reconcile.scheduling.work_queue import Priority
from reconcile.fake_cache import FakeCache
from virtual.virtual_time import VirtualClock

IDENTITY = "https://identity.example/v3"
ENDPOINT = "https://api.example/v1"
NAMESPACE = "operator"
PROJECT = "0" * 32
OTHER_PROJECT = "f" * 32
KEY = ResourceKey("DatabaseProject", "", "main")
PATIENCE_SECONDS = 12000.0
SETTINGS = ControllerSettings(operator_namespace=NAMESPACE, calls_per_second=2000.0, call_burst=4000)
CREDENTIALS = {
    "OS_AUTH_URL": IDENTITY,
    "OS_USERNAME": "robot",
    "OS_PASSWORD": "right-password",
    "OS_USER_DOMAIN_NAME": "acme",
    "INFRA_PROJECT_ID": PROJECT,
}


async def until(is_so: Callable[[], object], last_state: Callable[[], object]) -> None:
    """Wait until it is so; fail with the last state after `PATIENCE_SECONDS` of virtual time."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not is_so():  # noqa: ASYNC110 (what is waited for is not ours to set an event on)
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"still not so: {last_state()}") from None


def _nothing(*_: Any) -> Any:
    raise AssertionError("the session does not ask this of a kind")


DATASTORE_KIND = any_kind(DATASTORE)
DATABASE_KIND = any_kind(DATABASE)


class FakeCloud:
    """Identity service and API behind one transport. `requests` holds "METHOD /path" of API calls in their order, `addresses`
    where each request went.
    """

    def __init__(self) -> None:
        self.password = "right-password"
        self.tokens: dict[str, str] = {}
        self.rows: dict[str, dict[str, dict[str, Any]]] = {
            "datastores": {},
            "databases": {},
            "actions": {},
            "datastore-types": {"t": {"id": "t", "engine": "postgresql", "version": "16"}},
            "flavors": {"f": {"id": "f", "name": "small"}},
            "quotas": {},
            "limits": {},
            "capabilities": {},
            "configuration-parameters": {"p": {"id": "p", "datastore_type_id": "t", "name": "work_mem"}},
            "available-extensions": {"e": {"id": "e", "name": "pgcrypto"}},
        }
        self.requests: list[str] = []
        self.addresses: list[str] = []
        self.logins = 0
        self.endpoint = ENDPOINT
        self.is_dead = self.identity_is_dead = False
        self.hidden: set[str] = set()
        self.answers: dict[str, Callable[[], httpx.Response]] = {}
        self.pass_one = asyncio.Semaphore(0)
        self.held: str | None = None

    def put(self, collection: str, id_: str, **fields: Any) -> None:
        row = {"id": id_, "name": id_, "status": "ACTIVE", "project_id": PROJECT, **fields}
        self.rows[collection][id_] = row

    def count(self, request: str) -> int:
        return Counter(self.requests)[request]

    async def handle(self, request: httpx.Request) -> httpx.Response:
        self.addresses.append(str(request.url))
        if str(request.url).startswith(IDENTITY):
            return self._login(request)
        path = request.url.path.removeprefix("/v1")
        line = f"{request.method} {path}"
        self.requests.append(line)
        if self.is_dead:
            raise httpx.ConnectError("nobody there")
        if self.held == line:
            await self.pass_one.acquire()
        if request.headers["X-Auth-Token"] not in self.tokens:
            return httpx.Response(401, json={"error": {"message": "no such token"}})
        if line in self.answers:
            return self.answers[line]()
        _, collection, *rest = path.split("/")
        return self._answer(collection, rest[0] if rest else None)

    def _login(self, request: httpx.Request) -> httpx.Response:
        self.logins += 1
        if self.identity_is_dead:
            raise httpx.ConnectError("nobody there")
        if request.method == "GET":
            project = self.tokens.get(request.headers["X-Subject-Token"])
            return httpx.Response(404) if project is None else httpx.Response(200, json=self._token(project))
        auth = json.loads(request.content)["auth"]
        if auth["identity"]["password"]["user"]["password"] != self.password:
            return httpx.Response(401, json={"error": {"message": "wrong password"}})
        project = auth["scope"]["project"]["id"]
        value = f"token-{self.logins}"
        self.tokens[value] = project
        return httpx.Response(201, json=self._token(project), headers={"X-Subject-Token": value})

    def _token(self, project: str) -> dict[str, Any]:
        endpoint = {"interface": "public", "url": self.endpoint, "region": "ru-1", "region_id": "ru-1"}
        token = {
            "expires_at": "2100-01-01T00:00:00Z",
            "project": {"id": project},
            "catalog": [{"type": "managed-database", "endpoints": [endpoint]}],
        }
        return {"token": token}

    def _answer(self, collection: str, id_: str | None) -> httpx.Response:
        rows = self.rows[collection]
        if id_ is None:
            return httpx.Response(200, json={collection: [row for key, row in rows.items() if key not in self.hidden]})
        if id_ not in rows:
            return httpx.Response(404, json={"error": {"message": f"{collection.removesuffix('s')} {id_} not found."}})
        return httpx.Response(200, json={collection.removesuffix("s"): rows[id_]})


class FakeKube:
    """Secrets, ConfigMaps and one status; counts the writes."""

    def __init__(self, cache: FakeCache) -> None:
        self.cache = cache
        self.secrets: dict[str, dict[str, str]] = {"credentials": dict(CREDENTIALS)}
        self.config_maps: dict[str, dict[str, str]] = {}
        self.writes = 0

    async def write_status(self, resource: Resource, status: Mapping[str, Any]) -> Resource:
        self.writes += 1
        version = str(int(resource.resource_version) + 1)
        return replace(resource, status=json.loads(json.dumps(status)), resource_version=version)

    async def read_secret(self, namespace: str, name: str) -> SecretContent | None:
        assert namespace == NAMESPACE
        if name not in self.secrets:
            return None
        data = {key: SecretStr(value) for key, value in self.secrets[name].items()}
        return SecretContent(namespace, name, "uid", "1", "Opaque", {}, {}, data)

    async def read_workload(self, kind: str, namespace: str, name: str) -> Workload | None:
        raise AssertionError("no project has workloads")

    async def list_workloads(self, kind: str, namespace: str, selector: str) -> Sequence[Workload]:
        raise AssertionError("no project has workloads")

    async def annotate_pods(self, workload: Workload, annotations: Mapping[str, str]) -> None:
        raise AssertionError("no project has workloads")

    async def read_service(self, namespace: str, name: str) -> ServiceContent | None:
        raise AssertionError("nobody asks for a Service")

    async def create_service(self, service: NewService) -> ServiceContent:
        raise AssertionError("nobody asks for a Service")

    async def replace_service(self, old: ServiceContent, service: NewService) -> ServiceContent:
        raise AssertionError("nobody asks for a Service")

    async def delete_service(self, service: ServiceContent) -> None:
        raise AssertionError("nobody asks for a Service")

    async def read_definition(self, kind: str) -> Definition | None:
        raise AssertionError("a project is never asked whether its definition goes")

    async def read_config_map(self, namespace: str, name: str) -> Mapping[str, str] | None:
        assert namespace == NAMESPACE
        return self.config_maps.get(name)

    async def set_finalizers(self, resource: Resource, finalizers: tuple[str, ...]) -> Resource:
        _refused()

    async def create_owned(
        self, owner: Resource, key: ResourceKey, spec: Mapping[str, Any], annotations: Mapping[str, str]
    ) -> Resource:
        _refused()

    async def change_spec(self, resource: Resource, spec: Mapping[str, Any]) -> Resource:
        _refused()

    async def change_owned(
        self, owner: Resource, resource: Resource, spec: Mapping[str, Any], annotations: Mapping[str, str]
    ) -> Resource:
        _refused()

    async def delete_owned(self, resource: Resource) -> None:
        _refused()

    async def create_secret(self, secret: NewSecret) -> SecretContent:
        _refused()

    async def replace_secret(self, old: SecretContent, secret: NewSecret) -> SecretContent:
        _refused()

    async def prove_secret(self, old: SecretContent | None, secret: NewSecret) -> None:
        _refused()

    async def delete_secret(self, secret: SecretContent) -> None:
        _refused()

    async def post_event(self, resource: Resource, type_: str, reason: str, message: str, at: datetime) -> None:
        _refused()


def _refused() -> NoReturn:
    raise AssertionError("a project's pass writes its status and nothing else")


def project(key: ResourceKey = KEY, **spec: Any) -> Resource:
    """A `DatabaseProject` as its owner wrote it."""
    whole = {"region": "ru-1", "credentialsSecretRef": {"name": "credentials"}, **spec}
    return Resource(key, "uid-1", "1", 1, "2026-01-01T00:00:00Z", None, (), {}, whole, {})


class ProjectHarness:
    """All of it together. `woken` counts topics, `enqueued` the passes that were asked for."""

    def __init__(self, settings: ControllerSettings = SETTINGS, **spec: Any) -> None:
        self.cloud = FakeCloud()
        self.cache = FakeCache()
        self.kube = FakeKube(self.cache)
        self.clock = VirtualClock()
        self.woken: Counter[tuple[str, ...]] = Counter()
        self.enqueued: asyncio.Queue[ResourceKey] = asyncio.Queue()
        self.cache.put(project(**spec))
        self.again: float | None = None
        self.projects = Projects(
            self.cache,
            self.kube,
            self.clock,
            settings,
            write_status=self._write_status,
            wake=lambda topic, _: self.woken.update([topic]),
            enqueue=lambda key, _: self.enqueued.put_nowait(key),
            client_factory=partial(Client, transport=httpx.MockTransport(self.cloud.handle)),
            draw=lambda: 0.0,
        )

    async def _write_status(self, resource: Resource, wanted: Written) -> None:
        """As the status writer does: what does not differ is not written."""
        if wanted != resource.status:
            self.cache.put(await self.kube.write_status(resource, wanted))

    @property
    def resource(self) -> Resource:
        return self.cache.resources[KEY]

    @property
    def session(self) -> ProjectSession:
        session = self.projects.session(KEY.name)
        assert session is not None
        return session

    def edit(self, **spec: Any) -> None:
        old = self.resource
        self.cache.put(replace(old, spec={**old.spec, **spec}, generation=old.generation + 1))

    def condition(self, type_: str) -> tuple[str, str]:
        for condition in self.resource.status.get("conditions", ()):
            if condition["type"] == type_:
                return condition["status"], condition["reason"]
        return "", ""

    def message(self, type_: str) -> str:
        return next(str(c["message"]) for c in self.resource.status["conditions"] if c["type"] == type_)

    async def reconcile(self) -> None:
        """One pass over the project."""
        self.again = await self.projects.reconcile(self.resource)

    async def settle(self, type_: str, status: str, reason: str) -> None:
        """Run the passes that are asked for until the condition says so."""

        async def work() -> None:
            while self.condition(type_) != (status, reason):
                await self.enqueued.get()
                await self.reconcile()

        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await work()
        except TimeoutError:
            raise AssertionError(f"still not {status} {reason}: {self.resource.status}") from None

    async def listed(self, side: CloudKind, times: int = 1) -> None:
        """Wait until that many LISTs were applied."""
        topic = ("list", KEY.name, side.collection.name)
        await until(lambda: self.woken[topic] >= times, lambda: (self.woken, self.cloud.requests[-10:]))

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[ProjectSession]:
        """The polling runs, and the project had its first pass."""
        async with self.running():
            await self.reconcile()
            assert self.session.problem is None, self.session.problem
            yield self.session

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.projects.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


LOW = Priority.LOW
