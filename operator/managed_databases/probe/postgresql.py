"""Logs in to PostgreSQL, or to its connection pooler."""

import ssl
from contextlib import suppress
from typing import Final

import asyncpg
from asyncpg.protocol import protocol

from managed_databases.probe import scram
from managed_databases.probe.login import Login

scram.bound(protocol)

_ANY_DATABASE: Final = "postgres"
"""The server checks the password first, and then whether there is such a database and the user may enter it."""

_GOODBYE_SECONDS: Final = 1.0


async def log_in(login: Login, user: str, password: str, context: ssl.SSLContext) -> None:
    """Log in and out again. Raises whatever asyncpg does, and OSError."""
    connection = await asyncpg.connect(
        host=login.host,
        port=login.port,
        user=user,
        password=password,
        database=login.database or _ANY_DATABASE,
        ssl=context,
        statement_cache_size=0,  # nothing is asked, and a pooler could not tell
        server_settings={"application_name": "managed-databases-operator probe"},
    )
    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):  # it has logged in, however it gets out
        await connection.close(timeout=_GOODBYE_SECONDS)
