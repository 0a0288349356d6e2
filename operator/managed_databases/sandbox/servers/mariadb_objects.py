"""What is in a MariaDB server: users, databases, grants."""

import hashlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Final

import aiomysql

from managed_databases.sandbox.backing import ChangeRefused
from managed_databases.sandbox.spaces import Space
from managed_databases.sandbox.store import Row

ADMINISTRATOR: Final = "sandbox_administrator"
_OWN_USERS: Final = (ADMINISTRATOR, "root", "mysql", "PUBLIC")
_OWN_DATABASES: Final = ("mysql", "sys", "information_schema", "performance_schema")

Session = Callable[[], AbstractAsyncContextManager[Any]]


def native_hash(password: str) -> str:
    """Return what the server keeps of a password (mysql_native_password), and takes in its place."""
    once = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    return f"*{hashlib.sha1(once, usedforsecurity=False).hexdigest().upper()}"


class MariadbObjects:
    """`session` gives a cursor of the administrator's."""

    def __init__(self, space: Space, session: Session) -> None:
        self._space = space
        self._session = session

    def objection(self, collection: str, row: Row) -> str | None:
        own = {"users": _OWN_USERS, "databases": _OWN_DATABASES}.get(collection, ())
        return f"the name {row['name']} is reserved" if own and row["name"].lower() in map(str.lower, own) else None

    async def put(self, collection: str, row: Row, sealed: str | None) -> None:
        async with self._session() as session:
            match collection:
                case "users":
                    user = _user(row["name"])
                    if sealed is not None:
                        await session.execute(
                            f"CREATE USER IF NOT EXISTS {user} IDENTIFIED BY PASSWORD '{sealed}' REQUIRE SSL"
                        )
                        await session.execute(f"ALTER USER {user} IDENTIFIED BY PASSWORD '{sealed}'")
                case "databases":
                    await session.execute(f"CREATE DATABASE IF NOT EXISTS {_database(row['name'])}")
                case "grants":
                    database, user = self._pattern(row), _user(self._name("users", row["user_id"]))
                    await session.execute(f"GRANT ALL PRIVILEGES ON {database}.* TO {user}")

    async def drop(self, collection: str, row: Row) -> None:
        async with self._session() as session:
            match collection:
                case "users":
                    await session.execute(f"DROP USER IF EXISTS {_user(row['name'])}")
                    await _end_sessions(session, "user", row["name"])
                case "databases":
                    await session.execute(f"DROP DATABASE IF EXISTS {_database(row['name'])}")
                    await _revoke_all(session, row["name"])
                case "grants":
                    name = self._name("users", row["user_id"])
                    await _revoke_all(session, self._name("databases", row["database_id"]), name)
                    await _end_sessions(session, "user", name)

    def _pattern(self, row: Row) -> str:
        return _database(_as_pattern(self._name("databases", row["database_id"])))

    def _name(self, collection: str, id_: str) -> str:
        """Raises ChangeRefused if the object went in the meantime."""
        row = self._space.find(collection, id_)
        if row is None:
            raise ChangeRefused(f"{id_} in {collection} is gone")
        return str(row["name"])


def literal(text: str) -> str:
    r"""Return a text as SQL, whatever the server's SQL mode says of \."""
    return f"CONVERT(X'{text.encode().hex()}' USING utf8mb4)" if "\\" in text else "'" + text.replace("'", "''") + "'"


def _user(name: str) -> str:
    return f"{_database(name)}@'%'"


def _database(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _as_pattern(name: str) -> str:
    """Return a database's name as GRANT takes it, where _ would stand for any character."""
    return name.replace("_", "\\_")


async def _revoke_all(session: Any, database: str, user: str | None = None) -> None:
    """Take back every right on a database: a user's, or everybody's. A later database of that name is nobody's."""
    await session.execute("SELECT User FROM mysql.db WHERE Db = %s", (_as_pattern(database),))
    for (name,) in await session.fetchall():
        if user in (None, name):
            await session.execute(f"REVOKE ALL PRIVILEGES ON {_database(_as_pattern(database))}.* FROM {_user(name)}")


async def _end_sessions(session: Any, column: str, value: str) -> None:
    await session.execute(f"SELECT id FROM information_schema.processlist WHERE {column} = %s", (value,))
    for (id_,) in await session.fetchall():
        with suppress(aiomysql.Error):  # it may have ended by itself
            await session.execute(f"KILL {int(id_)}")
