"""The operator believes that an object is gone only when the API itself says so about that object."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from managed_databases.reconcile.ports import ResourceKey
from virtual.begun_world import APP, MAIN, SHOP, TOKEN, apply, begin, ids, synced
from virtual.everything import collection
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import VirtualWorld

HTML = "<html><head><title>404 Not Found</title></head><body>default backend - 404</body></html>"
NOT_THE_APIS: dict[str, Mapping[str, Any]] = {
    "an ingress' page": {"body": HTML, "headers": {"Content-Type": "text/html"}},
    "plain text": {"body": "default backend - 404", "headers": {"Content-Type": "text/plain"}},
    "another envelope": {"body": {"itemNotFound": {"code": 404, "message": "no such thing"}}},
    "a gateway's": {"body": {"message": "no Route matched with those values"}},
    "the envelope without the kind": {"body": {"error": {"code": 404, "title": "Not Found", "message": "no"}}},
    "about something else": {
        "body": {"error": {"code": 404, "title": "Not Found", "message": "datastore of-another not found."}}
    },
}


@pytest.mark.parametrize("answer", NOT_THE_APIS.values(), ids=NOT_THE_APIS.keys())
def test_a_deletion_is_not_over_by_a_404_that_is_not_the_apis(answer: Mapping[str, Any]) -> None:
    async def work() -> None:
        async with VirtualWorld(delay_seconds=60) as world:
            await begin(world, MAIN)
            world.cluster.delete(MAIN)
            await world.until("DELETE is sent", lambda: any(each.method == "DELETE" for each in world.sent))
            await world.fault(path="^/v1/datastores", times=5, status=404, **answer)
            for _ in range(3600):
                await asyncio.sleep(1)
                is_there = await world.objects("datastores") != []
                assert MAIN in world.cluster.objects or not is_there, "the finalizer goes after the datastore"
            assert MAIN not in world.cluster.objects

    in_virtual_time(work())


@pytest.mark.parametrize("answer", NOT_THE_APIS.values(), ids=NOT_THE_APIS.keys())
def test_nothing_is_lost_by_a_404_that_is_not_the_apis(answer: Mapping[str, Any]) -> None:
    """A change whose outcome is unknown is looked up, and what looks is told 404 by something else."""

    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, SHOP, APP, TOKEN)
            before, secret = await ids(world), world.secret("app-user")
            await world.fault(path="^/v1/datastores/", method="PUT", times=1, status=502)
            await world.fault(path="^/v1/", method="GET", times=30, status=404, **answer)
            world.cluster.change(MAIN, backupRetentionDays=14)
            for _ in range(600):
                await asyncio.sleep(1)
                assert await ids(world) == before, "an id is kept"
                assert world.says(MAIN, "Stalled")[1] != "Gone"
            await synced(world, MAIN, SHOP, APP, TOKEN)
            assert world.secret("app-user") == secret

    in_virtual_time(work())


@pytest.mark.parametrize("key", [MAIN, APP, TOKEN], ids=lambda key: key.kind)
@pytest.mark.parametrize("status", [403, 404, 409])
def test_a_refusal_of_a_creation_that_is_not_the_apis_proves_nothing(key: ResourceKey, status: int) -> None:
    """What stands before the API answers after the API has made it."""

    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world, *(() if key is not APP else (MAIN,)))
            answer = NOT_THE_APIS["an ingress' page"]
            path = f"^/v1/{collection(key.kind)}$"
            await world.fault(path=path, method="POST", times=1, when="after", status=status, **answer)
            apply(world, key)
            await synced(world, key)
            there = await world.objects(collection(key.kind))
            assert [each["id"] for each in there] == [world.get(key)["status"]["id"]]

    in_virtual_time(work())


@pytest.mark.parametrize("is_killed", [False, True], ids=["lives", "killed"])
def test_a_user_that_the_api_has_falsely_said_to_be_gone(is_killed: bool) -> None:
    """The API itself says it, and shows the user again later: it was ours, and is so again."""

    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, APP)
            before = await ids(world)
            gone = {"error": {"code": 404, "title": "Not Found", "message": f"user {before[APP]} not found."}}
            await world.fault(path="^/v1/users$", method="GET", short_list=0)
            await world.fault(path="^/v1/users/", method="GET", status=404, body=gone)
            await world.fault(path="^/v1/users$", method="POST", status=409)
            await world.until("it is lost", lambda: world.get(APP)["status"].get("id") is None)
            if is_killed:
                await world.kill()
                await world.start()
            await asyncio.sleep(10)
            await world.clear_faults()
            await synced(world, APP)
            assert await ids(world) == before
            secret = world.secret("app-user")
            assert await world.login(before[MAIN], "app", secret["password"])

    in_virtual_time(work())


@pytest.mark.parametrize("is_killed", [False, True], ids=["lives", "killed"])
def test_a_user_that_was_falsely_gone_is_deleted_with_its_secret(is_killed: bool) -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, APP)
            gone = {"error": {"message": f"user {world.get(APP)['status']['id']} not found."}}
            await world.fault(path="^/v1/users$", method="GET", short_list=0)
            await world.fault(path="^/v1/users/", method="GET", status=404, body=gone)
            await world.fault(path="^/v1/users$", method="POST", status=409)
            await world.until("it is lost", lambda: world.get(APP)["status"].get("id") is None)
            await world.clear_faults()
            await asyncio.sleep(100)
            if is_killed:
                await world.kill()
                await world.start()
            world.cluster.delete(APP)
            await world.until("it is gone", lambda: APP not in world.cluster.objects)
            assert await world.objects("users") == []
            assert world.secret("app-user") == {}

    in_virtual_time(work())


def test_a_datastore_that_the_api_has_falsely_said_to_be_gone() -> None:
    """What was in it keeps its id, as it cannot be made again meanwhile."""

    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, SHOP, APP)
            before, secret = await ids(world), world.secret("app-user")
            gone = {"error": {"code": 404, "title": "Not Found", "message": f"datastore {before[MAIN]} not found."}}
            await world.fault(path="^/v1/datastores$", method="GET", short_list=0)
            await world.fault(path="^/v1/datastores/", method="GET", status=404, body=gone)
            await world.until("it is gone", lambda: world.says(MAIN, "Stalled") == ("True", "Gone"))
            await asyncio.sleep(600)
            assert await ids(world) == before
            await world.clear_faults()
            await synced(world, MAIN, SHOP, APP)
            assert await ids(world) == before
            assert world.secret("app-user") == secret

    in_virtual_time(work())
