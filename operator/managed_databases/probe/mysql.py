"""Logs in to MySQL."""

import getpass
import os
import ssl
from contextlib import suppress
from typing import Final

from managed_databases.probe.classify import NotTheEngine
from managed_databases.probe.login import Login

try:
    getpass.getuser()
except (KeyError, OSError):  # in a Pod no user has a name, and aiomysql asks for it when it is loaded (Python 3.13)
    os.environ["LOGNAME"] = "managed-databases-operator"

import aiomysql

_OFFERS_TLS: Final = 0x0800
"""The server's capability CLIENT_SSL."""


class _Connection(aiomysql.Connection):  # type: ignore[misc]
    """A connection that ends where the server offers no TLS. aiomysql would send the password without."""

    async def _get_server_information(self) -> None:
        await super()._get_server_information()
        if not self.server_capabilities & _OFFERS_TLS:
            raise NotTheEngine("it offers no TLS")


async def log_in(login: Login, user: str, password: str, context: ssl.SSLContext) -> None:
    """Log in and out again. Raises whatever PyMySQL does, and OSError."""
    connection = _Connection(
        host=login.host,
        port=login.port,
        user=user,
        password=password.encode().decode("latin1"),  # aiomysql sends Latin-1, and MySQL's passwords are UTF-8
        db=login.database,
        ssl=context,
        autocommit=None,  # no statement is sent
        program_name="managed-databases-operator probe",
    )
    try:
        await connection._connect()
        with suppress(aiomysql.Error, OSError):
            await connection.ensure_closed()
    finally:
        connection.close()
