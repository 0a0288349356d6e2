"""A real PostgreSQL behind the sandbox: what the API says is so in the server, and stays so."""

import os
import ssl
from pathlib import Path

import asyncpg
import pytest

from engines.inside_postgresql import VERSION, Inside
from engines.real_sandbox import NASTY, RealSandbox, until_gone
from managed_databases.sandbox.catalogue import catalogue_id
from sandbox.account import new_datastore


def there(path: str) -> bool:
    return Path(path).exists()


async def test_users_databases_and_grants(inside: Inside) -> None:
    sandbox = inside.sandbox
    owner = await inside.user("owner")
    guest = await inside.user("guest", "guest's")
    shop = await inside.database("shop", owner_id=owner["id"])
    await inside.answer("owner", "shop", "CREATE TABLE orders (id int)")
    assert await inside.answer("owner", "shop", "INSERT INTO orders VALUES (7) RETURNING id") == 7
    with pytest.raises(asyncpg.InvalidPasswordError):
        await inside.login("owner", "shop", "wrong")
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncpg.connect(host=inside.host, user="owner", password=NASTY, ssl=ssl.create_default_context())
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="no encryption"):
        await asyncpg.connect(host=inside.host, user="owner", password=NASTY, ssl=False)

    # What was not granted: neither the database nor another one, nor the rights of an administrator.
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for database"):
        await inside.login("guest", "shop", "guest's")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await inside.answer("owner", "shop", "CREATE ROLE other")
    body = {"datastore_id": inside.id, "database_id": shop["id"], "user_id": guest["id"]}
    grant = await sandbox.make("grants", body)
    assert await inside.answer("guest", "shop", "SELECT id FROM orders", "guest's") == 7
    await inside.answer("guest", "shop", "CREATE TABLE mine ()", "guest's")
    session = await inside.login("guest", "shop", "guest's")
    await sandbox.delete("grants", grant["id"])
    assert session.is_closed(), "sessions end with the right to have them"
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for database"):
        await inside.login("guest", "shop", "guest's")

    # Passwords change at once. The deletion of a user with tables of its own leaves these to the database.
    await sandbox.change(f"/users/{owner['id']}", {"user": {"password": "next"}})
    with pytest.raises(asyncpg.InvalidPasswordError):
        await inside.login("owner", "shop")
    assert await inside.answer("owner", "shop", "SELECT 1", "next") == 1
    again = await sandbox.make("grants", body)
    await sandbox.delete("users", owner["id"])
    with pytest.raises(asyncpg.InvalidPasswordError):
        await inside.login("owner", "shop", "next")
    assert (await sandbox.account.get(f"/databases/{shop['id']}"))["owner_id"] is None
    await sandbox.change(f"/databases/{shop['id']}", {"database": {"owner_id": guest["id"]}})
    await sandbox.delete("grants", again["id"])
    assert await inside.answer("guest", "shop", "SELECT count(*) FROM mine", "guest's") == 0
    await sandbox.delete("databases", shop["id"])
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await inside.login("guest", "shop", "guest's")
    assert NASTY not in sandbox.state
    assert "guest's" not in sandbox.state


@pytest.mark.engines
async def test_extensions_slots_roles_and_locales(inside: Inside) -> None:
    sandbox = inside.sandbox
    await sandbox.process.settings(user_offers=True)
    read_all = next(
        row for row in await sandbox.account.get("/roles") if row["datastore_type_id"] == inside.row["type_id"]
    )
    settings = {"conn_limit": 1, "statement_timeout": 1234}
    owner = await inside.user("owner", roles=[read_all["id"]], settings=settings)
    shop = await inside.database("shop", owner_id=owner["id"], lc_collate="ru_RU.utf8", lc_ctype="ru_RU.utf8")
    assert await inside.answer("owner", "shop", "SHOW statement_timeout") == "1234ms"
    assert await inside.answer("owner", "shop", "SELECT pg_has_role('pg_read_all_data', 'usage')")
    assert await inside.answer("owner", "shop", "SELECT 'б' > 'А' AND 'а' < 'Б'"), "in the order of the language"
    session = await inside.login("owner", "shop")
    with pytest.raises(asyncpg.TooManyConnectionsError):
        await inside.login("owner", "shop")
    await session.close()
    await sandbox.change(f"/users/{owner['id']}/settings", {"settings": {"statement_timeout": None, "login": False}})
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="not permitted to log in"):
        await inside.login("owner", "shop")
    await sandbox.change(f"/users/{owner['id']}/settings", {"settings": {"login": True, "conn_limit": None}})
    await sandbox.change(f"/users/{owner['id']}/roles", {"roles": []})
    assert await inside.answer("owner", "shop", "SHOW statement_timeout") == "0"
    assert not await inside.answer("owner", "shop", "SELECT pg_has_role('pg_read_all_data', 'usage')")

    def extension(name: str) -> dict[str, str]:
        offer = catalogue_id("available-extension", name)
        return {"datastore_id": inside.id, "database_id": shop["id"], "available_extension_id": offer}

    made = await sandbox.make("extensions", extension("hstore"))
    assert await inside.answer("owner", "shop", "SELECT ('a=>7'::hstore)->'a'") == "7"
    await sandbox.delete("extensions", made["id"])
    with pytest.raises(asyncpg.UndefinedObjectError):
        await inside.answer("owner", "shop", "SELECT 'a=>7'::hstore")
    answer = await sandbox.asked("POST", "/extensions", "extensions", extension("postgis"))
    assert (answer.status_code, "does not come with this PostgreSQL" in answer.text) == (400, True)

    slot = {"datastore_id": inside.id, "database_id": shop["id"], "name": "warehouse"}
    made = await sandbox.make("logical-replication-slots", slot)
    query = "SELECT string_agg(slot_name || plugin || database, '') FROM pg_replication_slots"
    assert await inside.answer("owner", "shop", query) == "warehousepgoutputshop"
    await sandbox.delete("logical-replication-slots", made["id"])
    assert await inside.answer("owner", "shop", query) is None
    await sandbox.make("logical-replication-slots", slot)
    await sandbox.delete("databases", shop["id"])
    assert await sandbox.account.get("/logical-replication-slots") == []


@pytest.mark.engines
async def test_parameters_and_what_the_server_refuses(inside: Inside) -> None:
    sandbox, path = inside.sandbox, f"/datastores/{inside.id}"
    owner = await inside.user("owner")
    await inside.database("shop", owner_id=owner["id"])
    (before,) = await sandbox.engines()
    await sandbox.change(f"{path}/config", {"config": {"work_mem": 8192, "enable_seqscan": False}})
    assert await inside.answer("owner", "shop", "SHOW work_mem") == "8MB"
    assert await inside.answer("owner", "shop", "SHOW enable_seqscan") == "off"
    (running,) = await sandbox.engines()
    assert running["pid"] == before["pid"]
    await sandbox.change(f"{path}/config", {"config": {"max_connections": 50, "work_mem": None}})
    (running,) = await sandbox.engines()
    assert running["pid"] != before["pid"], "max_connections needs a new start"
    assert await inside.answer("owner", "shop", "SHOW max_connections") == "50"
    assert await inside.answer("owner", "shop", "SHOW work_mem") == "4MB"

    # A value that the catalogue allows and the server does not: all stays as it was, and the datastore says so.
    told = {"config": {"work_mem": 9999, "max_connections": 2}}  # fewer than it keeps for itself
    await sandbox.change(f"{path}/config", told, "ERROR")
    (running,) = await sandbox.engines()
    assert "superuser_reserved_connections" in running["trouble"]
    assert await inside.answer("owner", "shop", "SHOW max_connections") == "50"
    assert await inside.answer("owner", "shop", "SHOW work_mem") == "4MB"
    await sandbox.change(f"{path}/config", {"config": {"work_mem": 9999, "max_connections": 40}})
    assert await inside.answer("owner", "shop", "SHOW work_mem") == "9999kB"


@pytest.mark.engines
async def test_objects_that_the_server_refuses(inside: Inside) -> None:
    sandbox = inside.sandbox
    shop = await inside.database("shop", owner_id=(await inside.user("owner"))["id"])
    within = {"datastore_id": inside.id, "database_id": shop["id"]}
    slots = [f"slot{number}" for number in range(11)]
    for name in slots[:-1]:
        await sandbox.make("logical-replication-slots", within | {"name": name})
    refused = await sandbox.make("logical-replication-slots", within | {"name": slots[-1]}, "ERROR")
    count = "SELECT count(*) FROM pg_replication_slots"
    assert await inside.answer("owner", "shop", count) == 10, "max_replication_slots"
    await sandbox.delete("logical-replication-slots", refused["id"])
    assert await inside.answer("owner", "shop", count) == 10

    hstore = catalogue_id("available-extension", "hstore")
    extension = await sandbox.make("extensions", within | {"available_extension_id": hstore})
    await inside.answer("owner", "shop", "CREATE TABLE orders (told hstore)")
    answer = await sandbox.account.call("DELETE", f"/extensions/{extension['id']}")
    assert answer.is_success, answer.text
    await sandbox.settled("extensions", extension["id"], "ERROR")
    assert await inside.answer("owner", "shop", "SELECT 'a=>7'::hstore->'a'") == "7"
    assert (await sandbox.account.get(f"/datastores/{inside.id}"))["status"] == "ACTIVE"
    await inside.answer("owner", "shop", "DROP TABLE orders")
    await sandbox.delete("extensions", extension["id"])

    body = {"datastore_id": inside.id, "name": "pg_owner", "password": NASTY}
    answer = await sandbox.asked("POST", "/users", "users", body)
    assert (answer.status_code, "is reserved" in answer.text) == (400, True), answer.text


async def test_all_is_there_again_after_a_kill(inside: Inside) -> None:
    sandbox = inside.sandbox
    owner = await inside.user("owner")
    await inside.database("shop", owner_id=owner["id"])
    await inside.answer("owner", "shop", "CREATE TABLE orders (id int)")
    certificate = await sandbox.certificate_text()
    (running,) = await sandbox.engines()
    await sandbox.process.settings(manual=True)
    body = {"datastore_id": inside.id, "name": "late", "password": NASTY}
    late = (await sandbox.asked("POST", "/users", "users", body)).json()["user"]
    await sandbox.process.kill()
    await until_gone(running["pid"])
    await sandbox.process.start()
    assert await sandbox.certificate_text() == certificate
    assert await inside.answer("owner", "shop", "SELECT count(*) FROM orders") == 0
    await sandbox.settled("users", late["id"], "ACTIVE")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):  # it logs in, and was granted nothing
        await inside.login("late", "shop")


@pytest.mark.engines
async def test_the_end_of_a_datastore(inside: Inside) -> None:
    sandbox = inside.sandbox
    (running,) = await sandbox.engines()
    if os.geteuid() == 0:
        assert os.stat(f"/proc/{running['pid']}").st_uid != 0, "a server has no rights of root's"
    await sandbox.change(f"/datastores/{inside.id}/protection", {"protection": True})
    assert (await sandbox.account.call("DELETE", f"/datastores/{inside.id}")).status_code == 409
    await sandbox.change(f"/datastores/{inside.id}/protection", {"protection": False})
    await sandbox.delete("datastores", inside.id)
    assert not there(f"/proc/{running['pid']}")
    assert not there(running["folder"])
    assert await sandbox.engines() == []


@pytest.mark.engines
async def test_several_nodes_have_addresses_of_their_own(sandbox: RealSandbox) -> None:
    row = await sandbox.make("datastores", new_datastore("postgresql", VERSION, node_count=2))
    inside = Inside(sandbox, row)
    owner = await inside.user("owner")
    await inside.database("shop", owner_id=owner["id"])
    hosts = row["connection"]
    assert len({hosts["MASTER"], hosts["replica-1"]}) == 2
    grown = await sandbox.change(f"/datastores/{row['id']}/resize", {"resize": {"node_count": 3}})
    assert grown["connection"] == hosts | {"replica-2": grown["connection"]["replica-2"]}
    for host in set(grown["connection"].values()):
        inside.host = host
        assert await inside.answer("owner", "shop", "SELECT 1") == 1


@pytest.mark.engines
async def test_no_program_no_datastore(sandbox: RealSandbox) -> None:
    answer = await sandbox.account.call("POST", "/datastores", new_datastore("postgresql", "12"))
    assert answer.status_code == 400
    assert "PostgreSQL 12 is not on this machine" in answer.text
