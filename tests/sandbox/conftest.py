"""The sandbox in this process, in manual mode: nothing ends by itself, so no test waits."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from managed_databases.sandbox.server import Sandbox
from managed_databases.sandbox.settings import Settings
from sandbox.account import Account, account_of, new_datastore


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Sandbox(settings=Settings(manual=True, busy_children=True)))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox.test") as client:
        yield client


@pytest.fixture
async def account(http: httpx.AsyncClient) -> Account:
    return await account_of(http)


@pytest.fixture
async def postgresql(account: Account) -> dict[str, Any]:
    return await account.make("datastores", new_datastore())


@pytest.fixture
async def kafka(account: Account) -> dict[str, Any]:
    return await account.make("datastores", new_datastore("kafka", "3.6"))
