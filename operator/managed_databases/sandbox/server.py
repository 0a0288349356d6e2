"""The sandbox as an ASGI application, and as a server of its own.

The application is one function, without the middleware and routing of a framework. It has to answer thousands of requests a
second, so that large tests measure the operator and not the sandbox.
"""

import asyncio
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl
from uuid import uuid4

import orjson
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from managed_databases.busy_ports import busy_port_told
from managed_databases.sandbox import routes
from managed_databases.sandbox.admin import Admin
from managed_databases.sandbox.answers import Answer, Refusal, in_prose, invalid
from managed_databases.sandbox.backing import Backing
from managed_databases.sandbox.calling import Call, Cloud
from managed_databases.sandbox.changes import Changes
from managed_databases.sandbox.faults import Fault, Faults, rewritten
from managed_databases.sandbox.identity import IdentityService
from managed_databases.sandbox.projects import DEFAULT_WORLD, Project, World
from managed_databases.sandbox.reads import Reads
from managed_databases.sandbox.sections import UNIQUE
from managed_databases.sandbox.settings import Settings
from managed_databases.sandbox.spaces import Spaces
from managed_databases.sandbox.store import Store
from managed_databases.sandbox.traffic import Request, Traffic
from managed_databases.sandbox.validation import failures

_MAX_BODY_BYTES: Final = 8 * 1024 * 1024
_GARBAGE: Final = b"<html><body>not what you asked for"

_Produce = Callable[[], Answer]


class Sandbox:
    """The application. `path` is the file of its state; with None the state ends with the process."""

    def __init__(
        self,
        world: World = DEFAULT_WORLD,
        settings: Settings | None = None,
        path: Path | None = None,
        faults: Iterable[Fault] = (),
        *,
        engines: bool = False,
        names: bool = False,
    ) -> None:
        self.settings = settings or Settings()
        self.store = Store(path)
        self._world = world
        self._spaces = Spaces(self.store, world, UNIQUE)
        self._identity = IdentityService(self.store, world, self.settings)
        self.backing = _servers(self._spaces, path, by_names=names) if engines else None
        changes = Changes(self.store, self._spaces, self.settings, self.backing)
        self._cloud = Cloud(self.store, changes, self.settings, self.backing)
        self._traffic = Traffic()
        self._faults = Faults()
        for fault in faults:
            self._faults.add(fault, self.store.tables)
        self._admin = Admin(self._cloud, self._spaces, self._traffic, self._faults)
        self._reads = Reads(self.settings)
        self._creations = 0
        self._late: set[asyncio.Task[None]] = set()
        self._started = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request (ASGI)."""
        if scope["type"] == "lifespan" and self.backing is not None:
            await self._live(self.backing, receive, send)
        if scope["type"] != "http":
            return
        if not self._started:
            self._started = True
            self._cloud.changes.wait_for_all()
        body = await _body(receive)
        method, path = scope["method"], scope["path"]
        segments = [segment for segment in path.split("/") if segment]
        request_id = str(uuid4())
        if segments[:1] == ["sandbox"]:
            answer: Answer | None = self._administered(scope, segments, body)
        else:
            request = self._traffic.add(
                time.time(), method, path, scope["query_string"].decode("latin-1"), scope["headers"], body
            )
            answer = await self._answered(scope, segments, request, request_id)
            request.status = answer.status if answer else 0
        if answer is None:
            await _reset(scope, receive)
            return
        self.store.flush()
        await _send(answer, method, request_id, send)

    async def _live(self, backing: Backing, receive: Receive, send: Send) -> None:
        """Start the servers before the first request is answered, and stop them after the last one."""
        await receive()
        await backing.start()
        self.store.flush()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._cloud.changes.stop()
        await backing.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answered(self, scope: Scope, segments: list[str], request: Request, request_id: str) -> Answer | None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}
        project: Project | None = None
        denied: Refusal | None = None
        of_identity = segments[:1] == ["identity"]
        if not of_identity:
            try:
                project = self._identity.project_of(headers.get("x-auth-token"))
                request.project = project.id
            except Refusal as refusal:
                denied = refusal
        fault = self._faults.meet(request.method, request.path, request.project) if self._faults else None
        if fault is not None:
            request.fault = fault.id
            if fault.expire_tokens:
                self._identity.expire_all()
                denied = None if of_identity else Refusal(401, "The request you have made requires authentication.")

        query = dict(parse_qsl(request.query)) if request.query else {}

        def produce() -> Answer:
            try:
                if denied is not None:
                    raise denied
                if of_identity:
                    root = f"{scope['scheme']}://{headers.get('host', 'localhost')}"
                    body = _json(request.body)
                    return self._identity.answer(request.method, segments[1:], query, headers, body, root)
                assert project is not None
                return self._handled(project, segments, request, request_id, query, fault)
            except Refusal as refusal:
                return refusal.answer()

        if fault is not None:
            return await self._faulty(fault, produce)
        if request.method == "GET" and project is not None:
            return await self._reads.answered(project.id, produce)
        return produce()

    def _handled(
        self,
        project: Project,
        segments: list[str],
        request: Request,
        request_id: str,
        query: Mapping[str, str],
        fault: Fault | None,
    ) -> Answer:
        region = self._world.regions[0]
        if segments and segments[0] in self._world.regions:
            region, *segments = segments
        if segments[:1] != ["v1"]:
            raise Refusal(404, "The requested URL was not found on the server.")
        operation, id_ = routes.find("GET" if request.method == "HEAD" else request.method, segments[1:])
        body = None
        if operation.schema is not None:
            body = _json(request.body)
            if wrong := failures(operation.schema, body):
                raise invalid(wrong.get("") or wrong)
        past = self._faults.past(fault) if fault else None
        call = Call(self._cloud, self._spaces.of(project.id, region), request_id, query, body, past)
        try:
            answer = operation.handle(call, id_)
        except Refusal as refusal:
            if refusal.is_of_state and self.settings.prose_refusals:
                raise in_prose(*routes.in_words(request.method, segments[1:])) from refusal
            raise
        if operation.creates:
            answer.status = self._creation_status()
        return answer

    def _creation_status(self) -> int:
        if self.settings.creation_status != "mixed":
            return int(self.settings.creation_status)
        self._creations += 1
        return 201 if self._creations % 2 else 200

    async def _faulty(self, fault: Fault, produce: _Produce) -> Answer | None:
        if fault.effect_after_seconds is not None:
            task = asyncio.create_task(self._later(fault.effect_after_seconds, produce))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
            return None
        if fault.when == "before":
            await self._faults.delay(fault)
        answer = produce() if fault.when == "after" or not fault.answers else Answer(200)
        if fault.when == "after":
            self.store.flush()
            await self._faults.delay(fault)
        if fault.reset:
            return None
        if fault.garbage:
            return Answer(fault.status or 200, _GARBAGE, fault.headers)
        if fault.status is not None:
            return Answer(fault.status, _body_of(fault, fault.status), fault.headers)
        if fault.short_list is not None and isinstance(answer.body, dict):
            answer.body = {
                name: rows[: fault.short_list] if isinstance(rows, list) else rows for name, rows in answer.body.items()
            }
        if fault.rows is not None and answer.status < 300:
            answer.body = rewritten(answer.body, fault.rows)
        answer.headers |= fault.headers
        return answer

    async def _later(self, seconds: float, produce: _Produce) -> None:
        await asyncio.sleep(seconds)
        produce()
        self.store.flush()

    def _administered(self, scope: Scope, segments: list[str], body: bytes) -> Answer:
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        try:
            return self._admin.answer(scope["method"], "/".join(segments[1:]), query, _json(body))
        except Refusal as refusal:
            return refusal.answer()


def _servers(spaces: Spaces, state: Path | None, *, by_names: bool) -> Backing:
    """Raises ImportError without the extra `engines`. It is imported only here: a sandbox without servers stays light."""
    from managed_databases.sandbox.servers.backend import Servers

    return Servers(spaces, state, by_names=by_names)


class _Connection(H11Protocol):
    """A connection that a fault can find and break."""

    open: dict[object, asyncio.Transport] = {}  # noqa: RUF012 (one process, one server)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.open[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.open.pop(self.client, None)
        super().connection_lost(exc)


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes any free port. Raises OSError, and PortInUse of these."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only where the protocol is named; with it an answer takes 40 ms
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with busy_port_told(port, "--port 0 takes a free one"):
            listener.bind((host, port))
            listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def serve(sandbox: Sandbox, listener: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM, then return."""
    config = uvicorn.Config(
        sandbox,
        http=_Connection,
        ws="none",
        lifespan="off" if sandbox.backing is None else "on",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=300,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)

    def stop(number: int, frame: object) -> None:
        server.should_exit = True

    # uvicorn's own handlers come late, and raise the signal again when it has stopped
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        server.run(sockets=[listener])
    finally:
        sandbox.store.close()


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body") or len(body) > _MAX_BODY_BYTES:
            return body


def _json(body: bytes) -> Any:
    if not body:
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, "The body is not valid JSON.") from error


def _body_of(fault: Fault, status: int) -> object:
    """Return the body of a fault's answer: a text as it is; without a body the API's own form of an error."""
    if isinstance(fault.body, str):
        return fault.body.encode()
    return Refusal(status, "asked for").answer().body if fault.body is None and status >= 400 else fault.body


async def _send(answer: Answer, method: str, request_id: str, send: Send) -> None:
    body = answer.encoded()
    told = {"content-type": "application/json", "x-request-id": request_id}
    if answer.status != 204:
        told["content-length"] = str(len(body))
    for name, value in answer.headers.items():
        told[name.lower()] = str(value)
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in told.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})


async def _reset(scope: Scope, receive: Receive) -> None:
    """Break the connection without an answer; under another ASGI server than the sandbox's own, end the request without one."""
    transport = _Connection.open.get(scope.get("client"))
    if transport is None:
        raise ConnectionResetError
    if (raw := transport.get_extra_info("socket")) is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
