"""The Secrets that the operator writes open a real PostgreSQL, to what was granted, and as long as it is granted."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest
import pytest_asyncio

from cluster import Cluster
from engines.at_hand import need
from engines.real_sandbox import NASTY
from stories.inside_a_datastore import extension, grant
from stories.passwords_seen import give
from stories.real_engines import world_with_engines
from stories.world import World


@pytest_asyncio.fixture
async def real(installed: Cluster, tmp_path: Path) -> AsyncIterator[World]:
    need("postgresql-16", "pgbouncer")
    async with world_with_engines(installed, tmp_path) as world:
        yield world


async def by_keys(secret: dict[str, str], query: str, **other: Any) -> Any:
    """Ask with asyncpg, from the single keys."""
    told = {
        "host": secret["host"],
        "port": int(secret["port"]),
        "user": secret["username"],
        "password": secret["password"],
        "database": secret.get("database"),
        "ssl": ssl.create_default_context(cadata=secret["ca.crt"]),
    }
    connection = await asyncpg.connect(timeout=10, **told | other)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def by_uri(secret: dict[str, str], query: str, folder: Path, **other: Any) -> Any:
    """Ask with psycopg (libpq), from the URI, with the certificate and the host's name checked."""
    root = folder / "root.crt"
    root.write_text(secret["ca.crt"])
    told: dict[str, Any] = {"sslmode": "verify-full", "sslrootcert": str(root), "connect_timeout": 10} | other
    async with await psycopg.AsyncConnection.connect(secret["uri"], **told) as connection:
        row = await (await connection.execute(query.encode())).fetchone()
        assert row is not None
        return row[0]


async def test_from_the_secret_to_the_table(real: World, tmp_path: Path) -> None:
    await give(real, NASTY)
    await real.operator.start()
    await real.apply(
        real.datastore(pooler={"mode": "transaction", "size": 10}),
        real.database(ownerRef={"name": "app"}),
        real.user(databaseRef={"name": "shop"}, passwordSecretRef={"name": "own", "key": "password"}),
        real.user("guest", databaseRef={"name": "shop"}),
        extension(real, "hstore"),
    )
    for kind, name in (("ManagedDatabase", "shop"), ("DatabaseExtension", "hstore"), ("DatabaseUser", "guest")):
        await real.becomes(kind, name)
    app, guest = await real.secret("app-user"), await real.secret("guest-user")
    assert app["password"] == NASTY
    await by_keys(app, "CREATE TABLE orders (id int, told hstore)")
    assert await by_uri(app, "INSERT INTO orders VALUES (7, 'a=>1') RETURNING id", tmp_path) == 7
    assert await by_keys(app, "SELECT id FROM orders", port=int(app["pooler-port"])) == 7
    # What was not granted.
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for database"):
        await by_keys(guest, "SELECT 1")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await by_keys(app, "CREATE DATABASE another")
    await real.apply(grant(real, "guest-in-shop") | {"spec": grant(real)["spec"] | {"userRef": {"name": "guest"}}})
    await real.becomes("DatabaseGrant", "guest-in-shop")
    assert await by_uri(guest, "SELECT told->'a' FROM orders", tmp_path) == "1"

    # Another password, and the old one is good for nothing.
    await give(real, f"{NASTY}2")

    async def follows() -> bool:
        assert (await real.secret("app-user"))["password"] == f"{NASTY}2"
        return bool(await by_keys(await real.secret("app-user"), "SELECT true"))

    await real.until("the server has the new password", follows)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await by_keys(app, "SELECT 1")

    # A grant that goes alone takes the access away; the user stays. Whoever is deleted is out.
    await real.delete("DatabaseGrant", "guest-in-shop")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for database"):
        await by_keys(guest, "SELECT 1")
    await real.becomes("DatabaseUser", "guest")
    await real.delete("DatabaseUser", "guest")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await by_keys(guest, "SELECT 1")
    assert await by_uri(await real.secret("app-user"), "SELECT count(*) FROM orders", tmp_path) == 1
