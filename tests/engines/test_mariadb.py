"""A real MariaDB behind the sandbox's MySQL datastores."""

from pathlib import Path
from typing import Any

import aiomysql
import pymysql
import pytest

from engines.at_hand import need
from engines.real_sandbox import NASTY_ASCII, RealSandbox
from sandbox.account import new_datastore


@pytest.mark.engines
async def test_users_databases_grants_and_parameters(tmp_path: Path) -> None:
    need("mariadb-server-core")
    async with RealSandbox(tmp_path) as sandbox:
        row = await sandbox.make("datastores", new_datastore("mysql_native", "8"))
        host, path = row["connection"]["master"], f"/datastores/{row['id']}"
        certificate = await sandbox.certificate()

        async def answer(user: str, query: str, database: str | None = "shop_db", password: str = NASTY_ASCII) -> Any:
            connection = await aiomysql.connect(
                host=host, user=user, password=password, db=database, ssl=certificate, autocommit=True
            )
            try:
                async with connection.cursor() as cursor:
                    await cursor.execute(query)
                    found = await cursor.fetchone()
                    return found[0] if found else None
            finally:
                connection.close()

        async def user(name: str) -> dict[str, Any]:
            return await sandbox.make("users", {"datastore_id": row["id"], "name": name, "password": NASTY_ASCII})

        app, guest = await user("app"), await user("guest")
        shop = await sandbox.make("databases", {"datastore_id": row["id"], "name": "shop_db"})
        await sandbox.make("databases", {"datastore_id": row["id"], "name": "shopXdb"})
        with pytest.raises(pymysql.err.OperationalError, match="1044"):
            await answer("app", "SELECT 1")
        body = {"datastore_id": row["id"], "database_id": shop["id"], "user_id": app["id"]}
        grant = await sandbox.make("grants", body)
        await answer("app", "CREATE TABLE orders (id int)")
        await answer("app", "INSERT INTO orders VALUES (7)")
        assert await answer("app", "SELECT id FROM orders") == 7
        for query in ("CREATE DATABASE other", "CREATE USER other", "SELECT * FROM mysql.global_priv"):
            with pytest.raises(pymysql.err.MySQLError):
                await answer("app", query)
        with pytest.raises(pymysql.err.OperationalError, match="1044"):  # _ in the name is no wildcard
            await answer("app", "SELECT 1", "shopXdb")
        with pytest.raises(pymysql.err.OperationalError, match="1045"):
            await answer("app", "SELECT 1", password="wrong")
        with pytest.raises(pymysql.err.OperationalError, match="3159|1045|secure"):
            await aiomysql.connect(host=host, user="app", password=NASTY_ASCII)

        # Parameters: in the running server, by a new start, and one that this server does not know.
        (before,) = await sandbox.engines()
        await sandbox.change(f"{path}/config", {"config": {"max_connections": 77}})
        assert await answer("app", "SELECT @@max_connections") == 77
        (running,) = await sandbox.engines()
        assert running["pid"] == before["pid"]
        await sandbox.change(f"{path}/config", {"config": {"back_log": 90}})
        assert await answer("app", "SELECT @@back_log + @@max_connections") == 167
        (running,) = await sandbox.engines()
        assert running["pid"] != before["pid"]

        # Another password, the end of a grant and of users; all the same after a kill.
        await sandbox.change(f"/users/{app['id']}", {"user": {"password": f"{NASTY_ASCII}2"}})
        await sandbox.process.kill()
        await sandbox.process.start()
        assert await answer("app", "SELECT id FROM orders", password=f"{NASTY_ASCII}2") == 7
        assert await answer("app", "SELECT @@back_log + @@max_connections", password=f"{NASTY_ASCII}2") == 167
        with pytest.raises(pymysql.err.OperationalError, match="1045"):
            await answer("app", "SELECT 1")
        await sandbox.delete("grants", grant["id"])
        with pytest.raises(pymysql.err.OperationalError, match="1044"):
            await answer("app", "SELECT 1", password=f"{NASTY_ASCII}2")
        await sandbox.make("grants", body | {"user_id": guest["id"]})
        await sandbox.delete("databases", shop["id"])
        await sandbox.make("databases", {"datastore_id": row["id"], "name": "shop_db"})
        with pytest.raises(pymysql.err.OperationalError, match="1044"):
            await answer("guest", "SELECT 1")
        await sandbox.delete("users", guest["id"])
        with pytest.raises(pymysql.err.OperationalError, match="1045"):
            await answer("guest", "SELECT 1", None)
        assert NASTY_ASCII not in sandbox.state


@pytest.mark.engines
async def test_what_the_server_refuses(tmp_path: Path) -> None:
    need("mariadb-server-core")
    async with RealSandbox(tmp_path) as sandbox:
        row = await sandbox.make("datastores", new_datastore("mysql_native", "8"))
        path = f"/datastores/{row['id']}/config"

        # Known beforehand: a 400.
        for collection, name in (("users", "root"), ("users", "sandbox_administrator"), ("databases", "MySQL")):
            password = {"password": NASTY_ASCII} if collection == "users" else {}
            body = {"datastore_id": row["id"], "name": name, **password}
            answer = await sandbox.asked("POST", f"/{collection}", collection, body)
            assert (answer.status_code, "is reserved" in answer.text) == (400, True), answer.text

        # Told by the server: ERROR. MariaDB lacks this parameter of MySQL's; it runs as before, with none of the change.
        app = await sandbox.make("users", {"datastore_id": row["id"], "name": "app", "password": NASTY_ASCII})
        await sandbox.change(path, {"config": {"max_connections": 77}})
        told = {"max_connections": 78, "range_optimizer_max_mem_size": 1_000_000}
        await sandbox.change(path, {"config": told}, "ERROR")
        (running,) = await sandbox.engines()
        assert "Unknown system variable 'range_optimizer_max_mem_size'" in running["trouble"]
        asked = {"host": row["connection"]["master"], "user": "app", "password": NASTY_ASCII}
        connected = aiomysql.connect(ssl=await sandbox.certificate(), **asked)
        async with connected as connection, connection.cursor() as cursor:
            await cursor.execute("SELECT @@max_connections")
            assert await cursor.fetchone() == (77,)
        await sandbox.change(path, {"config": {"max_connections": 79, "range_optimizer_max_mem_size": None}})
        (running,) = await sandbox.engines()
        assert "trouble" not in running
        await sandbox.delete("users", app["id"])
        with pytest.raises(pymysql.err.OperationalError, match="1045"):
            await aiomysql.connect(ssl=await sandbox.certificate(), **asked)
