"""What happens while the dashboard is recorded: some minutes in the life of two replicas of the operator."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from cluster import Cluster, Manifest
from managed_databases.controlplane.binaries import find_binaries
from managed_databases.controlplane.cluster import ControlPlane
from managed_databases.controlplane.commands import free_port
from managed_databases.kinds.registry import GROUP, VERSION, kinds
from managed_databases.kube.account_policies import status_policy
from managed_databases.kube.generated_files import crd_files
from operator_process import OperatorProcess
from sandbox_process import SandboxProcess

SYSTEM: Final = "managed-databases-system"
SHOP, STREAMS = "shop", "streams"
PROJECT: Final = "prod"
SUBNET: Final = "11111111-2222-4333-8444-555555555555"
PODS: Final = ("operator-0", "operator-1")
CHANGE_SECONDS: Final = 4.0
"""What the sandbox takes for each change."""
ROTATE: Final = "manageddatabases.io/rotate-password"
PROGRAMS: Final = ("etcd", "kube-apiserver", "kubectl")


def manifest(kind: str, namespace: str, name: str, **spec: Any) -> Manifest:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": kind, "metadata": metadata, "spec": spec}


def datastore(namespace: str, name: str, engine: str, version: str, flavor: dict[str, Any]) -> Manifest:
    told = {"engine": {"type": engine, "version": version}, "flavor": flavor, "nodeCount": 1, "subnetID": SUBNET}
    return manifest("ManagedDatastore", namespace, name, **told, deletionProtection=False)


def user(name: str, **spec: Any) -> Manifest:
    return manifest("DatabaseUser", SHOP, name, datastoreRef={"name": "orders"}, **spec)


def topic(name: str) -> Manifest:
    return manifest("KafkaTopic", STREAMS, name, datastoreRef={"name": "events"}, partitions=3)


FLAVOR: Final = {"vcpus": 2, "ramMB": 4096, "diskGB": 32}
CACHE: Final = datastore(SHOP, "cache", "redis", "7", {"name": "RS1.2-4096-40"})
EVENTS: Final = datastore(STREAMS, "events", "kafka", "3.6", FLAVOR)
ORDERS: Final = datastore(SHOP, "orders", "postgresql", "16", FLAVOR)


class Life:
    """`ports` are those of the metrics of each Pod."""

    def __init__(self, cluster: Cluster, sandbox: SandboxProcess, pods: dict[str, OperatorProcess]) -> None:
        self._cluster, self._sandbox, self._pods = cluster, sandbox, pods
        self.ports = {name: int(str(pod.settings["metrics_port"])) for name, pod in pods.items()}

    async def goes_on(self, told: Callable[[str], None]) -> None:
        """Do what `HAPPENS` says, each at its second."""
        began = asyncio.get_running_loop().time()
        for second, what, do in HAPPENS:
            await asyncio.sleep(max(0, began + second - asyncio.get_running_loop().time()))
            told(f"{second:4} s: {what}")
            await do(self)

    async def apply(self, *manifests: Manifest) -> None:
        await asyncio.gather(*map(self._cluster.apply, manifests))

    async def fills(self, name: str, percent: int) -> None:
        for row in await self._sandbox.objects("datastores"):
            if row["name"] == name:
                await self._sandbox.edit("datastores", row["id"], disk_used=percent)

    async def rotate(self, *names: str) -> None:
        for name in names:
            patch = {"metadata": {"annotations": {ROTATE: "request-1"}}}
            await self._cluster.patch("DatabaseUser", name, SHOP, patch)

    async def fault(self, **told: Any) -> None:
        await self._sandbox.fault(**told)

    async def all_is_well(self) -> None:
        await self._sandbox.clear_faults()

    async def somebody_made(self, *names: str) -> None:
        """Topics that are there before their resources."""
        (events,) = [row for row in await self._sandbox.objects("datastores") if row["name"] == "events"]
        for name in names:
            await self._sandbox.create("topics", {"name": name, "datastore_id": events["id"], "partitions": 3})

    async def delete(self, *manifests: Manifest) -> None:
        for each in manifests:
            await self._cluster.delete(each["kind"], each["metadata"]["name"], each["metadata"]["namespace"])

    async def leader_dies(self) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            for name, port in self.ports.items():
                if "\nmanaged_databases_leads 1" in (await client.get(f"http://127.0.0.1:{port}/metrics")).text:
                    await self._pods[name].kill()
                    return

    async def dead_come_back(self) -> None:
        for pod in self._pods.values():
            if not pod.is_running:
                await pod.start()


REFUSED: Final = {"path": "/users$", "method": "POST", "status": 429, "headers": {"Retry-After": "3"}}
BROKEN: Final = {"path": "^/v1/", "share": 0.4, "status": 503}
ODD: Final = {"path": "^/v1/topics$", "method": "GET", "rows": {"partitions": "many"}}
Step = tuple[int, str, Callable[[Life], Awaitable[None]]]
HAPPENS: Final[Sequence[Step]] = (
    (
        20,
        "a PostgreSQL with a database and four users, two of which have new passwords by dates; a Redis",
        lambda life: life.apply(
            ORDERS,
            CACHE,
            manifest("ManagedDatabase", SHOP, "shop", datastoreRef={"name": "orders"}, ownerRef={"name": "app"}),
            user("app", rotation={"everyDays": 30}),
            user("reports", rotation={"everyDays": 90}),
            user("audit"),
            user("backup"),
        ),
    ),
    (60, "a Kafka with eight topics", lambda life: life.apply(EVENTS, *(topic(f"topic-{n}") for n in range(8)))),
    (90, "a disk fills up", lambda life: life.fills("orders", 34)),
    (120, "thirty users at once", lambda life: life.apply(*(user(f"team{n}") for n in range(30)))),
    (165, "the passwords of four users are changed", lambda life: life.rotate("app", "reports", "audit", "backup")),
    (195, "the API refuses creations of users (429)", lambda life: life.fault(**REFUSED, times=25)),
    (196, "ten users more", lambda life: life.apply(*(user(f"late{n}") for n in range(10)))),
    (215, "the disk fills up further", lambda life: life.fills("orders", 61)),
    (240, "of four calls to the API ten fail (503)", lambda life: life.fault(**BROKEN)),
    (241, "eight topics more", lambda life: life.apply(*(topic(f"topic-{n}") for n in range(8, 16)))),
    (280, "the API is well again", lambda life: life.all_is_well()),
    (290, "two topics that somebody has made", lambda life: life.somebody_made("orders", "clicks")),
    (291, "their resources, which are refused", lambda life: life.apply(topic("orders"), topic("clicks"))),
    (
        300,
        "a user whose login is tried, of a host that nobody reaches",
        lambda life: life.apply(user("web", probe=True)),
    ),
    (310, "lists of topics have odd rows", lambda life: life.fault(**ODD)),
    (365, "the replica that leads is killed", lambda life: life.leader_dies()),
    (375, "lists are well again", lambda life: life.all_is_well()),
    (385, "the killed replica is back", lambda life: life.dead_come_back()),
    (400, "the disk is almost full", lambda life: life.fills("orders", 88)),
    (420, "twenty users are deleted", lambda life: life.delete(*(user(f"team{n}") for n in range(20)))),
    (440, "the Redis is deleted", lambda life: life.delete(CACHE)),
)
"""The second, what happens, and how."""


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Life]:
    """A control plane, the sandbox and two replicas of the operator, as processes of their own; `folder` gets their logs."""
    async with AsyncExitStack() as stack:
        plane = await stack.enter_async_context(ControlPlane(await find_binaries(print, PROGRAMS)))
        cluster = await stack.enter_async_context(Cluster(plane))
        for path, text in crd_files(kinds().values()).items():
            if path.suffix == ".yaml":
                await cluster.apply(text)
        await cluster.apply(status_policy([await _user_name(cluster)]))
        for name in (SYSTEM, SHOP, STREAMS):
            await cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        sandbox = await stack.enter_async_context(SandboxProcess(delay_seconds=CHANGE_SECONDS))
        await cluster.apply([*_project(sandbox.credentials())])
        pods = {
            name: await stack.enter_async_context(
                OperatorProcess(
                    plane.kubeconfig,
                    folder / f"{name}.log",
                    namespace=SYSTEM,
                    leader_election=True,
                    metrics_port=free_port(),
                    pending_poll_seconds=3,
                    call_limit_seconds=30,
                )
            )
            for name in PODS
        }
        yield Life(cluster, sandbox, pods)


async def _user_name(cluster: Cluster) -> str:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = await cluster.http.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", json=body)
    return str(answer.raise_for_status().json()["status"]["userInfo"]["username"])


def _project(credentials: dict[str, str]) -> Sequence[Manifest]:
    data = {key: base64.b64encode(value.encode()).decode() for key, value in credentials.items()}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": PROJECT, "namespace": SYSTEM}, "data": data}
    spec = {
        "region": credentials["INFRA_REGION"],
        "default": True,
        "credentialsSecretRef": {"name": PROJECT},
        "allowedNamespaces": [{"name": SHOP}, {"name": STREAMS}],
    }
    project = {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "DatabaseProject",
        "metadata": {"name": PROJECT},
        "spec": spec,
    }
    return [secret, project]
