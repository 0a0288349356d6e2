"""The operator is killed while a password changes: at every quiet point a Secret opens the real PostgreSQL."""

import ssl
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from cluster import Cluster
from engines.at_hand import need
from engines.real_sandbox import NASTY
from stories.kill_points import (
    HELD_AFTER,
    HELD_BEFORE,
    HELD_FOR_NOTHING,
    PATIENT,
    InKubernetes,
    InTheCloud,
    Point,
    through_a_proxy,
)
from stories.passwords_seen import give
from stories.real_engines import world_with_engines
from stories.world import World

POINTS: tuple[Point, ...] = (
    InKubernetes("POST", "secrets$", "app-user-pending", "before"),
    InKubernetes("POST", "secrets$", "app-user-pending", "after"),
    InTheCloud("PUT", "/users/", HELD_BEFORE),
    InTheCloud("PUT", "/users/", HELD_AFTER),
    InTheCloud("PUT", "/users/", HELD_FOR_NOTHING),
    InKubernetes("PATCH", "secrets/app-user$", "", "before"),
    InKubernetes("PATCH", "secrets/app-user$", "", "after"),
    InKubernetes("DELETE", "secrets/app-user-pending$", "", "before"),
    InKubernetes("DELETE", "secrets/app-user-pending$", "", "after"),
)
OWN = {"passwordSecretRef": {"name": "own", "key": "password"}}


async def opens(secret: dict[str, str]) -> bool:
    """Whether the real server lets in whoever has this Secret."""
    try:
        connection = await asyncpg.connect(
            host=secret["host"],
            user=secret["username"],
            password=secret["password"],
            database=secret["database"],
            ssl=ssl.create_default_context(cadata=secret["ca.crt"]),
            timeout=10,
        )
    except asyncpg.InvalidPasswordError:
        return False
    await connection.close()
    return True


async def some_secret_opens(world: World) -> bool:
    """The application's Secret, or with the pending password: while a change is under way, one of the two."""
    told = await world.secret("app-user")
    if await opens(told):
        return True
    pending = await world.cluster.exists("Secret", "app-user-pending", world.namespace)
    return pending and await opens(told | {"password": (await world.secret("app-user-pending"))["password"]})


async def wish_given(world: World, number: int) -> None:
    await give(world, f"{number} {NASTY}")


async def wish_generated(world: World, number: int) -> None:
    await world.annotate("DatabaseUser", "app", rotate_password=f"turn {number}")


@pytest.mark.chaos
@pytest.mark.engines
@pytest.mark.parametrize(("wish", "told"), [(wish_given, OWN), (wish_generated, {})], ids=["given", "generated"])
async def test_a_secret_opens_at_every_quiet_point_of_kills(
    installed: Cluster, tmp_path: Path, wish: Callable[[World, int], Awaitable[None]], told: dict[str, Any]
) -> None:
    need("postgresql-16")
    async with world_with_engines(installed, tmp_path, settings=PATIENT) as world, through_a_proxy(world) as proxy:
        await give(world, "first")
        await world.operator.start()
        await world.apply(
            world.datastore(),
            world.database(ownerRef={"name": "app"}),
            world.user(databaseRef={"name": "shop"}, **told),
        )
        await world.becomes("ManagedDatabase", "shop")
        await world.becomes("DatabaseUser", "app")
        for number, point in enumerate(POINTS):
            before = await world.secret("app-user")
            assert await opens(before)
            await point.reach(world, proxy, partial(wish, world, number))
            await world.operator.kill()
            await world.sandbox.clear_faults()

            async def is_open() -> bool:
                assert await some_secret_opens(world), "nobody may log in, and nobody is at work"
                return True

            await world.until(f"a Secret opens the server after {point}", is_open)
            await world.operator.start()

            async def is_changed(old: str = before["password"]) -> bool:
                secret = await world.secret("app-user")
                assert secret["password"] != old
                assert not await world.cluster.exists("Secret", "app-user-pending", world.namespace)
                return await opens(secret)

            await world.until(f"the password is changed after {point}", is_changed)
            assert not await opens(before), "the old password is refused"
            if told:
                assert (await world.secret("app-user"))["password"] == f"{number} {NASTY}"
