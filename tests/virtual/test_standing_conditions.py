"""Finalizers, marks of Secrets and protection are put back in any pass, whoever removed them, however little else can be done."""

import asyncio
import copy
from base64 import b64encode

import pytest

from managed_databases.kinds.registry import FINALIZER
from managed_databases.kube.watched_collections import SECRET
from managed_databases.reconcile.annotations import OWNED_BY, OWNER_UID, PASSWORD_CHECK
from managed_databases.reconcile.ports import MANAGED_LABEL, ResourceKey
from stories.world import manifest
from virtual.everything import project
from virtual.faults import REQUEST_FAULTS
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, SYSTEM, VirtualWorld
from virtual.walk import KEYS, SPECS, begin_with_datastore

MAIN, SHOP, APP = KEYS[:3]
GRANT = ResourceKey("DatabaseGrant", NAMESPACE, "app-shop")
SECRET_OF_APP = ResourceKey(SECRET, NAMESPACE, "app-user")
STATES = ("at rest", "paused", "stalled", "the API away", "the project gone", "its credentials gone", "a restart")


@pytest.mark.parametrize("state", STATES)
def test_a_lost_finalizer_comes_back(state: str) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, SPECS[APP]))
            await world.until("the user is there", lambda: world.says(APP, "Synced")[0] == "True")
            if state == "paused":
                world.cluster.annotate(MAIN, paused="true")
            elif state == "stalled":
                world.cluster.change(MAIN, config={"nonsense": 1})
            elif state == "the API away":
                await world.fault(path="^/v1/", **REQUEST_FAULTS["503"])
            elif state == "the project gone":
                world.cluster.delete(ResourceKey("DatabaseProject", "", "team"))
            elif state == "its credentials gone":
                world.cluster.delete(ResourceKey(SECRET, SYSTEM, "cloud"))
            elif state == "a restart":
                await world.kill()
            await asyncio.sleep(400)
            for key in (MAIN, APP):
                world.cluster.replace(key)
            if state == "a restart":
                await world.start()
            await asyncio.sleep(5)
            for key in (MAIN, APP):
                assert world.get(key)["metadata"]["finalizers"] == [FINALIZER], (key, world.get(key)["status"])
                told = [each for each in world.cluster.events if each["regarding"]["name"] == key.name]
                assert [each["type"] for each in told if each["reason"] == "FinalizerRestored"] == ["Warning"], told

    in_virtual_time(story())


def test_a_replaced_resource_that_is_deleted_leaves_nothing() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            world.cluster.replace(MAIN)
            await asyncio.sleep(5)
            world.cluster.delete(MAIN)
            await world.until("it goes", lambda: MAIN not in world.cluster.objects)
            assert not await world.objects("datastores")

    in_virtual_time(story())


@pytest.mark.parametrize(
    "taken", [OWNER_UID, PASSWORD_CHECK, "annotations", "labels", "ownerReferences", "annotations and labels"]
)
def test_the_marks_of_a_secret_are_put_back(taken: str) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, SPECS[APP]))
            await world.until("the user is there", lambda: world.says(APP, "Synced")[0] == "True")
            await asyncio.sleep(30)
            before, password = copy.deepcopy(world.get(SECRET_OF_APP)["metadata"]), world.secret("app-user")["password"]
            for name in taken.split(" and "):
                if name in before:
                    world.cluster.objects[SECRET_OF_APP]["metadata"].pop(name)
                else:
                    world.cluster.objects[SECRET_OF_APP]["metadata"]["annotations"].pop(name)
            world.cluster.touch(SECRET_OF_APP)
            await asyncio.sleep(700)
            after = world.get(SECRET_OF_APP)["metadata"]
            for name in ("annotations", "ownerReferences"):
                assert after[name] == before[name], after
            assert after["labels"][MANAGED_LABEL] == "true"
            assert world.secret("app-user")["password"] == password, "and nobody is locked out"
            told = [each["type"] for each in world.cluster.events if each["reason"] == "SecretMarksRestored"]
            assert told == ([] if taken == "ownerReferences" else ["Warning"])
            assert world.says(APP, "Ready")[0] == "True"

    in_virtual_time(story())


@pytest.mark.parametrize("is_running", [True, False], ids=["while the operator runs", "while it does not"])
def test_a_secret_that_only_an_owner_reference_vouches_for_is_not_believed(is_running: bool) -> None:
    """Somebody has made it anew, or edited it and taken the marks away: whether its password opens anything is found out."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, SPECS[APP]))
            await world.until("the user is there", lambda: world.says(APP, "Synced")[0] == "True")
            await asyncio.sleep(30)
            if not is_running:
                await world.kill()
            secret = world.cluster.objects[SECRET_OF_APP]
            secret["metadata"].pop("annotations")
            secret["data"]["password"] = b64encode(b"somebody-elses").decode()
            world.cluster.touch(SECRET_OF_APP)
            if not is_running:
                await world.start()
            await asyncio.sleep(700)
            assert world.says(APP, "Ready")[0] == "True"
            (main,) = await world.objects("datastores")
            assert await world.login(main["id"], "app", world.secret("app-user")["password"])
            assert PASSWORD_CHECK in world.get(SECRET_OF_APP)["metadata"]["annotations"]

    in_virtual_time(story())


@pytest.mark.parametrize("taken", ["annotations", "ownerReferences", "labels"])
def test_the_marks_of_an_owned_resource_are_put_back(taken: str) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            world.cluster.apply(manifest(SHOP.kind, SHOP.name, NAMESPACE, SPECS[SHOP]))
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, SPECS[APP] | {"databases": [{"name": "shop"}]}))
            await world.until("all is there", lambda: world.says(APP, "Synced")[0] == "True")
            uid = world.get(APP)["metadata"]["uid"]
            world.cluster.objects[GRANT]["metadata"].pop(taken)
            world.cluster.touch(GRANT)
            await asyncio.sleep(700)
            metadata = world.get(GRANT)["metadata"]
            assert metadata["annotations"][OWNED_BY] == uid
            assert [owner["uid"] for owner in metadata["ownerReferences"]] == [uid]
            assert world.says(APP, "Synced")[0] == "True", world.get(APP)["status"]

    in_virtual_time(story())


def test_the_clouds_protection_comes_back() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project())
            await world.start()
            world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN] | {"deletionProtection": True}))
            await world.until("it is there", lambda: world.says(MAIN, "Synced")[0] == "True")
            for status in ("ACTIVE", "DEGRADED", "DOWN", "DISK_FULL", "ERROR"):
                await world.edit("datastores", world.get(MAIN)["status"]["id"], is_protected=False, status=status)
                await asyncio.sleep(300)
                (datastore,) = await world.objects("datastores")
                assert datastore["is_protected"], status

    in_virtual_time(story())
