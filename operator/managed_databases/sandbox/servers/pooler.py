"""PgBouncer before a PostgreSQL server. It asks the server for each login, so users and passwords need no care here."""

import signal
import ssl
from typing import Any, Final

import asyncpg

from managed_databases.sandbox.servers.processes import Process, until_answers
from managed_databases.sandbox.servers.programs import Program, ProgramMissing, pgbouncer
from managed_databases.sandbox.servers.site import Site
from managed_databases.sandbox.store import Row

PORT: Final = 5433
_LOGIN_SECONDS: Final = 5.0
_START_SECONDS: Final = 20.0


class PgBouncer:
    """One PgBouncer. Without the program there is none, and `told` says so."""

    def __init__(self, site: Site, administrator: str) -> None:
        self._site = site
        self._administrator = administrator
        self._process = Process("pgbouncer", site.account, site.folder / "pgbouncer.log")
        self._addresses: list[str] = []
        self._lacks = ""
        self._program: Program | None = None
        try:
            self._program = pgbouncer()
        except ProgramMissing as error:
            self._lacks = str(error)

    async def apply(self, pooler: Row, addresses: list[str], port: int) -> None:
        """Let it be as the datastore's row says. Raises Refused."""
        if self._program is None:
            return
        user = _quoted(self._administrator)
        self._site.write("pgbouncer.users", f"{user} {_quoted(self._site.administrator)}\n")
        self._site.write("pgbouncer.ini", self._settings(pooler, addresses, port))
        if self._process.runs and addresses == self._addresses:
            self._process.send(signal.SIGHUP)
            return
        await self._process.stop()  # it listens where it did when it was started
        self._addresses = addresses
        command = [self._program.path, self._site.folder / "pgbouncer.ini"]
        await self._process.start(command, self._site.folder, self._program.environment)
        await until_answers(self._process, self._answers, _START_SECONDS)

    async def stop(self) -> None:
        await self._process.stop()

    def told(self) -> dict[str, Any]:
        if self._program is None:
            return {"pooler": self._lacks}
        return {"pooler": f"PgBouncer {self._program.version}", "pooler_port": PORT, "pooler_pid": self._process.pid}

    async def _answers(self) -> bool:
        """Whether it lets the administrator in."""
        try:
            connection = await asyncpg.connect(
                host=self._addresses[0],
                port=PORT,
                user=self._administrator,
                password=self._site.administrator,
                database="postgres",
                ssl=ssl.create_default_context(cafile=str(self._site.authority)),
                timeout=_LOGIN_SECONDS,
            )
        except (OSError, TimeoutError, asyncpg.PostgresError):
            return False
        await connection.close(timeout=_LOGIN_SECONDS)
        return True

    def _settings(self, pooler: Row, addresses: list[str], port: int) -> str:
        folder = self._site.folder
        return f"""[databases]
* = host={addresses[0]} port={port}
[pgbouncer]
listen_addr = {",".join(addresses)}
listen_port = {PORT}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/pgbouncer.users
auth_user = {self._administrator}
auth_query = SELECT rolname, rolpassword FROM pg_authid WHERE rolname = $1 AND rolcanlogin
pool_mode = {pooler["mode"]}
default_pool_size = {pooler["size"]}
max_client_conn = 500
client_tls_sslmode = require
client_tls_key_file = {folder}/server.key
client_tls_cert_file = {folder}/server.crt
server_tls_sslmode = verify-full
server_tls_ca_file = {self._site.authority}
server_login_retry = 1
ignore_startup_parameters = extra_float_digits,options
"""


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
