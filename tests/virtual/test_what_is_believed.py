"""Absence is believed only when the API itself says it, about that object; what is not told changes nothing."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition, manifest
from virtual.everything import collection, project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, URL, VirtualWorld
from virtual.walk import KEYS, SPECS

MAIN, SHOP, APP, TOKEN = KEYS[0], KEYS[1], KEYS[2], KEYS[-1]
PROJECT = ResourceKey("DatabaseProject", "", "team")
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


def apply(world: VirtualWorld, key: ResourceKey, **spec: Any) -> None:
    world.cluster.apply(manifest(key.kind, key.name, key.namespace, SPECS[key] | spec))


async def begin(world: VirtualWorld, *keys: ResourceKey, **of_project: Any) -> None:
    """Start the operator, and wait until these are there."""
    world.cluster.apply(project(**of_project))
    await world.start()
    for key in keys:
        world.cluster.apply(manifest(key.kind, key.name, NAMESPACE, SPECS[key] | {"ownerRef": None}))
        raw = world.cluster.objects[key]
        raw["spec"] = {name: value for name, value in raw["spec"].items() if value is not None}
    await synced(world, *keys)


async def synced(world: VirtualWorld, *keys: ResourceKey) -> None:
    await world.until(
        "all is as the specs say", lambda: all(world.says(key, "Synced")[0] == "True" for key in keys), 7200
    )


async def ids(world: VirtualWorld) -> dict[ResourceKey, str]:
    return {key: raw["status"].get("id") for key, raw in world.cluster.objects.items() if key.kind != "Secret"}


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


ODD: dict[str, Mapping[str, Any]] = {
    "another type": {"disk_used": "n/a"},
    "no name": {"name": None},
    "a number for a name": {"name": 5},
    "a status that is no text": {"status": {"is": "ACTIVE"}},
    "nonsense in all": {"connection": 5, "instances": "none", "firewall": 5, "config": []},
}


@pytest.mark.parametrize("fields", ODD.values(), ids=ODD.keys())
def test_one_odd_row_of_another_datastore(fields: Mapping[str, Any]) -> None:
    """Datastores are made, changed and deleted all the same; the project's status tells of the row."""

    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, APP)
            other = await world.create("datastores", {"name": "console"})
            await world.edit("datastores", other["id"], **fields)
            new = ResourceKey(MAIN.kind, NAMESPACE, "new")
            world.cluster.apply(manifest(MAIN.kind, "new", NAMESPACE, SPECS[MAIN]))
            await synced(world, new, MAIN, APP)
            await asyncio.sleep(100)
            assert world.says(PROJECT, "Synced")[0] == "True"
            (told,) = world.get(PROJECT)["status"]["oddRows"]
            assert (told["collection"], told["rows"]) == ("datastores", 1)
            assert next(iter(fields)) in told["why"][0]
            world.cluster.change(MAIN, backupRetentionDays=14)
            await synced(world, MAIN)
            world.cluster.delete(APP)
            world.cluster.delete(MAIN)
            await world.until("it is gone", lambda: MAIN not in world.cluster.objects)
            assert {each["id"] for each in await world.objects("datastores")} == {
                other["id"],
                world.get(new)["status"]["id"],
            }
            await world.vanish("datastores", other["id"])
            await world.until("nothing is odd any more", lambda: "oddRows" not in world.get(PROJECT)["status"])

    in_virtual_time(work())


@pytest.mark.parametrize("is_killed", [False, True], ids=["lives", "killed"])
@pytest.mark.parametrize("fields", ODD.values(), ids=ODD.keys())
def test_an_odd_row_of_our_own(fields: Mapping[str, Any], is_killed: bool) -> None:
    """Nothing is changed by it, made again, or lost; and once it is readable, all goes on."""

    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, SHOP, APP)
            before, secret = await ids(world), world.secret("app-user")
            await world.fault(path="^/v1/datastores", rows=fields)
            if is_killed:
                await world.kill()
                await world.start()
            world.sent.clear()
            await asyncio.sleep(900)
            assert await ids(world) == before
            assert world.secret("app-user") == secret
            assert [each for each in world.sent if each.method != "GET" and each.path.startswith("/v1")] == []
            assert world.get(MAIN)["status"]["identity"]["key"] == ["main"]
            await world.clear_faults()
            world.cluster.change(MAIN, backupRetentionDays=14)
            await synced(world, MAIN, SHOP, APP)
            assert await ids(world) == before

    in_virtual_time(work())


def test_what_an_attempt_has_made_cannot_be_read() -> None:
    """A row without a name that is new since the attempt may be what it made: no second one is made."""

    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            old = await world.create("datastores", {"name": "console"})
            await world.edit("datastores", old["id"], name=None)
            await asyncio.sleep(100)
            await world.fault(path="^/v1/datastores$", method="POST", times=1, reset=True, when="after")
            apply(world, MAIN)
            await world.until("the attempt is open", lambda: world.get(MAIN)["status"]["intent"])
            (made,) = [each for each in await world.objects("datastores") if each["id"] != old["id"]]
            await world.edit("datastores", made["id"], name=None)
            await asyncio.sleep(3600)
            assert len(await world.objects("datastores")) == 2
            assert made["id"] in condition(world.get(MAIN), "Synced")["message"]
            await world.edit("datastores", made["id"], name="main")
            await synced(world, MAIN)
            assert world.get(MAIN)["status"]["id"] == made["id"]

    in_virtual_time(work())


UNTOLD: list[Mapping[str, Any]] = [
    {"connection": None},
    {"connection": {}},
    {"connection": None, "instances": None},
    {"connection": {}, "instances": [], "firewall": None, "pooler": None, "config": None, "node_count": None},
    {"connection": "(left out)", "instances": "(left out)", "flavor": "(left out)", "status": "(left out)"},
    {"connection": {"master": 5}, "instances": "none"},
]


@pytest.mark.parametrize("is_killed", [False, True], ids=["lives", "killed"])
@pytest.mark.parametrize("fields", UNTOLD, ids=lambda fields: ", ".join(fields))
@pytest.mark.parametrize("engine", ["postgresql", "kafka", "redis"])
def test_a_secret_keeps_what_it_has(engine: str, fields: Mapping[str, Any], is_killed: bool) -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project())
            await world.start()
            spec = SPECS[MAIN] | {
                "engine": {"type": engine, "version": {"kafka": "3.5", "redis": "7"}.get(engine, "16")}
            }
            if engine == "redis":
                spec["flavor"] = {"name": "RS1.1-1024-10"}
            world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, spec))
            keys = (MAIN,) if engine == "redis" else (MAIN, APP)
            if engine != "redis":
                apply(world, APP)
            await synced(world, *keys)
            name = "main-redis" if engine == "redis" else "app-user"
            before, endpoints = world.secret(name), world.get(MAIN)["status"]["endpoints"]
            await world.fault(path="^/v1/datastores", rows=fields)
            if is_killed:
                await world.kill()
                await world.start()
            await asyncio.sleep(600)
            assert world.secret(name) == before
            assert world.get(MAIN)["status"]["endpoints"] == endpoints
            assert world.says(keys[-1], "Ready")[0] == "True"
            if engine == "redis":
                return
            world.put_secret(NAMESPACE, "given", {"password": "another-password-1"})
            world.cluster.change(APP, passwordSecretRef={"name": "given", "key": "password"})
            await world.until("it changes", lambda: world.secret(name)["password"] != before["password"])
            after = world.secret(name)
            assert {key for key in before if before[key] != after.get(key)} <= {"password", "uri", "jaas-config"}
            assert "another-password-1" in after.get("uri", after.get("jaas-config", ""))
            assert {key: before[key] for key in ("host", "port") if key in before} == {
                key: after[key] for key in ("host", "port") if key in before
            }

    in_virtual_time(work())


def test_a_new_secret_without_a_host_is_not_ready() -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN)
            main = world.get(MAIN)["status"]["id"]
            (row,) = await world.objects("datastores")
            await world.kill()
            world.get(MAIN)["status"].pop("endpoints")
            await world.edit("datastores", main, connection=None)
            await world.start()
            apply(world, APP)
            await world.until("the user is made", lambda: world.get(APP)["status"].get("id"))
            await asyncio.sleep(600)
            assert world.says(APP, "Ready") == ("False", "NotTold")
            assert world.says(APP, "Synced") == ("False", "NotTold")
            assert "host" not in world.secret("app-user")
            await world.edit("datastores", main, connection=row["connection"])
            await synced(world, APP)
            assert world.says(APP, "Ready")[0] == "True"
            assert world.secret("app-user")["host"] == row["connection"]["master"]

    in_virtual_time(work())


@pytest.mark.parametrize("is_killed", [False, True], ids=["lives", "killed"])
def test_a_firewall_that_is_never_told(is_killed: bool) -> None:
    """It is set once, as a guard that is not seen is not taken for granted; then it is told of, and not set again."""

    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await world.fault(path="^/v1/datastores", rows={"firewall": "(left out)"})
            apply(world, MAIN, firewall=["192.0.2.0/24"])
            await asyncio.sleep(600)
            if is_killed:
                await world.kill()
                await world.start()
            await asyncio.sleep(3600)
            puts = [each for each in world.sent if each.path.endswith("/firewall")]
            assert len(puts) == 1
            told = condition(world.get(MAIN), "NotTold")
            assert told["status"] == "True"
            assert "firewall" in told["message"]
            world.cluster.change(MAIN, firewall=["198.51.100.0/24"])
            await asyncio.sleep(600)
            puts = [each for each in world.sent if each.path.endswith("/firewall")]
            assert len(puts) == 2, "another wish is sent, once"

    in_virtual_time(work())


def test_nodes_that_are_never_told() -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN)
            main = world.get(MAIN)["status"]["id"]
            (row,) = await world.objects("datastores")
            await world.kill()
            await world.edit("datastores", main, instances=None)
            await world.start()
            world.cluster.change(MAIN, floatingIPs={"master": True})
            await asyncio.sleep(900)
            assert world.says(MAIN, "Synced") == ("False", "NotTold")
            assert world.says(MAIN, "Ready")[0] == "True"
            await world.edit("datastores", main, instances=row["instances"])
            await synced(world, MAIN)
            assert "publicReadWrite" in world.get(MAIN)["status"]["endpoints"]

    in_virtual_time(work())


@pytest.mark.parametrize("is_put_back", [False, True], ids=["made again as it was", "put back"])
def test_a_project_made_again_elsewhere_while_an_attempt_is_open(is_put_back: bool) -> None:
    """Nothing is held yet, and the new project's status knows of no other place: only the attempt does."""

    async def work() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project(endpoint=f"{URL}/v1"))
            await world.start()
            await world.fault(path="^/v1/datastores$", method="POST", reset=True, when="after")
            apply(world, MAIN)
            await world.until("the attempt is open", lambda: world.get(MAIN)["status"]["intent"])
            await asyncio.sleep(5)
            await world.clear_faults()
            (made,) = await world.objects("datastores")
            world.cluster.delete(PROJECT)
            await asyncio.sleep(1)
            world.cluster.apply(project(endpoint=f"{URL}/region-2/v1"))
            world.sent.clear()
            await asyncio.sleep(900)
            assert not [each for each in world.sent if each.method == "POST" and "/datastores" in each.path]
            assert world.says(PROJECT, "Stalled") == ("True", "ProjectChanged")
            assert f"{URL}/v1" in condition(world.get(PROJECT), "Stalled")["message"]
            if is_put_back:
                world.cluster.change(PROJECT, endpoint=f"{URL}/v1")
            else:
                world.cluster.delete(PROJECT)
                await asyncio.sleep(1)
                world.cluster.apply(project(endpoint=f"{URL}/v1"))
            await synced(world, MAIN)
            assert [each["id"] for each in await world.objects("datastores")] == [made["id"]]
            assert world.get(MAIN)["status"]["id"] == made["id"]

    in_virtual_time(work())


@pytest.mark.parametrize("is_killed", [False, True], ids=["lives", "killed"])
@pytest.mark.parametrize("is_doomed", [False, True], ids=["stays", "deleted"])
def test_an_endpoint_of_another_region(is_doomed: bool, is_killed: bool) -> None:
    in_virtual_time(another_region(is_doomed, is_killed))


async def another_region(is_doomed: bool, is_killed: bool) -> None:
    async with VirtualWorld() as world:
        keys = (MAIN, SHOP, APP)
        await begin(world, *keys, endpoint=f"{URL}/v1")
        before, secret = await ids(world), world.secret("app-user")
        if is_killed:
            await world.kill()
        world.cluster.change(PROJECT, endpoint=f"{URL}/region-2/v1")
        if is_killed:
            await world.start()
        await asyncio.sleep(30)
        if is_doomed:
            for key in reversed(keys):
                world.cluster.delete(key)
        new = ResourceKey(MAIN.kind, NAMESPACE, "new")
        world.cluster.apply(manifest(MAIN.kind, "new", NAMESPACE, SPECS[MAIN]))
        await asyncio.sleep(900)
        assert world.says(PROJECT, "Stalled") == ("True", "ProjectChanged")
        assert {key: id_ for key, id_ in (await ids(world)).items() if key in before} == before
        assert [each["id"] for each in await world.objects("datastores")] == [before[MAIN]], "nothing is made there"
        assert all(key in world.cluster.objects for key in keys)
        world.cluster.change(PROJECT, endpoint=f"{URL}/v1")
        if is_doomed:
            await world.until("they are gone", lambda: not set(keys) & world.cluster.objects.keys())
            await synced(world, new)
        else:
            await synced(world, *keys, new)
            assert {key: id_ for key, id_ in (await ids(world)).items() if key in before} == before
            assert world.secret("app-user") == secret


def test_an_endpoint_may_have_another_address() -> None:
    """The same API under another name: a known id answers there."""

    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, endpoint=f"{URL}/v1")
            world.cluster.change(PROJECT, endpoint=f"{URL}:443/v1")
            await asyncio.sleep(60)
            assert world.says(PROJECT, "Synced")[0] == "True"
            assert world.get(PROJECT)["status"]["endpoint"] == f"{URL}:443/v1"
            world.cluster.change(MAIN, backupRetentionDays=14)
            await synced(world, MAIN)

    in_virtual_time(work())


@pytest.mark.parametrize("is_killed", [False, True], ids=["lives", "killed"])
def test_what_is_gone_already_does_not_tie_a_project_to_its_address(is_killed: bool) -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, APP, endpoint=f"{URL}/v1")
            await world.vanish("datastores", world.get(MAIN)["status"]["id"])
            await world.until("it is seen", lambda: world.says(MAIN, "Stalled") == ("True", "Gone"))
            await asyncio.sleep(60)
            if is_killed:
                await world.kill()
            world.cluster.change(PROJECT, endpoint=f"{URL}:443/v1")
            if is_killed:
                await world.start()
            await asyncio.sleep(100)
            assert world.says(PROJECT, "Synced")[0] == "True"

    in_virtual_time(work())
