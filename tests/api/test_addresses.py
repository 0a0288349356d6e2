"""What is no address that can be asked is said to be none, before anything is sent."""

import pytest
from pydantic import SecretStr

from managed_databases.api import Client, StaticToken
from managed_databases.api.collections import USERS
from managed_databases.api.errors import Misdirected
from managed_databases.api.identity import url_problem


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://id.example/v3", None),
        ("https://id.example:65535/v3", None),
        ("https://id.example:0/v3", "names a port that cannot be"),
        ("https://127.0.0.1:65536/v3", "names a port that cannot be"),
        ("http://[::1]:99999/v3", "names a port that cannot be"),
        ("https://user:word@id.example/v3", "must not hold a user name"),
        ("https://id.example\\@elsewhere/v3", "must not hold a user name"),
        ("https:///id.example/v3", "must begin with http:// or https:// and name a host"),
        ("ftp://id.example/v3", "must begin with http:// or https:// and name a host"),
        ("https://id.example/v3?to=elsewhere", "must not have a query"),
        ("https://id.example/v3\t", "cannot be read"),
    ],
)
def test_what_can_be_no_address_is_not_asked(url: str, problem: str | None) -> None:
    found = url_problem(url)
    assert (found or "").startswith(problem or "")
    assert (found is None) == (problem is None)


async def test_a_catalogue_with_a_port_that_cannot_be_leads_nowhere() -> None:
    """A connection to it would end in an error that nobody expects, and with it the reading of the project."""
    client = Client(StaticToken(SecretStr("token-1234")), endpoint="https://127.0.0.1:99999/v1", region="r")
    try:
        with pytest.raises(Misdirected, match="names a port that cannot be"):
            await client.send(USERS.list())
    finally:
        await client.close()
