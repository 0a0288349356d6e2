"""The operator is killed before each write and each changing call of a turn: the mounted Secret opens at every instant all the
same, and each turn is made once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from virtual.killed import Killed
from virtual.two_users import (
    APP,
    HOUR,
    MINE,
    OTHERS,
    OWN,
    TWIN,
    TWO,
    at_work,
    begin,
    is_over,
    is_well,
    opens,
    rotation,
    users,
)
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import VirtualWorld

BOUNDARIES = 64
"""More than any of the ways has: a boundary beyond the last one says so."""
SHORT: dict[str, Any] = {"rotation": TWO["rotation"] | {"keepOldFor": "20s"}}


async def first_turn(world: VirtualWorld) -> None:
    world.cluster.annotate(APP, rotate_password="one")


async def second_turn(world: VirtualWorld) -> None:
    await first_turn(world)
    await world.until("the first is over", lambda: rotation(world).get("active") == "Twin" and is_over(world), HOUR)
    world.cluster.annotate(APP, rotate_password="two")


async def back(world: VirtualWorld) -> None:
    await first_turn(world)
    await world.until("the first is over", lambda: rotation(world).get("active") == "Twin" and is_over(world), HOUR)
    world.cluster.change(APP, rotation=None)


async def pair(world: VirtualWorld) -> None:
    world.cluster.change(APP, rotation=None)
    await world.until("one user", lambda: TWIN not in world.cluster.objects and OWN not in world.cluster.objects, HOUR)
    world.cluster.change(APP, **SHORT)


def is_at(side: str | None) -> Callable[[VirtualWorld], bool]:
    return lambda world: rotation(world).get("active") == side and is_over(world)


WAYS: dict[str, tuple[Callable[[VirtualWorld], Awaitable[None]], str | None, int]] = {
    "pair": (pair, "Own", 1),
    "to the second": (first_turn, "Twin", 2),
    "to the own": (second_turn, "Own", 3),
    "back to one": (back, None, 3),
}
"""How it begins, who is active in the end, and how many logins applications have had by then."""


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "boundary",
    [pytest.param(at, marks=[] if at % 7 == 1 else [pytest.mark.chaos]) for at in range(1, BOUNDARIES)],
)
def test_killed_before_each_change(way: str, boundary: int) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, **SHORT)
            begins, side, logins = WAYS[way]
            async with at_work(world) as application:
                await begins(world)
                killed = Killed(world, boundary)
                await world.until("all is over", lambda: is_at(side)(world) and _is_whole(world, side), 2 * HOUR)
                await asyncio.sleep(5)
                if not killed.is_over:
                    killed.give_up()
                    assert killed.changes < boundary
                await asyncio.sleep(HOUR)
            assert len(application.logins) == logins
            assert [await opens(world, login) for login in application.logins] == [False] * (logins - 1) + [True]
            assert await users(world) == (["app"] if side is None else ["app", "app_twin"])

    in_virtual_time(story())


def _is_whole(world: VirtualWorld, side: str | None) -> bool:
    secrets = {MINE, OWN, OTHERS} & world.cluster.objects.keys()
    return is_well(world) and secrets == ({MINE} if side is None else {MINE, OWN, OTHERS})
