"""The sandbox ends, with all its servers, and begins anew: everything in them is as before, and the API's rows still hold it."""

from typing import Any

import asyncpg
import pytest

from engines.at_hand import need
from engines.inside_postgresql import Inside
from engines.pooling import mode_of
from engines.real_sandbox import RealSandbox, until_gone
from managed_databases.sandbox.catalogue import catalogue_id

pytestmark = pytest.mark.engines


async def end_and_begin(sandbox: RealSandbox, how: str) -> None:
    """Return when the sandbox serves again; in between, each of its servers was gone."""
    running = [number for row in await sandbox.engines() for name, number in row.items() if name.endswith("pid")]
    assert running
    await (sandbox.process.end() if how == "ended" else sandbox.process.kill())
    for pid in running:
        await until_gone(pid)
    await sandbox.process.start()


@pytest.mark.parametrize("how", ["ended", "killed"])
async def test_all_that_stands_in_a_postgresql(inside: Inside, how: str) -> None:
    need("pgbouncer")
    sandbox, path = inside.sandbox, f"/datastores/{inside.id}"
    await sandbox.process.settings(user_offers=True)
    offers = await sandbox.account.get("/roles")
    role = next(row for row in offers if row["datastore_type_id"] == inside.row["type_id"])
    owner = await inside.user("owner")
    guest = await inside.user("guest", roles=[role["id"]], settings={"conn_limit": 3, "statement_timeout": 1234})
    shop = await inside.database("shop", owner_id=owner["id"])
    stock = await inside.database("stock", owner_id=owner["id"])
    within = {"datastore_id": inside.id, "database_id": shop["id"]}
    grant = await sandbox.make("grants", within | {"user_id": guest["id"]})
    hstore = catalogue_id("available-extension", "hstore")
    extension = await sandbox.make("extensions", within | {"available_extension_id": hstore})
    slot = await sandbox.make("logical-replication-slots", within | {"name": "warehouse"})
    config = {"work_mem": 8192, "max_connections": 50}
    await sandbox.change(f"{path}/config", {"config": config})
    await sandbox.change(f"{path}/pooler", {"pooler": {"mode": "statement", "size": 1}})
    await inside.answer("owner", "shop", "CREATE TABLE orders (told hstore)")
    await inside.answer("owner", "shop", "INSERT INTO orders VALUES ('a=>7')")

    async def seen() -> dict[str, Any]:
        """What the server itself says."""
        return {
            "the guest's rights": await inside.answer(
                "guest", "shop", "SELECT has_schema_privilege('public', 'create')"
            ),
            "the guest's role": await inside.answer("guest", "shop", "SELECT pg_has_role('pg_read_all_data', 'usage')"),
            "the guest's limit": await inside.answer(
                "guest", "shop", "SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user"
            ),
            "the guest's timeout": await inside.answer("guest", "shop", "SHOW statement_timeout"),
            "the owner": await inside.answer(
                "owner", "shop", "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'shop'"
            ),
            "the extension": await inside.answer("owner", "shop", "SELECT told->'a' FROM orders"),
            "the slot": await inside.answer(
                "owner", "shop", "SELECT slot_name || ' ' || plugin || ' ' || database FROM pg_replication_slots"
            ),
            "work_mem": await inside.answer("owner", "shop", "SHOW work_mem"),
            "max_connections": await inside.answer("owner", "shop", "SHOW max_connections"),
            "the pooler": await mode_of(lambda: inside.pooled("owner", "shop")),
        }

    before = await seen()
    assert before == {
        "the guest's rights": True,
        "the guest's role": True,
        "the guest's limit": 3,
        "the guest's timeout": "1234ms",
        "the owner": "owner",
        "the extension": "7",
        "the slot": "warehouse pgoutput shop",
        "work_mem": "8MB",
        "max_connections": "50",
        "the pooler": "statement",
    }
    rows = [await sandbox.account.get(f"/{name}") for name in ("users", "databases", "grants", "extensions")]
    await end_and_begin(sandbox, how)
    assert await seen() == before
    assert [await sandbox.account.get(f"/{name}") for name in ("users", "databases", "grants", "extensions")] == rows
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await inside.login("guest", "stock")

    # What was there can be changed and deleted as before.
    await sandbox.change(f"{path}/config", {"config": {"work_mem": None}})
    assert await inside.answer("owner", "shop", "SHOW work_mem") == "4MB"
    assert await inside.answer("owner", "shop", "SHOW max_connections") == "50"
    await sandbox.delete("logical-replication-slots", slot["id"])
    assert await inside.answer("owner", "shop", "SELECT count(*) FROM pg_replication_slots") == 0
    await inside.answer("owner", "shop", "DROP TABLE orders")
    await sandbox.delete("extensions", extension["id"])
    with pytest.raises(asyncpg.UndefinedObjectError):
        await inside.answer("owner", "shop", "SELECT 'a=>7'::hstore")
    await sandbox.delete("grants", grant["id"])
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await inside.login("guest", "shop")
    await sandbox.delete("databases", stock["id"])
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await inside.login("owner", "stock")
