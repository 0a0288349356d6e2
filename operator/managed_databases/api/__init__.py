"""A client of the Managed Databases API (v1), usable on its own.

    client = await connect_from_environment()
    reply = await client.send(DATASTORES.list())
    await client.close()

Calls are values (`collections`); `Client.send` sends them; `errors` says what a call can end in. httpx logs whole
addresses at INFO: an application sets the logger "httpx" to WARNING.
"""

import os
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from pydantic import SecretStr

from managed_databases.api.calls import Call
from managed_databases.api.client import CallRecord, Client, Reply
from managed_databases.api.errors import ApiError
from managed_databases.api.identity_service import ApiIdentity, PasswordToken, StaticToken, TokenSource

__all__ = [
    "ApiError",
    "ApiIdentity",
    "Call",
    "CallRecord",
    "Client",
    "PasswordToken",
    "Reply",
    "StaticToken",
    "TokenSource",
    "connect_from_environment",
]


async def connect_from_environment(
    *,
    endpoint: str | None = None,
    call_limit_seconds: float = 30.0,
    max_connections: int = 8,
    transport: httpx.AsyncBaseTransport | None = None,
    before_send: Callable[[Call[Any]], Awaitable[None]] | None = None,
    observer: Callable[[CallRecord], None] | None = None,
) -> Client:
    """Make a client from the environment variables of other clients of the cloud, and get the first token.

    Reads OS_AUTH_URL, OS_USERNAME, OS_PASSWORD, OS_USER_DOMAIN_NAME (or OS_DOMAIN_NAME), INFRA_PROJECT_ID and, unless
    `endpoint` is given, INFRA_REGION. Raises ValueError, which names every variable that is missing or empty, and ApiError if
    there is no token or no endpoint; no connection stays open then. The caller has to close the client.
    """
    found = {
        "OS_AUTH_URL": os.environ.get("OS_AUTH_URL"),
        "OS_USERNAME": os.environ.get("OS_USERNAME"),
        "OS_PASSWORD": os.environ.get("OS_PASSWORD"),
        "OS_DOMAIN_NAME": os.environ.get("OS_USER_DOMAIN_NAME") or os.environ.get("OS_DOMAIN_NAME"),
        "INFRA_PROJECT_ID": os.environ.get("INFRA_PROJECT_ID"),
    }
    if endpoint is None:
        found["INFRA_REGION"] = os.environ.get("INFRA_REGION")
    values = {name: value for name, value in found.items() if value}
    if missing := [name for name in found if name not in values]:
        raise ValueError(f"these environment variables are not set: {', '.join(missing)}")
    client = Client(
        PasswordToken(
            values["OS_AUTH_URL"],
            values["OS_USERNAME"],
            SecretStr(values["OS_PASSWORD"]),
            values["OS_DOMAIN_NAME"],
            values["INFRA_PROJECT_ID"],
        ),
        endpoint=endpoint,
        region=os.environ.get("INFRA_REGION") or None,
        call_limit_seconds=call_limit_seconds,
        max_connections=max_connections,
        transport=transport,
        before_send=before_send,
        observer=observer,
    )
    try:
        await client.identify()
    except BaseException:
        await client.close()
        raise
    return client
