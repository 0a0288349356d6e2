"""A real PgBouncer before a PostgreSQL datastore."""

import os
import signal
import socket

import asyncpg
import pytest

from engines.at_hand import need
from engines.inside_postgresql import Inside
from engines.pooling import mode_of
from engines.real_sandbox import RealSandbox, until_gone
from sandbox.account import new_datastore

pytestmark = pytest.mark.engines


async def test_logins(inside: Inside) -> None:
    need("pgbouncer")
    owner = await inside.user("owner")
    await inside.database("shop", owner_id=owner["id"])
    assert await inside.answer("owner", "shop", "SELECT current_user::text", port=5433) == "owner"
    with pytest.raises(asyncpg.PostgresError, match="SASL authentication failed"):
        await inside.login("owner", "shop", "wrong", 5433)
    await inside.sandbox.delete("users", owner["id"])
    with pytest.raises(asyncpg.PostgresError, match="no such user|SASL authentication failed"):
        await inside.login("owner", "shop", port=5433)


async def test_connections_are_shared_as_the_mode_says(inside: Inside) -> None:
    need("pgbouncer")
    owner = await inside.user("owner")
    await inside.database("shop", owner_id=owner["id"])
    for mode in ("session", "transaction", "statement", "transaction", "session"):
        told = {"pooler": {"mode": mode, "size": 1}}
        await inside.sandbox.change(f"/datastores/{inside.id}/pooler", told)
        assert await mode_of(lambda: inside.pooled("owner", "shop")) == mode


async def test_it_is_at_each_address_of_a_datastore_that_grows(sandbox: RealSandbox) -> None:
    need("pgbouncer")
    inside = Inside(sandbox, await sandbox.make("datastores", new_datastore(node_count=2)))
    await inside.database("shop", owner_id=(await inside.user("owner"))["id"])
    grown = await sandbox.change(f"/datastores/{inside.id}/resize", {"resize": {"node_count": 3}})
    hosts = set(grown["connection"].values())
    assert len(hosts) == 3
    for host in hosts:
        inside.host = host
        assert await inside.answer("owner", "shop", "SELECT 1", port=5433) == 1


async def test_one_that_cannot_start_is_told(inside: Inside) -> None:
    need("pgbouncer")
    (row,) = await inside.sandbox.engines()
    os.kill(row["pooler_pid"], signal.SIGKILL)
    await until_gone(row["pooler_pid"])
    path, told = f"/datastores/{inside.id}/pooler", {"pooler": {"mode": "session", "size": 3}}
    with socket.create_server((inside.host, 5433)):
        await inside.sandbox.change(path, told, "ERROR")
        (row,) = await inside.sandbox.engines()
        assert "pgbouncer" in row["trouble"]
    await inside.sandbox.change(path, told)
    await inside.database("shop", owner_id=(await inside.user("owner"))["id"])
    assert await inside.answer("owner", "shop", "SELECT 1", port=5433) == 1
