"""A given token that is looked up at the identity service, for its project, its end of life and the API's address."""

from dataclasses import dataclass, field

import httpx
from pydantic import SecretStr

from managed_databases.api.answers import OBJECT_LIMIT_BYTES, read_body
from managed_databases.api.identity_service import HeldToken, NoToken, TokenSource, _held, given_token, url_problem
from managed_databases.api.rows import OverLimit, Unreadable


@dataclass(frozen=True)
class LookedUpToken(TokenSource):
    """A given token, which is never renewed, as with `StaticToken`. `identity_url` includes the version (`https://host/v3`).

    The identity service is asked about the token with the token itself (Keystone v3, `GET /auth/tokens`). White space around the
    token is ignored.
    """

    identity_url: str
    token: SecretStr
    renewable: bool = field(default=False, init=False, repr=False)

    async def issue(self, http: httpx.AsyncClient) -> HeldToken:
        value = given_token(self.token)
        if (problem := url_problem(self.identity_url)) is not None:
            raise NoToken(f"the identity service's address {problem}")
        url = f"{self.identity_url.rstrip('/')}/auth/tokens"
        failure = None
        try:
            asking = {"X-Auth-Token": value, "X-Subject-Token": value}
            async with http.stream("GET", url, headers=asking) as response:
                body = await read_body(response, OBJECT_LIMIT_BYTES)
        except (
            httpx.RequestError,
            OverLimit,
            Unreadable,
            OSError,
            RuntimeError,
            ValueError,
            httpx.InvalidURL,
        ) as error:
            failure = f"the identity service cannot be asked: {type(error).__name__}"
        if failure is not None:  # raised here, outside `except`: the httpx error holds the request and its token
            raise NoToken(failure)
        if response.status_code in (401, 404):  # 404: it knows no such token
            raise NoToken("the identity service refused the given token: it is wrong, or it has ended", refused=True)
        if not response.is_success:
            raise NoToken(f"the identity service answered HTTP {response.status_code} to a look at the given token")
        headers = httpx.Headers(response.headers)
        headers["X-Subject-Token"] = value  # in place of the answer's, however that spells the name
        return _held(headers, body)
