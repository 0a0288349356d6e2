"""The Secret of a Redis datastore opens a real Redis."""

from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError
from redis.exceptions import ConnectionError as NotConnected

from cluster import Cluster
from engines.at_hand import need
from engines.real_sandbox import NASTY
from stories.passwords_seen import give
from stories.real_engines import world_with_engines

REDIS: dict[str, Any] = {"engine": {"type": "redis", "version": "7"}, "flavor": {"name": "RS1.1-1024-10"}}


async def ask(client: Any, *command: str) -> Any:
    async with client:
        return await client.execute_command(*command)


def by_uri(secret: dict[str, str]) -> Any:
    return Redis.from_url(
        secret["uri"], ssl_ca_data=secret["ca.crt"], ssl_check_hostname=True, retry=Retry(NoBackoff(), 0)
    )


def by_keys(secret: dict[str, str]) -> Any:
    return Redis(
        host=secret["host"],
        port=int(secret["port"]),
        username=secret["username"],
        password=secret["password"],
        ssl=True,
        ssl_ca_data=secret["ca.crt"],
        ssl_check_hostname=True,
        retry=Retry(NoBackoff(), 0),
    )


async def test_from_the_secret_to_the_key(installed: Cluster, tmp_path: Path) -> None:
    need("redis-server")
    async with world_with_engines(installed, tmp_path) as world:
        await give(world, NASTY)
        await world.operator.start()
        own = {"passwordSecretRef": {"name": "own", "key": "password"}}
        await world.apply(world.datastore("cache", **REDIS, redis=own))
        await world.becomes("ManagedDatastore", "cache")
        first = await world.secret("cache-redis")
        assert first["password"] == NASTY
        await ask(by_uri(first), "SET", "order", "7")
        assert await ask(by_keys(first), "GET", "order") == b"7"

        await give(world, f"{NASTY}2")

        async def follows() -> bool:
            assert (await world.secret("cache-redis"))["password"] == f"{NASTY}2"
            return bool(await ask(by_uri(await world.secret("cache-redis")), "GET", "order"))

        await world.until("the server has the new password", follows)
        with pytest.raises(AuthenticationError):
            await ask(by_keys(first), "GET", "order")

        last = await world.secret("cache-redis")
        await world.delete("ManagedDatastore", "cache")
        for client in (by_keys(last), by_uri(last)):
            with pytest.raises(NotConnected, match="Connect call failed"):
                await ask(client, "GET", "order")
        assert not await world.cluster.exists("Secret", "cache-redis", world.namespace)
