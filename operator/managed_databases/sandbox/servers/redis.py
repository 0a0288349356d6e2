"""A Redis server (or Valkey): one password, one port with TLS."""

import hashlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from redis.asyncio import Redis as Client
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import RedisError

from managed_databases.sandbox.backing import ChangeRefused
from managed_databases.sandbox.servers.processes import Process, until_answers
from managed_databases.sandbox.servers.programs import Program, redis
from managed_databases.sandbox.servers.restartable import Restartable
from managed_databases.sandbox.servers.site import Site
from managed_databases.sandbox.spaces import Space
from managed_databases.sandbox.store import Row

PORT: Final = 6380
PORTS: Final = (PORT,)

_ADMINISTRATOR: Final = "sandbox_administrator"
_RIGHTS: Final = "~* &* +@all -@admin"
"""What the datastore's one user may do: all but to administer the server, which is the provider's."""
_LIMIT_SECONDS: Final = 10.0


def sealed(password: str) -> str:
    """Return the form in which an access control list has a password: its SHA-256."""
    return f"#{hashlib.sha256(password.encode()).hexdigest()}"


def program_for(row: Row) -> Program:
    """Return the program for a datastore; the version is that of the machine. Raises ProgramMissing."""
    return redis()


class Redis(Restartable):
    """One server, as `engine.Server` says."""

    port = PORT

    def __init__(self, site: Site, space: Space, row: Row) -> None:
        program = program_for(row)
        title = "Valkey" if "valkey" in program.path.name else "Redis"
        super().__init__(Process("redis-server", site.account, site.folder / "redis.log"), program, title)
        self._site = site
        self._addresses: list[str] = []

    async def apply(self, row: Row, sealed: str | None) -> None:
        addresses = [instance["ip"] for instance in row["instances"]]
        is_new = not (self._site.folder / "users.acl").exists()
        if is_new and sealed is not None:
            administrator = hashlib.sha256(self._site.administrator.encode()).hexdigest()
            users = f"user default on {sealed} {_RIGHTS}\nuser {_ADMINISTRATOR} on #{administrator} ~* &* +@all\n"
            self._site.write("users.acl", users)
        if not self._process.runs or addresses != self._addresses:
            self._addresses = addresses
            await self._start_with(row["config"])
        elif row["config"] != self._config:
            await self._configure(row["config"])
        if sealed is not None and not is_new:
            async with self._session() as session:
                await session.execute_command("ACL", "SETUSER", "default", "resetpass", sealed)
                await session.execute_command("ACL", "SAVE")

    async def put(self, collection: str, row: Row, sealed: str | None) -> None:
        """Nothing stands in a Redis datastore."""

    async def drop(self, collection: str, row: Row) -> None:
        """Nothing stands in a Redis datastore."""

    def objection(self, collection: str, row: Row) -> str | None:
        return None

    async def _start(self, config: Row) -> None:
        self._site.make_folder("data")
        path = self._site.write("redis.conf", self._settings(config))
        await self._process.start([self._program.path, path], self._site.folder, self._program.environment)
        await until_answers(self._process, self._answers)
        self._config = config

    async def _configure(self, config: Row) -> None:
        """Set what can be set in the running server; else start it again. Raises ChangeRefused; then all is as it was before."""
        changed = {name: value for name, value in config.items() if self._config.get(name) != value}
        if self._config.keys() - config.keys():  # back to the default, which a new start knows
            await self._start_with(config)
            return
        try:
            async with self._session() as session:
                for name, value in changed.items():
                    await session.config_set(name, _text(value))
        except ChangeRefused as error:
            wanted = config if "immutable" in str(error) else self._config
            await self._start_with(wanted)  # with these, and without what was set before the refusal
            if wanted is config:
                return
            raise
        self._site.write("redis.conf", self._settings(config))
        self._config = config

    async def _answers(self) -> bool:
        try:
            async with self._session() as session:
                return bool(await session.ping())
        except (ChangeRefused, OSError):
            return False

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Any]:
        """Give an administrator's session. Tells what the server says as ChangeRefused."""
        client = Client(
            host=self._addresses[0],
            port=PORT,
            username=_ADMINISTRATOR,
            password=self._site.administrator,
            ssl=True,
            ssl_ca_certs=str(self._site.authority),
            ssl_check_hostname=True,
            socket_timeout=_LIMIT_SECONDS,
            single_connection_client=True,
        )
        try:
            yield client
        except (NotConnected, TimeoutError, ssl.SSLError) as error:
            raise ChangeRefused(f"Redis does not answer: {type(error).__name__}") from error
        except RedisError as error:
            raise ChangeRefused(f"Redis: {error}") from error
        finally:
            await client.aclose()

    def _settings(self, config: Row) -> str:
        folder = self._site.folder
        own = f"""bind {" ".join(self._addresses)}
port 0
tls-port {PORT}
tls-cert-file {folder}/server.crt
tls-key-file {folder}/server.key
tls-ca-cert-file {self._site.authority}
tls-auth-clients no
protected-mode no
dir {folder}/data
aclfile {folder}/users.acl
appendonly yes
save ""
"""
        empty = '""'
        return own + "".join(f"{name} {_text(value) or empty}\n" for name, value in config.items())


def _text(value: object) -> str:
    """Return a parameter's value as the server takes it. Raises ChangeRefused for one that would be more than one line."""
    text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
    if any(ord(character) < 32 for character in text):
        raise ChangeRefused("a parameter's value has a line break, or another character that cannot be written")
    return text
