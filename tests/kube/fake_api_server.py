"""An API server that can be made to fail as the real one does: for what kopf does then, and for what we make of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import GROUP, VERSION
from managed_databases.kinds.schema import Spec
from managed_databases.kinds.shared_fields import Status
from managed_databases.kube.connection import KubeConnection

THING = Kind("Thing", "things", (), Spec, Status, ())
PLANET = Kind("Planet", "planets", (), Spec, Status, (), namespaced=False)

GROUP_PATH = f"/apis/{GROUP}/{VERSION}"
THINGS = f"{GROUP_PATH}/things"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"
SECRETS = "/api/v1/secrets"
NAMESPACES = "/api/v1/namespaces"

KIND_OF = {
    "things": "Thing",
    "planets": "Planet",
    "secrets": "Secret",
    "services": "Service",
    "namespaces": "Namespace",
}
CLUSTER_SCOPED = ("planets", "databaseprojects")


@dataclass
class FakeApiServer:
    """Serves lists and watches of a few collections. The switches may be turned at any time."""

    version: int = 100
    objects: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    events: list[tuple[int, str, str, dict[str, Any]]] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    forbidden: set[str] = field(default_factory=set)
    """Collections that a review says no to."""
    without_role: set[str] = field(default_factory=set)
    """Namespaces in which nothing may be listed or watched."""
    accepts: dict[tuple[str, bool], str] = field(default_factory=dict)
    compacted_at: int = 0
    status: int = 200
    mute: bool = False
    closes: bool = False
    """Each watch's connection is closed with it: the next one takes a new connection."""
    hang_up: bool = False
    watch_error: int | None = None
    """The code of the ERROR event that ends each new watch."""
    forget_continue: bool = False
    unserved: bool = False
    """Every collection of ours is answered 404, while the definitions are there."""
    definitions: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The metadata of CustomResourceDefinitions by name."""
    served: list[str] = field(default_factory=lambda: ["things", "planets"])
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _generation: int = 0

    async def put(self, plural: str, namespace: str, name: str, uid: str, **fields: Any) -> None:
        """Add or change an object and tell the watches."""
        self.version += 1
        known = self.objects.get((plural, namespace, name))
        metadata = {"name": name, "uid": uid, "resourceVersion": str(self.version), **fields.pop("metadata", {})}
        if namespace:
            metadata["namespace"] = namespace
        raw = {"apiVersion": "v1", "kind": KIND_OF[plural], "metadata": metadata, **fields}
        self.objects[plural, namespace, name] = raw
        await self._tell("MODIFIED" if known else "ADDED", plural, raw)

    async def delete(self, plural: str, namespace: str, name: str) -> None:
        self.version += 1
        raw = self.objects.pop((plural, namespace, name))
        raw = {**raw, "metadata": {**raw["metadata"], "resourceVersion": str(self.version)}}
        await self._tell("DELETED", plural, raw)

    async def drop_watches(self, *, compact: bool = False) -> None:
        """End all open watches; `compact`: nothing before now can be watched any more (410)."""
        if compact:
            self.version += 1
            self.compacted_at = self.version
        async with self._changed:
            self._generation += 1
            self._changed.notify_all()

    def count(self, path: str, *, watch: bool = False) -> int:
        return sum(1 for _, each, query in self.requests if each == path and ("watch" in query) == watch)

    @property
    def writes(self) -> list[str]:
        return [
            f"{method} {path}" for method, path, _ in self.requests if method != "GET" and "accessreview" not in path
        ]

    async def _tell(self, type_: str, plural: str, raw: dict[str, Any]) -> None:
        async with self._changed:
            self.events.append((self.version, type_, plural, raw))
            self._changed.notify_all()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.path, dict(request.query)))
        if request.path.endswith("/selfsubjectaccessreviews"):
            asked = (await request.json())["spec"]["resourceAttributes"]["resource"]
            return web.json_response(
                {"kind": "SelfSubjectAccessReview", "status": {"allowed": asked not in self.forbidden}}
            )
        if self.status != 200:
            return self._refuse(self.status, "told to fail")
        if (discovered := self._discovery(request.path)) is not None:
            return web.json_response(discovered)
        if request.path.startswith(DEFINITIONS):
            metadata = self.definitions.get(request.path.removeprefix(DEFINITIONS))
            return web.json_response({"metadata": metadata}) if metadata else self._refuse(404, "NotFound")
        plural, namespace, name = self._parse(request.path)
        if request.path.startswith(GROUP_PATH) and (self.unserved or plural not in self.served):
            return self._refuse(404, "NotFound")
        if namespace in self.without_role:
            return self._refuse(403, "Forbidden")
        if name:
            found = self.objects.get((plural, namespace, name))
            return web.json_response(found) if found else self._refuse(404, "NotFound")
        if request.method == "POST":
            return web.json_response(await self._make(plural, namespace, await request.json()), status=201)
        self.accepts[request.path, "watch" in request.query] = request.headers.get("Accept", "")
        if "watch" in request.query:
            return await self._watch(request, plural, namespace)
        return self._list(request, plural, namespace)

    async def _make(self, plural: str, namespace: str, given: dict[str, Any]) -> dict[str, Any]:
        metadata = given.pop("metadata")
        name = metadata.pop("name")
        rest = {key: value for key, value in given.items() if key not in ("apiVersion", "kind")}
        await self.put(plural, namespace, name, f"uid-{name}", metadata=metadata, **rest)
        return self.objects[plural, namespace, name]

    def _refuse(self, status: int, reason: str) -> web.Response:
        body = {"kind": "Status", "code": status, "reason": reason, "message": reason}
        return web.json_response(body, status=status)

    def _discovery(self, path: str) -> dict[str, Any] | None:
        versions = [{"groupVersion": f"{GROUP}/{VERSION}", "version": VERSION}]
        crd_versions = [{"groupVersion": "apiextensions.k8s.io/v1", "version": "v1"}]
        groups = [
            {"name": GROUP, "versions": versions, "preferredVersion": versions[0]},
            {"name": "apiextensions.k8s.io", "versions": crd_versions, "preferredVersion": crd_versions[0]},
        ]
        answers: dict[str, Any] = {
            "/api": {"versions": ["v1"]},
            "/apis": {"groups": groups},
            "/api/v1": {
                "resources": [_resource("secrets", True), _resource("services", True), _resource("namespaces", False)]
            },
            "/apis/apiextensions.k8s.io/v1": {"resources": [_resource("customresourcedefinitions", False)]},
            GROUP_PATH: {"resources": [_resource(plural, plural not in CLUSTER_SCOPED) for plural in self.served]},
        }
        return answers.get(path)

    def _parse(self, path: str) -> tuple[str, str, str]:
        parts = path.removeprefix("/api/v1/").removeprefix(f"{GROUP_PATH}/").split("/")
        namespace = ""
        if parts[0] == "namespaces" and len(parts) > 2:
            namespace, parts = parts[1], parts[2:]
        return parts[0], namespace, parts[1] if len(parts) > 1 else ""

    def _list(self, request: web.Request, plural: str, namespace: str) -> web.Response:
        matching = [
            raw for (kind, place, _), raw in self.objects.items() if kind == plural and namespace in ("", place)
        ]
        start, limit = int(request.query.get("continue", "0")), int(request.query.get("limit", "500"))
        if start and self.forget_continue:
            self.forget_continue = False
            return self._refuse(410, "Expired")
        metadata = {"resourceVersion": str(self.version)}
        if start + limit < len(matching):
            metadata["continue"] = str(start + limit)
        return web.json_response({"kind": "List", "metadata": metadata, "items": matching[start : start + limit]})

    async def _watch(self, request: web.Request, plural: str, namespace: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        if self.closes:
            response.force_close()
        await response.prepare(request)
        if self.hang_up:
            return response
        if self.mute:
            await asyncio.Event().wait()
        if self.watch_error is not None:
            error = {"kind": "Status", "code": self.watch_error, "reason": "Broken"}
            await response.write(json.dumps({"type": "ERROR", "object": error}).encode() + b"\n")
            return response
        seen = int(request.query["resourceVersion"])
        if seen < self.compacted_at:
            status = {"kind": "Status", "code": 410, "reason": "Expired"}
            await response.write(json.dumps({"type": "ERROR", "object": status}).encode() + b"\n")
            return response
        generation = self._generation
        while generation == self._generation:
            fresh = [event for event in self.events if event[0] > seen and event[2] == plural]
            for version, type_, _, raw in fresh:
                seen = version
                if namespace in ("", raw["metadata"].get("namespace")):
                    await response.write(json.dumps({"type": type_, "object": raw}).encode() + b"\n")
            async with self._changed:
                if generation == self._generation and not self._news(seen, plural):
                    await self._changed.wait()
        return response

    def _news(self, seen: int, plural: str) -> bool:
        return any(event[0] > seen and event[2] == plural for event in self.events)


def _resource(plural: str, namespaced: bool) -> dict[str, Any]:
    kinds = {"customresourcedefinitions": "CustomResourceDefinition", **KIND_OF}
    verbs = ["list", "watch", "get", "patch"]
    return {
        "name": plural,
        "kind": kinds.get(plural, plural),
        "singularName": "",
        "namespaced": namespaced,
        "verbs": verbs,
    }


@asynccontextmanager
async def serving(server: FakeApiServer, folder: Path) -> AsyncIterator[KubeConnection]:
    """Serve on a free port; gives a connection to it, by a kubeconfig written into `folder`."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    kubeconfig = folder / "kubeconfig"
    config = {
        "current-context": "fake",
        "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "me"}}],
        "clusters": [{"name": "fake", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "me", "user": {"token": "sesame"}}],
    }
    kubeconfig.write_text(json.dumps(config))
    connection = KubeConnection.from_kubeconfig(kubeconfig)
    try:
        yield connection
    finally:
        await connection.close()
        await server.drop_watches()
        await runner.cleanup()


async def until(true: Callable[[], object], state: Callable[[], object], seconds: float = 60) -> None:
    """Wait until `true()`; a failure shows `state()`."""
    try:
        async with asyncio.timeout(seconds):
            while not true():  # noqa: ASYNC110 - not all that is waited for has an event
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"never became true; last state: {state()}") from None
