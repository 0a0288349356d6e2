"""What every benchmark runs on: a local control plane, a sandbox without delays, and the operator as its own process."""

import asyncio
import base64
import re
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from benchmarks.processes import Usage, usage
from cluster import Cluster, Manifest
from managed_databases.controlplane.binaries import find_binaries
from managed_databases.controlplane.cluster import ControlPlane
from managed_databases.controlplane.commands import free_port
from managed_databases.kinds.registry import GROUP, VERSION, kinds
from managed_databases.kube.generated_files import crd_files
from managed_databases.sandbox.identity import api_path
from managed_databases.sandbox.projects import DEFAULT_WORLD
from operator_process import OperatorProcess
from sandbox_process import SandboxProcess

API_VERSION = f"{GROUP}/{VERSION}"
NAMESPACE = "bench"
SYSTEM = "bench-system"
SUBNET = "11111111-2222-4333-8444-555555555555"
WRITERS = 16
PATIENCE_SECONDS = 1800
PATIENCE_A_RESOURCE = 0.1
REST = 5.0
"""Lists of everything are a load themselves: a check with some is made again after so many times what it took."""


def manifest(kind: str, name: str, spec: dict[str, Any]) -> Manifest:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}


def postgresql(name: str, project: str | None = None) -> Manifest:
    spec: dict[str, Any] = {
        "engine": {"type": "postgresql", "version": "16"},
        "flavor": {"vcpus": 2, "ramMB": 4096, "diskGB": 32},
        "nodeCount": 1,
        "subnetID": SUBNET,
        "deletionProtection": False,
    }
    if project is not None:
        spec["projectRef"] = {"name": project}
    return manifest("ManagedDatastore", name, spec)


def kafka(name: str, project: str | None = None) -> Manifest:
    datastore = postgresql(name, project)
    datastore["spec"]["engine"] = {"type": "kafka", "version": "3.5"}
    return datastore


def user(name: str, datastore: str) -> Manifest:
    return manifest("DatabaseUser", name, {"datastoreRef": {"name": datastore}})


def topic(name: str, datastore: str) -> Manifest:
    return manifest("KafkaTopic", name, {"datastoreRef": {"name": datastore}, "partitions": 1})


class Stage:
    """`async with Stage() as stage`. `settings` are the operator's; the budget of calls is out of the way. `projects` are one to
    four: the sandbox has two, each in two regions.
    """

    def __init__(self, *, projects: int = 1, **settings: object) -> None:
        self._probe_port, self._metrics_port = free_port(), free_port()
        self._projects = [each_of("bench", number) for number in range(projects)]
        rest = {
            "namespace": SYSTEM,
            "log_level": "warning",
            "probe_port": self._probe_port,
            "metrics_port": self._metrics_port,
        }
        self._settings = {"calls_per_second": 10_000, "call_limit_seconds": 30, **rest} | settings

    async def __aenter__(self) -> Self:
        self._stack = AsyncExitStack()
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        wanted = ("etcd", "kube-apiserver", "kubectl")
        self.plane = await self._stack.enter_async_context(ControlPlane(await find_binaries(print, wanted)))
        self.cluster = await self._stack.enter_async_context(Cluster(self.plane))
        for path, text in crd_files(kinds().values()).items():
            if path.suffix == ".yaml":
                await self.cluster.apply(text)
        for name in (NAMESPACE, SYSTEM):
            await self.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        self.sandbox = await self._stack.enter_async_context(SandboxProcess(delay_seconds=0))
        await self.sandbox.settings(quota={"datastores": 10**6, "vcpus": 10**6, "ram": 10**9, "disk": 10**9})
        for number, name in enumerate(self._projects):
            await self._add_project(name, self.credentials(number), is_default=not number)
        self.operator = await self._stack.enter_async_context(
            OperatorProcess(self.plane.kubeconfig, folder / "operator.log", **self._settings)
        )
        return self

    def credentials(self, number: int) -> dict[str, str]:
        """Return what opens the project of this number: two numbers in a row are two regions of one cloud project."""
        return self.sandbox.credentials(number // 2) | {"INFRA_REGION": DEFAULT_WORLD.regions[number % 2]}

    async def _add_project(self, name: str, credentials: dict[str, str], *, is_default: bool) -> None:
        data = {key: base64.b64encode(value.encode()).decode() for key, value in credentials.items()}
        metadata = {"name": name, "namespace": SYSTEM}
        await self.cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
        spec = {
            "region": credentials["INFRA_REGION"],
            "default": is_default,
            "credentialsSecretRef": {"name": name},
            "allowedNamespaces": [{"name": NAMESPACE}],
        }
        await self.cluster.apply(
            {"apiVersion": API_VERSION, "kind": "DatabaseProject", "metadata": {"name": name}, "spec": spec}
        )

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def sandbox_token(self, project: int = 0) -> str:
        """A token of a project, for those who call the API by themselves."""
        told = self.credentials(project)
        who = {
            "name": told["OS_USERNAME"],
            "domain": {"name": told["OS_USER_DOMAIN_NAME"]},
            "password": told["OS_PASSWORD"],
        }
        scope = {"project": {"id": told["INFRA_PROJECT_ID"]}}
        body = {"auth": {"identity": {"methods": ["password"], "password": {"user": who}}, "scope": scope}}
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(f"{told['OS_AUTH_URL']}/auth/tokens", json=body)
        return answer.raise_for_status().headers["X-Subject-Token"]

    async def list_the_cloud(self) -> float:
        """List each collection of each project once and parse it; return the seconds that this takes."""
        began = time.perf_counter()
        for number in range(len(self._projects)):
            headers = {"X-Auth-Token": await self.sandbox_token(number)}
            endpoint = self.sandbox.url + api_path(DEFAULT_WORLD.regions[number % 2], DEFAULT_WORLD)
            async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as http:
                for collection in ("datastores", "users", "topics"):
                    answer = await http.get(f"{endpoint}/{collection}")
                    orjson.loads(answer.raise_for_status().content)
        return time.perf_counter() - began

    def operator_usage(self) -> Usage:
        return usage(self.operator.pid)

    def kubernetes_writes(self) -> int:
        """How many there were since the start, those of the API server itself left out (it renews its leases)."""
        events = self.cluster.audit(verb=("create", "update", "patch", "delete", "deletecollection"))
        asks = "selfsubjectaccessreviews"  # a question, though it is POSTed
        return sum(not event.user.startswith("system:") and event.resource != asks for event in events)

    async def create_all(self, manifests: Sequence[Manifest]) -> None:
        """POST them with the concurrency of a kubectl that is in a hurry."""
        waiting = iter(manifests)

        async def write() -> None:
            for each in waiting:
                await self.cluster.create(each)

        await asyncio.gather(*(write() for _ in range(WRITERS)))

    async def delete_all(self, kind: str, names: Sequence[str]) -> None:
        waiting = iter(names)

        async def write() -> None:
            for name in waiting:
                await self.cluster.delete(kind, name, NAMESPACE)

        await asyncio.gather(*(write() for _ in range(WRITERS)))

    async def start_operator(self, **settings: object) -> None:
        """Start it, and wait until its caches are filled."""
        await self.operator.start(**settings)
        async with self.probe() as is_ready:
            await self.until(is_ready)

    @asynccontextmanager
    async def probe(self) -> AsyncIterator[Callable[[], Awaitable[bool]]]:
        """Return what asks the operator, over one connection, whether it is ready."""
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:

            async def is_ready() -> bool:
                try:
                    return (await http.get(f"http://127.0.0.1:{self._probe_port}/readyz")).is_success
                except httpx.TransportError:
                    return False

            yield is_ready

    async def until_nothing_waits(self) -> None:
        """After a start there is a pass over each resource; wait until no resource waits for its pass any more."""
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            while True:
                told = (await http.get(f"http://127.0.0.1:{self._metrics_port}/metrics")).raise_for_status().text
                (queued,) = re.findall(r"^managed_databases_queued (\S+)$", told, re.MULTILINE)
                if not float(queued):
                    return
                await asyncio.sleep(1)

    async def at_rest(self, resources: int) -> list[str]:
        """Have so many resources or more, all Ready: of three, two users and a topic. Return the topics' names.

        The projects have a datastore of PostgreSQL and one of Kafka each, and users and topics are spread over them.
        """
        found = {kind: await self.names(kind) for kind in ("ManagedDatastore", "DatabaseUser", "KafkaTopic")}
        wanted, count = list[Manifest](), len(self._projects)
        for number, project in enumerate(self._projects):
            of = project if number else None
            wanted += [postgresql(each_of("main", number), of), kafka(each_of("kafka", number), of)]
        users, topics = resources - resources // 3, resources // 3
        wanted += [user(f"user{number}", each_of("main", number % count)) for number in range(users)]
        wanted += [topic(f"topic{number}", each_of("kafka", number % count)) for number in range(topics)]
        await self.create_all([each for each in wanted if each["metadata"]["name"] not in found[each["kind"]]])
        await self.until_quiet(max(PATIENCE_SECONDS, resources * PATIENCE_A_RESOURCE))
        return [each["metadata"]["name"] for each in wanted if each["kind"] == "KafkaTopic"]

    async def names(self, kind: str) -> set[str]:
        return {each["metadata"]["name"] for each in await self.cluster.list(kind, NAMESPACE)}

    async def ready_count(self, kind: str) -> int:
        return sum(is_ready(resource) for resource in await self.cluster.list(kind, NAMESPACE))

    async def until_these_are_ready(self, manifests: Sequence[Manifest]) -> None:
        """Wait with few questions: lists are asked for only once the last one is Ready."""
        last = manifests[-1]

        async def last_is_ready() -> bool:
            return is_ready(await self.cluster.get(last["kind"], last["metadata"]["name"], NAMESPACE))

        await self.until(last_is_ready)
        await self.until(partial(self._are_ready, manifests))

    async def _are_ready(self, manifests: Sequence[Manifest]) -> bool:
        for kind in {each["kind"] for each in manifests}:
            ready = {each["metadata"]["name"] for each in await self.cluster.list(kind, NAMESPACE) if is_ready(each)}
            if not ready.issuperset(each["metadata"]["name"] for each in manifests if each["kind"] == kind):
                return False
        return True

    async def ready_at(self, kind: str, names: set[str]) -> list[float]:
        """The moments at which these were Ready at the latest: a condition tells whole seconds."""
        listed = await self.cluster.list(kind, NAMESPACE)
        return [
            datetime.fromisoformat(condition["lastTransitionTime"]).timestamp() + 1
            for each in listed
            if each["metadata"]["name"] in names
            for condition in each["status"]["conditions"]
            if condition["type"] == "Ready"
        ]

    async def until_ready(self, wanted: dict[str, int]) -> None:
        """Wait until so many of each kind are Ready at their newest generation."""

        async def all_ready() -> bool:
            return all([await self.ready_count(kind) >= count for kind, count in wanted.items()])

        await self.until(all_ready)

    async def until_quiet(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until every resource is Ready, and the cloud is known to match it. Raises TimeoutError."""

        async def all_ready() -> bool:
            for kind in ("ManagedDatastore", "DatabaseUser", "KafkaTopic"):
                listed = await self.cluster.list(kind, NAMESPACE)
                if not all(is_ready(each) and is_ready(each, "Synced") for each in listed):
                    return False
            return True

        await self.until(all_ready, every_seconds=2, patience_seconds=patience_seconds, rest=REST)

    async def until_gone(self, kind: str, prefix: str) -> None:
        async def none_left() -> bool:
            return not any(name.startswith(prefix) for name in await self.names(kind))

        await self.until(none_left)

    async def until(
        self,
        check: Callable[[], Awaitable[bool]],
        every_seconds: float = 0.25,
        patience_seconds: float = PATIENCE_SECONDS,
        rest: float = 0.0,
    ) -> None:
        """After a check there is a pause of at least `rest` times what the check took. Raises TimeoutError."""
        ends = time.monotonic() + patience_seconds
        while True:
            began = time.monotonic()
            if await check():
                return
            if time.monotonic() > ends:
                raise TimeoutError(self.operator.log_tail())
            await asyncio.sleep(max(every_seconds, rest * (time.monotonic() - began)))


def each_of(name: str, number: int) -> str:
    """Return the name of the thing of this number, of several of which the first one has a plain name."""
    return f"{name}-{number}" if number else name


def is_ready(resource: Manifest, type_: str = "Ready") -> bool:
    status = resource.get("status", {})
    return status.get("observedGeneration") == resource["metadata"]["generation"] and any(
        condition["type"] == type_ and condition["status"] == "True" for condition in status.get("conditions", [])
    )
