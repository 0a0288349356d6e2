"""A token that was given, and that the identity service is asked about."""

import httpx
import pytest
from pydantic import SecretStr

from managed_databases.api.looked_up_token import LookedUpToken

ANSWER = {"token": {"expires_at": "2099-01-01T00:00:00.000000Z", "catalog": []}}


@pytest.mark.parametrize("name", ["X-Subject-Token", "x-subject-token", "X-SUBJECT-TOKEN"])
async def test_the_token_is_the_one_that_was_given_once(name: str) -> None:
    """The service says it again in its answer, in a header of any spelling."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=ANSWER, headers={name: "given"}))
    async with httpx.AsyncClient(transport=transport) as http:
        held = await LookedUpToken("https://identity.example/v3", SecretStr("given")).issue(http)
    assert held.value.get_secret_value() == "given"
