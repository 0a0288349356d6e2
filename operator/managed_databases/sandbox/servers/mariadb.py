"""A MariaDB server, in the place of MySQL: its process and its parameters. What is in it: `mariadb_objects.py`."""

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiomysql

from managed_databases.sandbox.backing import ChangeRefused
from managed_databases.sandbox.servers.mariadb_objects import ADMINISTRATOR, MariadbObjects, literal, native_hash
from managed_databases.sandbox.servers.processes import Process, run, until_answers
from managed_databases.sandbox.servers.programs import Program, mariadb
from managed_databases.sandbox.servers.restartable import Restartable
from managed_databases.sandbox.servers.site import Site
from managed_databases.sandbox.spaces import Space
from managed_databases.sandbox.store import Row

PORT: Final = 3306
PORTS: Final = (PORT,)

_LIMIT_SECONDS: Final = 20.0
_SCRIPTS: Final = (
    "mysql_system_tables.sql",
    "mysql_performance_tables.sql",
    "mysql_system_tables_data.sql",
    "maria_add_gis_sp_bootstrap.sql",
)

sealed = native_hash


def program_for(row: Row) -> Program:
    """Return the program for a datastore; the version is that of the machine. Raises ProgramMissing."""
    return mariadb()


class MariaDB(Restartable):
    """One server, as `engine.Server` says."""

    port = PORT

    def __init__(self, site: Site, space: Space, row: Row) -> None:
        super().__init__(Process("mariadbd", site.account, site.folder / "mariadb.log"), program_for(row), "MariaDB")
        self._site = site
        self._base = self._program.path.resolve().parent.parent
        self._data = site.folder / "data"
        self._addresses: list[str] = []
        self._objects = MariadbObjects(space, self.session)

    async def apply(self, row: Row, sealed: str | None) -> None:
        addresses = [instance["ip"] for instance in row["instances"]]
        if not self._process.runs or addresses != self._addresses:
            self._addresses = addresses
            if not (self._data / "mysql").exists():
                await self._initialize()
            await self._start_with(row["config"])
        elif row["config"] != self._config:
            await self._configure(row["config"])

    async def put(self, collection: str, row: Row, sealed: str | None) -> None:
        await self._objects.put(collection, row, sealed)

    async def drop(self, collection: str, row: Row) -> None:
        await self._objects.drop(collection, row)

    def objection(self, collection: str, row: Row) -> str | None:
        return self._objects.objection(collection, row)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Any]:
        """Give a cursor of the administrator's. Tells what the server says as ChangeRefused."""
        connection = None
        try:
            async with asyncio.timeout(_LIMIT_SECONDS):
                connection = await aiomysql.connect(
                    host=self._addresses[0],
                    port=PORT,
                    user=ADMINISTRATOR,
                    password=self._site.administrator,
                    ssl=ssl.create_default_context(cafile=str(self._site.authority)),
                    autocommit=True,
                )
                async with connection.cursor() as cursor:
                    yield cursor
        except aiomysql.Error as error:
            raise ChangeRefused(f"MariaDB: {': '.join(map(str, error.args))}") from error
        except (OSError, TimeoutError) as error:
            raise ChangeRefused(f"MariaDB does not answer: {type(error).__name__}") from error
        finally:
            if connection is not None:
                connection.close()

    async def _initialize(self) -> None:
        """Make the data folder, as MariaDB's own script does, which needs programs that servers' packages lack."""
        making = self._site.folder / "data.making"
        shutil.rmtree(making, ignore_errors=True)
        self._site.make_folder(making.name)
        self._site.make_folder("files")
        scripts = [(self._share / name).read_text() for name in _SCRIPTS]
        begin = "CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n"
        given = self._site.write("bootstrap.sql", begin + "\n".join(scripts))
        config = self._site.write("my.cnf", self._settings({}, making))
        command: list[str | Path] = [self._program.path, f"--defaults-file={config}", "--bootstrap"]
        log, environment = self._site.folder / "bootstrap.log", self._program.environment
        await run(command, self._site.folder, log, self._site.account, environment, given)
        making.rename(self._data)

    async def _start(self, config: Row) -> None:
        hashed = native_hash(self._site.administrator)
        user = f"{ADMINISTRATOR}@'%'"
        administrator = self._site.write(
            "administrator.sql",
            f"CREATE OR REPLACE USER {user} IDENTIFIED BY PASSWORD '{hashed}' REQUIRE SSL;\n"
            f"GRANT ALL PRIVILEGES ON *.* TO {user} WITH GRANT OPTION;\n"
            "DROP USER IF EXISTS root@localhost, ''@localhost;\n",
        )
        path = self._site.write("my.cnf", self._settings(config, self._data))
        command: list[str | Path] = [self._program.path, f"--defaults-file={path}", f"--init-file={administrator}"]
        await self._process.start(command, self._site.folder, self._program.environment)
        await until_answers(self._process, self._answers)
        self._config = config

    async def _answers(self) -> bool:
        try:
            async with self.session():
                return True
        except ChangeRefused:
            return False

    async def _configure(self, config: Row) -> None:
        """Set what can be set in the running server; else start it again. Raises ChangeRefused; then all is as it was before."""
        if self._config.keys() - config.keys():  # back to the default, which a new start knows
            await self._start_with(config)
            return
        try:
            async with self.session() as session:
                for name, value in config.items():
                    if self._config.get(name) != value:
                        await session.execute(f"SET GLOBAL {name} = {_value(value)}")
        except ChangeRefused as error:
            wanted = config if "read only variable" in str(error) else self._config
            await self._start_with(wanted)  # with these, and without what was set before the refusal
            if wanted is config:
                return
            raise
        self._site.write("my.cnf", self._settings(config, self._data))
        self._config = config

    @property
    def _share(self) -> Path:
        folders = (self._base / "share" / "mysql", self._base / "share" / "mariadb")
        return next((folder for folder in folders if (folder / _SCRIPTS[0]).exists()), folders[0])

    def _settings(self, config: Row, data: Path) -> str:
        folder = self._site.folder
        own = f"""[mysqld]
basedir={self._base}
lc-messages-dir={self._share}
character-sets-dir={self._share}/charsets
plugin-dir={self._base}/lib/mysql/plugin
datadir={data}
bind-address={",".join(self._addresses)}
port={PORT}
socket=mariadb.sock
pid-file={folder}/pid
ssl-ca={self._site.authority}
ssl-cert={folder}/server.crt
ssl-key={folder}/server.key
require-secure-transport=ON
character-set-server=utf8mb4
skip-name-resolve
secure-file-priv={folder}/files
innodb-buffer-pool-size=16M
innodb-log-file-size=8M
innodb-flush-log-at-trx-commit=0
innodb-flush-method=nosync
performance-schema=OFF
key-buffer-size=1M
aria-pagecache-buffer-size=1M
"""
        return own + "".join(f"{name}={_line(value)}\n" for name, value in config.items())


def _line(value: object) -> str:
    """Return a parameter's value as a file has it. Raises ChangeRefused for one that would be more than one line."""
    text = {True: "ON", False: "OFF"}[value] if isinstance(value, bool) else str(value)
    if any(ord(character) < 32 for character in text):
        raise ChangeRefused("a parameter's value has a line break, or another character that cannot be written")
    return text


def _value(value: object) -> str:
    return literal(value) if isinstance(value, str) else _line(value)
