"""An identity service and an API behind `httpx.MockTransport`, counting what they are asked."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
from pydantic import SecretStr

from managed_databases.api import PasswordToken

IDENTITY = "https://identity.test/v3"
API = "https://ru-3.api.test/v1"
PROJECT = "0123456789abcdef0123456789abcdef"
SERVER_TIME = datetime(2001, 1, 1, tzinfo=UTC)  # far from this machine's clock: the two are never compared

CATALOGUE: list[dict[str, Any]] = [
    {
        "type": "identity",
        "endpoints": [{"interface": "public", "region": "ru-1", "region_id": "ru-1", "url": IDENTITY}],
    },
    {
        "type": "managed-database",
        "endpoints": [
            {"interface": "internal", "region": "ru-3", "region_id": "ru-3", "url": "https://internal.test/v1"},
            {"interface": "public", "region": "ru-3", "region_id": "ru-3", "url": API},
            {"interface": "public", "region": "ru-7", "region_id": "ru-7", "url": "https://ru-7.api.test/v1"},
        ],
    },
]

Answer = Callable[[httpx.Request], httpx.Response]


def password_token() -> PasswordToken:
    return PasswordToken(IDENTITY, "robot", SecretStr("robot-password"), "12345", PROJECT)


class Cloud:
    """Issues token-1, token-2, ...; the API side is `api`, an empty list of users at first."""

    def __init__(self) -> None:
        self.life_seconds = 86_400.0
        self.issued = 0
        self.identity: Answer = self.issue
        self.api: Answer = lambda _: httpx.Response(200, json={"users": []})
        self.identity_requests: list[httpx.Request] = []
        self.api_requests: list[httpx.Request] = []

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)  # as on a network, others get their turn: calls overlap
        if request.url.host == "identity.test":
            self.identity_requests.append(request)
            return self.identity(request)
        self.api_requests.append(request)
        return self.api(request)

    def issue(self, _: httpx.Request) -> httpx.Response:
        self.issued += 1
        ends = SERVER_TIME + timedelta(seconds=self.life_seconds)
        token = {"expires_at": ends.isoformat(), "catalog": CATALOGUE, "project": {"id": PROJECT, "name": "p"}}
        headers = {"X-Subject-Token": f"token-{self.issued}", "Date": format_datetime(SERVER_TIME, usegmt=True)}
        return httpx.Response(201, json={"token": token}, headers=headers)

    def accept_only(self, *tokens: str) -> None:
        def answer(request: httpx.Request) -> httpx.Response:
            if request.headers["X-Auth-Token"] in tokens:
                return httpx.Response(200, json={"users": []})
            return httpx.Response(401, json={"error": {"code": 401, "message": "Unauthorized"}})

        self.api = answer
