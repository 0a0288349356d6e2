"""Gets tokens from the identity service, and finds the API's address in its catalogue (Keystone v3)."""

import asyncio
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

import httpx
from pydantic import SecretStr, ValidationError

from managed_databases.api.answers import (
    OBJECT_LIMIT_BYTES,
    VALUES_LIMIT,
    parse,
    read_body,
    too_deep,
)
from managed_databases.api.error_answers import error_text, shown
from managed_databases.api.errors import NeverSent, Unauthorized
from managed_databases.api.headers import fits_a_header, http_date
from managed_databases.api.masking import Masks, proxy_passwords
from managed_databases.api.models import CatalogueService, Token
from managed_databases.api.rows import OverLimit, Unreadable, require
from managed_databases.api.sharing import values_in

SERVICE_TYPE: Final = "managed-database"
API_VERSION: Final = "v1"
_MARGIN_SECONDS: Final = 300.0
_MARGIN_SHARE: Final = 0.1
_NEXT_EARLY_RENEWAL_SECONDS: Final = 30.0


class ApiIdentity(NamedTuple):
    """The project, region and endpoint of a client's calls. `project_id` is None for a static token. `offered` are all addresses
    of the API in the token's catalogue, of any region.
    """

    project_id: str | None
    region: str | None
    endpoint: str
    offered: tuple[str, ...] = ()


@dataclass(frozen=True)
class HeldToken:
    """A token in use. `token` (catalogue, project) is None for a static token; `life_seconds` is None if it is not known."""

    value: SecretStr
    token: Token | None = None
    life_seconds: float | None = None


class NoToken(Exception):
    """The identity service gave no token. `refused`: the credentials are wrong. The text contains no secret."""

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.refused = refused


class NoEndpoint(Exception):
    """The catalogue has no endpoint for the region. The text lists the regions there are."""


class TokenSource(ABC):
    """A source of tokens."""

    renewable: bool = True
    """Whether asking again can help after a 401."""

    @abstractmethod
    async def issue(self, http: httpx.AsyncClient) -> HeldToken:
        """Get a new token. Raises NoToken and nothing else."""


@dataclass(frozen=True)
class StaticToken(TokenSource):
    """A given token, which is never renewed, so that a 401 is final. White space around the token is ignored."""

    token: SecretStr
    renewable: bool = field(default=False, init=False, repr=False)

    async def issue(self, http: httpx.AsyncClient) -> HeldToken:
        return HeldToken(SecretStr(given_token(self.token)))


def given_token(token: SecretStr) -> str:
    """Return a token without the white space around it. Raises NoToken for what can be none."""
    value = token.get_secret_value().strip()
    if not fits_a_header(value):
        raise NoToken(
            "the given token is empty, too long, or holds blanks or other characters of no token", refused=True
        )
    return value


@dataclass(frozen=True)
class PasswordToken(TokenSource):
    """Project-scoped tokens by user name and password. `identity_url` includes the version (`https://host/v3`)."""

    identity_url: str
    username: str
    password: SecretStr
    user_domain: str
    project_id: str

    async def issue(self, http: httpx.AsyncClient) -> HeldToken:
        if (problem := url_problem(self.identity_url)) is not None:
            raise NoToken(f"the identity service's address {problem}")
        masks = Masks([self.password, *proxy_passwords()])
        content_type, body = "", b""
        try:
            url = f"{self.identity_url.rstrip('/')}/auth/tokens"
            async with http.stream("POST", url, json=self._request()) as response:
                content_type = response.headers.get("content-type", "")
                body = await read_body(response, OBJECT_LIMIT_BYTES)
            failure = None
        except httpx.RequestError as error:
            failure = f"the identity service cannot be reached: {type(error).__name__}"
        except (OverLimit, Unreadable, OSError, RuntimeError, ValueError, httpx.InvalidURL) as error:
            failure = f"the identity service cannot be asked: {type(error).__name__}"
        if failure is not None:  # raised here, outside `except`: the httpx error holds the request and its password
            raise NoToken(failure)
        if response.status_code == 401:
            said = shown(*_with_limit(content_type, body, masks)) or "user name, password, domain or project is wrong"
            raise NoToken(f"the identity service refused the credentials: {said}", refused=True)
        if not response.is_success:
            said = shown(*_with_limit(content_type, body, masks)) or "no readable message"
            hint = "; its address usually ends in /v3" if response.status_code == 404 else ""
            raise NoToken(f"the identity service answered HTTP {response.status_code}: {said}{hint}")
        return _held(response.headers, body)

    def _request(self) -> dict[str, object]:
        user = {
            "name": self.username,
            "domain": {"name": self.user_domain},
            "password": self.password.get_secret_value(),
        }
        identity = {"methods": ["password"], "password": {"user": user}}
        return {"auth": {"identity": identity, "scope": {"project": {"id": self.project_id}}}}


def _with_limit(content_type: str, body: bytes, masks: Masks) -> tuple[str, Masks, int]:
    text, limit = error_text(content_type, body)
    return text, masks, limit


def _held(headers: httpx.Headers, body: bytes) -> HeldToken:
    value = headers.get("x-subject-token", "")
    if not fits_a_header(value):
        raise NoToken("the identity service's answer has no token in X-Subject-Token")
    token: Token | None = None
    try:
        require("values", values_in(body), VALUES_LIMIT)
        document = parse(body)
        if isinstance(document, dict) and not too_deep(document):
            token = Token.model_validate(document.get("token"))
    except (Unreadable, OverLimit, ValidationError):
        token = None
    if token is None:
        raise NoToken("the identity service's answer cannot be read: no `token` with `expires_at` and `catalog`")
    answered_at = http_date(headers.get("date"))
    # Both times are the identity service's own; without its Date the life is unknown and a 401 ends it.
    life = None if answered_at is None else (token.expires_at - answered_at).total_seconds()
    if life is not None and life <= 0:
        raise NoToken("the identity service gave a token that has already ended")
    return HeldToken(SecretStr(value), token, life)


class TokenKeeper:
    """Keeps the current token and renews it before it expires, and when the API has refused it. One renewal runs at a time.

    A token's life is measured by `clock` (monotonic seconds) from its receipt. The token is renewed 5 minutes before its end, or
    when 10 % of its life is left, if that is later. If an early renewal fails, the token is used until it expires. All calls that
    waited for a renewal share its failure, so that fifty calls never send fifty wrong passwords to the identity service.
    """

    def __init__(
        self,
        source: TokenSource,
        http: httpx.AsyncClient,
        *,
        limit_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._http = http
        self._limit_seconds = limit_seconds
        self._clock = clock
        self._lock = asyncio.Lock()
        self._held: HeldToken | None = None
        self._renew_at = self._ends_at = float("-inf")
        self._failures = 0
        self._failure: NoToken | None = None

    @property
    def renewable(self) -> bool:
        return self._source.renewable

    async def current(self, operation: str) -> HeldToken:
        """Return a token that has not expired. Raises Unauthorized (wrong credentials) and NeverSent (no token)."""
        held = self._held
        if held is not None and self._clock() < self._renew_at:
            return held
        replaced = await self._replace(held)
        if isinstance(replaced, HeldToken):
            return replaced
        if held is not None and self._clock() < self._ends_at:
            self._renew_at = min(self._ends_at, self._clock() + _NEXT_EARLY_RENEWAL_SECONDS)
            return held
        raise _as_api_error(operation, replaced)

    async def renewed(self, refused: HeldToken, operation: str) -> HeldToken:
        """Return another token than the one that the API refused; a new one, unless another call has renewed it meanwhile.

        Raises the errors of `current`.
        """
        if self._held is refused:
            self._renew_at = self._ends_at = float("-inf")
        replaced = await self._replace(refused)
        if isinstance(replaced, HeldToken):
            return replaced
        raise _as_api_error(operation, replaced)

    async def _replace(self, old: HeldToken | None) -> HeldToken | NoToken:
        failures = self._failures
        async with self._lock:
            if self._held is not None and self._held is not old:
                return self._held
            if self._failure is not None and self._failures != failures:
                return self._failure
            issued = await self._issue()
            if isinstance(issued, NoToken):
                self._failures += 1
                self._failure = issued
                return issued
            life = float("inf") if issued.life_seconds is None else issued.life_seconds
            self._failure = None
            self._held = issued
            self._ends_at = self._clock() + life
            self._renew_at = self._ends_at - min(_MARGIN_SECONDS, life * _MARGIN_SHARE)
            return issued

    async def _issue(self) -> HeldToken | NoToken:
        try:
            async with asyncio.timeout(self._limit_seconds):
                return await self._source.issue(self._http)
        except TimeoutError:
            return NoToken(f"the identity service did not answer within {self._limit_seconds:g} s")
        except NoToken as failure:
            return failure.with_traceback(None)


def _as_api_error(operation: str, failure: NoToken) -> Unauthorized | NeverSent:
    if failure.refused:
        return Unauthorized(operation, str(failure), status=401)
    return NeverSent(operation, str(failure))


@lru_cache(maxsize=16)
def url_problem(url: str) -> str | None:
    """Return what is wrong with an address, without quoting it; None if it is right."""
    try:
        parsed = httpx.URL(url)
        usable = parsed.scheme in ("http", "https") and bool(parsed.host)
    except (httpx.InvalidURL, ValueError, TypeError):
        return "cannot be read"
    if not usable:
        return "must begin with http:// or https:// and name a host"
    if parsed.port is not None and not 0 < parsed.port < 2**16:  # a connection would raise what nobody expects
        return "names a port that cannot be: there are 1 to 65535"
    if parsed.userinfo:
        return "must not hold a user name or a password"
    if parsed.query or parsed.fragment:
        return "must not have a query or a fragment"
    return None


@lru_cache(maxsize=16)
def other_version(url: str) -> str | None:
    """Return the version at the end of an address (`v2`) if it is another one than this client's; None if there is none."""
    last = url.partition("://")[2].rstrip("/").partition("/")[2].rpartition("/")[2]
    is_version = re.fullmatch(r"v[0-9]+(\.[0-9]+)*", last) is not None
    return last if is_version and last.partition(".")[0] != API_VERSION else None


def find_endpoint(catalogue: tuple[CatalogueService, ...], region: str | None) -> tuple[str, str | None]:
    """Return address and region of the API in `region`; without `region`, those of the only region in the catalogue.

    Raises NoEndpoint, whose text lists the regions of the catalogue.
    """
    everything = list(_offered(catalogue))
    offered = [each for each in everything if other_version(each[1]) is None] or everything
    for name, url in offered:
        if region is not None and region in name:
            return url, region
    if region is None and len({url for _, url in offered}) == 1:
        names, url = offered[0]
        return url, names[0]
    regions = sorted({names[0] for names, _ in offered if names[0] is not None})
    there = f"the regions there are: {', '.join(regions)}" if regions else "it is in no region of this project"
    wanted = "no region was given" if region is None else f"region {region!r} is not in the catalogue"
    raise NoEndpoint(f"{wanted} for service type {SERVICE_TYPE}; {there}")


def offered_addresses(catalogue: tuple[CatalogueService, ...]) -> tuple[str, ...]:
    """Return all addresses of the API in the catalogue, each once."""
    return tuple(dict.fromkeys(url for _, url in _offered(catalogue)))


def _offered(catalogue: tuple[CatalogueService, ...]) -> Iterator[tuple[tuple[str | None, str | None], str]]:
    for service in catalogue:
        for endpoint in service.endpoints:
            if service.type == SERVICE_TYPE and endpoint.interface == "public":
                yield (endpoint.region_id or endpoint.region, endpoint.region), endpoint.url
