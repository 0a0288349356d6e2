"""The Secret of a MySQL user opens a real MariaDB."""

from pathlib import Path

import pymysql
import pytest

from cluster import Cluster
from engines.at_hand import need
from engines.real_sandbox import NASTY_ASCII
from stories.inside_a_datastore import grant
from stories.mysql_client import MYSQL, by_keys, by_uri
from stories.passwords_seen import give
from stories.real_engines import world_with_engines


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
