"""What goes over the wire of the watches: paced, authorised and observed.

kopf lists and watches through a session of ours. That session is the only place where the end of a list can be seen,
and where a watch that is alive can be told from one that merely is open.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import aiohttp
import orjson

from managed_databases.kube.cache import light
from managed_databases.kube.collections import WatchedCollection
from managed_databases.kube.connection import KubeConnection
from managed_databases.kube.pages import read_page
from managed_databases.reconcile.ports import KubeUnreachable

ATTEMPTED_WITHIN_SECONDS: Final = 600.0
ANSWERED_WITHIN_SECONDS: Final = 900.0
"""The API server sends a bookmark about every minute, and ends each watch after five."""

PAUSE_SECONDS: Final = 1.0
"""At least between two lists, and between two watches, of one collection: kopf itself would not pause."""

METADATA: Final = "application/json;as={};g=meta.k8s.io;v=v1,application/json"

EVENTS: Final = frozenset({"ADDED", "MODIFIED", "DELETED"})

LIST_ANEW: Final = b'{"type":"ERROR","object":{"code":410}}\n'
"""Upon this event kopf ends the watch and lists."""

OnPage = Callable[[WatchedCollection, dict[str, Any], bool], None]
"""Called with each page of a list, and whether it is the first one."""

OnMissing = Callable[[WatchedCollection], None]
"""Called when a list or watch was answered 404: the API server does not serve the collection."""

OnEvent = Callable[[WatchedCollection, str, dict[str, Any]], None]
"""Called with each event of a watch: its type, one of EVENTS, and the object."""


@dataclass
class Flow:
    """The requests for one collection. Times are of the event loop's clock, in seconds."""

    collection: WatchedCollection
    attempted_at: float
    answered_at: float
    forbidden_at: float | None = None
    """When the first of the 403s came since which there was nothing else."""
    began: dict[bool, float] = field(default_factory=dict)
    was_away: bool = False
    """Whether the API server could not be reached since the last list: what it holds now may be older than what is known,
    and a watch from a version that is not there yet tells nothing."""
    stream: aiohttp.StreamReader | None = None
    bytes_seen: int = 0

    def look(self, now: float) -> None:
        """Take note of what the open watch has received, or of its regular end, since the last look."""
        if self.stream is None:
            return
        ended = self.stream.is_eof() and self.stream.exception() is None
        if ended or self.stream.total_bytes > self.bytes_seen:
            self.answered_at = now
        self.bytes_seen = self.stream.total_bytes
        if ended:
            self.stream = None


class _Answer(aiohttp.ClientResponse):
    """Hands a list to us first; kopf gets its version, and no items: they are in the store already."""

    on_list: Callable[[dict[str, Any]], None] | None = None
    discovery: dict[str, Any] | None = None
    """What kopf shall believe that our group has; it would never serve what was not there when it began."""

    async def json(self, **options: Any) -> Any:
        if self.discovery is not None:
            return self.discovery
        if self.on_list is None:
            return await super().json(**options)
        listed = await read_page(self.content, light)
        self.on_list(listed)
        return {**listed, "items": []}


class _Body:
    """The body of a watch, of which kopf gets other lines. All else is the body's own: aiohttp ends the connection by it."""

    def __init__(self, stream: aiohttp.StreamReader) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class EventStream(_Body):
    """We get the events of a watch; kopf gets a bookmark in their place: the version to go on from.

    For kopf each event would be a task, three loggers and a memory of the object.
    """

    def __init__(self, stream: aiohttp.StreamReader, on_event: Callable[[str, dict[str, Any]], None]) -> None:
        super().__init__(stream)
        self._on_event = on_event

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        """Raises ClientPayloadError for what is not JSON: kopf then watches anew. A line that is cut off is left out."""
        rest = b""
        async for data in self._stream.iter_chunked(size):
            *lines, rest = (rest + data).split(b"\n")
            version = None
            for line in filter(None, lines):
                try:
                    event = orjson.loads(line)
                except orjson.JSONDecodeError as error:
                    raise aiohttp.ClientPayloadError("a watch event is not JSON") from error
                if event["type"] in EVENTS:
                    self._on_event(event["type"], event["object"])
                    version = event["object"]["metadata"]["resourceVersion"]
                else:
                    version = None
                    yield line + b"\n"
            if version is not None:
                bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": version}}}
                yield orjson.dumps(bookmark) + b"\n"


class ListAnew(_Body):
    """The body of a watch in whose place kopf shall list again."""

    async def iter_chunked(self, _size: int) -> AsyncIterator[bytes]:
        yield LIST_ANEW


class WatchTransport:
    """Opens kopf's sessions and knows what became of every list and watch.

    `discovery` holds, by path, what kopf is told in place of the API server's answers about the kinds that it serves. All times
    are divided by `speed`.
    """

    def __init__(
        self,
        connection: KubeConnection,
        collections: Iterable[WatchedCollection],
        on_page: OnPage,
        on_event: OnEvent,
        on_missing: OnMissing,
        *,
        discovery: Mapping[str, dict[str, Any]] = MappingProxyType({}),
        speed: float = 1.0,
    ) -> None:
        now = asyncio.get_running_loop().time()
        self._connection = connection
        self._on_page = on_page
        self._on_event = on_event
        self._on_missing = on_missing
        self._discovery = discovery
        self._speed = speed
        self._flows = {collection.path: Flow(collection, now, now) for collection in collections}

    async def open_session(self) -> aiohttp.ClientSession:
        return await self._connection.open_session(response_class=_Answer, middlewares=(self._send,))

    def silence(self) -> str | None:
        """Say which collection has not been asked for, or has not been answered, for too long; None when all is well.

        An API server that cannot be reached is not silence: a restart would not help, and attempts go on.
        """
        now = asyncio.get_running_loop().time()
        for path, flow in self._flows.items():
            flow.look(now)
            unasked, unanswered = (now - flow.attempted_at) * self._speed, (now - flow.answered_at) * self._speed
            if unasked > ATTEMPTED_WITHIN_SECONDS:
                return f"no list or watch of {path} was attempted for {unasked:.0f} s"
            if unanswered > ANSWERED_WITHIN_SECONDS:
                return f"nothing has come from the watch of {path} for {unanswered:.0f} s, although it was attempted"
        return None

    def forbidden(self, seconds: float) -> list[WatchedCollection]:
        """The collections of which every list was answered 403 for so long."""
        since = asyncio.get_running_loop().time() - seconds / self._speed
        return [
            flow.collection
            for flow in self._flows.values()
            if flow.forbidden_at is not None and flow.forbidden_at <= since
        ]

    async def _send(self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        try:
            if authorization := await self._connection.authorization():
                request.headers["Authorization"] = authorization
            if name := await self._connection.tls_server_name():
                request.server_hostname = name
        except KubeUnreachable as error:  # kopf would end for good upon what it does not know
            raise aiohttp.ClientConnectionError(str(error)) from error
        flow = self._flows.get(request.url.raw_path)
        if flow is None:
            response = self._accepted(await handler(request))
            if response.status == 200 and isinstance(response, _Answer):
                response.discovery = self._discovery.get(request.url.raw_path)
            return response
        query = request.url.query
        watches, first_page = "watch" in query, "continue" not in query
        if first_page:
            await self._pace(flow, watches)
        if flow.collection.metadata_only:
            shape = "PartialObjectMetadata" if watches else "PartialObjectMetadataList"
            request.headers["Accept"] = METADATA.format(shape)
        if not watches:
            request.headers["Accept-Encoding"] = "identity"  # a little may unpack to a lot
        flow.look(self._now())
        flow.attempted_at = self._now()
        try:
            response = await handler(request)
        except aiohttp.ClientConnectorError as error:
            flow.was_away = True
            if not isinstance(error, TimeoutError):
                flow.answered_at = self._now()
            raise
        if response.status >= 500:
            flow.was_away = True
        if not watches or response.status >= 400:
            flow.answered_at = self._now()
        if response.status != 403:
            flow.forbidden_at = None
        elif flow.forbidden_at is None:
            flow.forbidden_at = self._now()
        if response.status == 200 and watches and flow.was_away:
            response.content = ListAnew(response.content)  # type: ignore[assignment]
        elif response.status == 200 and watches:
            flow.stream, flow.bytes_seen = response.content, 0
            response.content = EventStream(response.content, partial(self._on_event, flow.collection))  # type: ignore[assignment]
        elif response.status == 200 and isinstance(response, _Answer):
            flow.was_away = flow.was_away and not first_page
            response.on_list = lambda listed: self._on_page(flow.collection, listed, first_page)
        elif response.status == 404:
            # Upon a 404 kopf would end for good; this it tries again, until the definition is back.
            response.close()
            self._on_missing(flow.collection)
            raise aiohttp.ClientConnectionError("404: the collection is not served")
        elif response.status == 410:
            response.close()
            # kopf starts the list anew upon this, and only upon this; an expired `continue` would end it for good.
            raise aiohttp.ClientPayloadError("the list could not be continued: 410")
        return self._accepted(response)

    def _accepted(self, response: aiohttp.ClientResponse) -> aiohttp.ClientResponse:
        """Turn a 401 into what kopf simply tries again; the next try reads the token anew.

        Upon a 401 kopf would sign in again and close the old session under the requests that wait in it; those then
        fail on an assertion in aiohttp, and that ends the watch.
        """
        if response.status == 401:
            response.close()
            self._connection.distrust_token()
            raise aiohttp.ClientConnectionError("401: the token will be read again")
        return response

    async def _pace(self, flow: Flow, watches: bool) -> None:
        pause = PAUSE_SECONDS / self._speed
        await asyncio.sleep(flow.began.get(watches, -pause) + pause - self._now())
        flow.began[watches] = self._now()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
