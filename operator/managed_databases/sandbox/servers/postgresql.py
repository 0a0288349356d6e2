"""A PostgreSQL server: its process, its parameters, its addresses. What is in it: `postgresql_objects.py`."""

import contextlib
import shutil
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg

from managed_databases.sandbox.backing import ChangeRefused
from managed_databases.sandbox.catalogue import TYPES
from managed_databases.sandbox.servers.pooler import PgBouncer
from managed_databases.sandbox.servers.postgresql_objects import (
    ADMINISTRATOR,
    Connection,
    PostgresqlObjects,
    identifier,
    literal,
)
from managed_databases.sandbox.servers.processes import Process, run, until_answers
from managed_databases.sandbox.servers.programs import Program, postgresql
from managed_databases.sandbox.servers.scram import verifier
from managed_databases.sandbox.servers.site import Site
from managed_databases.sandbox.spaces import Space
from managed_databases.sandbox.store import Row

PORT: Final = 5432
PORTS: Final = (5432, 5433)

_LOGIN_SECONDS: Final = 10.0
_ADMINISTRATION: Final = "postgres"
"""The database that the administrator logs in to."""

_RULES: Final = f"""local all {ADMINISTRATOR} scram-sha-256
hostssl all all 0.0.0.0/0 scram-sha-256
"""

sealed = verifier


def program_for(row: Row) -> Program:
    """Return the program for a datastore. Raises ProgramMissing. Each edition of a version is the plain PostgreSQL of it."""
    return postgresql(TYPES[row["type_id"]].version.partition("-")[0])


class PostgreSQL:
    """One server, as `engine.Server` says."""

    def __init__(self, site: Site, space: Space, row: Row) -> None:
        self._site = site
        self._program = program_for(row)
        self._data = site.folder / "data"
        # an answer to SIGINT: every session ends, and what is written stays
        self._process = Process("postgres", site.account, site.folder / "postgresql.log", signal.SIGINT)
        self._addresses: list[str] = []
        self._config: Row = {}
        self._pooler: PgBouncer | None = None
        self._objects = PostgresqlObjects(space, self.session, self._program.version)

    async def apply(self, row: Row, sealed: str | None) -> None:
        addresses = [instance["ip"] for instance in row["instances"]]
        if self._process.runs and addresses != self._addresses:
            await self._process.stop()
        self._addresses = addresses
        if not self._process.runs:
            if not (self._data / "PG_VERSION").exists():
                await self._initialize()
            await self._start()
        if row["config"] != self._config:
            await self._configure(row["config"])
        if row["pooler"] is not None:
            self._pooler = self._pooler or PgBouncer(self._site, ADMINISTRATOR)
            await self._pooler.apply(row["pooler"], addresses, PORT)

    async def put(self, collection: str, row: Row, sealed: str | None) -> None:
        with refusals():
            await self._objects.put(collection, row, sealed)

    async def drop(self, collection: str, row: Row) -> None:
        with refusals():
            await self._objects.drop(collection, row)

    async def stop(self) -> None:
        if self._pooler is not None:
            await self._pooler.stop()
        await self._process.stop()

    def objection(self, collection: str, row: Row) -> str | None:
        return self._objects.objection(collection, row)

    def told(self) -> dict[str, Any]:
        told = {"program": str(self._program.path), "version": f"PostgreSQL {self._program.version}", "port": PORT}
        return told | {"pid": self._process.pid} | (self._pooler.told() if self._pooler else {})

    @asynccontextmanager
    async def session(self, database: str = _ADMINISTRATION) -> AsyncIterator[Connection]:
        """Give an administrator's session in a database."""
        connection = await asyncpg.connect(
            host=self._addresses[0],
            port=PORT,
            user=ADMINISTRATOR,
            password=self._site.administrator,
            database=database,
            ssl=ssl.create_default_context(cafile=str(self._site.authority)),
            timeout=_LOGIN_SECONDS,
        )
        try:
            yield connection
        finally:
            await connection.close(timeout=_LOGIN_SECONDS)

    async def _initialize(self) -> None:
        """Make the data folder; what a killed attempt has left is removed first. Raises ChangeRefused."""
        site, making = self._site, self._site.folder / "data.making"
        shutil.rmtree(making, ignore_errors=True)
        site.make_folder(making.name)
        password = site.write("initial-password", site.administrator)
        await run(
            [
                *(self._program.path.parent / "initdb", "-D", making, "-U", ADMINISTRATOR, "--pwfile", password),
                *("--auth-local=scram-sha-256", "--auth-host=scram-sha-256"),
                *("--encoding=UTF8", "--locale=C", "--no-sync"),
            ],
            site.folder,
            site.folder / "initdb.log",
            site.account,
        )
        password.unlink()
        making.rename(self._data)

    async def _start(self) -> None:
        """Raises ChangeRefused."""
        folder = self._site.folder
        self._site.write("data/pg_hba.conf", _RULES)
        self._site.write("data/postgresql.conf", self._settings())
        await self._process.start([self._program.path, "-D", self._data], folder)
        await until_answers(self._process, self._answers)
        with refusals():
            await self._objects.look()

    async def _answers(self) -> bool:
        try:
            async with self.session():
                return True
        except (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError):
            return False

    def _settings(self) -> str:
        folder = self._site.folder
        return f"""listen_addresses = '{",".join(self._addresses)}'
port = {PORT}
unix_socket_directories = ''
ssl = on
ssl_cert_file = '{folder}/server.crt'
ssl_key_file = '{folder}/server.key'
password_encryption = scram-sha-256
wal_level = logical
shared_buffers = 16MB
max_wal_size = 256MB
log_min_error_statement = panic
# a sandbox may lose the last moments when the machine stops
fsync = off
"""

    async def _configure(self, config: Row) -> None:
        """Set the parameters, and start again if one of them needs that. Raises ChangeRefused; then all is as it was before."""
        file = self._data / "postgresql.auto.conf"
        before = file.read_text()
        changed = [name for name in self._config | config if self._config.get(name) != config.get(name)]
        try:
            with refusals():
                async with self.session() as session:
                    await session.execute("ALTER SYSTEM RESET ALL")
                    for name, value in config.items():
                        await session.execute(f"ALTER SYSTEM SET {_dotted(name)} = {literal(_text(value))}")
                    await session.execute("SELECT pg_reload_conf()")
                    query = "SELECT count(*) FROM pg_settings WHERE name = any($1) AND context = 'postmaster'"
                    restarts = await session.fetchval(query, changed)
            if restarts:
                await self._process.stop()
                await self._start()
        except ChangeRefused:
            self._site.write("data/postgresql.auto.conf", before)
            if self._process.runs:
                self._process.send(signal.SIGHUP)
            else:
                await self._start()
            raise
        self._config = config


@contextlib.contextmanager
def refusals() -> Any:
    """Tell what the server says as ChangeRefused. Its messages name objects and values of parameters, and never a password."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise ChangeRefused(f"PostgreSQL: {error}") from error
    except (OSError, TimeoutError) as error:
        raise ChangeRefused(f"PostgreSQL does not answer: {type(error).__name__}") from error


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def _dotted(name: str) -> str:
    return ".".join(identifier(part) for part in name.split("."))
