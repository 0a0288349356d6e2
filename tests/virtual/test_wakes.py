"""A change wakes the resources that depend on it, at once and not at the next periodic look."""

import asyncio
from base64 import b64encode
from typing import Any

import pytest

from managed_databases.kube.watched_collections import SECRET
from managed_databases.reconcile.ports import ResourceKey
from stories.world import manifest
from virtual.everything import project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, SYSTEM, VirtualWorld
from virtual.walk import IN_MAIN, KEYS, SPECS, begin_with_datastore

MAIN, _, APP = KEYS[:3]
GIVEN = ResourceKey(SECRET, NAMESPACE, "given")
FIRST, SECOND = "first-password-1", "second-password-2"
SOON = 30


def give(world: VirtualWorld, password: str | bytes) -> None:
    told = password if isinstance(password, bytes) else password.encode()
    world.cluster.objects[GIVEN]["data"]["password"] = b64encode(told).decode()
    world.cluster._changed(GIVEN)


@pytest.mark.parametrize("late_seconds", [0.0, 0.1], ids=["answer before watch", "watch before answer"])
def test_a_secret_that_changes_at_any_moment_of_a_pass(late_seconds: float) -> None:
    for milliseconds in range(0, 500, 50):
        in_virtual_time(changes_after(milliseconds / 1000, late_seconds))


async def changes_after(seconds: float, late_seconds: float) -> None:
    async with VirtualWorld() as world:
        await begin_with_datastore(world)
        world.put_secret(NAMESPACE, GIVEN.name, {"password": FIRST})
        spec = IN_MAIN | {"passwordSecretRef": {"name": GIVEN.name, "key": "password"}}
        world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, spec))
        await world.until("it is made", lambda: world.says(APP, "Synced")[0] == "True")
        await asyncio.sleep(30)
        world.cluster.late_seconds = late_seconds
        world.cluster.annotate(APP, note="x")  # whatever causes a pass
        await asyncio.sleep(seconds)
        give(world, SECOND)
        await world.until("it is rotated", lambda: world.secret("app-user")["password"] == SECOND, SOON)


OTHER_APP = ResourceKey("DatabaseUser", "other", "app")


@pytest.mark.parametrize("by", ["id", "name"])
def test_a_permission_counts_at_once_given_and_taken(by: str) -> None:
    in_virtual_time(is_permitted(by))


async def is_permitted(by: str) -> None:
    async with VirtualWorld(delay_seconds=0) as world:
        await begin_with_datastore(world)
        (team,) = world.cluster.of_kind("DatabaseProject")
        world.cluster.change(team, allowedNamespaces=[{"name": NAMESPACE}, {"name": "other"}])
        ref: dict[str, Any] = {"id": world.get(MAIN)["status"]["id"]}
        if by == "name":
            ref = {"name": MAIN.name, "namespace": NAMESPACE}
        world.cluster.apply(manifest(OTHER_APP.kind, OTHER_APP.name, "other", {"datastoreRef": ref}))
        await asyncio.sleep(SOON)
        assert world.says(OTHER_APP, "Ready")[0] == "False"
        world.cluster.change(MAIN, allowedNamespaces=["other"])
        await world.until("it is let in", lambda: world.says(OTHER_APP, "Ready")[0] == "True", SOON)
        world.cluster.change(MAIN, allowedNamespaces=[])
        await world.until("it is told", lambda: world.says(OTHER_APP, "Synced")[0] == "False", SOON)


def test_whoever_refers_by_id_hears_of_a_holder_that_comes_and_goes() -> None:
    in_virtual_time(hears_of_holders())


async def hears_of_holders() -> None:
    async with VirtualWorld() as world:
        await begin_with_datastore(world)
        (team,) = world.cluster.of_kind("DatabaseProject")
        allowed = [{"name": NAMESPACE, "powers": ["adopt"]}, {"name": "other", "powers": ["adopt"]}]
        world.cluster.change(team, allowedNamespaces=allowed)
        id_ = world.get(MAIN)["status"]["id"]
        world.cluster.change(MAIN, deletionPolicy="Retain")
        world.cluster.apply(manifest(OTHER_APP.kind, OTHER_APP.name, "other", {"datastoreRef": {"id": id_}}))
        await asyncio.sleep(SOON)
        assert world.says(OTHER_APP, "Stalled") == ("True", "Forbidden"), "its holder does not allow it"
        world.cluster.delete(MAIN)
        await world.until("nobody holds it", lambda: world.says(OTHER_APP, "Ready")[0] == "True", SOON)
        world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN] | {"adoption": "Required"}))
        await world.until("it is held again", lambda: world.says(OTHER_APP, "Synced")[1] == "Forbidden", SOON)


def test_a_ca_certificate_that_changes_is_in_the_secrets_within_a_minute() -> None:
    in_virtual_time(changes_ca())


async def changes_ca() -> None:
    async with VirtualWorld() as world:
        put_ca(world, "old")
        world.cluster.apply(project(caCertificate={"name": "ca", "key": "ca.crt"}))
        await world.start()
        for key in (MAIN, APP):
            world.cluster.apply(manifest(key.kind, key.name, NAMESPACE, SPECS[key]))
        await world.until("it is made", lambda: world.says(APP, "Ready")[0] == "True")
        assert world.secret("app-user")["ca.crt"] == "old"
        await asyncio.sleep(30)
        put_ca(world, "new")
        await world.until("the new one is there", lambda: world.secret("app-user")["ca.crt"] == "new", 70)


def put_ca(world: VirtualWorld, certificate: str) -> None:
    world.cluster.create(ResourceKey("ConfigMap", SYSTEM, "ca"), {"data": {"ca.crt": certificate}})
