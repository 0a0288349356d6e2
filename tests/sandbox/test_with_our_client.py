"""The operator's own client against the sandbox, over real HTTP: the two were written apart."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from managed_databases.api.client import Client
from managed_databases.api.collections import (
    CONFIGURATION_PARAMETERS,
    DATABASES,
    DATASTORE_TYPES,
    DATASTORES,
    QUOTAS,
    USERS,
    rename,
)
from managed_databases.api.errors import Busy, Invalid, NotFound, OutcomeUnknown, RateLimited
from managed_databases.api.identity_service import PasswordToken
from managed_databases.api.models import Datastore, NewDatabase, NewDatastore, NewFlavor, NewUser
from sandbox.account import NOWHERE, SIZE
from sandbox_process import SandboxProcess

LIMIT_SECONDS = 60


@pytest.fixture
async def sandbox() -> AsyncIterator[SandboxProcess]:
    async with SandboxProcess(few_parameters=False) as process:
        yield process


def client_of(sandbox: SandboxProcess) -> Client:
    told = sandbox.credentials()
    token = PasswordToken(
        told["OS_AUTH_URL"],
        told["OS_USERNAME"],
        SecretStr(told["OS_PASSWORD"]),
        told["OS_USER_DOMAIN_NAME"],
        told["INFRA_PROJECT_ID"],
    )
    return Client(token, region=told["INFRA_REGION"], read_attempts=1)  # each fault here is met once


async def active(client: Client, id_: str) -> Datastore:
    last: Datastore | None = None
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            while True:
                last = (await client.send(DATASTORES.get(id_))).value
                if last is not None and last.status == "ACTIVE":
                    return last
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"never ACTIVE: {last}") from None


async def test_a_datastore_with_a_user_and_a_database(sandbox: SandboxProcess) -> None:
    client = client_of(sandbox)
    try:
        types = (await client.send(DATASTORE_TYPES.list())).value or ()
        type_id = next(one.id for one in types if (one.engine, one.version) == ("postgresql", "16"))
        wanted = NewDatastore(
            name="main", type_id=type_id, subnet_id=NOWHERE, node_count=1, flavor=NewFlavor.model_validate(SIZE)
        )
        reply = await client.send(DATASTORES.create(wanted))
        assert reply.value is not None
        assert reply.request_id
        datastore = await active(client, reply.value.id)
        assert datastore.connection is not None

        user = NewUser(name="app", password=SecretStr("p-1"), datastore_id=datastore.id)
        await client.send(USERS.create(user))
        with pytest.raises(Busy):
            await client.send(USERS.create(user))
        await client.send(DATABASES.create(NewDatabase(name="app", datastore_id=datastore.id)))
        await sandbox.complete()
        assert await sandbox.login(datastore.id, "app", "p-1")
        assert [one.name for one in (await client.send(USERS.list(datastore_id=datastore.id))).value or ()] == ["app"]
        assert (await client.send(QUOTAS)).value
        with pytest.raises(Invalid, match="does not match"):
            await client.send(rename(datastore.id, "a b"))
        await client.send(rename(datastore.id, "renamed"))
        assert (await active(client, datastore.id)).name == "renamed"
        await client.send(DATASTORES.delete(datastore.id))
        await sandbox.complete()
        with pytest.raises(NotFound):
            await client.send(DATASTORES.get(datastore.id))
    finally:
        await client.close()


async def test_limits_of_parameters_are_read_as_numbers_and_as_text(sandbox: SandboxProcess) -> None:
    client = client_of(sandbox)
    try:
        numbers = (await client.send(CONFIGURATION_PARAMETERS.list())).value
        await sandbox.settings(text_limits=True)
        texts = await client.send(CONFIGURATION_PARAMETERS.list())
        assert texts.value == numbers
        assert numbers is not None
        assert len(numbers) > 5_000
        assert 2**64 - 1 in {row.max for row in numbers}, "exactly"
        of_kinds = {row.type: type(row.min) for row in numbers if row.min is not None}
        assert of_kinds.keys() == {"int", "float"}
    finally:
        await client.close()


async def test_faults_are_what_the_client_takes_them_for(sandbox: SandboxProcess) -> None:
    client = client_of(sandbox)
    try:
        await client.send(USERS.list())
        await sandbox.fault(path="/users", times=1, status=429, headers={"Retry-After": "7"})
        with pytest.raises(RateLimited) as limited:
            await client.send(USERS.list())
        assert limited.value.retry_after_seconds == 7
        for told in ({"reset": True}, {"garbage": True}, {"status": 502, "body": "<html>"}):
            await sandbox.fault(path="/users", times=1, **told)
            with pytest.raises(OutcomeUnknown):
                await client.send(USERS.list())
        await sandbox.fault(path="/users", times=1, expire_tokens=True)
        assert (await client.send(USERS.list())).value == (), "the client renews its token"
        assert len(await sandbox.requests("POST", "/auth/tokens$")) == 2
    finally:
        await client.close()
