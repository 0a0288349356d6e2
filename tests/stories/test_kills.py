"""Killed between any two lines, and started again: nothing is made twice, nothing is lost, nothing is stuck."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal

import pytest
import pytest_asyncio

from cluster import Manifest
from kubernetes_proxy import KubernetesProxy
from operator_process import OperatorProcess
from stories.world import COLLECTIONS, World

# An attempt of unknown outcome settles in 2 + 1 s: long enough for each effect below, which comes after 1.5 s at most.
QUICK = {"call_limit_seconds": 2, "settle_margin_seconds": 1, "least_backoff_seconds": 0.2}
HANGS_SECONDS = 1.5

pytestmark = pytest.mark.parametrize("world", [{"settings": QUICK}], indirect=True, ids=["quick"])

NAMES = {"ManagedDatastore": ["main"], "ManagedDatabase": ["shop"], "DatabaseUser": ["app"]}
FINALIZERS = r'"finalizers": *\['
INTENT = r'"intent": *\{'
CREATED_ID = r'"id": *"'


@dataclass(frozen=True)
class InKubernetes:
    """The moment before, or after, the API server does something for the operator."""

    method: str
    path: str
    body: str
    when: Literal["before", "after"]

    async def reach(self, world: World, proxy: KubernetesProxy, begin: Any) -> None:
        stop = proxy.stop_at(self.method, f"{world.namespace}/{self.path}", self.body, self.when)
        await begin()
        async with asyncio.timeout(60):
            await stop.reached.wait()


@dataclass(frozen=True)
class InTheCloud:
    """A request hangs: its effect comes before it, while it does, after it, or never."""

    method: str
    path: str
    fault: tuple[tuple[str, Any], ...]

    async def reach(self, world: World, proxy: KubernetesProxy, begin: Any) -> None:
        id_ = await world.sandbox.fault(method=self.method, path=self.path, times=1, **dict(self.fault))
        await begin()

        async def is_met() -> bool:
            return any(fault["id"] == id_ and fault["met"] for fault in await world.sandbox.faults())

        await world.until(f"{self.method} {self.path} has arrived", is_met)


EFFECT_WAS = (("when", "after"), ("delay_seconds", HANGS_SECONDS))
EFFECT_COMES = (("delay_seconds", HANGS_SECONDS),)
EFFECT_COMES_LATE = (("effect_after_seconds", HANGS_SECONDS),)
NO_EFFECT = (("status", 503), ("delay_seconds", HANGS_SECONDS))

Point = InKubernetes | InTheCloud

CREATION: dict[str, Point] = {
    "before the finalizer": InKubernetes("PATCH", "manageddatastores/main$", FINALIZERS, "before"),
    "after the finalizer": InKubernetes("PATCH", "manageddatastores/main$", FINALIZERS, "after"),
    "after the datastore's intent": InKubernetes("PATCH", "manageddatastores/main/status", INTENT, "after"),
    "before the datastore's effect": InTheCloud("POST", "/datastores$", EFFECT_COMES),
    "without the datastore's effect": InTheCloud("POST", "/datastores$", NO_EFFECT),
    "after the datastore's effect": InTheCloud("POST", "/datastores$", EFFECT_WAS),
    "long before the datastore's effect": InTheCloud("POST", "/datastores$", EFFECT_COMES_LATE),
    "before the datastore's id": InKubernetes("PATCH", "manageddatastores/main/status", CREATED_ID, "before"),
    "after the datastore's id": InKubernetes("PATCH", "manageddatastores/main/status", CREATED_ID, "after"),
    "after the user's intent": InKubernetes("PATCH", "databaseusers/app/status", INTENT, "after"),
    "after the Secret": InKubernetes("POST", "secrets$", "app-user", "after"),
    "before the user's effect": InTheCloud("POST", "/users$", EFFECT_COMES),
    "after the user's effect": InTheCloud("POST", "/users$", EFFECT_WAS),
    "before the user's id": InKubernetes("PATCH", "databaseusers/app/status", CREATED_ID, "before"),
    "before the password is confirmed": InTheCloud("PUT", "/users/", NO_EFFECT),
    "after the database's effect": InTheCloud("POST", "/databases$", EFFECT_WAS),
}

DELETION: dict[str, Point] = {
    "before the datastore's end": InTheCloud("DELETE", "/datastores/", EFFECT_COMES),
    "after the datastore's end": InTheCloud("DELETE", "/datastores/", EFFECT_WAS),
    "without the datastore's end": InTheCloud("DELETE", "/datastores/", NO_EFFECT),
    "before the datastore is let go": InKubernetes("PATCH", "manageddatastores/main$", FINALIZERS, "before"),
    "before the user is let go": InKubernetes("PATCH", "databaseusers/app$", FINALIZERS, "before"),
    "after the user's Secret": InKubernetes("DELETE", "secrets/app-user$", "", "after"),
}


@pytest_asyncio.fixture
async def proxy(world: World) -> AsyncIterator[KubernetesProxy]:
    """The operator's way to the API server leads through it."""
    async with KubernetesProxy(await world.cluster.service_account(world.system, "operator")) as proxy:
        settings = {"namespace": world.system, "watch_namespaces": world.namespace} | world.settings
        world.operator = OperatorProcess(proxy.kubeconfig, world.folder / "operator.log", **settings)
        yield proxy
        await world.operator.kill()


@pytest.mark.parametrize("point", CREATION.values(), ids=CREATION.keys())
async def test_killed_while_all_is_made(world: World, proxy: KubernetesProxy, point: Point) -> None:
    async def begin() -> None:
        await world.operator.start()
        await world.apply(*everything(world))

    if point == CREATION["before the password is confirmed"]:
        # A password is sent again only for a user that was found: its creation must end unknown first.
        await world.sandbox.fault(method="POST", path="/users$", times=1, when="after", reset=True)
    await point.reach(world, proxy, begin)
    await world.operator.kill()
    await nobody_is_locked_out(world)
    await world.operator.start()
    for kind, names in NAMES.items():
        for name in names:
            await world.becomes(kind, name)
            await world.becomes(kind, name, "Synced")
        objects = await world.sandbox.objects(COLLECTIONS[kind])
        assert len(objects) == len(names), objects
    assert await world.login_works()


@pytest.mark.parametrize("point", DELETION.values(), ids=DELETION.keys())
async def test_killed_while_all_is_deleted(world: World, proxy: KubernetesProxy, point: Point) -> None:
    await world.operator.start()
    await world.apply(*everything(world))
    for kind in NAMES:
        await world.becomes(kind, NAMES[kind][0])

    async def begin() -> None:
        # Not with all at once: then the children make no call, they go with their datastore.
        for kind in ("ManagedDatabase", "DatabaseUser", "ManagedDatastore"):
            await world.delete(kind, NAMES[kind][0], wait=False)

    await point.reach(world, proxy, begin)
    await world.operator.kill()
    await world.operator.start()

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
