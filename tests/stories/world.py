"""The world of a story: a real API server, the sandbox over HTTP, and the operator as its own process."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cluster import PATIENCE_SECONDS, Cluster, Manifest
from managed_databases.kinds.registry import GROUP, VERSION, kinds
from managed_databases.kube.account_policies import BINDING, POLICY, secrets_policy
from managed_databases.kube.rbac import Access, AccessRule, access
from managed_databases.reconcile.ports import GIVEN, MANAGED_LABEL
from operator_process import OperatorProcess, lost_errors
from sandbox_process import SandboxProcess

API_VERSION = f"{GROUP}/{VERSION}"
SUBNET = "11111111-2222-4333-8444-555555555555"
COLLECTIONS = {"ManagedDatastore": "datastores", "ManagedDatabase": "databases", "DatabaseUser": "users"}


def manifest(kind: str, name: str, namespace: str | None, spec: dict[str, Any], **metadata: Any) -> Manifest:
    where = {"namespace": namespace} if namespace else {}
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name, **where, **metadata},
        "spec": spec,
    }


def condition(resource: Manifest, type_: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = resource.get("status", {}).get("conditions", [])
    for each in found:
        if each["type"] == type_:
            return each
    return {}


@dataclass
class World:
    """One namespace with people's resources, one of the operator's, one project; gone when the story ends."""

    cluster: Cluster
    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    sandbox_arguments: tuple[str, ...] = ()
    sandbox_delay: float = 0.05
    namespaces: list[str] = field(default_factory=list)
    project_names: list[str] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._stack = AsyncExitStack()
        await self._take_names()
        self.namespaces += [self.namespace]
        sandbox = SandboxProcess(
            *self.sandbox_arguments, state=self.folder / "sandbox.json", delay_seconds=self.sandbox_delay
        )
        self.sandbox, account = await asyncio.gather(self._stack.enter_async_context(sandbox), self._account())
        await self.put_secret(self.system, "cloud", self.sandbox.credentials())
        await self.cluster.apply(secrets_policy(self._limit, self.account))
        self.operator = OperatorProcess(account, self.folder / "operator.log", **self._all_settings())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.operator.__aexit__(kind, error, trace)
        print(f"--- the operator's log ---\n{self.operator.log_tail(60)}")  # noqa: T201 - shown when the story fails
        await self._stack.__aexit__(kind, error, trace)
        for namespace in [*self.namespaces, self.system]:
            await self._sweep(namespace)
        for name in self.project_names:
            await self.cluster.delete("DatabaseProject", name, check=False)
        for what in (BINDING, POLICY):
            await self.cluster.delete(what, self._limit, check=False)
        if error is None:
            assert lost_errors(self.folder) == []

    @property
    def account(self) -> str:
        """The operator's name at the API server."""
        return f"system:serviceaccount:{self.system}:operator"

    @property
    def _limit(self) -> str:
        """The policy on the operator's Secrets, as every installation has it."""
        return f"limit-{self.system}"

    def _all_settings(self) -> dict[str, Any]:
        return {
            "namespace": self.system,
            "watch_namespaces": ",".join(self.namespaces),
        } | self.settings

    async def another_namespace(self) -> str:
        """Before the operator is started: another namespace that it serves."""
        name = await self.cluster.namespace("other")
        self.namespaces.append(name)
        account = await self._account()
        self.operator = OperatorProcess(account, self.folder / "operator.log", **self._all_settings())
        return name

    async def comes_back(self, namespace: str) -> None:
        """A namespace that was deleted is made again, with the operator's rights in it."""
        await self.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        await self._account()

    async def another_replica(self, log: str, **settings: Any) -> OperatorProcess:
        """Another process of the same operator, not started yet; whoever asks for it has to kill it."""
        return OperatorProcess(await self._account(), self.folder / log, **self._all_settings() | settings)

    async def grant_cluster_wide(self) -> None:
        """Rights as an installation for the whole cluster has: a namespace that goes takes its own Roles along at once."""
        rights = access(kinds().values())
        await self.grant("ClusterRole", None, f"{self.system}-wide", (*rights.in_each_namespace, *rights.watch_secrets))

    async def serve_whole_cluster(self) -> Access:
        """Before the operator is started: exactly the rights of an installation for the whole cluster; return them."""
        for namespace in (*self.namespaces, self.system):
            await self.cluster.delete("RoleBinding", "operator", namespace)
        await self.cluster.delete("RoleBinding", self.system, "default")
        rights = access(kinds().values())
        await self.grant("ClusterRole", None, self.system, (*rights.clusterwide, *rights.watch_secrets))
        await self.grant("Role", self.system, "operator", rights.own_namespace)
        self.operator = OperatorProcess(
            await self.cluster.service_account(self.system, "operator"),
            self.folder / "operator.log",
            **self._all_settings() | {"watch_namespaces": ""},
        )
        return rights

    async def reach_kubernetes_through(self, changed: Callable[[Path], Path]) -> None:
        """Before the operator is started: it uses what `changed` makes of its kubeconfig."""
        path = changed(await self._account())
        self.operator = OperatorProcess(path, self.folder / "operator.log", **self._all_settings())

    # --- manifests ---

    def project_manifest(self, **spec: Any) -> Manifest:
        usual = {
            "region": "region-1",
            "default": True,
            "credentialsSecretRef": {"name": "cloud"},
            "allowedNamespaces": [{"name": self.namespace}],
            "pollSeconds": 5,
        }
        if self.project not in self.project_names:
            self.project_names.append(self.project)
        return manifest("DatabaseProject", self.project, None, usual | spec)

    def datastore(self, name: str = "main", /, **spec: Any) -> Manifest:
        usual = {
            "engine": {"type": "postgresql", "version": "16"},
            "flavor": {"vcpus": 2, "ramMB": 4096, "diskGB": 32},
            "nodeCount": 1,
            "subnetID": SUBNET,
            "deletionProtection": False,
        }
        return manifest("ManagedDatastore", name, self.namespace, usual | spec)

    def database(self, name: str = "shop", /, **spec: Any) -> Manifest:
        return manifest("ManagedDatabase", name, self.namespace, {"datastoreRef": {"name": "main"}} | spec)

    def user(self, name: str = "app", /, **spec: Any) -> Manifest:
        return manifest("DatabaseUser", name, self.namespace, {"datastoreRef": {"name": "main"}} | spec)

    # --- doing ---

    async def apply(self, *manifests: Manifest) -> None:
        for each in manifests:
            await self.cluster.apply(each)

    async def put_secret(self, namespace: str, name: str, data: dict[str, str], *, is_given: bool = False) -> None:
        """`is_given`: it says that resources may be given the passwords in it."""
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
        metadata = {"name": name, "namespace": namespace, "labels": {MANAGED_LABEL: GIVEN} if is_given else {}}
        await self.cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": encoded})

    async def annotate(self, kind: str, name: str, **annotations: str | None) -> None:
        told = {f"{GROUP}/{key.replace('_', '-')}": value for key, value in annotations.items()}
        await self.cluster.patch(kind, name, self._namespace_of(kind), {"metadata": {"annotations": told}})

    async def change(self, kind: str, name: str, /, **spec: Any) -> Manifest:
        return await self.cluster.patch(kind, name, self._namespace_of(kind), {"spec": spec})

    async def delete(self, kind: str, name: str, *, wait: bool = True) -> None:
        await self.cluster.delete(kind, name, self._namespace_of(kind), wait=wait)

    # --- seeing ---

    async def get(self, kind: str, name: str) -> Manifest:
        return await self.cluster.get(kind, name, self._namespace_of(kind))

    async def becomes(
        self, kind: str, name: str, type_: str = "Ready", status: str = "True", reason: str | None = None
    ) -> Manifest:
        """Wait for a condition of the newest generation; return the resource."""

        async def look() -> Manifest:
            resource = await self.get(kind, name)
            found = condition(resource, type_)
            assert found.get("status") == status, resource.get("status")
            assert reason is None or found["reason"] == reason, resource["status"]
            assert found["observedGeneration"] == resource["metadata"]["generation"], resource["status"]
            return resource

        said: Manifest = await self.cluster.wait_until(f"{kind} {name}: {type_}={status} {reason or ''}", look)
        return said

    async def until(self, what: str, check: Callable[[], Awaitable[object]], seconds: float = PATIENCE_SECONDS) -> Any:
        return await self.cluster.wait_until(what, check, seconds)

    async def secret(self, name: str) -> dict[str, str]:
        secret = await self.cluster.get("Secret", name, self.namespace)
        return {key: base64.b64decode(value).decode() for key, value in (secret.get("data") or {}).items()}

    async def posts(self, collection: str) -> list[dict[str, Any]]:
        """The POSTs on a collection that the sandbox has received, oldest first."""
        return [
            request
            for request in await self.sandbox.requests(method="POST")
            if request["path"].endswith(f"/{collection}")
        ]

    async def made(self, collection: str) -> list[dict[str, Any]]:
        """Those POSTs that made something; a datastore at work refuses, and is asked again."""
        return [post for post in await self.posts(collection) if post["status"] in (200, 201)]

    async def calls(self, method: str, path_part: str = "") -> list[dict[str, Any]]:
        return [request for request in await self.sandbox.requests(method=method) if path_part in request["path"]]

    async def login_works(self, user: str = "app", secret: str | None = None) -> bool:
        """Whether the password in the Secret opens the database."""
        resource = await self.get("DatabaseUser", user)
        found = await self.secret(secret or f"{user}-user")
        return await self.sandbox.login(
            resource["status"]["identity"]["datastoreID"], found["username"], found["password"]
        )

    # --- inside ---

    async def _take_names(self) -> None:
        self.namespace = await self.cluster.namespace("story")
        self.system = await self.cluster.namespace("system")
        self.project = f"project-{self.system.removeprefix('system-')}"

    def _namespace_of(self, kind: str) -> str | None:
        return self.namespace if kinds()[kind].namespaced else None

    async def _account(self) -> Path:
        """The operator's own service account, with the least rights for exactly these namespaces."""
        account = {"name": "operator", "namespace": self.system}
        await self.cluster.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
        rights = access(kinds().values())
        await self.grant("ClusterRole", None, self.system, rights.cluster_scoped)
        for namespace in self.namespaces:
            await self.grant("Role", namespace, "operator", (*rights.in_each_namespace, *rights.watch_secrets))
        await self.grant(
            "Role", self.system, "operator", (*rights.own_namespace, *rights.own_secrets, *rights.watch_secrets)
        )
        await self.grant("Role", "default", self.system, rights.project_events)
        return await self.cluster.service_account(self.system, "operator")

    async def grant(self, kind: str, namespace: str | None, name: str, rules: tuple[AccessRule, ...]) -> None:
        api = "rbac.authorization.k8s.io/v1"
        metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
        await self.cluster.apply(
            {"apiVersion": api, "kind": kind, "metadata": metadata, "rules": [rule.as_values() for rule in rules]}
        )
        await self.cluster.apply(
            {
                "apiVersion": api,
                "kind": f"{kind}Binding",
                "metadata": metadata,
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
                "subjects": [{"kind": "ServiceAccount", "name": "operator", "namespace": self.system}],
            }
        )

    async def _listed(self, plural: str, namespace: str) -> list[Manifest]:
        """An API server that was away refuses for a moment, while it fills its caches."""

        async def look() -> tuple[list[Manifest]]:
            return (await self.cluster.list(plural, namespace),)

        found: tuple[list[Manifest]] = await self.cluster.wait_until(f"{plural} can be listed", look)
        return found[0]

    async def _sweep(self, namespace: str) -> None:
        """Leave nothing to the next story, which may serve the whole cluster: finalizers first, as no operator runs any more.

        What was only left to the end of its namespace would be there for a while, and get its finalizer back.
        """
        for kind in kinds().values():
            if not kind.namespaced:
                continue
            for resource in await self._listed(kind.plural, namespace):
                name = resource["metadata"]["name"]
                gone = {
                    "metadata": {"finalizers": None},
                    "spec": {"deletionPolicy": "Retain", "deletionProtection": False},
                }
                await self.cluster.patch(kind.plural, name, namespace, gone, check=False)
                await self.cluster.delete(kind.plural, name, namespace, check=False)
        await self.cluster.delete("Namespace", namespace, check=False)
