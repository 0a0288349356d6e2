"""`managed-databases connect` opens a real PostgreSQL with the engine's own client."""

import shutil
from pathlib import Path

import pytest

from cluster import Cluster
from command_process import command
from engines.at_hand import need
from stories.people import person
from stories.real_engines import world_with_engines


async def test_psql_is_let_in(installed: Cluster, tmp_path: Path) -> None:
    need("postgresql-16", "pgbouncer")
    if shutil.which("psql") is None:
        pytest.skip("no psql here")
    async with world_with_engines(installed, tmp_path) as world:
        await world.operator.start()
        await world.apply(
            world.datastore(), world.database(ownerRef={"name": "app"}), world.user(databaseRef={"name": "shop"})
        )
        await world.becomes("ManagedDatabase", "shop")
        await world.becomes("DatabaseUser", "app", "Synced")
        editor = await person(world.cluster, world.namespace, "edit")
        asked = (
            "--",
            "-tA",
            "-c",
            "select current_user, current_database(), ssl from pg_stat_ssl where pid = pg_backend_pid()",
        )
        ended = await command(editor, "connect", "app", "-n", world.namespace, *asked)
        assert (ended.code, ended.said) == (0, "app|shop|t\n"), ended
