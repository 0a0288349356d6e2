"""The operator is killed between any two lines and started again: nothing is made twice, nothing is lost, nothing hangs."""

from typing import Any

import pytest

from cluster import Manifest
from kubernetes_proxy import KubernetesProxy
from stories.kill_points import (
    EFFECT_COMES_LATE,
    HELD_AFTER,
    HELD_BEFORE,
    HELD_FOR_NOTHING,
    PATIENT,
    QUICK,
    InKubernetes,
    InTheCloud,
    Point,
    through_a_proxy,
)
from stories.world import COLLECTIONS, World

pytestmark = pytest.mark.parametrize("world", [{"settings": PATIENT}], indirect=True, ids=["patient"])

NAMES = {"ManagedDatastore": ["main"], "ManagedDatabase": ["shop"], "DatabaseUser": ["app"]}
FINALIZERS = r'"finalizers": *\['
INTENT = r'"intent": *\{'
CREATED_ID = r'"id": *"'

CREATION: dict[str, Point] = {
    "before the finalizer": InKubernetes("PATCH", "manageddatastores/main$", FINALIZERS, "before"),
    "after the finalizer": InKubernetes("PATCH", "manageddatastores/main$", FINALIZERS, "after"),
    "after the datastore's intent": InKubernetes("PATCH", "manageddatastores/main/status", INTENT, "after"),
    "before the datastore's effect": InTheCloud("POST", "/datastores$", HELD_BEFORE),
    "without the datastore's effect": InTheCloud("POST", "/datastores$", HELD_FOR_NOTHING),
    "after the datastore's effect": InTheCloud("POST", "/datastores$", HELD_AFTER),
    "long before the datastore's effect": InTheCloud("POST", "/datastores$", EFFECT_COMES_LATE),
    "before the datastore's id": InKubernetes("PATCH", "manageddatastores/main/status", CREATED_ID, "before"),
    "after the datastore's id": InKubernetes("PATCH", "manageddatastores/main/status", CREATED_ID, "after"),
    "after the user's intent": InKubernetes("PATCH", "databaseusers/app/status", INTENT, "after"),
    "after the Secret": InKubernetes("POST", "secrets$", "app-user", "after"),
    "before the user's effect": InTheCloud("POST", "/users$", HELD_BEFORE),
    "after the user's effect": InTheCloud("POST", "/users$", HELD_AFTER),
    "before the user's id": InKubernetes("PATCH", "databaseusers/app/status", CREATED_ID, "before"),
    "before the password is confirmed": InTheCloud("PUT", "/users/", HELD_FOR_NOTHING),
    "after the database's effect": InTheCloud("POST", "/databases$", HELD_AFTER),
}

DELETION: dict[str, Point] = {
    "before the datastore's end": InTheCloud("DELETE", "/datastores/", HELD_BEFORE),
    "after the datastore's end": InTheCloud("DELETE", "/datastores/", HELD_AFTER),
    "without the datastore's end": InTheCloud("DELETE", "/datastores/", HELD_FOR_NOTHING),
    "before the datastore is let go": InKubernetes("PATCH", "manageddatastores/main$", FINALIZERS, "before"),
    "before the user is let go": InKubernetes("PATCH", "databaseusers/app$", FINALIZERS, "before"),
    "after the user's Secret": InKubernetes("DELETE", "secrets/app-user$", "", "after"),
}

SAMPLE = {
    "after the datastore's intent",
    "before the datastore's effect",
    "without the datastore's effect",
    "long before the datastore's effect",
    "before the datastore's id",
    "after the Secret",
    "after the user's effect",
    "before the password is confirmed",
    "after the datastore's end",
    "without the datastore's end",
    "before the user is let go",
}
"""Tried by `make test`: where something could be made twice, or an object be left behind. `make chaos` tries the others."""


def each_of(points: dict[str, Point]) -> pytest.MarkDecorator:
    params = [
        pytest.param(point, id=name, marks=[] if name in SAMPLE else [pytest.mark.chaos])
        for name, point in points.items()
    ]
    return pytest.mark.parametrize("point", params)


@each_of(CREATION)
async def test_killed_while_all_is_made(world: World, point: Point) -> None:
    async with through_a_proxy(world) as proxy:
        await kill_while_all_is_made(world, proxy, point)


async def kill_while_all_is_made(world: World, proxy: KubernetesProxy, point: Point) -> None:
    limits = PATIENT if isinstance(point, InTheCloud) else QUICK

    async def begin() -> None:
        await world.operator.start(**limits)
        await world.apply(*everything(world))

    if point == CREATION["before the password is confirmed"]:
        # A password is sent again only for a user that was found: its creation must end unknown first, and soon.
        limits = QUICK
        await world.sandbox.fault(method="POST", path="/users$", times=1, when="after", reset=True)
    await point.reach(world, proxy, begin)
    await world.operator.kill()
    await world.sandbox.clear_faults()
    await nobody_is_locked_out(world)
    await world.operator.start(**QUICK)
    for kind, names in NAMES.items():
        for name in names:
            await world.becomes(kind, name)
            await world.becomes(kind, name, "Synced")
        objects = await world.sandbox.objects(COLLECTIONS[kind])
        assert len(objects) == len(names), objects
    assert await world.login_works()


@each_of(DELETION)
async def test_killed_while_all_is_deleted(world: World, point: Point) -> None:
    async with through_a_proxy(world) as proxy:
        await kill_while_all_is_deleted(world, proxy, point)


async def kill_while_all_is_deleted(world: World, proxy: KubernetesProxy, point: Point) -> None:
    await world.operator.start()
    await world.apply(*everything(world))
    for kind in NAMES:
        await world.becomes(kind, NAMES[kind][0])

    async def begin() -> None:
        for kind in ("ManagedDatabase", "DatabaseUser", "ManagedDatastore"):
            await world.delete(kind, NAMES[kind][0], wait=False)

    await point.reach(world, proxy, begin)
    await world.operator.kill()
    await world.sandbox.clear_faults()
    await world.operator.start(**QUICK)

    async def nothing_is_left() -> bool:
        for kind in NAMES:
            left = await world.cluster.list(kind, world.namespace)
            assert not left, left
        return True

    await world.until("no resource is left", nothing_is_left)
    for collection in COLLECTIONS.values():
        assert await world.sandbox.objects(collection) == []
    assert not await world.cluster.exists("Secret", "app-user", world.namespace)


def everything(world: World) -> list[Manifest]:
    return [
        world.user(databaseRef={"name": "shop"}),
        world.database(ownerRef={"name": "app"}),
        world.datastore(),
        world.project_manifest(),
    ]


async def nobody_is_locked_out(world: World) -> None:
    """A user that the cloud has can log in with what the Secret says, whatever the operator knows of it."""
    for user in await world.sandbox.objects("users"):
        secret = await secret_or_none(world, f"{user['name']}-user")
        assert secret is not None, "a user without a Secret"

        async def login(user: dict[str, Any] = user, password: str = secret["password"]) -> bool:
            return await world.sandbox.login(user["datastore_id"], user["name"], password)

        await world.until("the Secret's password opens the database", login)


async def secret_or_none(world: World, name: str) -> dict[str, str] | None:
    if not await world.cluster.exists("Secret", name, world.namespace):
        return None
    return await world.secret(name)
