"""One probe: one connection, one login, nothing else. It changes nothing, and is over in time whatever the server does."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import Final

from pydantic import SecretStr

from managed_databases.probe.addresses import check_host
from managed_databases.probe.classify import NotTheEngine, answer_to
from managed_databases.probe.login import Login, Outcome, ProbeAnswer
from managed_databases.probe.reaching import reach
from managed_databases.probe.tls import context_for

Way = Callable[[ssl.SSLContext], Awaitable[None]]
_ENGINES: Final = ("postgresql", "mysql", "redis", "kafka")
"""Each has a module of its name beside this one, which alone loads the engine's driver."""
LIMIT_SECONDS: Final = 10.0
"""Real seconds that one probe may take in all. The drivers' own limits are not relied on: some do not cover the handshake."""


async def attempt(login: Login, password: SecretStr | None = None, *, seconds: float = LIMIT_SECONDS) -> ProbeAnswer:
    """Log in and out again; without a user or password only connect, as far as TLS. Raises nothing but a cancellation."""
    begun = time.monotonic()
    try:
        log_in = await _way(login, password)
        begun = time.monotonic()
        async with asyncio.timeout(seconds):
            await check_host(login.host, login.port)
            await log_in(context_for(login.ca_certificate, checks_name=login.checks_name))
        answer = ProbeAnswer(Outcome.LOGGED_IN)
    except Exception as error:  # noqa: BLE001 - a driver that is told nonsense raises anything, and all of it is an answer
        answer = answer_to(error)
    if answer.outcome is Outcome.NO_RIGHT and login.database is None:
        # Nobody has said which database: the login itself has worked.
        answer = replace(answer, outcome=Outcome.LOGGED_IN)
    return replace(answer, seconds=time.monotonic() - begun)


async def _way(login: Login, password: SecretStr | None) -> Way:
    """Return how this engine is logged in to. Its driver may be loaded for that: in a thread, because that takes a while, and
    before the time of the probe begins. Raises NotTheEngine for an engine that nobody here knows.
    """
    if login.user is None or password is None:
        return lambda context: reach(login, context)
    if login.engine not in _ENGINES:
        raise NotTheEngine(f"nobody here knows how to log in to {login.engine}")
    module = await asyncio.to_thread(import_module, f"managed_databases.probe.{login.engine}")
    return partial(module.log_in, login, login.user, password.get_secret_value())
