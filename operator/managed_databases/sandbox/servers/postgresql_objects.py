"""What is in a PostgreSQL server: users, databases, grants, extensions, replication slots."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, TypeAlias

import asyncpg

from managed_databases.sandbox.backing import ChangeRefused
from managed_databases.sandbox.catalogue import CATALOGUE
from managed_databases.sandbox.spaces import Space
from managed_databases.sandbox.store import Row
from managed_databases.sandbox.user_offers import PARAMETERS, ROLES

ADMINISTRATOR: Final = "sandbox_administrator"
_OWN_DATABASES: Final = ("postgres", "template0", "template1")
_OFFERED_LOCALES: Final = {"ru_RU.utf8": "ru-RU"}
"""Locales of the API that few machines have, with ICU's name."""

Connection: TypeAlias = Any
"""asyncpg's connection; asyncpg has no types."""
Session = Callable[..., AbstractAsyncContextManager[Connection]]


class PostgresqlObjects:
    """`session` gives an administrator's session in a database (by default one of the server's own)."""

    def __init__(self, space: Space, session: Session, version: str) -> None:
        self._space = space
        self._session = session
        self._major = int(version.partition(".")[0])
        self._extensions: frozenset[str] = frozenset()
        self._locales: frozenset[str] = frozenset()

    async def look(self) -> None:
        """Find out what the server offers."""
        async with self._session() as session:
            rows = await session.fetch("SELECT name FROM pg_available_extensions")
            locales = await session.fetch("SELECT collname FROM pg_collation WHERE collprovider = 'c'")
        self._extensions = frozenset(row["name"] for row in rows)
        self._locales = frozenset(row["collname"] for row in locales)

    def objection(self, collection: str, row: Row) -> str | None:
        if collection == "extensions":
            name = _extension(row)
            return None if name in self._extensions else f"extension {name} does not come with this PostgreSQL"
        if collection == "users" and (row["name"] == ADMINISTRATOR or row["name"].startswith("pg_")):
            return f"the name {row['name']} is reserved"
        if collection == "databases" and row["name"] in _OWN_DATABASES:
            return f"the name {row['name']} is reserved"
        if collection == "databases" and self._major < 15:  # later ones have ICU's
            lacking = {row["lc_collate"], row["lc_ctype"]} - self._locales
            return f"this machine lacks the locale {min(lacking)}" if lacking else None
        return None

    async def put(self, collection: str, row: Row, sealed: str | None) -> None:
        match collection:
            case "users":
                await self._put_user(row, sealed)
            case "databases":
                await self._put_database(row)
            case "grants":
                await self._put_grant(row)
            case "extensions":
                async with self._session(self._name("databases", row["database_id"])) as session:
                    await session.execute(f"CREATE EXTENSION IF NOT EXISTS {identifier(_extension(row))}")
            case "logical-replication-slots":
                await self._put_slot(row)

    async def drop(self, collection: str, row: Row) -> None:
        match collection:
            case "users":
                await self._drop_user(row["name"])
            case "databases":
                await self._drop_database(row["name"])
            case "grants":
                await self._drop_grant(row)
            case "extensions":
                async with self._session(self._name("databases", row["database_id"])) as session:
                    await session.execute(f"DROP EXTENSION IF EXISTS {identifier(_extension(row))}")
            case "logical-replication-slots":
                async with self._session() as session:
                    await _drop_slots(session, "slot_name", row["name"])

    async def _put_user(self, row: Row, sealed: str | None) -> None:
        user = identifier(row["name"])
        settings = {name: row.get("settings", {}).get(name) for name in _names_of_settings()}
        limit, login = settings.pop("conn_limit"), settings.pop("login")
        async with self._session() as session, session.transaction():
            if not await session.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", row["name"]):
                await session.execute(f"CREATE ROLE {user}")
            password = f"PASSWORD {literal(sealed)}" if sealed else ""
            may = "NOLOGIN" if login is False else "LOGIN"
            await session.execute(
                f"ALTER ROLE {user} {may} CONNECTION LIMIT {-1 if limit is None else limit} {password}"
            )
            for name, value in settings.items():
                told = "RESET" if value is None else "SET"
                given = "" if value is None else f"= {literal(str(value))}"
                await session.execute(f"ALTER ROLE {user} {told} {identifier(name)} {given}")
            wanted = {ROLES[id_]["name"] for id_ in row.get("roles", [])}
            for role in {offer["name"] for offer in ROLES.values()} if self._major >= 14 else set():
                order = f"GRANT {role} TO {user}" if role in wanted else f"REVOKE {role} FROM {user}"
                await session.execute(order)

    async def _drop_user(self, name: str) -> None:
        """Remove a user. What it owns becomes the administrator's: the API keeps a database whose owner goes."""
        user = identifier(name)
        async with self._session() as session:
            if not await session.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", name):
                return
            await session.execute(f"ALTER ROLE {user} NOLOGIN")
            await _end_sessions(session, "usename", name)
            for database in await session.fetch("SELECT datname FROM pg_database WHERE datallowconn"):
                async with self._session(database["datname"]) as inside:
                    await inside.execute(f"REASSIGN OWNED BY {user} TO {ADMINISTRATOR}; DROP OWNED BY {user}")
            await session.execute(f"DROP ROLE {user}")

    async def _put_database(self, row: Row) -> None:
        database = identifier(row["name"])
        owner = identifier(self._name("users", row["owner_id"])) if row["owner_id"] else ADMINISTRATOR
        async with self._session() as session:
            if not await session.fetchval("SELECT true FROM pg_database WHERE datname = $1", row["name"]):
                try:
                    await session.execute(f"CREATE DATABASE {database} TEMPLATE template0 {self._locale(row)}")
                except asyncpg.WrongObjectTypeError:  # the machine lacks the locale
                    await session.execute(
                        f"CREATE DATABASE {database} TEMPLATE template0 {self._locale(row, icu=True)}"
                    )
            await session.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
            await session.execute(f"ALTER DATABASE {database} OWNER TO {owner}")
        if self._major < 15:  # since then the schema is the owner's, and nobody else may create in it
            async with self._session(row["name"]) as inside:
                await inside.execute(
                    f"REVOKE CREATE ON SCHEMA public FROM PUBLIC; ALTER SCHEMA public OWNER TO {owner}"
                )

    def _locale(self, row: Row, *, icu: bool = False) -> str:
        if not icu:
            return f"LC_COLLATE {literal(row['lc_collate'])} LC_CTYPE {literal(row['lc_ctype'])}"
        if self._major < 15 or row["lc_collate"] != row["lc_ctype"]:
            raise ChangeRefused(f"this machine lacks the locale {row['lc_collate']}")
        name = _OFFERED_LOCALES[row["lc_collate"]]
        return f"LOCALE_PROVIDER icu ICU_LOCALE {literal(name)} LC_COLLATE 'C' LC_CTYPE 'C'"

    async def _drop_database(self, name: str) -> None:
        async with self._session() as session:
            if not await session.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
                return
            await session.execute(f"ALTER DATABASE {identifier(name)} CONNECTION LIMIT 0")
            await _end_sessions(session, "datname", name)
            await _drop_slots(session, "database", name)
            await session.execute(f"DROP DATABASE {identifier(name)}")

    async def _put_grant(self, row: Row) -> None:
        database, user = self._name("databases", row["database_id"]), identifier(self._name("users", row["user_id"]))
        async with self._session(database) as session:
            await session.execute(
                f"GRANT ALL ON DATABASE {identifier(database)} TO {user}; GRANT ALL ON SCHEMA public TO {user};"
                f" GRANT ALL ON ALL TABLES IN SCHEMA public TO {user};"
                f" GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {user}"
            )

    async def _drop_grant(self, row: Row) -> None:
        """Take back what was granted; what the user owns stays the user's."""
        name, database = self._name("users", row["user_id"]), self._name("databases", row["database_id"])
        user = identifier(name)
        owner = "SELECT pg_get_userbyid(datdba) = $1 FROM pg_database WHERE datname = current_database()"
        relations = (
            "SELECT oid::regclass::text AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND pg_get_userbyid(relowner) <> $1"
        )
        async with self._session(database) as session:
            if await session.fetchval(owner, name):
                return
            await session.execute(f"REVOKE ALL ON DATABASE {identifier(database)} FROM {user}")
            await session.execute(f"REVOKE ALL ON SCHEMA public FROM {user}")
            for relation in await session.fetch(relations, name):
                await session.execute(f"REVOKE ALL ON {relation['name']} FROM {user}")
            await _end_sessions(session, "usename", name, database)

    async def _put_slot(self, row: Row) -> None:
        async with self._session(self._name("databases", row["database_id"])) as session:
            if not await session.fetchval("SELECT true FROM pg_replication_slots WHERE slot_name = $1", row["name"]):
                await session.execute(f"SELECT pg_create_logical_replication_slot({literal(row['name'])}, 'pgoutput')")

    def _name(self, collection: str, id_: str) -> str:
        """Raises ChangeRefused if the object went in the meantime."""
        row = self._space.find(collection, id_)
        if row is None:
            raise ChangeRefused(f"{id_} in {collection} is gone")
        return str(row["name"])


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


async def _end_sessions(session: Connection, column: str, name: str, database: str | None = None) -> None:
    """End the sessions of a user or in a database, except this one; returns when they are gone (at most 5 s)."""
    others = f"FROM pg_stat_activity WHERE {column} = $1 AND pid <> pg_backend_pid() AND coalesce(datname = $2, true)"
    await session.execute(f"SELECT pg_terminate_backend(pid) {others}", name, database)
    for _ in range(100):
        if not await session.fetchval(f"SELECT count(*) {others}", name, database):
            return
        await session.execute("SELECT pg_sleep(0.05)")


async def _drop_slots(session: Connection, column: str, name: str) -> None:
    for row in await session.fetch(f"SELECT slot_name FROM pg_replication_slots WHERE {column} = $1", name):
        await session.execute("SELECT pg_drop_replication_slot($1)", row["slot_name"])


def _extension(row: Row) -> str:
    return str(CATALOGUE["available-extensions"][row["available_extension_id"]]["name"])


def _names_of_settings() -> set[str]:
    return {offer["name"] for offer in PARAMETERS.values()}
