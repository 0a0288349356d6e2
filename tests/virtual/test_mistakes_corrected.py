"""A mistake in a field that never changes can be taken back as long as nothing was begun: by an edit, or by a deletion."""

import asyncio
from typing import Any

import pytest

from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition, manifest
from virtual.everything import project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import KEYS, PROJECT, SPECS

MAIN, SHOP, APP, OTHER, _, GRANT, TOKEN = KEYS
MISTAKES: list[tuple[ResourceKey, dict[str, Any]]] = [
    (MAIN, {"engine": {"type": "postgres", "version": "16"}}),
    (MAIN, {"engine": {"type": "postgresql", "version": "61"}}),
    (MAIN, {"subnetID": "11111111-2222-4333-8444-555555555555"}),
    (MAIN, {"projectRef": {"name": "nobodys"}}),
    (SHOP, {"datastoreRef": {"name": "mian"}}),
    (APP, {"datastoreRef": {"name": "mian"}}),
    (GRANT, {"userRef": {"name": "ap"}}),
    (TOKEN, {"projectRef": {"name": "nobodys"}}),
]


async def mistaken(world: VirtualWorld, key: ResourceKey, mistake: dict[str, Any]) -> None:
    world.cluster.apply(project())
    await world.start()
    others = [each for each in (MAIN, SHOP, APP, OTHER, GRANT) if each != key] if key != MAIN else []
    for each in others:
        world.cluster.apply(manifest(each.kind, each.name, NAMESPACE, SPECS[each]))
    if key == MAIN and "subnetID" in mistake:
        await world.fault(
            path="^/v1/datastores$",
            method="POST",
            status=400,
            body={"error": {"message": "no such subnet"}},
            times=None,
        )
    world.cluster.apply(manifest(key.kind, key.name, NAMESPACE, SPECS[key] | mistake))
    await asyncio.sleep(300)
    assert world.says(key, "Ready")[0] == "False"
    status = world.get(key)["status"]
    assert not {"id", "intent", "lostIDs"} & status.keys(), "the API server lets it be corrected"
    assert not status.get("protected")


@pytest.mark.parametrize(
    ("key", "mistake", "words"),
    [
        (MAIN, {"projectRef": {"name": "nobodys"}}, "correct projectRef (kubectl get dbcat lists"),
        (SHOP, {"datastoreRef": {"name": "mian"}}, "one in another namespace is named with datastoreRef.namespace"),
        (GRANT, {"userRef": {"name": "ap"}}, f"there is no DatabaseUser {NAMESPACE}/ap"),
    ],
    ids=str,
)
def test_the_message_says_how_to_correct_it(key: ResourceKey, mistake: dict[str, Any], words: str) -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            await mistaken(world, key, mistake)
            said = condition(world.get(key), "Ready")["message"]
            assert words in said
            assert ("namespace" in said.split(": ")[-1]) is (key != GRANT), "a user is of the own namespace"

    in_virtual_time(work())


def test_of_a_project_that_went_away_it_says_who_can_make_it() -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project())
            await world.start()
            world.cluster.apply(
                manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN] | {"projectRef": {"name": "team"}})
            )
            await world.until("it is there", lambda: world.says(MAIN, "Ready")[0] == "True")
            world.cluster.delete(PROJECT)
            await world.until("it is told", lambda: world.says(MAIN, "Synced")[1] == "ProjectMissing")
            said = condition(world.get(MAIN), "Synced")["message"]
            assert said == "there is no DatabaseProject team: ask whoever runs the operator to create it"

    in_virtual_time(work())


@pytest.mark.parametrize(("key", "mistake"), MISTAKES, ids=str)
def test_a_mistake_is_corrected(key: ResourceKey, mistake: dict[str, Any]) -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            await mistaken(world, key, mistake)
            await world.clear_faults()
            world.cluster.change(key, **{name: SPECS[key].get(name) for name in mistake})
            await world.until("all is right", lambda: world.says(key, "Synced") == ("True", "InSync"), seconds=900)
            assert world.says(key, "Ready")[0] == "True"

    in_virtual_time(work())


@pytest.mark.parametrize(("key", "mistake"), MISTAKES, ids=str)
def test_what_was_mistaken_can_be_deleted(key: ResourceKey, mistake: dict[str, Any]) -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            await mistaken(world, key, mistake)
            world.sent.clear()
            world.cluster.delete(key)
            await world.until("it is gone", lambda: key not in world.cluster.objects, seconds=60)
            assert not [each for each in world.sent if each.method == "DELETE"]

    in_virtual_time(work())


def test_the_project_that_was_meant_by_mistake_keeps_nothing() -> None:
    """In it nobody waits for a list any more."""

    async def work() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project())
            other = project()
            other["metadata"]["name"] = "other"
            other["spec"].pop("default", None)
            world.cluster.apply(other)
            await world.start()
            await world.fault(
                path="^/v1/datastores$", method="GET", status=429, headers={"Retry-After": "3600"}, times=None
            )
            world.cluster.apply(
                manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN] | {"projectRef": {"name": "other"}})
            )
            await asyncio.sleep(60)
            assert "id" not in world.get(MAIN)["status"]
            await world.clear_faults()
            world.cluster.change(MAIN, projectRef=None)
            await world.until("all is right", lambda: world.says(MAIN, "Synced")[0] == "True", seconds=900)
            assert world.get(MAIN)["status"]["identity"]["project"] == "team"

    in_virtual_time(work())
