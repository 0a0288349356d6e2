"""Uses a MySQL with a Secret, by PyMySQL, as an application does."""

import asyncio
import ssl
from typing import Any
from urllib.parse import unquote, urlsplit

import pymysql
from pymysql.constants import ER

MYSQL: dict[str, Any] = {"engine": {"type": "mysql_native", "version": "8"}}


def asked(secret: dict[str, str], query: str, told: dict[str, Any]) -> Any:
    context = ssl.create_default_context(cadata=secret["ca.crt"])
    with pymysql.connect(ssl=context, autocommit=True, connect_timeout=10, **told) as connection:
        cursor = connection.cursor()
        cursor.execute(query)
        found = cursor.fetchone()
        return found[0] if found else None


async def by_keys(secret: dict[str, str], query: str) -> Any:
    told = {"host": secret["host"], "port": int(secret["port"]), "user": secret["username"]}
    told |= {"password": secret["password"], "database": secret["database"]}
    return await asyncio.to_thread(asked, secret, query, told)


async def by_uri(secret: dict[str, str], query: str) -> Any:
    uri = urlsplit(secret["uri"])
    assert uri.username is not None
    assert uri.password is not None
    told = {"host": uri.hostname, "port": uri.port, "user": unquote(uri.username)}
    told |= {"password": unquote(uri.password), "database": uri.path.removeprefix("/")}
    return await asyncio.to_thread(asked, secret, query, told)


async def is_let_in(secret: dict[str, str]) -> bool:
    """Whether the server takes the login."""
    try:
        await by_keys(secret, "SELECT 1")
    except pymysql.OperationalError as error:
        if error.args[0] == ER.ACCESS_DENIED_ERROR:
            return False
        raise
    return True
