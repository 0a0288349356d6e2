"""The bad days, over real HTTP: they break connections, which an application in this process cannot."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from managed_databases.sandbox.faults import read_faults
from sandbox.account import Account, account_of, outcome
from sandbox_process import SandboxProcess

LIMIT_SECONDS = 60


@pytest.fixture
async def sandbox() -> AsyncIterator[SandboxProcess]:
    async with SandboxProcess() as process:
        yield process


@pytest.fixture
async def account(sandbox: SandboxProcess) -> AsyncIterator[Account]:
    async with httpx.AsyncClient(base_url=sandbox.url, timeout=LIMIT_SECONDS, trust_env=False) as http:
        yield await account_of(http)


async def add_user(account: Account, datastore: dict[str, Any], name: str) -> httpx.Response:
    body = {"user": {"name": name, "password": "p", "datastore_id": datastore["id"]}}
    return await account.call("POST", "/users", body)


async def test_instead_of_the_effect(sandbox: SandboxProcess, account: Account) -> None:
    datastore = await sandbox.create("datastores", {})
    await sandbox.fault(method="POST", path="/users$", times=1, status=429, headers={"Retry-After": "7"})
    limited = await add_user(account, datastore, "a")
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "7")
    assert limited.json()["error"]["code"] == 429
    assert await sandbox.objects("users") == []
    assert outcome(await add_user(account, datastore, "a")) == 201
    (fault,) = await sandbox.faults()
    assert fault["met"] == 1


async def test_after_the_effect(sandbox: SandboxProcess, account: Account) -> None:
    datastore = await sandbox.create("datastores", {})
    await sandbox.fault(method="POST", times=1, when="after", status=502, body="<html>Bad Gateway</html>")
    answer = await add_user(account, datastore, "a")
    assert (answer.status_code, answer.text) == (502, "<html>Bad Gateway</html>")
    assert [user["name"] for user in await sandbox.objects("users")] == ["a"]


@pytest.mark.parametrize(("when", "made"), [("before", []), ("after", ["a"])])
async def test_resets(when: str, made: list[str], sandbox: SandboxProcess, account: Account) -> None:
    datastore = await sandbox.create("datastores", {})
    await sandbox.fault(method="POST", times=1, when=when, reset=True)
    with pytest.raises(httpx.TransportError):
        await add_user(account, datastore, "a")
    assert [user["name"] for user in await sandbox.objects("users")] == made
    (request,) = await sandbox.requests("POST", "/v1/users")
    assert request["status"] == 0


async def test_an_effect_after_the_connection_is_gone(sandbox: SandboxProcess, account: Account) -> None:
    datastore = await sandbox.create("datastores", {})
    await sandbox.fault(method="POST", times=1, effect_after_seconds=0.2)
    with pytest.raises(httpx.TransportError):
        await add_user(account, datastore, "a")
    users: list[dict[str, Any]] = []
    async with asyncio.timeout(LIMIT_SECONDS):
        while not users:
            await asyncio.sleep(0.02)
            users = await sandbox.objects("users")
    assert [user["name"] for user in users] == ["a"]


@pytest.mark.parametrize(("when", "made"), [("before", []), ("after", ["a"])])
async def test_a_request_that_is_held_until_the_faults_are_removed(
    when: str, made: list[str], sandbox: SandboxProcess, account: Account
) -> None:
    datastore = await sandbox.create("datastores", {})
    await sandbox.fault(method="POST", when=when, held=True)
    adding = asyncio.create_task(add_user(account, datastore, "a"))
    async with asyncio.timeout(LIMIT_SECONDS):
        while not any(fault["met"] for fault in await sandbox.faults()):  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.02)
    assert [user["name"] for user in await sandbox.objects("users")] == made
    assert not adding.done()
    await sandbox.clear_faults()
    await adding
    assert [user["name"] for user in await sandbox.objects("users")] == ["a"]


async def test_lists_that_lie(sandbox: SandboxProcess, account: Account) -> None:
    old = await sandbox.create("datastores", {"name": "old"})
    stale = await sandbox.fault(path="/datastores$", stale_list=True, times=1)
    await sandbox.create("datastores", {"name": "new"})
    await sandbox.edit("datastores", old["id"], name="renamed")
    assert [row["name"] for row in await account.get("/datastores")] == ["old"]
    assert [row["name"] for row in await account.get("/datastores")] == ["renamed", "new"]
    (request, _) = await sandbox.requests("GET", "/datastores$")
    assert request["fault"] == stale
    await sandbox.fault(path="/datastores$", short_list=1, times=1)
    assert [row["name"] for row in await account.get("/datastores")] == ["renamed"]


async def test_rows_that_are_odd(sandbox: SandboxProcess, account: Account) -> None:
    made = await sandbox.create("datastores", {"name": "main"})
    await sandbox.fault(path="/datastores", times=2, rows={"name": 5, "status": "(left out)"})
    for path in ("/datastores", f"/datastores/{made['id']}"):
        told = await account.get(path)
        (row,) = told if isinstance(told, list) else [told]
        assert (row["id"], row["name"], "status" in row) == (made["id"], 5, False)
    (row,) = await account.get("/datastores")
    assert (row["name"], row["status"]) == ("main", "ACTIVE")


async def test_garbage_and_expired_tokens(sandbox: SandboxProcess, account: Account) -> None:
    await sandbox.fault(path="/users", garbage=True, times=1)
    answer = await account.call("GET", "/users")
    assert answer.status_code == 200
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()
    await sandbox.fault(path="/users", expire_tokens=True, times=1)
    assert (await account.call("GET", "/users")).status_code == 401
    assert (await account.call("GET", "/users")).status_code == 401
    again = await account_of(account.http)
    assert (await again.call("GET", "/users")).status_code == 200


async def test_faults_of_one_project_and_of_some_requests(sandbox: SandboxProcess, account: Account) -> None:
    other = await account_of(account.http, 1)
    await sandbox.fault(project=sandbox.credentials(1)["INFRA_PROJECT_ID"], status=503)
    assert (await account.call("GET", "/users")).status_code == 200
    assert (await other.call("GET", "/users")).status_code == 503
    await sandbox.clear_faults()
    await sandbox.fault(path="/users", share=0.5, status=500)
    statuses = {(await account.call("GET", "/users")).status_code for _ in range(64)}
    assert statuses == {200, 500}


async def test_a_delay_outlasts_a_patient_client(sandbox: SandboxProcess, account: Account) -> None:
    await sandbox.fault(path="/users", delay_seconds=LIMIT_SECONDS)
    with pytest.raises(httpx.ReadTimeout):
        await account.http.get("/v1/users", headers={"X-Auth-Token": account.token}, timeout=0.2)


async def test_faults_can_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    path.write_text('[{"path": "/users", "times": 1, "status": 503}, {"path": "/topics", "garbage": true}]')
    async with SandboxProcess("--faults", str(path)) as sandbox:
        assert [fault["path"] for fault in await sandbox.faults()] == ["/users", "/topics"]
        async with httpx.AsyncClient(base_url=sandbox.url, timeout=LIMIT_SECONDS, trust_env=False) as http:
            account = await account_of(http)
            assert [(await account.call("GET", "/users")).status_code for _ in range(2)] == [503, 200]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "expected a list of faults"),
        ("1", "expected a list of faults"),
        ("[1]", "expected a list of faults"),
        ('[{"status": 500}, {"colour": "red"}]', "fault 2 of the list: unknown fields: colour"),
        ('[{"path": "["}]', "fault 1 of the list: path: unterminated character set"),
        ('[{"times": "often"}]', "fault 1 of the list: times: 'often' is not of type 'integer', 'null'"),
        ('[{"share": 2}]', "fault 1 of the list: share: 2 is greater than the maximum of 1"),
        ('[{"status": 42}]', "fault 1 of the list: status: 42 is less than the minimum of 200"),
        ('[{"when": "now"}]', "fault 1 of the list: when: 'now' is not one of"),
    ],
)
def test_a_file_that_is_no_list_of_faults(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=re.escape(told)):
        read_faults(path)
