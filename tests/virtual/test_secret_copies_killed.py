"""The operator is killed before each of its changes: no copy has a login before the credentials Secret has it, all have it in the
end, and none is left behind.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from managed_databases.kube.watched_collections import SECRET
from managed_databases.reconcile.ports import ResourceKey
from virtual import secret_copies as of
from virtual.killed import Killed
from virtual.secret_copies import APP, COPIES, FAR, HOUR, MINE, NEAR, OTHER, SOON, ask_for, begin, is_there
from virtual.two_users import is_over, is_well, rotation
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld

BOUNDARIES = 48
"""More than any of the ways has: a boundary beyond the last one says so."""
SHORT: dict[str, Any] = {"rotation": {"strategy": "TwoUsers", "keepOldFor": "20s"}}
ALL = (NEAR, FAR)


async def first(world: VirtualWorld) -> None:
    ask_for(world, *COPIES)


async def in_place(world: VirtualWorld) -> None:
    world.cluster.annotate(APP, rotate_password="one")


async def taken_out(world: VirtualWorld) -> None:
    ask_for(world, COPIES[0])


async def moved(world: VirtualWorld) -> None:
    ask_for(world, COPIES[0], {"name": "later", "namespace": OTHER})


async def withdrawn(world: VirtualWorld) -> None:
    world.label_namespace(OTHER, {})


async def deleted(world: VirtualWorld) -> None:
    world.cluster.delete(APP)


def have_another(world: VirtualWorld, before: str) -> bool:
    return of.password(world, MINE) != before and is_there(world, *ALL)


Way = tuple[dict[str, Any], bool, Callable[[VirtualWorld], Awaitable[None]], Callable[[VirtualWorld, str], object]]
LATER = ResourceKey(SECRET, OTHER, "later")
WAYS: dict[str, Way] = {
    "made": ({}, False, first, lambda world, _: is_there(world, *ALL)),
    "in place": ({}, True, in_place, have_another),
    "a turn": (
        SHORT,
        True,
        in_place,
        lambda world, before: have_another(world, before) and rotation(world)["active"] == "Twin" and is_over(world),
    ),
    "taken out": (
        {},
        True,
        taken_out,
        lambda world, _: FAR not in world.cluster.objects and of.names(world) == ["shop/near"],
    ),
    "moved": ({}, True, moved, lambda world, _: FAR not in world.cluster.objects and is_there(world, NEAR, LATER)),
    "withdrawn": ({}, True, withdrawn, lambda world, _: FAR not in world.cluster.objects and of.told(world)),
    "deleted": ({}, True, deleted, lambda world, _: APP not in world.cluster.objects),
}
"""The spec of the user, whether it has copies from the beginning, how it begins, and what is so in the end."""


class MainFirst:
    """Sees each login that a copy gets, and that the credentials Secret has had it before."""

    def __init__(self, world: VirtualWorld) -> None:
        self.world = world
        self.had: set[tuple[str, str]] = set()
        self.too_early: list[ResourceKey] = []
        change = world.cluster._changed

        def changed(key: ResourceKey) -> None:
            if key.kind == SECRET and "username" in (login := of.data(world, key)):
                told = login["username"], login["password"]
                if key == MINE:
                    self.had.add(told)
                elif key in (*ALL, LATER) and told not in self.had:
                    self.too_early.append(key)
            change(key)

        world.cluster._changed = changed  # type: ignore[method-assign]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "boundary",
    [pytest.param(at, marks=[] if at <= 9 and at % 2 else [pytest.mark.chaos]) for at in range(1, BOUNDARIES)],
)
def test_killed_before_each_change(way: str, boundary: int) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            spec, has_copies, begins, is_done = WAYS[way]
            seen = MainFirst(world)
            await begin(world, *(COPIES if has_copies else ()), **spec)
            if has_copies:
                await world.until("the copies are there", lambda: is_there(world, *ALL) and is_well(world), 600)
            await asyncio.sleep(SOON)
            before = of.password(world, MINE)
            killed = Killed(world, boundary)
            await begins(world)
            await world.until("all is over", lambda: is_done(world, before), 2 * HOUR)
            await asyncio.sleep(5)
            if not killed.is_over:
                killed.give_up()
                assert killed.changes < boundary
            await asyncio.sleep(HOUR)
            assert is_done(world, before)
            assert not seen.too_early
            here = {key for key in world.cluster.of_kind(SECRET) if key.namespace in (NAMESPACE, OTHER)}
            named = {f"{key.namespace}/{key.name}" for key in here & {*ALL, LATER}}
            if APP in world.cluster.objects:
                assert named <= {*of.names(world)}
            else:
                assert not here

    in_virtual_time(story())
