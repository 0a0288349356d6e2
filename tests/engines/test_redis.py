"""A real Redis behind the sandbox."""

from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError
from redis.exceptions import ConnectionError as NotConnected

from engines.at_hand import need
from engines.real_sandbox import NASTY, RealSandbox
from managed_databases.sandbox.catalogue import CATALOGUE, type_id
from sandbox.account import new_datastore


def new_redis(**told: Any) -> dict[str, Any]:
    type_ = type_id("redis", "7")
    flavor = next(row["id"] for row in CATALOGUE["flavors"].values() if type_ in row["datastore_type_ids"])
    return new_datastore("redis", "7", flavor=None, flavor_id=flavor, redis_password=NASTY, **told)


async def asked(sandbox: RealSandbox, host: str, *command: str, password: str = NASTY) -> Any:
    client: Any = Redis(
        host=host,
        port=6380,
        password=password,
        ssl=True,
        ssl_ca_data=await sandbox.certificate_text(),
        ssl_check_hostname=True,
        retry=Retry(NoBackoff(), 0),
    )
    async with client:
        return await client.execute_command(*command)


async def test_password_parameters_and_a_kill(tmp_path: Path) -> None:
    need("redis-server")
    async with RealSandbox(tmp_path) as sandbox:
        row = await sandbox.make("datastores", new_redis(node_count=2))
        path, host = f"/datastores/{row['id']}", row["connection"]["master"]
        await asked(sandbox, host, "SET", "order", "7")
        assert await asked(sandbox, row["connection"]["replica-1"], "GET", "order") == b"7"
        for command in (("CONFIG", "GET", "*"), ("ACL", "LIST"), ("SHUTDOWN",)):
            with pytest.raises(NoPermissionError):
                await asked(sandbox, host, *command)
        with pytest.raises(AuthenticationError):
            await asked(sandbox, host, "GET", "order", password="wrong")

        # Parameters: in the running server, by a new start, and one that it refuses.
        (before,) = await sandbox.engines()
        await sandbox.change(f"{path}/config", {"config": {"maxmemory-policy": "allkeys-lru"}})
        assert await policy(sandbox, host) == "allkeys-lru"
        (running,) = await sandbox.engines()
        assert running["pid"] == before["pid"]
        await sandbox.change(f"{path}/config", {"config": {"maxmemory-policy": None}})
        assert await policy(sandbox, host) == "noeviction"
        await sandbox.change(f"{path}/config", {"config": {"notify-keyspace-events": "Q"}}, "ERROR")
        (running,) = await sandbox.engines()
        assert "Redis" in running["trouble"]
        told = {"maxmemory-policy": "volatile-lru", "notify-keyspace-events": None}
        await sandbox.change(f"{path}/config", {"config": told})
        (running,) = await sandbox.engines()
        assert "trouble" not in running

        # Another password: the old one is good for nothing, now and after a kill.
        next_ = f"{NASTY}2"
        await sandbox.change(f"{path}/password", {"password": {"redis_password": next_}})
        await sandbox.process.kill()
        await sandbox.process.start()
        with pytest.raises(AuthenticationError):
            await asked(sandbox, host, "GET", "order")
        assert await asked(sandbox, host, "GET", "order", password=next_) == b"7"
        assert await policy(sandbox, host, next_) == "volatile-lru"
        assert NASTY not in sandbox.state
        await sandbox.delete("datastores", row["id"])
        with pytest.raises(NotConnected, match="Connect call failed"):
            await asked(sandbox, host, "GET", "order", password=next_)


async def policy(sandbox: RealSandbox, host: str, password: str = NASTY) -> str:
    return str((await asked(sandbox, host, "INFO", "memory", password=password))["maxmemory_policy"])
