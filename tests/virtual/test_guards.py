"""The rules against a second object and against taking another's object, one by one; `make mutants` breaks each of them."""

import asyncio
import copy
from typing import Any, cast

import pytest

from managed_databases.kinds.registry import kinds
from managed_databases.kube.cache import Store, resource_of
from managed_databases.kube.connection import KubeConnection
from managed_databases.kube.writing import KubeWriter
from managed_databases.reconcile.ports import ResourceKey, WriteConflict
from stories.world import manifest
from virtual.everything import project
from virtual.memory_cluster import MemoryCluster, Raw
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import KEYS, SPECS, begin_with_datastore

MAIN = KEYS[0]
ELSEWHERE = "elsewhere"
WAIT_SECONDS = 60.0
"""An attempt of unknown outcome may take effect so long after it was sent: the engine's limit of a call, and margin."""


def main_datastore(name: str = MAIN.name, /, **spec: Any) -> Raw:
    return manifest(MAIN.kind, name, NAMESPACE, SPECS[MAIN] | spec)


async def begin(world: VirtualWorld, **spec: Any) -> None:
    """Start the operator with a project whose collections are listed."""
    world.cluster.apply(project(**spec))
    await world.start()
    await world.until(
        "the project is there", lambda: world.says(ResourceKey("DatabaseProject", "", "team"), "Ready")[0] == "True"
    )


async def sent(world: VirtualWorld, method: str, path: str) -> None:
    """Wait for the very moment at which such a call is sent."""
    for _ in range(10_000_000):
        if any((each.method, each.path) == (method, path) for each in world.sent):
            return
        await asyncio.sleep(0.001)


def count(world: VirtualWorld, method: str, path: str) -> int:
    return sum((each.method, each.path) == (method, path) for each in world.sent)


async def one_datastore(world: VirtualWorld) -> None:
    await world.until("it is there", lambda: world.says(MAIN, "Synced")[0] == "True")
    await asyncio.sleep(300)
    assert len(await world.objects("datastores")) == 1


def test_a_list_begun_before_the_wait_is_over_proves_nothing() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await world.fault(method="POST", path="/datastores$", times=1, effect_after_seconds=50)
            world.cluster.apply(main_datastore())
            await sent(world, "POST", "/v1/datastores")
            await asyncio.sleep(WAIT_SECONDS - 20)
            await world.fault(method="GET", path="/datastores$", when="after", delay_seconds=25, times=1)
            await one_datastore(world)

    in_virtual_time(scenario())


def test_a_process_that_did_not_see_the_attempt_waits_as_long() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await world.fault(method="POST", path="/datastores$", times=1, effect_after_seconds=WAIT_SECONDS - 5)
            world.cluster.apply(main_datastore())
            await sent(world, "POST", "/v1/datastores")
            await asyncio.sleep(0.5)  # it has reached the API
            await world.kill()
            await world.start()
            await one_datastore(world)

    in_virtual_time(scenario())


def test_the_wait_counts_from_the_end_of_the_call() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await world.fault(method="POST", path="/datastores$", times=1, delay_seconds=WAIT_SECONDS + 15)
            world.cluster.apply(main_datastore())
            await one_datastore(world)

    in_virtual_time(scenario())


def test_finalizer_and_intent_are_there_when_the_call_is_sent() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            world.cluster.apply(main_datastore())
            await sent(world, "POST", "/v1/datastores")
            raw = world.get(MAIN)
            assert raw["metadata"].get("finalizers")
            assert raw["status"]["intent"]["attempt"] == 1
            assert raw["status"]["identity"]["key"] == [MAIN.name]

    in_virtual_time(scenario())


def test_of_two_resources_with_one_key_one_makes_it() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            world.cluster.answer_seconds = 0.5
            world.cluster.apply(main_datastore())
            world.cluster.apply(main_datastore("second", name=MAIN.name))
            await asyncio.sleep(300)
            assert count(world, "POST", "/v1/datastores") == 1
            said = [world.says(ResourceKey(MAIN.kind, NAMESPACE, name), "Ready")[0] for name in (MAIN.name, "second")]
            assert sorted(said) == ["False", "True"]

    in_virtual_time(scenario())


def test_a_name_that_is_given_up_is_free_also_while_its_new_one_waits() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await world.fault(method="POST", path="/datastores$", status=403)
            world.cluster.apply(main_datastore())
            await world.until("it is refused", lambda: world.says(MAIN, "Stalled") == ("True", "Forbidden"))
            world.cluster.annotate(MAIN, paused="true")
            world.cluster.change(MAIN, name="another")
            await world.clear_faults()
            second = ResourceKey(MAIN.kind, NAMESPACE, "second")
            world.cluster.apply(main_datastore("second", name=MAIN.name))
            await world.until("the name is free", lambda: world.says(second, "Ready")[0] == "True")

    in_virtual_time(scenario())


def test_objects_newer_than_the_last_list_are_looked_for_before_a_creation() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            await asyncio.sleep(200)
            await sent_again(world, "GET", "/v1/datastores")
            await asyncio.sleep(5)
            await world.create("datastores", {"name": "second"})
            second = ResourceKey(MAIN.kind, NAMESPACE, "second")
            world.cluster.apply(main_datastore("second"))
            await world.until("it is told", lambda: world.says(second, "Stalled") == ("True", "AlreadyExists"))
            assert count(world, "POST", "/v1/datastores") == 1

    in_virtual_time(scenario())


async def sent_again(world: VirtualWorld, method: str, path: str) -> None:
    world.sent[:] = [each for each in world.sent if (each.method, each.path) != (method, path)]
    await sent(world, method, path)


def test_an_object_of_another_project_is_not_touched() -> None:
    """Its identity was pinned when it was made; the DatabaseProject speaks of another project now."""

    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            await world.kill()
            world.get(MAIN)["status"]["identity"]["projectID"] = "f" * 32
            world.seal(MAIN)
            world.cluster.change(MAIN, firewall=["192.0.2.0/24"])
            await world.start()
            await world.until("it is told", lambda: world.says(MAIN, "Synced")[1] == "ProjectChanged")
            world.cluster.delete(MAIN)
            await asyncio.sleep(300)
            assert MAIN in world.cluster.objects
            assert not [each for each in world.sent if each.method in ("PUT", "DELETE") and "firewall" in each.path]
            assert len(await world.objects("datastores")) == 1

    in_virtual_time(scenario())


def test_a_namespace_that_the_project_does_not_allow_makes_nothing() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            world.cluster.apply(manifest(MAIN.kind, MAIN.name, ELSEWHERE, SPECS[MAIN]))
            there = ResourceKey(MAIN.kind, ELSEWHERE, MAIN.name)
            await world.until("it is told", lambda: world.says(there, "Stalled") == ("True", "Forbidden"))
            await asyncio.sleep(300)
            assert count(world, "POST", "/v1/datastores") == 0

    in_virtual_time(scenario())


def test_another_namespaces_datastore_needs_its_permission() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project(allowedNamespaces=[{"name": NAMESPACE}, {"name": ELSEWHERE}]))
            await world.start()
            world.cluster.apply(main_datastore())
            await world.until("it is there", lambda: world.says(MAIN, "Synced")[0] == "True")
            id_ = world.get(MAIN)["status"]["id"]
            guests = {
                "by-name": {"datastoreRef": {"name": MAIN.name, "namespace": NAMESPACE}},
                "by-id": {"datastoreRef": {"id": id_}},
            }
            for name, spec in guests.items():
                world.cluster.apply(manifest("DatabaseUser", name, ELSEWHERE, spec | {"name": name.replace("-", "_")}))
            await asyncio.sleep(300)
            for name in guests:
                assert world.says(ResourceKey("DatabaseUser", ELSEWHERE, name), "Ready")[0] == "False"
            assert count(world, "POST", "/v1/users") == 0

    in_virtual_time(scenario())


def test_a_datastore_that_nobody_holds_needs_the_power_to_adopt() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world, allowedNamespaces=[{"name": NAMESPACE}])
            made = await world.create("datastores", {"name": "made-in-the-console"})
            world.cluster.apply(manifest("DatabaseUser", "app", NAMESPACE, {"datastoreRef": {"id": made["id"]}}))
            app = ResourceKey("DatabaseUser", NAMESPACE, "app")
            await world.until("it is told", lambda: world.says(app, "Stalled") == ("True", "Forbidden"))
            await asyncio.sleep(300)
            assert count(world, "POST", "/v1/users") == 0

    in_virtual_time(scenario())


def test_a_deletion_looks_for_an_attempt_under_the_name_it_had_then() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await world.fault(method="POST", path="/datastores$", times=1, reset=True, when="after")
            world.cluster.apply(main_datastore())
            await sent(world, "POST", "/v1/datastores")
            await asyncio.sleep(1)
            world.cluster.change(MAIN, name="another")
            world.cluster.delete(MAIN)
            await world.until("it is gone", lambda: MAIN not in world.cluster.objects)
            assert await world.objects("datastores") == []

    in_virtual_time(scenario())


def test_a_status_is_written_over_the_version_that_was_seen_only() -> None:
    async def scenario() -> None:
        cluster = MemoryCluster()
        cluster.apply(main_datastore())
        seen = resource_of(copy.deepcopy(cluster.objects[MAIN]), MAIN)
        writer = KubeWriter(cast(KubeConnection, cluster), Store(kinds()), kinds().values())
        cluster.change(MAIN, nodeCount=2)
        with pytest.raises(WriteConflict):
            await writer.write_status(seen, {"phase": "ACTIVE"})
        assert "phase" not in cluster.objects[MAIN]["status"]

    in_virtual_time(scenario())
