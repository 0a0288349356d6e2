"""What is no address that can be asked is said to be none, before anything is sent."""

import pytest
from pydantic import SecretStr

from managed_databases.api import Client, StaticToken
from managed_databases.api.collections import USERS
from managed_databases.api.errors import Misdirected
from managed_databases.api.identity_service import find_endpoint, other_version, url_problem
from managed_databases.api.models import CatalogueService


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


@pytest.mark.parametrize(
    ("url", "version"),
    [
        ("https://api.example/v1", None),
        ("https://api.example/v1/", None),
        ("https://api.example/v1.2", None),
        ("https://api.example", None),
        ("https://api.example/databases", None),
        ("https://api.example/v2", "v2"),
        ("https://api.example/v2/", "v2"),
        ("https://api.example/v10", "v10"),
        ("https://v2", None),
    ],
)
def test_another_version_is_known_by_the_end_of_an_address(url: str, version: str | None) -> None:
    assert other_version(url) == version


async def test_another_version_is_not_asked() -> None:
    """It would answer what this client does not understand, or take its calls for others."""
    client = Client(StaticToken(SecretStr("token-1234")), endpoint="https://127.0.0.1:9/v2", region="r")
    try:
        with pytest.raises(Misdirected, match="ends in /v2: another API than v1, the only one that is used here"):
            await client.send(USERS.list())
    finally:
        await client.close()


def test_of_two_versions_the_right_one_is_found() -> None:
    def offered(*urls: str) -> tuple[CatalogueService, ...]:
        endpoints = [{"interface": "public", "region": "r", "region_id": "r", "url": url} for url in urls]
        return (CatalogueService.model_validate({"type": "managed-database", "endpoints": endpoints}),)

    for region in ("r", None):
        assert find_endpoint(offered("https://a/v2", "https://a/v1"), region) == ("https://a/v1", "r")
        assert find_endpoint(offered("https://a/v2"), region) == ("https://a/v2", "r"), "to be told as what it is"
