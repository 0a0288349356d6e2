"""What every benchmark runs on: a local control plane, a sandbox without delays, and the operator as its own process."""

import asyncio
import base64
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from benchmarks.processes import Usage, usage
from cluster import Cluster, Manifest
from managed_databases.controlplane.binaries import find_binaries
from managed_databases.controlplane.cluster import ControlPlane
from managed_databases.controlplane.commands import free_port
from managed_databases.kinds.registry import GROUP, VERSION, kinds
from managed_databases.kube.generated_files import crd_files
from operator_process import OperatorProcess
from sandbox_process import SandboxProcess

API_VERSION = f"{GROUP}/{VERSION}"
NAMESPACE = "bench"
SYSTEM = "bench-system"
SUBNET = "11111111-2222-4333-8444-555555555555"
WRITERS = 16
PATIENCE_SECONDS = 1800


def manifest(kind: str, name: str, spec: dict[str, Any]) -> Manifest:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}


def postgresql(name: str) -> Manifest:
    spec = {
        "engine": {"type": "postgresql", "version": "16"},
        "flavor": {"vcpus": 2, "ramMB": 4096, "diskGB": 32},
        "nodeCount": 1,
        "subnetID": SUBNET,
        "deletionProtection": False,
    }
    return manifest("ManagedDatastore", name, spec)


def kafka(name: str) -> Manifest:
    datastore = postgresql(name)
    datastore["spec"]["engine"] = {"type": "kafka", "version": "3.5"}
    return datastore


def user(name: str, datastore: str) -> Manifest:
    return manifest("DatabaseUser", name, {"datastoreRef": {"name": datastore}})


def topic(name: str, datastore: str) -> Manifest:
    return manifest("KafkaTopic", name, {"datastoreRef": {"name": datastore}, "partitions": 1})


class Stage:
    """`async with Stage() as stage`. `settings` are the operator's; the budget of calls is out of the way."""

    def __init__(self, **settings: object) -> None:
        self._probe_port = free_port()
        rest = {"namespace": SYSTEM, "log_level": "warning", "probe_port": self._probe_port}
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
        data = {key: base64.b64encode(value.encode()).decode() for key, value in self.sandbox.credentials().items()}
        metadata = {"name": "cloud", "namespace": SYSTEM}
        await self.cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
        project = {
            "region": "region-1",
            "default": True,
            "credentialsSecretRef": {"name": "cloud"},
            "allowedNamespaces": [{"name": NAMESPACE}],
        }
        await self.cluster.apply(
            {"apiVersion": API_VERSION, "kind": "DatabaseProject", "metadata": {"name": "bench"}, "spec": project}
        )
        self.operator = await self._stack.enter_async_context(
            OperatorProcess(self.plane.kubeconfig, folder / "operator.log", **self._settings)
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def sandbox_token(self) -> str:
        """A token of the project, for those who call the API by themselves."""
        told = self.sandbox.credentials()
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
        await self.until(self._operator_is_ready)

    async def _operator_is_ready(self) -> bool:
        async with httpx.AsyncClient(trust_env=False) as http:
            try:
                return (await http.get(f"http://127.0.0.1:{self._probe_port}/readyz")).is_success
            except httpx.TransportError:
                return False

    async def at_rest(self, resources: int) -> list[str]:
        """Have so many resources or more, all Ready: of three, two users and a topic. Return the topics' names."""
        found = {kind: await self.names(kind) for kind in ("ManagedDatastore", "DatabaseUser", "KafkaTopic")}
        wanted = [postgresql("main"), kafka("kafka")]
        wanted += [user(f"user{number}", "main") for number in range(resources - resources // 3)]
        wanted += [topic(f"topic{number}", "kafka") for number in range(resources // 3)]
        await self.create_all([each for each in wanted if each["metadata"]["name"] not in found[each["kind"]]])
        await self.until_quiet()
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

    async def until_quiet(self) -> None:
        """Wait until every resource is Ready, and the cloud is known to match it."""

        async def all_ready() -> bool:
            for kind in ("ManagedDatastore", "DatabaseUser", "KafkaTopic"):
                listed = await self.cluster.list(kind, NAMESPACE)
                if not all(is_ready(each) and is_ready(each, "Synced") for each in listed):
                    return False
            return True

        await self.until(all_ready, every_seconds=2)

    async def until_gone(self, kind: str, prefix: str) -> None:
        async def none_left() -> bool:
            return not any(name.startswith(prefix) for name in await self.names(kind))

        await self.until(none_left)

    async def until(
        self,
        check: Callable[[], Awaitable[bool]],
        every_seconds: float = 0.25,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """Raises TimeoutError."""
        ends = time.monotonic() + patience_seconds
        while not await check():
            if time.monotonic() > ends:
                raise TimeoutError(self.operator.log_tail())
            await asyncio.sleep(every_seconds)


def is_ready(resource: Manifest, type_: str = "Ready") -> bool:
    status = resource.get("status", {})
    return status.get("observedGeneration") == resource["metadata"]["generation"] and any(
        condition["type"] == type_ and condition["status"] == "True" for condition in status.get("conditions", [])
    )
