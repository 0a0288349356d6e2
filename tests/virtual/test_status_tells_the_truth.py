"""`Ready` is True for everything that can be used now, and for nothing else."""

import asyncio

import pytest

from managed_databases.kube.metrics import state
from managed_databases.kube.watched_collections import SECRET
from managed_databases.reconcile.ports import ResourceKey
from stories.world import manifest
from virtual.begun_world import apply, begin, synced
from virtual.everything import project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, SYSTEM, VirtualWorld
from virtual.walk import KEYS, SPECS, begin_with_datastore

MAIN, SHOP, APP, OTHER = KEYS[:4]
EACH_KIND = (MAIN, SHOP, APP, OTHER, KEYS[5])


def all_are_ready(world: VirtualWorld) -> bool:
    return all(world.says(key, "Ready")[0] == "True" for key in EACH_KIND)


@pytest.mark.parametrize(("phase", "reason"), [("DOWN", "Down"), ("DISK_FULL", "DiskFull"), ("ERROR", "Error")])
def test_a_child_is_no_more_ready_than_its_datastore(phase: str, reason: str) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            for key in (SHOP, APP):
                world.cluster.apply(manifest(key.kind, key.name, NAMESPACE, SPECS[key]))
            await world.until(
                "all is there", lambda: all(world.says(key, "Synced")[0] == "True" for key in (SHOP, APP))
            )
            await world.edit("datastores", world.get(MAIN)["status"]["id"], status=phase)
            await asyncio.sleep(120)
            for key in (MAIN, SHOP, APP):
                assert world.says(key, "Ready") == ("False", reason), key
            assert state(world.get(MAIN)["status"]) == "stalled", "the documented alert fires"
            await world.edit("datastores", world.get(MAIN)["status"]["id"], status="ACTIVE")
            await asyncio.sleep(120)
            assert all(world.says(key, "Ready")[0] == "True" for key in (MAIN, SHOP, APP))

    in_virtual_time(story())


@pytest.mark.parametrize("restart", [False, True])
def test_a_child_is_not_ready_while_its_datastore_is_being_deleted(restart: bool) -> None:
    """By other hands, which then think better of it; or the datastore goes, and with it what is in it."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, *EACH_KIND)
            secret, id_ = world.secret("app-user"), world.get(MAIN)["status"]["id"]
            await world.edit("datastores", id_, status="PENDING_DELETE")
            await asyncio.sleep(120)
            for key in EACH_KIND[1:]:
                assert world.says(key, "Ready") == ("False", "ParentNotReady"), key
                assert world.says(key, "Stalled")[0] == "False", key
            if restart:
                await world.kill()
                await world.start()
                await asyncio.sleep(5)
                assert world.says(APP, "Ready")[0] == "False"
            await world.edit("datastores", id_, status="ACTIVE")
            await world.until("all is well again", lambda: all_are_ready(world), 120)
            assert world.secret("app-user") == secret
            await world.vanish("datastores", id_)
            await asyncio.sleep(900)
            assert world.says(MAIN, "Stalled") == ("True", "Gone")
            for key in EACH_KIND[1:]:
                assert world.says(key, "Ready")[0] == "False", key
            assert world.secret("app-user") == secret

    in_virtual_time(story())


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("what", ["PENDING_DELETE", "ERROR", "gone"])
def test_a_user_is_not_ready_without_the_database_that_its_secret_leads_to(what: str, restart: bool) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, SHOP, APP)
            world.cluster.change(APP, databaseRef={"name": SHOP.name})
            await world.until("it leads there", lambda: world.secret("app-user").get("database") == "shop")
            secret, id_ = world.secret("app-user"), world.get(SHOP)["status"]["id"]
            said: list[str] = []
            world.cluster.told.append(lambda kind, key, *_: said.append(world.says(APP, "Ready")[0]))
            if what == "gone":
                await world.vanish("databases", id_)
            else:
                await world.edit("databases", id_, status=what)
            expected = ("False", "Error" if what == "ERROR" else "ParentNotReady")
            await world.until("it says so", lambda: world.says(APP, "Ready") == expected, 120)
            said.clear()
            if restart:
                await world.kill()
                await world.start()
            await asyncio.sleep(900)
            assert world.says(APP, "Ready") == expected
            assert "True" not in said, "it knows no better in between"
            assert world.says(APP, "Synced")[0] == "True"
            assert world.secret("app-user") == secret
            if what == "gone":
                world.cluster.annotate(SHOP, recreate=id_)
            else:
                await world.edit("databases", id_, status="ACTIVE")
            await world.until("it can be used again", lambda: world.says(APP, "Ready")[0] == "True", 180)
            assert world.secret("app-user") == secret

    in_virtual_time(story())


@pytest.mark.parametrize("restart", [False, True])
def test_a_secret_stays_when_the_database_of_that_id_is_gone(restart: bool) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, SHOP, APP)
            id_ = world.get(SHOP)["status"]["id"]
            world.cluster.change(APP, databaseRef={"id": id_})
            await world.until("it leads there", lambda: world.secret("app-user").get("database") == "shop")
            await synced(world, APP)
            secret = world.secret("app-user")
            await world.vanish("databases", id_)
            await world.until("it says so", lambda: world.says(APP, "Ready") == ("False", "ParentNotReady"), 120)
            if restart:
                await world.kill()
                await world.start()
            await asyncio.sleep(900)
            assert world.says(APP, "Ready") == ("False", "ParentNotReady")
            assert world.secret("app-user") == secret
            world.cluster.change(APP, databaseRef=None)
            await world.until("it leads nowhere", lambda: "database" not in world.secret("app-user"), 60)
            assert world.says(APP, "Ready")[0] == "True"

    in_virtual_time(story())


def test_a_database_is_usable_without_its_owner() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, APP)
            apply(world, SHOP)
            await synced(world, SHOP)
            await world.edit("users", world.get(APP)["status"]["id"], status="PENDING_DELETE")
            await asyncio.sleep(120)
            assert world.says(SHOP, "Ready")[0] == "True"

    in_virtual_time(story())


@pytest.mark.parametrize("what", ["other credentials", "no credentials", "not allowed any more", "no project"])
def test_trouble_of_the_project_leaves_serving_objects_ready(what: str) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            secret = ResourceKey(SECRET, SYSTEM, "cloud")
            if what == "other credentials":
                data = {name: str(value) for name, value in world.secret_in(SYSTEM, "cloud").items()}
                world.cluster.delete(secret)
                world.put_secret(SYSTEM, "cloud", data | {"INFRA_PROJECT_ID": "f" * 32}, is_watched=True)
            elif what == "no credentials":
                world.cluster.delete(secret)
            elif what == "no project":
                world.cluster.delete(ResourceKey("DatabaseProject", "", "team"))
            else:
                world.cluster.change(ResourceKey("DatabaseProject", "", "team"), allowedNamespaces=[])
            await asyncio.sleep(900)
            assert world.says(MAIN, "Synced")[0] == "False"
            assert world.says(MAIN, "Ready")[0] == "True", world.get(MAIN)["status"]

    in_virtual_time(story())


@pytest.mark.parametrize("adoption", ["Never", "IfExists", "Required"])
def test_an_object_that_is_being_deleted_is_not_taken_over(adoption: str) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project())
            await world.start()
            dying = await world.create("datastores", {"name": "main"})
            await world.edit("datastores", dying["id"], status="PENDING_DELETE")
            await asyncio.sleep(70)
            world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN] | {"adoption": adoption}))
            await asyncio.sleep(120)
            assert world.says(MAIN, "Synced") == ("False", "Pending")
            assert not world.get(MAIN)["status"].get("id")
            await world.vanish("datastores", dying["id"])
            await asyncio.sleep(600)
            if adoption == "Required":
                assert world.says(MAIN, "Stalled") == ("True", "NothingToAdopt")
            else:
                assert world.says(MAIN, "Synced")[0] == "True"
                assert world.get(MAIN)["status"]["id"] != dying["id"]

    in_virtual_time(story())
