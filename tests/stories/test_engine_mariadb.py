"""The Secret of a MySQL user opens a real MariaDB."""

import asyncio
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pymysql
import pytest

from cluster import Cluster
from engines.at_hand import need
from engines.real_sandbox import NASTY_ASCII
from stories.inside_a_datastore import grant
from stories.passwords_seen import give
from stories.real_engines import world_with_engines

MYSQL: dict[str, Any] = {"engine": {"type": "mysql_native", "version": "8"}}


def asked(secret: dict[str, str], query: str, told: dict[str, Any]) -> Any:
    context = ssl.create_default_context(cadata=secret["ca.crt"])
    with pymysql.connect(ssl=context, autocommit=True, connect_timeout=10, **told) as connection:
        cursor = connection.cursor()
        cursor.execute(query)
        found = cursor.fetchone()
        return found[0] if found else None


async def by_keys(secret: dict[str, str], query: str) -> Any:
    told = {"host": secret["host"], "port": int(secret["port"]), "user": secret["username"]}
    told |= {"password": secret["password"], "database": secret["database"]}
    return await asyncio.to_thread(asked, secret, query, told)


async def by_uri(secret: dict[str, str], query: str) -> Any:
    uri = urlsplit(secret["uri"])
    assert uri.username is not None
    assert uri.password is not None
    told = {"host": uri.hostname, "port": uri.port, "user": unquote(uri.username)}
    told |= {"password": unquote(uri.password), "database": uri.path.removeprefix("/")}
    return await asyncio.to_thread(asked, secret, query, told)


@pytest.mark.engines
async def test_from_the_secret_to_the_table(installed: Cluster, tmp_path: Path) -> None:
    need("mariadb-server-core")
    async with world_with_engines(installed, tmp_path) as world:
        await give(world, NASTY_ASCII)
        await world.operator.start()
        own = {"name": "own", "key": "password"}
        await world.apply(
            world.datastore(**MYSQL),
            world.database(),
            world.user(databaseRef={"name": "shop"}, passwordSecretRef=own),
            world.user("guest", databaseRef={"name": "shop"}),
            grant(world),
        )
        for kind, name in (("DatabaseGrant", "app-in-shop"), ("DatabaseUser", "guest")):
            await world.becomes(kind, name)
        app, guest = await world.secret("app-user"), await world.secret("guest-user")
        await by_keys(app, "CREATE TABLE orders (id int)")
        await by_uri(app, "INSERT INTO orders VALUES (7)")
        assert await by_keys(app, "SELECT id FROM orders") == 7
        with pytest.raises(pymysql.err.OperationalError, match="1044"):
            await by_uri(guest, "SELECT 1")
        with pytest.raises(pymysql.err.OperationalError, match="1044"):
            await by_uri(app, "CREATE DATABASE other")
        await world.delete("DatabaseUser", "guest")
        with pytest.raises(pymysql.err.OperationalError, match="1045"):
            await by_uri(guest, "SELECT 1")
        await world.delete("DatabaseGrant", "app-in-shop")
        with pytest.raises(pymysql.err.OperationalError, match="1044"):
            await by_uri(app, "SELECT 1")
        await world.becomes("DatabaseUser", "app")
        await world.delete("DatabaseUser", "app")
        with pytest.raises(pymysql.err.OperationalError, match="1045"):
            await by_uri(app, "SELECT 1")
