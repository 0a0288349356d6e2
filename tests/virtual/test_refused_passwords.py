"""A pending password that the cloud refuses: the credentials Secret opens all the while, over restarts, and if it is set back."""

import asyncio
import copy

import pytest

from virtual.given_passwords import (
    APP,
    FIRST,
    GIVEN,
    GOOD,
    HOUR,
    MINE,
    PENDING,
    SOON,
    WEAK,
    begin_with_given,
    opens,
    write,
)
from virtual.memory_cluster import Raw
from virtual.test_passwords import OF_THE_VALUE, Policy
from virtual.test_secrets_set_back import at_request, puts, set_back
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import VirtualWorld

IN_PROSE = "Validation failure: password is too weak"
BOTH_FORMS = pytest.mark.parametrize("message", [OF_THE_VALUE, IN_PROSE], ids=["of the value", "in prose"])


async def is_usable(world: VirtualWorld) -> None:
    """The new password is refused, and the Secret serves with the one that it has."""
    assert await opens(world), world.get(APP)["status"]
    assert world.says(APP, "Ready")[0] == "True", world.get(APP)["status"]
    assert world.says(APP, "Synced")[0] == "False"
    assert "passwordUnconfirmed" not in world.get(APP)["status"]


async def another_is_taken(world: VirtualWorld) -> None:
    write(world, GIVEN, "password", GOOD)
    await world.until("the good one is there", lambda: world.secret(MINE.name)["password"] == GOOD, HOUR)
    await world.until("all is well", lambda: world.says(APP, "Synced")[0] == "True", SOON)
    assert await opens(world)
    assert world.says(APP, "Ready")[0] == "True"
    assert PENDING not in world.cluster.objects


@BOTH_FORMS
def test_a_restart_brings_no_doubt_of_a_secret_that_opens(message: str) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_given(world)
            world.refuses = policy = Policy(WEAK, message=message)
            write(world, GIVEN, "password", WEAK)
            await asyncio.sleep(SOON)
            await is_usable(world)
            await world.kill()
            sent = puts(world)
            await world.start()
            for _ in range(SOON):
                await asyncio.sleep(1)
                assert world.says(APP, "Ready")[0] == "True"
            await is_usable(world)
            assert 1 <= puts(world) - sent <= 4, "the pending one alone is sent"
            assert not any(FIRST.encode() in body for body in policy.sent)
            await another_is_taken(world)

    in_virtual_time(story())


@BOTH_FORMS
def test_where_the_status_does_not_tell_the_secrets_own_is_sent_once_more(message: str) -> None:
    """A status of an earlier version said nothing before a password was sent."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_given(world)
            world.refuses = policy = Policy(WEAK, message=message)
            write(world, GIVEN, "password", WEAK)
            await asyncio.sleep(SOON)
            await world.kill()
            del world.get(APP)["status"]["passwordCheck"]
            world.cluster.touch(APP)
            await world.start()
            await asyncio.sleep(SOON)
            await is_usable(world)
            assert sum(FIRST.encode() in body for body in policy.sent) == 1
            await another_is_taken(world)

    in_virtual_time(story())


REQUESTS = 14


@BOTH_FORMS
@pytest.mark.parametrize("number", range(REQUESTS))
def test_a_kill_while_it_is_refused_binds_nothing(number: int, message: str) -> None:
    """After any request of the change, whatever had its effect by then."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_given(world)
            killed: list[asyncio.Task[None]] = []
            at_request(world, number, lambda: killed.append(asyncio.create_task(world.kill())))
            count, policy = world.refuses, Policy(WEAK, message=message)
            world.refuses = lambda request: (count(request), policy(request))[1]
            write(world, GIVEN, "password", WEAK)
            await asyncio.sleep(SOON)
            await killed[0]
            await world.start()
            await asyncio.sleep(SOON)
            await is_usable(world)
            await another_is_taken(world)

    in_virtual_time(story())


async def is_taken_unheard(world: VirtualWorld) -> None:
    await begin_with_given(world)
    await world.fault(path="^/v1/users/", method="PUT", times=1, when="after", status=502)
    write(world, GIVEN, "password", GOOD)
    await asyncio.sleep(1)
    assert not await opens(world)
    assert world.get(APP)["status"]["passwordUnconfirmed"] is True


@BOTH_FORMS
@pytest.mark.parametrize("restart", [False, True])
def test_what_the_cloud_took_unheard_and_refuses_then_is_undone(restart: bool, message: str) -> None:
    """The Secret's own password is sent, in the pass of the refusal."""

    async def story() -> None:
        async with VirtualWorld(delay_seconds=0) as world:
            await is_taken_unheard(world)
            world.refuses = policy = Policy(GOOD, message=message)
            if restart:
                await world.kill()
                await world.start()
            for _ in range(SOON):
                await asyncio.sleep(1)
                assert world.says(APP, "Ready")[0] == "False" or await opens(world)
            await is_usable(world)
            assert [FIRST.encode() in body for body in policy.sent[:2]] == [False, True]

    in_virtual_time(story())


def test_what_the_cloud_may_have_is_sent_first_also_after_a_restart() -> None:
    async def story() -> None:
        async with VirtualWorld(delay_seconds=0) as world:
            await is_taken_unheard(world)
            await world.kill()
            write(world, GIVEN, "password", "third-password-3")
            world.refuses = policy = Policy("nothing")
            await world.start()
            await world.until("all is well", lambda: world.says(APP, "Synced")[0] == "True", SOON)
            assert [GOOD.encode() in body for body in policy.sent] == [True, False]
            assert await opens(world)
            assert world.secret(MINE.name)["password"] == "third-password-3"

    in_virtual_time(story())


async def refused_after_another(world: VirtualWorld, message: str) -> Raw:
    """GOOD was set, then WEAK is refused; return the Secret as it was before both."""
    await begin_with_given(world)
    before = copy.deepcopy(world.cluster.objects[MINE])
    write(world, GIVEN, "password", GOOD)
    await asyncio.sleep(SOON)
    world.refuses = Policy(WEAK, message=message)
    write(world, GIVEN, "password", WEAK)
    await asyncio.sleep(SOON / 2)
    assert world.says(APP, "Synced")[0] == "False"
    return before


@BOTH_FORMS
@pytest.mark.parametrize("is_running", [True, False], ids=["while the operator runs", "while it does not"])
def test_a_secret_that_is_set_back_opens_although_another_is_refused(is_running: bool, message: str) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            before = await refused_after_another(world, message)
            if not is_running:
                await world.kill()
            set_back(world, before)
            if not is_running:
                await world.start()
            await asyncio.sleep(SOON)
            assert world.secret(MINE.name)["password"] == FIRST
            await is_usable(world)
            sent = puts(world)
            await asyncio.sleep(HOUR)
            await is_usable(world)
            assert puts(world) - sent <= 10, "what is refused is tried again rarely"

    in_virtual_time(story())


@pytest.mark.parametrize("number", range(12))
def test_a_kill_in_that_repair_is_made_good(number: int) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            before = await refused_after_another(world, OF_THE_VALUE)
            policy, killed = world.refuses, list[asyncio.Task[None]]()
            at_request(world, number, lambda: killed.append(asyncio.create_task(world.kill())))
            count = world.refuses
            world.refuses = lambda request: (count(request), policy(request))[1]
            set_back(world, before)
            await asyncio.sleep(SOON)
            await killed[0]
            await world.start()
            await asyncio.sleep(SOON)
            await is_usable(world)

    in_virtual_time(story())


def test_neither_of_two_refused_passwords_keeps_the_other_from_another_try() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            before = await refused_after_another(world, OF_THE_VALUE)
            policies = Policy(WEAK), Policy(FIRST)
            world.refuses = lambda request: policies[0](request) or policies[1](request)
            set_back(world, before)
            await asyncio.sleep(HOUR)
            assert world.says(APP, "Ready")[0] == "False"
            world.refuses = policies[1]
            await world.until("the pending one is taken", lambda: world.secret(MINE.name)["password"] == WEAK, HOUR)
            await world.until("all is well", lambda: world.says(APP, "Ready")[0] == "True", SOON)
            assert await opens(world)

    in_virtual_time(story())


def test_a_secret_that_is_set_back_again_and_again_is_a_fight_also_while_another_is_given() -> None:
    """Each repair begins with a pending Secret for the given password."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_given(world)
            before = copy.deepcopy(world.cluster.objects[MINE])
            write(world, GIVEN, "password", GOOD)
            await asyncio.sleep(SOON)
            sent = puts(world)
            for _ in range(2 * SOON):
                if world.secret(MINE.name)["password"] != FIRST:
                    set_back(world, before)
                await asyncio.sleep(1)
            assert world.says(APP, "Stalled") == ("True", "DriftFight")
            assert puts(world) == sent + 5
            assert world.says(APP, "Ready")[0] == "False" or await opens(world)
            await asyncio.sleep(20 * SOON)
            assert world.says(APP, "Ready")[0] == "True", world.get(APP)["status"]
            assert await opens(world)
            assert world.secret(MINE.name)["password"] == GOOD

    in_virtual_time(story())
