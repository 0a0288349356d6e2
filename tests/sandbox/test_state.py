"""What was answered survives: SIGKILL, a torn write, a long history."""

import asyncio
import json
import signal
import sys
from pathlib import Path

import httpx
import pytest

from managed_databases.sandbox import store
from managed_databases.sandbox.projects import read_world
from managed_databases.sandbox.store import Store
from sandbox.account import account_of, new_datastore
from sandbox_process import SandboxProcess

LIMIT_SECONDS = 60


async def test_sigkill_loses_nothing(tmp_path: Path) -> None:
    async with SandboxProcess("--manual", state=tmp_path / "state") as sandbox:
        first_url = sandbox.url
        async with httpx.AsyncClient(base_url=sandbox.url, trust_env=False, timeout=LIMIT_SECONDS) as http:
            account = await account_of(http)
            ready = await account.make("datastores", new_datastore())
            body = {"user": {"name": "app", "password": "p-1", "datastore_id": ready["id"]}}
            pending = (await account.call("POST", "/users", body)).json()["user"]
        await sandbox.kill()
        await sandbox.start()
        assert sandbox.url == first_url
        async with httpx.AsyncClient(base_url=sandbox.url, trust_env=False, timeout=LIMIT_SECONDS) as http:
            account.http = http
            assert await account.get(f"/datastores/{ready['id']}") == ready, "the old token is good as well"
            assert await account.get(f"/users/{pending['id']}") == pending
            assert (await account.call("POST", "/users", body)).status_code == 409, "its name is still taken"
            assert not await sandbox.login(ready["id"], "app", "p-1")
            assert await sandbox.complete() == 1
            assert await sandbox.login(ready["id"], "app", "p-1")
    assert "p-1" not in (tmp_path / "state").read_text()


async def test_changes_go_on_after_a_restart(tmp_path: Path) -> None:
    async with SandboxProcess(state=tmp_path / "state", delay_seconds=0.2) as sandbox:
        async with httpx.AsyncClient(base_url=sandbox.url, trust_env=False, timeout=LIMIT_SECONDS) as http:
            await (await account_of(http)).call("POST", "/datastores", new_datastore())
        await sandbox.kill()
        await sandbox.start()
        status = None
        async with asyncio.timeout(LIMIT_SECONDS):
            while status != "ACTIVE":
                (row,) = await sandbox.objects("datastores")
                status = row["status"]
                await asyncio.sleep(0.02)


def test_a_torn_last_line_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_bytes(b'[["t","a",{"id":"a"}]]\n[["t","b",{"id":"b"}],["t","a",null]]\n[["t","b",null],["t","c",{"i')
    again = Store(path)
    assert again.tables == {"t": {"b": {"id": "b"}}}
    again.put("t", "d", {"id": "d"})
    again.close()
    assert set(Store(path).table("t")) == {"b", "d"}


def test_history_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_HISTORY_LINES", 10)
    remembering = Store(tmp_path / "state")
    for number in range(100):
        remembering.put("t", "a", {"n": number})
        remembering.flush()
    remembering.close()
    assert len((tmp_path / "state").read_bytes().splitlines()) < 20
    assert Store(tmp_path / "state").table("t") == {"a": {"n": 99}}


async def test_a_world_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    mine = {"id": "a" * 32, "name": "mine", "username": "me", "password": "p", "domain": "home"}
    path.write_text(json.dumps({"regions": ["here"], "projects": [mine]}))
    assert read_world(path).projects[0].name == "mine"
    path.write_text(json.dumps({"regions": ["here"], "projects": [mine, mine]}))
    with pytest.raises(ValueError, match="a user of its own"):
        read_world(path)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "managed_databases.sandbox", "--config", str(path), stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert (process.returncode, b"cannot start the sandbox" in said) == (1, True)


async def test_a_clean_stop(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "managed_databases.sandbox", "--port", "0", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().removeprefix("listening on ").strip()
    async with httpx.AsyncClient(trust_env=False, timeout=LIMIT_SECONDS) as http:
        assert (await http.get(f"{url}/sandbox/health")).json() == {"status": "ok"}
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0


async def test_a_stop_right_after_the_start_is_heard() -> None:
    for _ in range(3):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "managed_databases.sandbox", "--port", "0", stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        await process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), LIMIT_SECONDS)
        finally:
            if process.returncode is None:
                process.kill()
