"""The controller with the real API client, the sandbox and a Kubernetes in memory, all in one event loop with virtual time.

Nothing here crosses a process boundary, so an hour of the operator's life takes about a second. A call under way when the
controller is killed still reaches the sandbox, as it would from a real process.
"""

import asyncio
import copy
import random
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Self, cast
from urllib.parse import urlencode

import httpx
import orjson
from pydantic import SecretStr

from managed_databases.api.client import Client
from managed_databases.kinds.registry import kinds
from managed_databases.kube.cache import Store, resource_of
from managed_databases.kube.connection import KubeConnection
from managed_databases.kube.watched_collections import NAMESPACE as NAMESPACE_KIND
from managed_databases.kube.watched_collections import SECRET, SERVICE
from managed_databases.kube.workloads import PLURALS
from managed_databases.kube.writing import KubeWriter
from managed_databases.probe import Login, Outcome, ProbeAnswer
from managed_databases.reconcile.controller import Controller
from managed_databases.reconcile.controller_settings import ControllerSettings
from managed_databases.reconcile.keepers.prober import Attempt
from managed_databases.reconcile.observe.seal_key import KEY_SECRET
from managed_databases.reconcile.observe.seals import OwnershipKey, Seals
from managed_databases.reconcile.ports import GIVEN, MANAGED_LABEL, OWN, KubeUnreachable, ResourceKey
from managed_databases.sandbox.projects import DEFAULT_REGION, DEFAULT_WORLD
from managed_databases.sandbox.server import Sandbox
from managed_databases.sandbox.settings import Settings
from sandbox_process import SandboxAdmin
from stories.world import condition
from virtual.in_process import ask
from virtual.memory_cluster import MemoryCluster, Raw
from virtual.virtual_time import VirtualClock

NAMESPACE = "shop"
SYSTEM = "managed-databases-system"
URL = "https://sandbox.example"
ANSWER_SECONDS = 0.01


@dataclass(frozen=True)
class Sent:
    """A call, and when it was sent, in virtual seconds."""

    at: float
    method: str
    path: str


Ended = Callable[[httpx.Request, httpx.Response | None], None]
"""Told of a call that has reached the API and is over; None for one without an answer."""


class _Body(httpx.AsyncByteStream):
    def __init__(self, parts: list[bytes]) -> None:
        self._parts = parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"".join(self._parts)


class _InProcess(httpx.AsyncBaseTransport):
    """Hands requests to the sandbox; one whose sender is gone goes on."""

    def __init__(self, world: "VirtualWorld", sandbox: Sandbox) -> None:
        self._world = world
        self._sandbox = sandbox
        self._under_way: set[asyncio.Task[httpx.Response]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._world.sent.append(Sent(asyncio.get_running_loop().time(), request.method, request.url.path))
        await asyncio.sleep(self._world.seconds_to_answer(request))
        if (refusal := self._world.refuses(request)) is not None:
            return refusal
        task = asyncio.create_task(self._answer(request))
        self._under_way.add(task)
        task.add_done_callback(partial(self._over, request))
        return await asyncio.shield(task)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        headers = [(name.lower(), value) for name, value in request.headers.raw]
        told = await ask(
            self._sandbox,
            request.method,
            request.url.path,
            query=request.url.query,
            headers=headers,
            body=request.content,
            scheme=request.url.scheme,
        )
        return httpx.Response(told.status, headers=list(told.headers), stream=_Body(told.body))

    def _over(self, request: httpx.Request, task: asyncio.Task[httpx.Response]) -> None:
        self._under_way.discard(task)
        # Whoever asked has the error, if somebody still does.
        failed = task.cancelled() or task.exception() is not None
        self._world.ended(request, None if failed else task.result())


async def _no_database(login: Login, password: SecretStr | None) -> ProbeAnswer:
    """Nothing answers: the sandbox's databases are none, and no socket works in virtual time."""
    return ProbeAnswer(Outcome.UNREACHABLE)


class VirtualWorld(SandboxAdmin):
    """`async with VirtualWorld() as world`, inside `in_virtual_time`."""

    def __init__(
        self, *, seed: int = 0, delay_seconds: float = 1.0, attempt: Attempt | None = None, **settings: Any
    ) -> None:
        self._attempt = attempt or _no_database
        self.watches_services = True
        """Whether the operator may list and watch Services."""
        self.watches_namespaces = True
        """Whether the operator may list and watch Namespaces: it serves the whole cluster."""
        self.leads = True
        """Whether the process may log in to databases."""
        self.cluster = MemoryCluster()
        self.sent: list[Sent] = []
        self.refuses: Callable[[httpx.Request], httpx.Response | None] = lambda _: None
        """What the API answers to a call instead of doing it; None: it does."""
        self.ended: Ended = lambda request, response: None
        self.seconds_to_answer: Callable[[httpx.Request], float] = lambda _: ANSWER_SECONDS
        self.clock = VirtualClock()
        self._app = Sandbox(settings=Settings(delay_seconds=delay_seconds))
        self._settings = ControllerSettings(operator_namespace=SYSTEM, **settings)
        self._random = random.Random(seed)  # noqa: S311 (spreads retries, guards nothing)
        self._controller: asyncio.Task[None] | None = None
        self._unguarded: str | None = None
        self._tell: Callable[[str, ResourceKey, Raw, bool], None] | None = None

    async def _ask(
        self, method: str, name: str, body: object = None, query: dict[str, str] | None = None
    ) -> dict[str, Any]:
        sent = b"" if body is None else orjson.dumps(body)
        told = await ask(self._app, method, f"/sandbox/{name}", query=urlencode(query or {}).encode(), body=sent)
        content = b"".join(told.body)
        assert told.status < 300, f"{method} /sandbox/{name}: {told.status} {content.decode()}"
        return dict(orjson.loads(content)) if content else {}

    async def __aenter__(self) -> Self:
        told = DEFAULT_WORLD.projects[0]
        data = {
            "OS_AUTH_URL": f"{URL}/identity/v3",
            "OS_USERNAME": told.username,
            "OS_PASSWORD": told.password,
            "OS_DOMAIN_NAME": told.domain,
            "OS_USER_DOMAIN_NAME": told.domain,
            "INFRA_PROJECT_ID": told.id,
            "INFRA_REGION": DEFAULT_REGION,
        }
        self.put_secret(SYSTEM, "cloud", data)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    # --- the operator ---

    async def start(self) -> None:
        """A new process: it remembers nothing."""
        store = Store(kinds())
        store.secrets_watched_in = frozenset({None})
        store.services_watched_in = frozenset({None} if self.watches_services else ())
        connection = cast(KubeConnection, self.cluster)
        controller = Controller(
            store,
            KubeWriter(connection, store, kinds().values()),
            self.clock,
            self._settings,
            kinds(),
            draw=self._random.random,
            client_factory=partial(Client, transport=_InProcess(self, self._app)),
            attempt=self._attempt,
            may_probe=self._must_lead,
            unguarded=lambda: self._unguarded,
        )

        def tell(kind: str, key: ResourceKey, raw: Raw, gone: bool) -> None:
            if kind == "ConfigMap" or kind in PLURALS or (kind == SERVICE and not self.watches_services):
                return  # not watched
            if kind == NAMESPACE_KIND and not self.watches_namespaces:
                return
            if kind in (SECRET, SERVICE) and MANAGED_LABEL not in raw["metadata"].get("labels", {}):
                gone = True  # the watch selects by the label: what loses it is gone for it
                if store.version(key) is None:
                    return
            news = store.deleted(raw, kind) if gone else store.seen(raw, kind)
            if news is not None and kind == SECRET:
                controller.secret_changed(key.namespace, key.name)
            elif news is not None and kind == SERVICE:
                controller.service_changed(key.namespace, key.name)
            elif news is not None and kind == NAMESPACE_KIND:
                controller.namespace_changed(key.name)
            elif news is not None:
                controller.resource_changed(key)

        for key, raw in self.cluster.objects.items():
            tell(key.kind, key, raw, False)
        self._tell = tell
        self.cluster.told.append(tell)
        self._drain = partial(controller.drain, 10)
        self._project_told_changed = controller.project_told_changed
        self._controller = asyncio.create_task(controller.run(), name="controller")

    async def stop(self) -> None:
        """Ask the process to stop, as SIGTERM does."""
        await self._drain()
        await self.kill()

    def leave_unguarded(self, why: str) -> None:
        """The admission policy on statuses is not there any more."""
        self._unguarded = why
        self._project_told_changed()

    async def _must_lead(self) -> None:
        if not self.leads:
            raise KubeUnreachable("another process leads")

    async def kill(self) -> None:
        if self._controller is None:
            return
        assert self._tell is not None
        self.cluster.told.remove(self._tell)
        self._controller.cancel()
        await asyncio.wait([self._controller])
        self._controller = None

    # --- people ---

    def put_secret(self, namespace: str, name: str, data: dict[str, str], *, is_watched: bool = False) -> None:
        """A project's credentials, watched or not, or passwords that resources may be given."""
        encoded = {key: b64encode(value.encode()).decode() for key, value in data.items()}
        is_credentials = namespace == SYSTEM
        labels = {} if is_credentials and not is_watched else {MANAGED_LABEL: OWN if is_credentials else GIVEN}
        metadata = {"labels": labels}
        self.cluster.create(ResourceKey(SECRET, namespace, name), {"metadata": metadata, "data": encoded})

    def change_secret(self, namespace: str, name: str, data: dict[str, str]) -> None:
        """Somebody edits these keys of a Secret."""
        encoded = {key: b64encode(value.encode()).decode() for key, value in data.items()}
        self.cluster.change_data(ResourceKey(SECRET, namespace, name), encoded)

    def seals(self) -> Seals:
        """Seals as the operator makes them, with the key that it keeps."""
        return Seals(OwnershipKey(SecretStr(self.secret_in(SYSTEM, KEY_SECRET)["key"])))

    def seal(self, key: ResourceKey) -> None:
        """The operator's own word for what a test has written into a status."""
        raw = self.cluster.objects[key]
        raw["status"] = self.seals().sealed(resource_of(copy.deepcopy(raw), key), raw["status"])
        self.cluster.touch(key)

    def label_namespace(self, name: str, labels: dict[str, str]) -> None:
        """Make the namespace with these labels, or give it them instead of those that it has."""
        key = ResourceKey(NAMESPACE_KIND, "", name)
        if key in self.cluster.objects:
            self.cluster.objects[key]["metadata"]["labels"] = labels
            self.cluster.touch(key)
        else:
            self.cluster.create(key, {"metadata": {"labels": labels}})

    # --- seeing ---

    def get(self, key: ResourceKey) -> Raw:
        return self.cluster.objects[key]

    def secret(self, name: str) -> dict[str, str]:
        """What is in a Secret; nothing when there is none."""
        return self.secret_in(NAMESPACE, name)

    def secret_in(self, namespace: str, name: str) -> dict[str, str]:
        raw = self.cluster.objects.get(ResourceKey(SECRET, namespace, name), {})
        return {key: b64decode(value).decode(errors="replace") for key, value in raw.get("data", {}).items()}

    def says(self, key: ResourceKey, type_: str) -> tuple[str, str]:
        """Status and reason of a condition; empty when there is none."""
        told = condition(self.cluster.objects[key], type_)
        return told.get("status", ""), told.get("reason", "")

    async def until(self, what: str, check: Callable[[], object], seconds: float = 3600) -> None:
        """Let virtual time pass until it is so; a failed assert, or something missing, is "not yet"."""
        last: object = None
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while loop.time() < deadline:
            if self._controller is not None and self._controller.done():
                self._controller.result()
                raise AssertionError("the controller has ended")
            try:
                if last := check():
                    return
            except (AssertionError, LookupError) as error:
                last = f"{type(error).__name__}: {error}"
            await asyncio.sleep(0.5)
        raise AssertionError(f"not within {seconds} virtual seconds: {what}. Last: {last}")
