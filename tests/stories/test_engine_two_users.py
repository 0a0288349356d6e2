"""An application writes into a real PostgreSQL while two users take turns and the operator is killed again and again: no row is
missing; after a leak the login before ends at once.
"""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from cluster import Cluster
from engines.at_hand import need
from stories.kill_points import QUICK
from stories.real_engines import world_with_engines
from stories.turns import leaked, until_over
from stories.world import World

PAUSE_SECONDS = 0.2


@dataclass
class Application:
    """Logs in anew for each row, with what is mounted, and writes the number of the row."""

    world: World
    root: Path
    rows: int = 0
    users: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    async def work(self) -> None:
        while True:
            secret = await self.world.secret("app-user")
            try:
                async with await psycopg.AsyncConnection.connect(
                    secret["uri"], sslmode="verify-full", sslrootcert=str(self.root), connect_timeout=10
                ) as connection:
                    await connection.execute("INSERT INTO orders VALUES (%s, current_user)", (self.rows,))
            except psycopg.Error as error:
                self.failed.append(f"{secret['username']}: {error}")
            self.rows += 1
            if secret["username"] not in self.users[-1:]:
                self.users.append(secret["username"])
            await asyncio.sleep(PAUSE_SECONDS)


async def opens(secret: dict[str, str]) -> bool:
    try:
        async with await psycopg.AsyncConnection.connect(secret["uri"], sslmode="require", connect_timeout=10):
            return True
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error):
            return False
        raise


@pytest.mark.chaos
@pytest.mark.engines
async def test_no_row_is_missing(installed: Cluster, tmp_path: Path) -> None:
    need("postgresql-16")
    async with world_with_engines(installed, tmp_path, settings=QUICK) as world:
        await world.sandbox.settings(user_offers=True)
        await world.operator.start()
        await world.apply(
            world.datastore(),
            world.database(ownerRef={"name": "owner"}),
            world.user("owner", databaseRef={"name": "shop"}),
            world.user(
                databases=[{"name": "shop"}],
                roles=["pg_read_all_data", "pg_write_all_data"],
                rotation={"strategy": "TwoUsers", "keepOldFor": "4s"},
            ),
        )
        for name in ("owner", "app-twin", "app"):
            await world.becomes("DatabaseUser", name, "Synced")
        owner = await world.secret("owner-user")
        root = tmp_path / "root.crt"
        root.write_text(owner["ca.crt"])
        async with await psycopg.AsyncConnection.connect(owner["uri"], sslmode="require") as migration:
            await migration.execute("CREATE TABLE orders (number bigint PRIMARY KEY, by text)")
        application = Application(world, root)
        task = asyncio.create_task(application.work())
        logins: list[dict[str, str]] = []
        for turn in range(4):
            logins.append(await world.secret("app-user"))
            await world.annotate("DatabaseUser", "app", rotate_password=f"turn {turn}")
            for kill in range(3):
                await asyncio.sleep(0.25 + 0.35 * kill + 0.1 * turn)
                await world.operator.kill()
                await world.operator.start()
            await until_over(world, f"turn {turn}")
        logins.append(await leaked(world, opens))
        task.cancel()
        await asyncio.wait([task])
        assert application.failed == []
        assert application.users == ["app", "app_twin"] * 3
        async with await psycopg.AsyncConnection.connect(owner["uri"], sslmode="require") as asked:
            rows = await (await asked.execute("SELECT number FROM orders ORDER BY number")).fetchall()
        assert [number for (number,) in rows][: application.rows] == list(range(application.rows))
        assert [await opens(login) for login in logins] == [False] * 5
        assert await opens(await world.secret("app-user"))
        assert sorted(user["name"] for user in await world.sandbox.objects("users")) == ["app", "app_twin", "owner"]
