"""What tests need of a PostgreSQL datastore."""

from typing import Any

import asyncpg
import psycopg

from engines.real_sandbox import NASTY, RealSandbox

VERSION = "16"


class Inside:
    """A datastore, with what the tests need of it."""

    def __init__(self, sandbox: RealSandbox, row: dict[str, Any]) -> None:
        self.sandbox = sandbox
        self.row = row
        self.id = row["id"]
        self.host = row["connection"]["master"]

    async def user(self, name: str, password: str = NASTY, **told: Any) -> dict[str, Any]:
        return await self.sandbox.make("users", {"datastore_id": self.id, "name": name, "password": password, **told})

    async def database(self, name: str, **told: Any) -> dict[str, Any]:
        return await self.sandbox.make("databases", {"datastore_id": self.id, "name": name, **told})

    async def login(self, user: str, database: str, password: str = NASTY, port: int = 5432) -> Any:
        return await asyncpg.connect(
            host=self.host,
            port=port,
            user=user,
            password=password,
            database=database,
            ssl=await self.sandbox.certificate(),
            timeout=10,
        )

    async def pooled(self, user: str, database: str) -> psycopg.AsyncConnection[Any]:
        """Log in to the pooler, by a driver that asks each question in one message."""
        return await psycopg.AsyncConnection.connect(
            host=self.host,
            port=5433,
            user=user,
            password=NASTY,
            dbname=database,
            autocommit=True,
            prepare_threshold=None,
            sslmode="require",
            connect_timeout=10,
        )

    async def answer(self, user: str, database: str, query: str, password: str = NASTY, port: int = 5432) -> Any:
        connection = await self.login(user, database, password, port)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()
