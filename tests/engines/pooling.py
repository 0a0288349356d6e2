"""Finds out by what it does in which mode a PgBouncer shares its connections."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import psycopg

WAITS_SECONDS = 1.5

Login = Callable[[], Awaitable[psycopg.AsyncConnection[Any]]]


async def mode_of(login: Login) -> str:
    """Return what a pool of one connection shows itself to be: session, transaction or statement. `login` gives a client of it.

    With a single connection to the server, a second client waits for as long as a first one has that.
    """
    async with AsyncExitStack() as stack:
        first, second = [await stack.enter_async_context(await login()) for _ in range(2)]
        await first.execute("SELECT 1")
        if not await _is_served(second):
            return "session"
        try:
            await first.execute("BEGIN")
        except psycopg.errors.ProtocolViolation as error:
            if "transaction blocks not allowed in statement pooling mode" in str(error):
                return "statement"
            raise
        assert not await _is_served(second), "a transaction has the connection for itself"
        return "transaction"


async def _is_served(client: psycopg.AsyncConnection[Any]) -> bool:
    """Whether an answer comes soon; a client without one is closed."""
    answer = asyncio.create_task(client.execute("SELECT 1"))
    done, _ = await asyncio.wait([answer], timeout=WAITS_SECONDS)
    if done:
        await answer
        return True
    client.pgconn.finish()
    answer.cancel()
    await asyncio.wait([answer])
    return False
