"""Sends calls: one request for each, within one time limit; the result is a Reply or an ApiError."""

import asyncio
import json
import logging
import random
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import httpx

from managed_databases.api.answers import (
    ERROR_LIMIT_BYTES,
    LIST_LIMIT_BYTES,
    OBJECT_LIMIT_BYTES,
    read_body,
    read_list,
    read_object,
)
from managed_databases.api.asyncio_network import go_over_asyncio
from managed_databases.api.calls import Call
from managed_databases.api.error_answers import error_for, shown
from managed_databases.api.errors import ApiError, Invalid, Misdirected, NeverSent, OutcomeUnknown, TooLarge
from managed_databases.api.headers import masked_request_id, retry_after_seconds
from managed_databases.api.identity_service import (
    API_VERSION,
    ApiIdentity,
    HeldToken,
    NoEndpoint,
    TokenKeeper,
    TokenSource,
    find_endpoint,
    offered_addresses,
    other_version,
    url_problem,
)
from managed_databases.api.large_answers import LargeAnswers, TooSlow
from managed_databases.api.masking import Masks, proxy_passwords, secrets_in
from managed_databases.api.rows import OverLimit, Unreadable
from managed_databases.api.secrets import WIRE
from managed_databases.api.sharing import KEPT_LIMIT_BYTES
from managed_databases.api.trust import trust
from managed_databases.api.unpacking import PACKED, pieces
from managed_databases.api.without_cookies import WithoutCookies

T = TypeVar("T")
log = logging.getLogger(__name__)

_ERROR_BODY_SECONDS: Final = 5.0
_UNUSED_BODY_SECONDS: Final = 1.0
_SAFE_PATH: Final = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)+")
_PASSING: Final = (500, 502, 503, 504)
_PAUSES_SECONDS: Final = (0.3, 1.0)
"""How long, on average, before a reading is repeated that was answered 5xx: the API does so to parallel readings (C)."""
MAX_READ_ATTEMPTS: Final = len(_PAUSES_SECONDS) + 1
_NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_NO_PROXY: Final = ("all://localhost", "all://127.0.0.1", "all://[::1]")


@dataclass(frozen=True)
class Reply(Generic[T]):
    """A 2xx answer. `value` is None for an empty body: the call worked, but the caller has to look what it did.

    `odd` has one text for each row that could not be read whole; it says why, without the content of the row.
    """

    value: T | None
    status: int
    request_id: str | None
    duration_seconds: float
    odd: tuple[str, ...] = ()


@dataclass(frozen=True)
class CallRecord:
    """A call that has ended, for counters and logs. `outcome` is "ok" or the error class's name."""

    operation: str
    method: str
    outcome: str
    status: int | None
    request_id: str | None
    duration_seconds: float
    path: str = ""


@dataclass
class _Progress:
    """Whether a request may have reached the API without an answer so far."""

    in_flight: bool = False


@dataclass(frozen=True)
class _Received:
    """An answer: `value` is the content of a 2xx, `body` the text of any other answer."""

    status: int
    headers: httpx.Headers
    value: Any = None
    body: bytes = b""
    odd: tuple[str, ...] = ()

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_passing_trouble(self) -> bool:
        """Whether the same reading may well work in a moment; with `Retry-After` the API says itself when to ask again."""
        return self.status in _PASSING and "retry-after" not in self.headers


class Client:
    """The API of one project in one region. Keeps at most `max_connections` open; use one per project.

    Without `endpoint` the client finds the API in the token's catalogue. `call_limit_seconds` is the time limit of a whole
    `send`, including the wait for a connection and a renewal of the token. `before_send` is awaited right before each request is
    sent, when a connection is free; an error that it raises stops the request, and `send` raises it. `observer` is called after
    each call that ended in a reply or an ApiError, and after each answer that makes the client repeat a reading; it must be quick
    and not raise. `read_attempts` (1 to 3) is how often a reading (GET) is sent at most: one that is answered 5xx without
    `Retry-After` is repeated after a moment, within the time limit of the call.

    Proxies and certificate files of the environment are honoured (HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE), but a local
    address is never asked through a proxy. Redirects are not followed: the token would go along. httpx logs whole
    addresses at INFO; an application sets its logger to WARNING.
    """

    def __init__(
        self,
        tokens: TokenSource,
        *,
        endpoint: str | None = None,
        region: str | None = None,
        call_limit_seconds: float = 30.0,
        max_connections: int = 8,
        read_attempts: int = MAX_READ_ATTEMPTS,
        transport: httpx.AsyncBaseTransport | None = None,
        before_send: Callable[[Call[Any]], Awaitable[None]] | None = None,
        observer: Callable[[CallRecord], None] | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._region = region
        self._call_limit_seconds = call_limit_seconds
        self._before_send = before_send
        self._observer = observer
        self._closed = False
        self._proxy_passwords = proxy_passwords()
        self._read_attempts = read_attempts
        self._turns = asyncio.Semaphore(max_connections)
        self._large = LargeAnswers()
        self._kept: dict[str, int] = {}
        """About how many bytes of memory the rows of the last whole list take, by operation."""
        self._http = WithoutCookies(
            transport=transport,
            verify=trust(),
            mounts=None if transport is not None else dict.fromkeys(_NO_PROXY),
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": "managed-databases-operator",
            },
            # One more than there are turns, for the identity service; the whole call has one limit (asyncio.timeout).
            limits=httpx.Limits(max_connections=max_connections + 1, max_keepalive_connections=max_connections),
            timeout=httpx.Timeout(None, connect=call_limit_seconds / 2, pool=call_limit_seconds / 2),
            follow_redirects=False,
        )
        self._network = go_over_asyncio(self._http) if transport is None else None
        self._tokens = TokenKeeper(tokens, self._http, limit_seconds=call_limit_seconds / 2)

    def __repr__(self) -> str:
        return f"Client(region={self._region!r})"

    async def send(self, call: Call[T]) -> Reply[T]:
        """Send one request, once; again only after a 401, with a renewed token, and a reading after 5xx (`read_attempts`).

        Raises ApiError and, besides CancelledError and what `before_send` raises, nothing else.
        """
        started = time.monotonic()
        try:
            reply = await self._within_limit(
                call.operation, self._send(call, started, progress := _Progress()), progress
            )
        except ApiError as error:
            self._observe(call, type(error).__name__, error.status, error.request_id, started)
            raise
        self._observe(call, "ok", reply.status, reply.request_id, started)
        return reply

    @property
    def endpoint(self) -> str | None:
        """The API's address that calls go to; None while it is not known."""
        return self._endpoint

    async def identify(self) -> ApiIdentity:
        """Return the project and endpoint that all calls go to; gets a token if there is none yet.

        Raises ApiError.
        """
        return await self._within_limit("identity.identify", self._identify(), _Progress())

    async def close(self) -> None:
        """Close all connections. Calls under way fail; later calls raise NeverSent."""
        self._closed = True
        if self._network is not None:
            self._network.close()
        await self._http.aclose()

    async def _identify(self) -> ApiIdentity:
        held = await self._tokens.current("identity.identify")
        endpoint, region = self._where(held, "identity.identify")
        self._endpoint, self._region = endpoint, region  # a later token's catalogue leads nowhere else unasked
        project = held.token.project if held.token is not None else None
        offered = () if held.token is None else offered_addresses(held.token.catalog)
        return ApiIdentity(project.id if project is not None else None, region, endpoint, offered)

    async def _within_limit(self, operation: str, work: Awaitable[T], progress: _Progress) -> T:
        try:
            async with asyncio.timeout(self._call_limit_seconds) as limit:
                return await work
        except TimeoutError:
            if not limit.expired():  # before_send's own
                raise
        text = f"no answer within {self._call_limit_seconds:g} s"
        raise OutcomeUnknown(operation, text) if progress.in_flight else NeverSent(operation, f"not sent: {text}")

    async def _send(self, call: Call[T], started: float, progress: _Progress) -> Reply[T]:
        if not _SAFE_PATH.fullmatch(call.path):
            raise Invalid(call.operation, "not sent: the path has an empty part, or characters that no id has")
        content = _content(call)
        held = await self._tokens.current(call.operation)
        seen = [held.value, *secrets_in(call.body), *call.also_masked, *self._proxy_passwords]
        received = await self._exchange(call, content, held, progress, Masks(seen))
        for pause in _PAUSES_SECONDS[: self._read_attempts - 1]:
            if call.mutates or not received.is_passing_trouble:
                break
            id_ = masked_request_id(received.headers, Masks(seen))
            self._observe(call, OutcomeUnknown.__name__, received.status, id_, started)
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 (spreads retries, guards nothing)
            received = await self._exchange(call, content, held, progress, Masks(seen))
        if received.status == 401 and self._tokens.renewable:
            held = await self._tokens.renewed(held, call.operation)
            seen.append(held.value)
            received = await self._exchange(call, content, held, progress, Masks(seen))
        return self._reply(call, received, Masks(seen), started)

    async def _exchange(
        self, call: Call[Any], content: bytes | None, held: HeldToken, progress: _Progress, masks: Masks
    ) -> _Received:
        endpoint, _ = self._where(held, call.operation)
        headers = {"X-Auth-Token": held.value.get_secret_value()}
        if content is not None:
            headers["Content-Type"] = "application/json"
        if call.many:
            headers["Accept-Encoding"] = PACKED
        async with self._turns:
            if self._before_send is not None:
                await self._before_send(call)
            if self._closed:
                raise NeverSent(call.operation, "not sent: the client is closed")
            progress.in_flight = True
            failure: ApiError
            try:
                url = f"{endpoint.rstrip('/')}{call.path}"
                async with self._http.stream(
                    call.method, url, params=call.query or None, content=content, headers=headers
                ) as response:
                    received = await self._read(call, response)
            except _NEVER_SENT as error:
                why = shown(str(error), masks, 200)
                failure = NeverSent(call.operation, f"no connection: {type(error).__name__}: {why}")
            except OverLimit as error:
                # A change whose answer is too large may well have happened.
                failure = (OutcomeUnknown if call.mutates else TooLarge)(
                    call.operation,
                    str(error),
                    status=response.status_code,
                    request_id=masked_request_id(response.headers, masks),
                )
            except (Unreadable, TooSlow) as error:
                failure = OutcomeUnknown(
                    call.operation,
                    str(error),
                    status=response.status_code,
                    request_id=masked_request_id(response.headers, masks),
                )
            except (httpx.RequestError, httpx.InvalidURL, httpx.StreamError, OSError, RuntimeError) as error:
                failure = OutcomeUnknown(call.operation, f"the connection failed: {type(error).__name__}")
            else:
                progress.in_flight = received.is_success
                return received
        # Raised here, outside `except`: the httpx error holds the request with its token and body.
        raise failure

    def _reply(self, call: Call[T], received: _Received, masks: Masks, started: float) -> Reply[T]:
        headers = received.headers
        if not received.is_success:
            raise error_for(
                call.operation,
                received.status,
                headers.get("content-type", ""),
                received.body,
                masks,
                request_id=masked_request_id(headers, masks),
                retry_after_seconds=retry_after_seconds(headers.get("retry-after"), headers.get("date")),
            )
        id_ = masked_request_id(headers, masks)
        return Reply(received.value, received.status, id_, time.monotonic() - started, received.odd)

    async def _read(self, call: Call[Any], response: httpx.Response) -> _Received:
        """Read the needed part of an answer. Raises OverLimit, Unreadable and TooSlow for a 2xx, and the errors of httpx."""
        status, headers = response.status_code, response.headers
        odd: list[str] = []
        if response.is_success and call.many:
            arriving = pieces(response, LIST_LIMIT_BYTES)
            others = sum(kept for operation, kept in self._kept.items() if operation != call.operation)
            async with aclosing(arriving):
                read = await read_list(call, arriving, odd, large=self._large, max_kept=KEPT_LIMIT_BYTES - others)
            if not call.query:
                self._kept[call.operation] = read.kept_bytes
            return _Received(status, headers, read.value, odd=tuple(odd))
        if response.is_success and call.answer is not None:
            value = read_object(call, await read_body(response, OBJECT_LIMIT_BYTES), odd)
            return _Received(status, headers, value, odd=tuple(odd))
        # The status says it all: a body that is late, broken or endless must not change the outcome.
        with suppress(OverLimit, Unreadable, httpx.RequestError, TimeoutError):
            async with asyncio.timeout(_UNUSED_BODY_SECONDS if response.is_success else _ERROR_BODY_SECONDS):
                return _Received(status, headers, body=await read_body(response, ERROR_LIMIT_BYTES))
        return _Received(status, headers)

    def _where(self, held: HeldToken, operation: str) -> tuple[str, str | None]:
        """Return the address and the region of the API. Raises NeverSent."""
        endpoint, region = self._endpoint, self._region
        problem: str | None = None
        if endpoint is None and held.token is None:
            problem = "a static token comes without a catalogue: the endpoint must be given"
        elif endpoint is None and held.token is not None:
            try:
                endpoint, region = find_endpoint(held.token.catalog, region)
            except NoEndpoint as error:
                problem = str(error)
        if endpoint is not None and (wrong := url_problem(endpoint)) is not None:
            problem = f"the API's address {wrong}"
        elif endpoint is not None and (version := other_version(endpoint)) is not None:
            problem = (
                f"the API's address ends in /{version}: another API than {API_VERSION}, the only one that is used here"
            )
        if problem is not None or endpoint is None:
            raise Misdirected(operation, f"not sent: {problem}")
        return endpoint, region

    def _observe(self, call: Call[Any], outcome: str, status: int | None, id_: str | None, started: float) -> None:
        if self._observer is None:
            return
        record = CallRecord(call.operation, call.method, outcome, status, id_, time.monotonic() - started, call.path)
        try:
            self._observer(record)
        except Exception:
            log.exception("the observer of calls failed")  # a call's outcome must not be lost for a counter


def _content(call: Call[Any]) -> bytes | None:
    """Return the request's body: exactly the fields that were set, with their secrets. Raises Invalid."""
    if call.body is None:
        return None
    try:
        dumped: object = call.body.model_dump(mode="json", exclude_unset=True, context=WIRE)
        if call.request_envelope is not None:
            dumped = {call.request_envelope: dumped}
        return json.dumps(dumped, allow_nan=False, separators=(",", ":")).encode()
    except (ValueError, TypeError):  # not chained: they quote the value
        pass
    raise Invalid(call.operation, "not sent: the body holds a value that JSON cannot say")
