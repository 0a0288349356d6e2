"""Passwords of people that the cloud refuses or leaves unclear: the Secret opens the database, or the resource is not Ready."""

import asyncio

import httpx
import pytest

from virtual.given_passwords import (
    APP,
    FIRST,
    GIVEN,
    GOOD,
    MINE,
    PENDING,
    SOON,
    WEAK,
    begin_with_given,
    opens,
    write,
)
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import VirtualWorld


class Policy:
    """The API's, for passwords; `sent` are the bodies of all that were sent."""

    def __init__(
        self, refused: str, status: int = 400, message: str = "Validation failure: {'user.password': 'no'}"
    ) -> None:
        self.refused, self.status, self.message = refused, status, message
        self.sent: list[bytes] = []

    def __call__(self, request: httpx.Request) -> httpx.Response | None:
        if request.method not in ("PUT", "POST") or "/users" not in request.url.path:
            return None
        self.sent.append(request.content)
        if f'"{self.refused}"'.encode() not in request.content:
            return None
        error = {"error": {"code": self.status, "title": "No", "message": self.message}}
        return httpx.Response(self.status, json=error, request=request)


OF_THE_VALUE = "Validation failure: {'user.password': 'no'}"
REFUSALS = [
    (400, OF_THE_VALUE), (400, "Validation failure: user cannot be updated"), (422, "no"), (403, "no"), (409, "no"), (400, "no"),
    (429, "later"),
]  # fmt: skip


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize(("status", "message"), REFUSALS)
def test_a_refused_password_is_corrected(status: int, message: str, restart: bool) -> None:
    in_virtual_time(is_corrected(Policy(WEAK, status, message), restart))


async def is_corrected(policy: Policy, restart: bool) -> None:
    async with VirtualWorld() as world:
        await begin_with_given(world)
        world.refuses = policy
        write(world, GIVEN, "password", WEAK)
        await asyncio.sleep(SOON)
        assert world.says(APP, "Synced")[0] == "False"
        assert await opens(world), "the old one is still there"
        assert world.says(APP, "Ready")[0] == "True", "as the cloud has surely not taken the new one"
        if restart:
            await world.kill()
            await world.start()
            await asyncio.sleep(5)
        write(world, GIVEN, "password", GOOD)
        await world.until("the good one is there", lambda: world.secret(MINE.name)["password"] == GOOD, SOON)
        assert await opens(world)
        await world.until("all is well", lambda: world.says(APP, "Synced")[0] == "True", SOON)
        assert PENDING not in world.cluster.objects


def test_a_refused_password_that_is_no_longer_given() -> None:
    in_virtual_time(gives_up())


async def gives_up() -> None:
    async with VirtualWorld() as world:
        await begin_with_given(world)
        world.refuses = Policy(WEAK)
        write(world, GIVEN, "password", WEAK)
        await asyncio.sleep(SOON)
        world.cluster.change(APP, passwordSecretRef=None)
        await world.until("all is well", lambda: world.says(APP, "Synced")[0] == "True", SOON)
        assert PENDING not in world.cluster.objects
        assert world.secret(MINE.name)["password"] == FIRST
        assert await opens(world)


@pytest.mark.parametrize("then", ["another", "none"])
def test_a_password_of_unclear_outcome_is_sent_until_the_answer_is_clear(then: str) -> None:
    in_virtual_time(binds(then))


async def binds(then: str) -> None:
    """The API has the first new one, and nobody heard; then it refuses it, as one that was used before."""
    async with VirtualWorld(delay_seconds=0) as world:
        await begin_with_given(world)
        await world.fault(path="^/v1/users/", method="PUT", times=1, when="after", status=502)
        write(world, GIVEN, "password", "second-password-2")
        await asyncio.sleep(1)
        world.refuses = Policy("second-password-2")
        assert not await opens(world)
        assert world.says(APP, "Ready")[0] == "False", "the Secret may not open, and does not"
        await asyncio.sleep(SOON)
        if then == "another":
            write(world, GIVEN, "password", GOOD)
        else:
            world.cluster.change(APP, passwordSecretRef=None)
        for _ in range(SOON):
            await asyncio.sleep(1)
            assert world.says(APP, "Ready")[0] == "False" or await opens(world)
        assert await opens(world)
        assert world.says(APP, "Synced")[0] == "True"
        assert world.secret(MINE.name)["password"] == (GOOD if then == "another" else FIRST)


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_empty_answer_to_a_password_is_none(when: str) -> None:
    """Whether the password is set is not known: Ready is not claimed, and it is sent until the API says so."""

    async def is_not_believed() -> None:
        async with VirtualWorld() as world:
            await begin_with_given(world)
            await world.fault(path="^/v1/users/", method="PUT", status=200, body="", when=when, times=2)
            write(world, GIVEN, "password", GOOD)
            await asyncio.sleep(1)
            assert world.says(APP, "Ready")[0] == "False"
            assert world.secret(MINE.name)["password"] == FIRST
            await world.until("it is set", lambda: world.says(APP, "Synced")[0] == "True", SOON)
            assert [each["met"] for each in await world.faults()] in ([], [2])
            assert world.says(APP, "Ready")[0] == "True"
            assert world.secret(MINE.name)["password"] == GOOD
            assert await opens(world)

    in_virtual_time(is_not_believed())
