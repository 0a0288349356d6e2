"""What waits for something that does not exist says so as a stall after two minutes, and goes on when it appears."""

import asyncio
from typing import Any

import pytest

from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition, manifest
from virtual.everything import project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import KEYS, SPECS

MAIN, SHOP, APP, OTHER, _, GRANT, TOKEN = KEYS
GIVEN = {"passwordSecretRef": {"name": "given"}}
MISSING: list[tuple[ResourceKey, dict[str, Any], str]] = [
    (SHOP, {"datastoreRef": {"name": "later"}, "ownerRef": None}, "ParentMissing"),
    (GRANT, {}, "ParentMissing"),
    (APP, GIVEN, "SecretMissing"),
    (TOKEN, {"projectRef": {"name": "later"}}, "ProjectMissing"),
]


async def begin(world: VirtualWorld, key: ResourceKey, spec: dict[str, Any]) -> None:
    world.cluster.apply(project())
    await world.start()
    for each in {MAIN, APP} - ({key} if key != GRANT else {APP}):
        world.cluster.apply(manifest(each.kind, each.name, NAMESPACE, SPECS[each]))
    await world.until("the datastore is there", lambda: world.says(MAIN, "Synced")[0] == "True")
    world.cluster.apply(manifest(key.kind, key.name, NAMESPACE, SPECS[key] | spec))


def provide(world: VirtualWorld, key: ResourceKey) -> None:
    if key == SHOP:
        later = manifest(MAIN.kind, "later", NAMESPACE, SPECS[MAIN])
        world.cluster.apply(later)
    elif key == GRANT:
        for each in (SHOP, APP, OTHER):
            world.cluster.apply(manifest(each.kind, each.name, NAMESPACE, SPECS[each]))
    elif key == APP:
        world.put_secret(NAMESPACE, "given", {"password": "given-by-a-person-1"})
    else:
        later = project()
        later["metadata"]["name"] = "later"
        later["spec"].pop("default", None)
        world.cluster.apply(later)


@pytest.mark.parametrize(("key", "spec", "reason"), MISSING, ids=str)
def test_what_is_missing(key: ResourceKey, spec: dict[str, Any], reason: str) -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world, key, spec)
            await asyncio.sleep(100)
            assert world.says(key, "Reconciling") == ("True", reason)
            assert world.says(key, "Stalled") == ("False", reason)
            await asyncio.sleep(60)
            assert world.says(key, "Reconciling") == ("False", reason)
            assert world.says(key, "Stalled") == ("True", reason)
            before = world.get(key)["metadata"]["resourceVersion"]
            await world.kill()
            await world.start()
            await asyncio.sleep(300)
            assert world.get(key)["metadata"]["resourceVersion"] == before, condition(world.get(key), "Stalled")
            provide(world, key)
            await world.until("it goes on", lambda: world.says(key, "Synced") == ("True", "InSync"))
            assert world.says(key, "Stalled") == ("False", "InSync")

    in_virtual_time(work())


def test_a_deletion_of_what_is_missing_something_is_no_stall() -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world, TOKEN, {})
            await world.until("it is there", lambda: world.says(TOKEN, "Synced")[0] == "True")
            world.cluster.delete(ResourceKey("DatabaseProject", "", "team"))
            await asyncio.sleep(1)
            world.cluster.delete(TOKEN)
            await asyncio.sleep(300)
            assert world.says(TOKEN, "Stalled") == ("False", "ProjectMissing")

    in_virtual_time(work())


def test_a_database_that_the_secret_shall_lead_to() -> None:
    """Without it an application would log in to a database of the user's own name, which does not exist."""

    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world, APP, {"databaseRef": {"name": "shop"}})
            await world.until("the Secret is there", lambda: world.secret("app-user"))
            await asyncio.sleep(60)
            assert world.says(APP, "Ready") == ("False", "ParentMissing")
            assert "databaseRef: there is no ManagedDatabase shop" in condition(world.get(APP), "Ready")["message"]
            assert "database" not in world.secret("app-user")
            await asyncio.sleep(120)
            assert world.says(APP, "Stalled") == ("True", "ParentMissing")
            world.cluster.apply(manifest(SHOP.kind, SHOP.name, NAMESPACE, SPECS[SHOP]))
            await world.until("it is usable", lambda: world.says(APP, "Ready")[0] == "True")
            assert world.secret("app-user")["database"] == "shop"
            world.cluster.change(SHOP, deletionPolicy="Retain")
            await asyncio.sleep(5)
            world.cluster.delete(SHOP)
            await world.until("that is told", lambda: world.says(APP, "Ready") == ("False", "ParentMissing"))

    in_virtual_time(work())
