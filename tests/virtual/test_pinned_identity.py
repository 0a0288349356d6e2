"""An object keeps its pinned identity, whatever the spec, the project or names in Kubernetes say later."""

import asyncio
from typing import Any

import pytest

from managed_databases.reconcile.ports import ResourceKey
from stories.world import SUBNET, condition, manifest
from virtual.everything import collection, project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import IN_MAIN, KEYS, SPECS

MAIN, SHOP, APP, TOKEN = KEYS[0], KEYS[1], KEYS[2], KEYS[-1]
PROJECT = ResourceKey("DatabaseProject", "", "team")
LOST_ANSWERS: list[dict[str, Any]] = [
    {"reset": True, "when": "after"},
    {"status": 502, "when": "after"},
    {"effect_after_seconds": 20},
]


async def ids(world: VirtualWorld, kind: str) -> set[str]:
    return {str(each["id"]) for each in await world.objects(collection(kind))}


def held(world: VirtualWorld, kind: str) -> set[str]:
    return {raw["status"].get("id") for raw in world.cluster.of_kind(kind).values()}


def apply(world: VirtualWorld, key: ResourceKey, **spec: Any) -> None:
    world.cluster.apply(manifest(key.kind, key.name, key.namespace, SPECS[key] | spec))


@pytest.mark.parametrize("is_killed", [False, True], ids=["lives", "killed"])
@pytest.mark.parametrize("fault", LOST_ANSWERS, ids=["reset", "502", "late effect"])
@pytest.mark.parametrize("key", [MAIN, TOKEN], ids=lambda key: key.kind)
def test_a_name_corrected_while_the_answer_to_the_post_is_lost(
    key: ResourceKey, fault: dict[str, Any], is_killed: bool
) -> None:
    in_virtual_time(correct_the_name(key, fault, is_killed))


async def correct_the_name(key: ResourceKey, fault: dict[str, Any], is_killed: bool) -> None:
    async with VirtualWorld() as world:
        world.cluster.apply(project())
        await world.start()
        await world.fault(path=f"^/v1/{collection(key.kind)}$", method="POST", times=1, **fault)
        apply(world, key)
        await world.until("the attempt is open", lambda: world.get(key)["status"]["intent"])
        await asyncio.sleep(3)
        world.cluster.change(key, name="corrected")
        if is_killed:
            await world.kill()
            await world.start()
        await world.until("it is as the spec says", lambda: world.says(key, "Synced")[0] == "True")
        there = await world.objects(collection(key.kind))
        assert [each["name"] for each in there] == ["corrected"], "one object, found by its pinned name and renamed"
        assert held(world, key.kind) == {there[0]["id"]}


def test_a_name_corrected_after_an_attempt_that_left_nothing_behind() -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project())
            await world.start()
            await world.fault(path="^/v1/datastores$", method="POST", times=1, status=502)
            apply(world, MAIN)
            await world.until("the attempt is open", lambda: world.get(MAIN)["status"]["intent"])
            await asyncio.sleep(3)
            world.cluster.change(MAIN, name="corrected")
            await world.until("it is made", lambda: world.says(MAIN, "Synced")[0] == "True")
            assert [each["name"] for each in await world.objects("datastores")] == ["corrected"]
            assert world.get(MAIN)["status"]["identity"]["key"] == ["corrected"]

    in_virtual_time(work())


def test_a_name_corrected_during_an_open_attempt_and_then_deleted() -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project())
            await world.start()
            await world.fault(path="^/v1/datastores$", method="POST", times=1, reset=True, when="after")
            apply(world, MAIN)
            await world.until("the attempt is open", lambda: world.get(MAIN)["status"]["intent"])
            world.cluster.change(MAIN, name="corrected")
            await asyncio.sleep(1)
            world.cluster.delete(MAIN)
            await world.until("it is gone", lambda: MAIN not in world.cluster.objects)
            assert await world.objects("datastores") == []

    in_virtual_time(work())


@pytest.mark.parametrize("pause", [0, 0.01, 0.03, 1])
@pytest.mark.parametrize("what", ["redis with a given password", "a metrics token"])
def test_two_resources_with_one_key_at_once(what: str, pause: float) -> None:
    in_virtual_time(two_at_once(what, pause))


async def two_at_once(what: str, pause: float) -> None:
    async with VirtualWorld() as world:
        world.cluster.apply(project())
        await world.start()
        await asyncio.sleep(100)
        kind, spec = "", dict[str, Any]()
        world.cluster.answer_seconds = 0.05  # reads of Secrets take their time
        if what == "a metrics token":
            kind, spec = TOKEN.kind, {"name": "same"}
        else:
            world.put_secret(NAMESPACE, "given", {"password": "given-by-a-person-1"})
            kind = MAIN.kind
            spec = {
                "name": "same",
                "engine": {"type": "redis", "version": "7"},
                "flavor": {"name": "RS1.1-1024-10"},
                "subnetID": SUBNET,
                "deletionProtection": False,
                "redis": {"passwordSecretRef": {"name": "given", "key": "password"}},
            }
        one, other = (ResourceKey(kind, NAMESPACE, name) for name in ("one", "other"))
        for key in (one, other):
            world.cluster.apply(manifest(kind, key.name, NAMESPACE, spec))
            await asyncio.sleep(pause)
        await asyncio.sleep(900)
        there = await world.objects(collection(kind))
        assert len(there) == 1, f"{[world.get(key)['status'] for key in (one, other)]}"
        assert sorted(world.says(key, "Ready")[0] for key in (one, other)) == ["False", "True"]
        assert {world.says(key, "Stalled")[1] for key in (one, other)} >= {"Conflict"}


def test_two_renamed_into_one_name_at_once() -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project())
            await world.start()
            one, other = (ResourceKey(MAIN.kind, NAMESPACE, name) for name in ("one", "other"))
            for key in (one, other):
                world.cluster.apply(manifest(key.kind, key.name, NAMESPACE, SPECS[MAIN]))
            await world.until("both are there", lambda: all(world.says(k, "Synced")[0] == "True" for k in (one, other)))
            for key in (one, other):
                world.cluster.change(key, name="same")
            await asyncio.sleep(900)
            names = sorted(each["name"] for each in await world.objects("datastores"))
            assert names in (["one", "same"], ["other", "same"])

    in_virtual_time(work())


@pytest.mark.parametrize("is_killed", [False, True], ids=["lives", "killed"])
def test_a_name_that_is_given_up_is_free(is_killed: bool) -> None:
    """The first one cannot be made; its name is corrected, and another one may have the old name."""

    async def work() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project())
            await world.start()
            await world.fault(path="^/v1/datastores$", method="POST", status=403)
            apply(world, MAIN, name="wanted")
            await world.until("it is refused", lambda: world.says(MAIN, "Stalled") == ("True", "Forbidden"))
            other = ResourceKey(MAIN.kind, NAMESPACE, "other")
            world.cluster.apply(manifest(MAIN.kind, "other", NAMESPACE, SPECS[MAIN] | {"name": "wanted"}))
            await asyncio.sleep(30)
            assert world.says(other, "Stalled")[0] == "True"
            if is_killed:
                await world.kill()
            await world.clear_faults()
            world.cluster.change(MAIN, name="corrected")
            if is_killed:
                await world.start()
            both = (MAIN, other)
            await world.until("both are there", lambda: all(world.says(k, "Synced")[0] == "True" for k in both), 120)
            assert sorted(each["name"] for each in await world.objects("datastores")) == ["corrected", "wanted"]

    in_virtual_time(work())


@pytest.mark.parametrize("before", ["", "a-"])
@pytest.mark.parametrize("after", ["", "b-"])
def test_a_project_made_again_with_another_prefix(before: str, after: str) -> None:
    """What is there keeps its name; what is made from now on has the new prefix, also after a change of its name."""

    async def work() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project(namePrefix=before or None))
            await world.start()
            for key in (MAIN, TOKEN):
                apply(world, key)
            await world.until("made", lambda: all(world.says(k, "Synced")[0] == "True" for k in (MAIN, TOKEN)))
            world.cluster.delete(PROJECT)
            await asyncio.sleep(30)
            world.cluster.apply(project(namePrefix=after or None))
            await asyncio.sleep(600)
            for key in (MAIN, TOKEN):
                names = [each["name"] for each in await world.objects(collection(key.kind))]
                assert names == [f"{before}{key.name}"], "nothing is renamed unasked"
                assert world.says(key, "Synced")[0] == "True"
            world.cluster.change(MAIN, name="orders")
            await asyncio.sleep(60)
            new = ResourceKey(MAIN.kind, NAMESPACE, "new")
            world.cluster.apply(manifest(MAIN.kind, "new", NAMESPACE, SPECS[MAIN]))
            await world.until("made", lambda: world.says(new, "Synced")[0] == "True")
            names = sorted(each["name"] for each in await world.objects("datastores"))
            assert names == sorted([f"{before}orders", f"{after}new"])

    in_virtual_time(work())


@pytest.mark.parametrize("is_killed", [False, True], ids=["lives", "killed"])
def test_a_datastore_is_let_go_and_another_one_has_its_name(is_killed: bool) -> None:
    in_virtual_time(let_go_and_make_another(is_killed))


async def let_go_and_make_another(is_killed: bool) -> None:
    async with VirtualWorld() as world:
        world.cluster.apply(project())
        await world.start()
        children = (SHOP, APP)
        apply(world, MAIN, deletionPolicy="Retain")
        apply(world, APP)
        world.cluster.apply(manifest(SHOP.kind, SHOP.name, NAMESPACE, IN_MAIN))
        await world.until("made", lambda: all(world.says(k, "Synced")[0] == "True" for k in (MAIN, *children)))
        before, old = world.secret("app-user"), world.get(MAIN)["status"]["id"]
        world.cluster.delete(MAIN)
        await world.until("it is let go", lambda: MAIN not in world.cluster.objects)
        apply(world, MAIN, name="main-two")
        await world.until("there is another one", lambda: world.says(MAIN, "Synced")[0] == "True")
        if is_killed:
            await world.kill()
            await world.start()
        await asyncio.sleep(1800)
        new = world.get(MAIN)["status"]["id"]
        assert new != old
        for key in children:
            assert world.says(key, "Stalled")[0] == "True", key
            assert world.says(key, "Synced")[0] == "False", key
            told = condition(world.get(key), "Stalled")["message"]
            assert {id_ for id_ in (old, new) if id_ in told} == {old, new}, (
                "which of the two it is in, and which one is meant now"
            )
        assert world.secret("app-user") == before, "the Secret leads where the user is"
        world.put_secret(NAMESPACE, "given", {"password": "another-password-1"})
        world.cluster.change(APP, passwordSecretRef={"name": "given", "key": "password"})
        world.cluster.drop_data(ResourceKey("Secret", NAMESPACE, "app-user"), "host")
        await asyncio.sleep(600)
        assert world.secret("app-user").get("host") in (None, before["host"]), "no pass writes the other host"
        for key in children:
            world.cluster.delete(key)
        await world.until("they are gone", lambda: not set(children) & world.cluster.objects.keys())
        assert await world.objects("users") == [], "deleted where they were made"
        assert await world.objects("databases") == []
        assert await ids(world, MAIN.kind) == {old, new}


def test_an_open_attempt_in_a_datastore_that_is_let_go() -> None:
    """The user that was made in the old datastore is found there, and not made again in the new one."""

    async def work() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project())
            await world.start()
            apply(world, MAIN, deletionPolicy="Retain")
            await world.until("made", lambda: world.says(MAIN, "Synced")[0] == "True")
            old = world.get(MAIN)["status"]["id"]
            await world.fault(path="^/v1/users$", method="POST", times=1, reset=True, when="after")
            apply(world, APP)
            await world.until("the attempt is open", lambda: world.get(APP)["status"]["intent"])
            world.cluster.delete(MAIN)
            await world.until("it is let go", lambda: MAIN not in world.cluster.objects)
            apply(world, MAIN, name="main-two")
            await asyncio.sleep(1800)
            there = await world.objects("users")
            assert [each["datastore_id"] for each in there] == [old]
            assert world.get(APP)["status"]["id"] == there[0]["id"]
            assert world.says(APP, "Stalled")[0] == "True"

    in_virtual_time(work())


@pytest.mark.parametrize("adoption", ["Never", "IfExists", "Required"])
def test_an_object_of_another_project_is_no_namesake(adoption: str) -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project(allowedNamespaces=[{"name": NAMESPACE, "powers": ["adopt", "metrics"]}]))
            foreign = await world.create("datastores", {"name": "main"})
            await world.edit("datastores", foreign["id"], project_id="f" * 32)
            await world.start()
            apply(world, MAIN, adoption=adoption)
            await asyncio.sleep(600)
            assert world.get(MAIN)["status"].get("id") != foreign["id"], "another project's object is not adopted"
            expected = ("False", "NothingToAdopt") if adoption == "Required" else ("True", "InSync")
            assert world.says(MAIN, "Synced") == expected

    in_virtual_time(work())
