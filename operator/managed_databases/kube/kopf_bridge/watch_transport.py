"""Sends kopf's lists and watches: paces, authorises and observes them.

kopf lists and watches through a session of the operator. Only in that session the end of a list can be seen, and a watch that is
alive can be told from one that is merely open.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import aiohttp
import orjson
import structlog

from managed_databases.kube.cache import light
from managed_databases.kube.connection import KubeConnection
from managed_databases.kube.pages import read_page
from managed_databases.kube.watched_collections import WatchedCollection
from managed_databases.reconcile.ports import KubeUnreachable

ATTEMPTED_WITHIN_SECONDS: Final = 600.0
"""A collection that was not asked for in this time counts as silent."""
ANSWERED_WITHIN_SECONDS: Final = 900.0
"""A collection of which nothing has come in this time counts as silent. The API server sends a bookmark about every minute, and
ends each watch after five minutes.
"""

PAUSE_SECONDS: Final = 1.0
"""The least time between two lists, and between two watches, of one collection: kopf itself would not pause."""

FORBIDDEN_TOLD_SECONDS: Final = 60.0
"""The least time between two lines in the log about one collection that may not be listed or watched."""

MAX_WHY: Final = 500
"""The most characters of Kubernetes' reason for that."""

METADATA: Final = "application/json;as={};g=meta.k8s.io;v=v1,application/json"

EVENTS: Final = frozenset({"ADDED", "MODIFIED", "DELETED"})

LIST_ANEW: Final = b'{"type":"ERROR","object":{"code":410}}\n'
"""The event upon which kopf ends the watch and lists."""

log = structlog.get_logger()

OnPage = Callable[[WatchedCollection, dict[str, Any], bool], None]
"""Called with each page of a list, and with whether the page is the first one."""

OnMissing = Callable[[WatchedCollection], None]
"""Called when a list or watch was answered 404: the API server does not serve the collection."""

OnEvent = Callable[[WatchedCollection, str, dict[str, Any]], None]
"""Called with each event of a watch: its type, one of EVENTS, and the object."""


@dataclass
class Flow:
    """What is known of the requests for one collection. Times are seconds of the event loop's clock."""

    collection: WatchedCollection
    attempted_at: float
    answered_at: float
    forbidden_at: float | None = None
    """When the first of the last answers that are all 403 came; None if the last answer was another one."""
    forbidden_told_at: float | None = None
    """When the log last told of an answer 403."""
    began: dict[bool, float] = field(default_factory=dict)
    """When the last watch (True) and the last list (False) began."""
    was_away: bool = False
    """Whether the API server could not be reached since the last list. Then it may hold an older state than the one that is
    known, and a watch from a version that it does not have yet would show nothing.
    """
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
    """The answer to a list, which goes to `on_list` first. kopf gets the list's version and no items: the store has them
    already.
    """

    on_list: Callable[[dict[str, Any]], None] | None = None
    discovery: dict[str, Any] | None = None
    """What kopf is told about the kinds of the operator's group: it would never serve a kind that was missing when it began. None
    for the API server's own answer.
    """

    async def json(self, **options: Any) -> Any:
        if self.discovery is not None:
            return self.discovery
        if self.on_list is None:
            return await super().json(**options)
        listed = await read_page(self.content, light)
        self.on_list(listed)
        return {**listed, "items": []}


class _Body:
    """The body of a watch, of which kopf gets other lines. All other attributes are those of the real body, because aiohttp needs
    them to end the connection.
    """

    def __init__(self, stream: aiohttp.StreamReader) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class EventStream(_Body):
    """The body of a watch whose events go to `on_event`. kopf gets a bookmark in their place: the version from which to go on.

    For each event kopf would make a task, three loggers and a memory of the object.
    """

    def __init__(self, stream: aiohttp.StreamReader, on_event: Callable[[str, dict[str, Any]], None]) -> None:
        super().__init__(stream)
        self._on_event = on_event

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        """Yield the lines for kopf. A last line that is cut off is left out.

        Raises ClientPayloadError for a line that is not JSON: kopf then watches anew.
        """
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
    """The body of a watch that has kopf list again."""

    async def iter_chunked(self, _size: int) -> AsyncIterator[bytes]:
        yield LIST_ANEW


class WatchTransport:
    """Opens kopf's sessions, and knows what has become of every list and watch.

    `discovery` holds, by path, what kopf is told in place of the API server's answers about the kinds that the API server serves.
    All times are divided by `speed`.
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
        """Return which collection was not asked for, or not answered, for too long; None if all is well.

        A collection is not silent because the API server cannot be reached: a restart would not help, and attempts go on.
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
        """Return the collections whose every request was answered 403 for at least so many seconds."""
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
        except KubeUnreachable as error:  # upon an error that kopf does not know it would end for good
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
            request.headers["Accept-Encoding"] = "identity"  # a small compressed list may unpack to a huge one
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
        if response.status == 403:
            await self._tell_of_forbidden(flow, response, watches)
        if response.status == 200 and watches and flow.was_away:
            response.content = ListAnew(response.content)  # type: ignore[assignment]
        elif response.status == 200 and watches:
            flow.stream, flow.bytes_seen = response.content, 0
            response.content = EventStream(response.content, partial(self._on_event, flow.collection))  # type: ignore[assignment]
        elif response.status == 200 and isinstance(response, _Answer):
            flow.was_away = flow.was_away and not first_page
            response.on_list = lambda listed: self._on_page(flow.collection, listed, first_page)
        elif response.status == 404:
            # Upon a 404 kopf would end for good; upon this error it tries again, until the definition is back.
            response.close()
            self._on_missing(flow.collection)
            raise aiohttp.ClientConnectionError("404: the collection is not served")
        elif response.status == 410:
            response.close()
            # Only upon this error kopf starts the list anew; an expired `continue` would end it for good.
            raise aiohttp.ClientPayloadError("the list could not be continued: 410")
        return self._accepted(response)

    def _accepted(self, response: aiohttp.ClientResponse) -> aiohttp.ClientResponse:
        """Return the response. A 401 becomes an error upon which kopf simply tries again; the next try reads the token anew.

        Upon a 401 kopf would sign in again, and close the old session while requests still wait in it. These requests then fail
        with an assertion in aiohttp, which ends the watch.
        """
        if response.status == 401:
            response.close()
            self._connection.distrust_token()
            raise aiohttp.ClientConnectionError("401: the token will be read again")
        return response

    async def _tell_of_forbidden(self, flow: Flow, response: aiohttp.ClientResponse, watches: bool) -> None:
        """Tell why, in Kubernetes' words; kopf's own line for each try is left out (`bridge`)."""
        told_at = flow.forbidden_told_at
        if told_at is not None and (self._now() - told_at) * self._speed < FORBIDDEN_TOLD_SECONDS:
            return
        flow.forbidden_told_at = self._now()
        content = await response.read()  # kept by the response: kopf reads it, too
        try:
            why = str(orjson.loads(content)["message"])
        except (ValueError, KeyError, TypeError):
            why = content[:MAX_WHY].decode(errors="replace")
        verb = "watch" if watches else "list"
        log.error("a watch is forbidden, trying again", path=flow.collection.path, verb=verb, why=why[:MAX_WHY])

    async def _pace(self, flow: Flow, watches: bool) -> None:
        pause = PAUSE_SECONDS / self._speed
        await asyncio.sleep(flow.began.get(watches, -pause) + pause - self._now())
        flow.began[watches] = self._now()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
