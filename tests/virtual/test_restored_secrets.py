"""Secrets after a restore, and during deletions: only Secrets that are surely the operator's are taken over; none blocks a
deletion.
"""

import asyncio
from base64 import b64encode
from typing import Any

import pytest

from managed_databases.kube.watched_collections import SECRET
from managed_databases.reconcile.annotations import OWNER_UID, PASSWORD_CHECK
from managed_databases.reconcile.ports import MANAGED_LABEL, KubeRefused, KubeUnreachable, ResourceKey
from stories.world import condition, manifest
from virtual.everything import project
from virtual.given_passwords import APP, FIRST, MAIN, MINE, SOON, opens
from virtual.memory_cluster import Raw
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import IN_MAIN, SPECS, begin_with_datastore


def restore(world: VirtualWorld, backup: dict[ResourceKey, Raw], *, status: bool) -> None:
    """As Velero does: names, labels, annotations and specs; everything has another uid, and no owner."""
    for key in [key for key in world.cluster.objects if key.namespace == NAMESPACE]:
        world.cluster.objects.pop(key)
    for key, raw in backup.items():
        if key.namespace == NAMESPACE:
            kept = {
                name: raw["metadata"][name]
                for name in ("labels", "annotations", "finalizers")
                if name in raw["metadata"]
            }
            new = {name: value for name, value in raw.items() if name != "metadata"} | {"metadata": kept}
            if key.kind != SECRET and not status:
                new["status"] = {"observedGeneration": -1}
            world.cluster.create(key, new)


@pytest.mark.parametrize("status", [False, True], ids=["without status", "with status"])
@pytest.mark.parametrize("adoption", ["Never", "IfExists"])
def test_a_restore_with_other_uids(adoption: str, status: bool) -> None:
    in_virtual_time(is_restored(adoption, status))


async def is_restored(adoption: str, status: bool) -> None:
    async with VirtualWorld() as world:
        world.cluster.apply(project())
        await world.start()
        for key in (MAIN, APP):
            world.cluster.apply(manifest(key.kind, key.name, NAMESPACE, SPECS[key] | {"adoption": adoption}))
        await world.until("it is made", lambda: world.says(APP, "Synced")[0] == "True")
        before = world.secret(MINE.name)
        backup = dict(world.cluster.objects)
        await world.kill()
        restore(world, backup, status=status)
        await world.start()
        await asyncio.sleep(5 * SOON)
        if adoption == "Never":
            assert world.secret(MINE.name) == before
            assert (world.says(APP, "Ready")[0] == "True") is status, (
                "what is used stays, though nothing proves whose it is"
            )
            told = " ".join(condition(world.get(key), "Stalled").get("message", "") for key in (MAIN, APP))
            assert "adoption to IfExists" in told, "what to do, which is not to remove the Secret"
            for key in (MAIN, APP):
                world.cluster.change(key, adoption="IfExists")
        await world.until("all is well", lambda: world.says(APP, "Synced")[0] == "True", 30 * SOON)
        assert world.says(APP, "Ready")[0] == "True"
        assert world.secret(MINE.name) == before, "no application notices"
        assert await opens(world)
        assert len(await world.objects("users")) == len(await world.objects("datastores")) == 1
        world.cluster.delete(APP)
        await world.until("it goes with its Secret", lambda: not {APP, MINE} & world.cluster.objects.keys(), 10 * SOON)


def test_a_living_resources_secret_is_never_taken_over() -> None:
    async def is_never_taken() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, IN_MAIN))
            await world.until("it is made", lambda: world.says(APP, "Synced")[0] == "True")
            thief = ResourceKey(APP.kind, NAMESPACE, "thief")
            spec = IN_MAIN | {"adoption": "IfExists", "secretName": MINE.name}
            before = world.cluster.objects[MINE]["metadata"]["annotations"]
            world.cluster.apply(manifest(thief.kind, thief.name, NAMESPACE, spec))
            await asyncio.sleep(SOON)
            assert world.says(thief, "Stalled") == ("True", "SecretConflict")
            assert world.cluster.objects[MINE]["metadata"]["annotations"] == before
            assert PASSWORD_CHECK in before

    in_virtual_time(is_never_taken())


def test_a_secret_whose_check_does_not_fit_is_never_taken_over() -> None:
    async def is_never_taken() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            metadata = {
                "annotations": {OWNER_UID: "of-nobody-any-more", PASSWORD_CHECK: "none"},
                "labels": {MANAGED_LABEL: "true"},
            }
            data = {"password": b64encode(FIRST.encode()).decode()}
            world.cluster.create(MINE, {"metadata": metadata, "type": "servicebinding.io/postgresql", "data": data})
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, IN_MAIN | {"adoption": "IfExists"}))
            await asyncio.sleep(SOON)
            assert world.says(APP, "Stalled") == ("True", "SecretConflict")
            assert world.secret(MINE.name) == {"password": FIRST}

    in_virtual_time(is_never_taken())


@pytest.mark.parametrize("error", [KubeRefused("403 Forbidden"), KubeUnreachable("500")])
def test_a_secret_that_cannot_be_read_does_not_hold_up_a_forced_deletion(error: Exception) -> None:
    in_virtual_time(lets_go(error))


async def lets_go(error: Exception) -> None:
    async with VirtualWorld() as world:
        await begin_with_datastore(world)
        world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, IN_MAIN))
        await world.until("it is made", lambda: world.says(APP, "Synced")[0] == "True")
        answer = world.cluster._answer

        def refuse(method: str, path: str, body: Any) -> Raw:
            if "/secrets/app-user" in path:
                raise error
            return answer(method, path, body)

        world.cluster._answer = refuse  # type: ignore[method-assign]
        world.cluster.delete(APP)
        await asyncio.sleep(SOON)
        assert APP in world.cluster.objects
        world.cluster.annotate(APP, force_delete="true")
        await world.until("it is let go", lambda: APP not in world.cluster.objects, SOON)


@pytest.mark.parametrize("name", ["a/b", "n" * 250, "Capital"])
def test_a_name_that_was_never_checked_can_be_told_and_deleted(name: str) -> None:
    async def is_told() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, IN_MAIN | {"secretName": name}))
            await world.until("it is told", lambda: world.says(APP, "Stalled") == ("True", "InvalidSpec"), SOON)
            world.cluster.delete(APP)
            await world.until("it goes", lambda: APP not in world.cluster.objects, SOON)

    in_virtual_time(is_told())
