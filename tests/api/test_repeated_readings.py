"""A reading that is answered 5xx is repeated after a moment; nothing else ever is."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from api.identity_service import API
from managed_databases.api import ApiError, CallRecord, Client, StaticToken
from managed_databases.api.calls import Call
from managed_databases.api.collections import DATASTORES, USERS
from managed_databases.api.errors import NeverSent, OutcomeUnknown
from managed_databases.api.models import UserPassword

EMPTY = httpx.Response(200, json={"datastores": []})


class Cloud:
    """Answers one reading after the other as it is told."""

    def __init__(self, *answers: httpx.Response) -> None:
        self._answers: Iterator[httpx.Response] = iter(answers)
        self.asked = 0
        self.records: list[CallRecord] = []

    def client(self, **more: Any) -> Client:
        transport = httpx.MockTransport(self._answer)
        token = StaticToken(SecretStr("t"))
        return Client(token, endpoint=API, transport=transport, observer=self.records.append, **more)

    def _answer(self, _: httpx.Request) -> httpx.Response:
        self.asked += 1
        return next(self._answers)


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """No test waits; the pauses that would have been made are noted."""
    made: list[float] = []

    async def pause(seconds: float) -> None:
        if seconds:  # a transport that only lets others have their turn waits 0 s
            made.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", pause)
    return made


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("times", [1, 2])
async def test_a_reading_works_after_a_moment(status: int, times: int, pauses: list[float]) -> None:
    cloud = Cloud(*[httpx.Response(status)] * times, EMPTY)
    client = cloud.client()
    reply = await client.send(DATASTORES.list())
    assert (reply.value, cloud.asked) == ((), times + 1)
    assert len(pauses) == times
    assert all(0.1 < pause < 1.6 for pause in pauses), pauses
    assert [(record.outcome, record.status) for record in cloud.records] == [
        *[("OutcomeUnknown", status)] * times,
        ("ok", 200),
    ], "each answer is counted"
    await client.close()


async def test_pauses_differ(pauses: list[float]) -> None:
    for _ in range(4):
        client = Cloud(httpx.Response(503), EMPTY).client()
        await client.send(DATASTORES.list())
        await client.close()
    assert len(set(pauses)) == 4, "clients that were refused together do not come back together"


async def test_it_gives_up(pauses: list[float]) -> None:
    cloud = Cloud(*[httpx.Response(503)] * 9)
    client = cloud.client()
    with pytest.raises(OutcomeUnknown):
        await client.send(USERS.get("u"))
    assert cloud.asked == 3
    await client.close()


async def test_how_often_can_be_chosen() -> None:
    for attempts in (1, 2):
        cloud = Cloud(*[httpx.Response(503)] * 9)
        client = cloud.client(read_attempts=attempts)
        with pytest.raises(OutcomeUnknown):
            await client.send(USERS.get("u"))
        assert cloud.asked == attempts
        await client.close()


@pytest.mark.parametrize(
    ("why", "call", "answer"),
    [
        ("a change", USERS.update("u", UserPassword(password=SecretStr("p"))), httpx.Response(503)),
        ("a deletion", USERS.delete("u"), httpx.Response(500)),
        ("the API says when", DATASTORES.list(), httpx.Response(503, headers={"Retry-After": "1"})),
        ("a refusal", DATASTORES.list(), httpx.Response(429)),
        ("no such path", DATASTORES.list(), httpx.Response(404)),
        ("not implemented", DATASTORES.list(), httpx.Response(501)),
    ],
)
async def test_nothing_else_is_repeated(why: str, call: Call[Any], answer: httpx.Response) -> None:
    cloud = Cloud(answer, EMPTY)
    client = cloud.client()
    with pytest.raises(ApiError):
        await client.send(call)
    assert cloud.asked == 1, why
    await client.close()


async def test_a_client_that_is_closed_meanwhile_sends_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = Cloud(httpx.Response(503), EMPTY)
    client = cloud.client()

    async def closes(seconds: float) -> None:
        if seconds:
            await client.close()

    monkeypatch.setattr(asyncio, "sleep", closes)
    with pytest.raises(NeverSent):
        await client.send(DATASTORES.list())
    assert cloud.asked == 1
