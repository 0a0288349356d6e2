"""One tenant's trouble does not reach the others: a pass that may not send ends, and passes elsewhere go on."""

import asyncio
from typing import Any

import pytest

from managed_databases.kube.watched_collections import SECRET
from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition, manifest
from virtual.everything import project
from virtual.two_projects import BANK, TEAM_ID, begin_with_two_projects, datastore, is_in_sync
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import IN_MAIN, KEYS, SPECS, begin_with_datastore

MAIN, SHOP, APP = KEYS[:3]
MANY = 150
"""More than there are places."""
HOUR = 3600
PROJECT = ResourceKey("DatabaseProject", "", "team")
SOON = 60


def datastores(count: int, namespace: str = NAMESPACE) -> list[ResourceKey]:
    return [ResourceKey("ManagedDatastore", namespace, f"{namespace}-{number:03}") for number in range(count)]


@pytest.mark.parametrize("project_id", [TEAM_ID, None], ids=["of one project", "of nobody in particular"])
def test_a_429_with_a_long_wait_stops_nobody_else(project_id: str | None) -> None:
    in_virtual_time(works_beside_a_429(project_id))


async def works_beside_a_429(project_id: str | None) -> None:
    """Other hands change many datastores, and the API answers 429 to the corrections, with an hour's wait."""
    async with VirtualWorld() as world:
        await begin_with_two_projects(world)
        crowd = datastores(MANY)
        theirs, beside = (
            ResourceKey("ManagedDatastore", BANK, "theirs"),
            ResourceKey("ManagedDatastore", "other", "beside"),
        )
        for key in (*crowd, theirs, beside):
            world.cluster.apply(datastore(key))
        await world.until("all are made", lambda: all(is_in_sync(world, key) for key in (*crowd, theirs, beside)))
        for each in await world.objects("datastores"):
            if each["project_id"] == TEAM_ID:
                await world.edit("datastores", each["id"], backup_retention_days=3)
        fault = {"status": 429, "headers": {"Retry-After": str(HOUR)}}
        await world.fault(path="^/v1/datastores/", method="PUT", project=project_id, times=40, **fault)
        await asyncio.sleep(120)
        assert world.says(crowd[-1], "Synced") == ("False", "RateLimited"), "it is told why nothing happens"
        await world.clear_faults()
        world.sent.clear()
        new = ResourceKey("ManagedDatastore", NAMESPACE, "new")
        for key in (theirs, beside, crowd[7]):  # in another project, another namespace, and one of the crowd itself
            world.cluster.change(key, backupRetentionDays=20)
        world.cluster.apply(datastore(new))
        await world.until(
            "people's changes are there",
            lambda: all(is_in_sync(world, key) for key in (theirs, beside, crowd[7], new)),
            SOON,
        )
        assert sum(sent.method == "PUT" for sent in world.sent) <= 4, "the corrections wait, as the API asked for"
        await world.until("the API is no longer asked to wait", lambda: is_corrected(world, crowd), 2 * HOUR)


def test_a_project_whose_api_does_not_answer_holds_up_no_other() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_two_projects(world)
            theirs = ResourceKey("ManagedDatastore", BANK, "theirs")
            crowd = datastores(20)
            for key in (*crowd, theirs):
                world.cluster.apply(datastore(key))
            await world.until("all are made", lambda: all(is_in_sync(world, key) for key in (*crowd, theirs)))
            await world.fault(path="^/v1/", project=TEAM_ID, times=None, status=503)
            for key in crowd:
                world.cluster.change(key, backupRetentionDays=20)
            await world.until("its circuit is open", lambda: world.says(crowd[0], "Synced")[0] == "False")
            for days in range(8, 30):
                await asyncio.sleep(20)
                world.cluster.change(theirs, backupRetentionDays=days)
                await world.until("their change is there", lambda: is_in_sync(world, theirs), 5)

    in_virtual_time(story())


def is_corrected(world: VirtualWorld, keys: list[ResourceKey]) -> bool:
    return all(world.says(key, "Synced") == ("True", "InSync") for key in keys)


def test_a_429_inside_one_datastore_leaves_its_places_free() -> None:
    in_virtual_time(works_inside_a_datastore())


async def works_inside_a_datastore() -> None:
    async with VirtualWorld() as world:
        await begin_with_datastore(world)
        users = [ResourceKey("DatabaseUser", NAMESPACE, f"u{number:02}") for number in range(30)]
        for user in users:
            world.cluster.apply(manifest(user.kind, user.name, NAMESPACE, IN_MAIN))
        await world.until("all are made", lambda: is_corrected(world, users))
        for each in await world.objects("users"):
            await world.vanish("users", each["id"])
        await world.fault(path="^/v1/users$", method="POST", times=3, status=429, headers={"Retry-After": str(HOUR)})
        world.cluster.change(MAIN, pollSeconds=5)
        await asyncio.sleep(90)
        world.cluster.apply(manifest(SHOP.kind, SHOP.name, NAMESPACE, IN_MAIN))
        await world.until("a database is made", lambda: world.says(SHOP, "Synced")[0] == "True", SOON)


@pytest.mark.parametrize("collection", ["users", "datastores", "datastore-types", "flavors"])
def test_a_429_in_the_background_does_not_hold_up_what_a_person_begins(collection: str) -> None:
    in_virtual_time(begins_beside_the_background(collection))


async def begins_beside_the_background(collection: str) -> None:
    async with VirtualWorld(catalogue_seconds=50) as world:
        await begin_with_datastore(world)
        world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, IN_MAIN))
        await world.until("the user is there", lambda: world.says(APP, "Synced")[0] == "True")
        await asyncio.sleep(10)
        fault = {"status": 429, "headers": {"Retry-After": "1800"}}
        await world.fault(path=f"^/v1/{collection}$", method="GET", times=1, **fault)
        for _ in range(30):
            await asyncio.sleep(5)
            if sum(each["met"] for each in await world.faults()):
                break
        assert sum(each["met"] for each in await world.faults()) == 1
        # What is wanted of the collection that the API asked to leave alone waits; nothing else does.
        new = ResourceKey("ManagedDatabase", NAMESPACE, "new")
        spec: dict[str, Any] = IN_MAIN
        if collection != "datastores":
            new, spec = ResourceKey("ManagedDatastore", NAMESPACE, "new"), SPECS[MAIN] | {"name": "new"}
        world.cluster.apply(manifest(new.kind, new.name, NAMESPACE, spec))
        await world.until("it is made", lambda: world.says(new, "Ready")[0] == "True", SOON)


def test_a_list_that_the_api_asks_to_leave_alone_is_told() -> None:
    in_virtual_time(tells_of_a_list())


async def tells_of_a_list() -> None:
    async with VirtualWorld() as world:
        world.cluster.apply(project())
        await world.fault(path="^/v1/datastores$", method="GET", times=1, status=429, headers={"Retry-After": "600"})
        await world.start()
        world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN]))
        await asyncio.sleep(SOON)
        assert world.says(MAIN, "Synced") == ("False", "RateLimited"), world.get(MAIN)["status"]
        lists = [sent for sent in world.sent if sent.path == "/v1/datastores"]
        assert len(lists) == 1, "the API asked to be left alone"
        await world.until("and then it is made", lambda: world.says(MAIN, "Synced")[0] == "True")


CATALOGUE = [
    ("datastore-types", 429, "the API allows no call to list datastore-types at the moment (429)"),
    ("flavors", 403, "the API refuses to list flavors"),
    ("flavors", 500, "the API has not listed flavors yet"),
]


@pytest.mark.parametrize(("part", "status", "told"), CATALOGUE)
def test_why_the_catalogue_is_not_read_is_told(part: str, status: int, told: str) -> None:
    in_virtual_time(tells_why_the_catalogue_is_not_read(part, status, told))


async def tells_why_the_catalogue_is_not_read(part: str, status: int, told: str) -> None:
    async with VirtualWorld() as world:
        world.cluster.apply(project())
        await world.fault(path=f"^/v1/{part}$", method="GET", status=status, times=None, headers={"Retry-After": "30"})
        await world.start()
        world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN]))
        await asyncio.sleep(SOON)
        assert told in world.get(MAIN)["status"]["message"]
        of_project = world.get(PROJECT)["status"]
        assert of_project["reason"] != "InSync", of_project
        assert part in of_project["message"]
        written = world.get(MAIN)["metadata"]["resourceVersion"]
        await asyncio.sleep(600)
        assert world.get(MAIN)["metadata"]["resourceVersion"] == written, (
            "a message that changes would be written each time"
        )
        await world.clear_faults()
        await world.until("it is made", lambda: world.says(MAIN, "Synced")[0] == "True")


UNLISTABLE = [("databases", 403), ("databases", 500), ("grants", 403)]


@pytest.mark.parametrize(("collection", "status"), UNLISTABLE)
def test_an_unlistable_collection_holds_up_only_those_that_refer_to_it(collection: str, status: int) -> None:
    in_virtual_time(lives_without(collection, status))


async def lives_without(collection: str, status: int) -> None:
    """Across a restart: a Secret that is lost comes back, and a user that is created is known by its id."""
    async with VirtualWorld() as world:
        await begin_with_datastore(world)
        world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, IN_MAIN))
        await world.until("the user is there", lambda: world.says(APP, "Synced")[0] == "True")
        await world.fault(path=f"^/v1/{collection}$", method="GET", status=status)
        await world.kill()
        await world.start()
        await asyncio.sleep(SOON)
        world.cluster.delete(ResourceKey(SECRET, NAMESPACE, "app-user"))
        other = ResourceKey("DatabaseUser", NAMESPACE, "other")
        world.cluster.apply(manifest(other.kind, other.name, NAMESPACE, IN_MAIN))
        await world.until("the Secret is back", lambda: world.secret("app-user"), SOON)
        await world.until("the new one is there", lambda: world.says(other, "Ready")[0] == "True", SOON)
        (id_,) = [each["id"] for each in await world.objects("users") if each["name"] == "other"]
        assert world.get(other)["status"]["id"] == id_


def test_objects_that_cannot_be_listed_are_asked_for_by_id() -> None:
    in_virtual_time(asks_by_id())


async def asks_by_id() -> None:
    """The users cannot be listed after a restart: the one that is there still gets its Secret, and goes when asked to."""
    async with VirtualWorld() as world:
        await begin_with_datastore(world)
        world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, IN_MAIN))
        await world.until("the user is there", lambda: world.says(APP, "Synced")[0] == "True")
        await world.fault(path="^/v1/users$", method="GET", status=403)
        await world.kill()
        await world.start()
        await asyncio.sleep(SOON)
        world.cluster.delete(ResourceKey(SECRET, NAMESPACE, "app-user"))
        await world.until("the Secret is back", lambda: world.secret("app-user"), 15 * 60)
        world.cluster.delete(APP)
        await world.until("it is gone", lambda: APP not in world.cluster.objects, 15 * 60)
        assert await world.objects("users") == []


def test_an_id_is_written_although_its_database_cannot_be_listed() -> None:
    in_virtual_time(writes_the_id())


async def writes_the_id() -> None:
    async with VirtualWorld() as world:
        await begin_with_datastore(world)
        await world.fault(path="^/v1/databases$", method="GET", status=403)
        world.cluster.apply(manifest("ManagedDatabase", "shop", NAMESPACE, IN_MAIN))
        world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, IN_MAIN | {"databaseRef": {"name": "shop"}}))
        await asyncio.sleep(SOON)
        (user,) = await world.objects("users")
        assert world.get(APP)["status"]["id"] == user["id"]
        assert condition(world.get(APP), "Ready")["status"] == "True"


def test_corrections_of_one_namespace_do_not_hold_up_those_of_another() -> None:
    in_virtual_time(takes_turns())


async def takes_turns() -> None:
    """A rate that lets one call through in two seconds: whoever has one thing to do does not wait for a hundred."""
    async with VirtualWorld(delay_seconds=0) as world:
        await begin_with_two_projects(world)
        crowd, few = datastores(60), datastores(2, "other")
        for key in (*crowd, *few):
            world.cluster.apply(datastore(key))
        await world.until("all are made", lambda: all(is_in_sync(world, key) for key in (*crowd, *few)))
        await world.kill()
        world._settings = type(world._settings)(
            operator_namespace=world._settings.operator_namespace, calls_per_second=0.7, call_burst=4
        )
        ids = {world.get(key)["status"]["id"]: key for key in (*crowd, *few)}
        for each in await world.objects("datastores"):
            await world.edit("datastores", each["id"], backup_retention_days=3)
        world.sent.clear()
        await world.start()
        await world.until("all are corrected", lambda: len(corrected(world, ids)) == len(ids))
        order = corrected(world, ids)
        assert max(order.index(key) for key in few) < 12, [str(key) for key in order]


def corrected(world: VirtualWorld, ids: dict[str, ResourceKey]) -> list[ResourceKey]:
    return [ids[sent.path.split("/")[3]] for sent in world.sent if sent.method == "PUT"]
