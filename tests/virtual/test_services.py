"""Services that lead to a datastore: made, put right, taken away, and never anybody else's."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from managed_databases.kube.watched_collections import SERVICE
from managed_databases.reconcile.annotations import OWNER_UID
from managed_databases.reconcile.keepers.fights import MAX_CORRECTIONS
from managed_databases.reconcile.keepers.service_keeper import REST_SECONDS
from managed_databases.reconcile.ports import MANAGED_LABEL, ResourceKey
from stories.world import condition
from virtual import begun_world as begun
from virtual.begun_world import MAIN, begin
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld

TYPE = "ServiceIncomplete"
BOTH = ["main", "main-pooler"]


def key_of(name: str) -> ResourceKey:
    return ResourceKey(SERVICE, NAMESPACE, name)


def there(world: VirtualWorld) -> list[str]:
    return sorted(key.name for key in world.cluster.of_kind(SERVICE) if key.namespace == NAMESPACE)


def host(world: VirtualWorld, name: str = "main") -> str:
    return str(world.get(key_of(name))["spec"].get("externalName"))


def told(world: VirtualWorld) -> str:
    return str(condition(world.get(MAIN), TYPE).get("message", ""))


def names(world: VirtualWorld) -> list[str]:
    return list(world.get(MAIN)["status"].get("services", []))


def edit(world: VirtualWorld, name: str, **spec: Any) -> None:
    """By other hands."""
    world.get(key_of(name))["spec"] |= spec
    world.cluster.touch(key_of(name))


def foreign(world: VirtualWorld, name: str, annotations: Mapping[str, str] | None = None) -> None:
    raw = {"metadata": {"annotations": dict(annotations or {})}, "spec": {"selector": {"app": "shop"}}}
    world.cluster.create(key_of(name), raw)


def requests(world: VirtualWorld) -> list[tuple[str, str]]:
    """Count from now on what the operator asks about Services."""
    asked: list[tuple[str, str]] = []

    def note(method: str, path: str) -> None:
        if "/services" in path:
            asked.append((method, path))

    world.cluster.refuses = note
    return asked


async def with_service(world: VirtualWorld, **service: Any) -> None:
    await begin(world, MAIN)
    begun.apply(world, MAIN, service=service)
    await world.until("they are made", lambda: len(there(world)) == 2, 60)
    await asyncio.sleep(30)


def test_they_are_made_and_follow_the_host_and_go() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_service(world)
            assert there(world) == BOTH
            raw, main = world.get(key_of("main")), world.get(MAIN)
            assert raw["metadata"]["labels"][MANAGED_LABEL] == "true"
            assert raw["metadata"]["annotations"] == {OWNER_UID: main["metadata"]["uid"]}
            assert [owner["uid"] for owner in raw["metadata"]["ownerReferences"]] == [main["metadata"]["uid"]]
            assert host(world) == main["status"]["endpoints"]["readWrite"]
            assert raw["spec"]["ports"] == [{"name": "database", "port": 5432, "protocol": "TCP"}]
            assert world.get(key_of("main-pooler"))["spec"]["ports"][0]["port"] == 5433
            assert names(world) == BOTH
            assert not told(world)

            connection = {"master": "elsewhere.example", "replica-1": "replica.example"}
            await world.edit("datastores", main["status"]["id"], connection=connection)
            await world.until("it follows", lambda: host(world) == "elsewhere.example", 300)
            await world.until("a replica gets one", lambda: "main-ro" in there(world), 60)
            assert host(world, "main-ro") == "replica.example"
            await world.edit("datastores", main["status"]["id"], connection={"master": "elsewhere.example"})
            await world.until("it goes with the replica", lambda: there(world) == BOTH, 300)
            await world.until("the status says so", lambda: names(world) == BOTH, 60)

            begun.apply(world, MAIN, service={"name": "orders"})
            await world.until("renamed", lambda: there(world) == ["orders", "orders-pooler"], 60)
            begun.apply(world, MAIN)
            await world.until("turned off", lambda: not there(world), 60)
            await world.until("the status says so", lambda: not names(world), 60)
            assert world.says(MAIN, "Ready")[0] == "True"

    in_virtual_time(story())


def test_what_somebody_edits_or_deletes_is_put_right() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_service(world)
            right = host(world)
            edit(world, "main", externalName="somewhere.else")
            await world.until("the host", lambda: host(world) == right, 5)
            edit(world, "main", type="ClusterIP", selector={"app": "trap"})
            await world.until("the type", lambda: world.get(key_of("main"))["spec"]["type"] == "ExternalName", 5)
            assert "selector" not in world.get(key_of("main"))["spec"]
            world.cluster.delete(key_of("main"))
            await world.until("the whole", lambda: there(world) == BOTH, 5)
            await asyncio.sleep(700)
            metadata = world.get(key_of("main"))["metadata"]
            del metadata["labels"][MANAGED_LABEL]
            world.cluster.touch(key_of("main"))
            label = lambda: MANAGED_LABEL in world.get(key_of("main"))["metadata"]["labels"]
            await world.until("the label", label, 5)
            del world.get(key_of("main"))["metadata"]["annotations"][OWNER_UID]
            world.cluster.touch(key_of("main"))
            mark = lambda: OWNER_UID in world.get(key_of("main"))["metadata"]["annotations"]
            await world.until("the mark", mark, 5)
            world.get(key_of("main"))["metadata"]["labels"]["of-others"] = "kept"
            world.cluster.touch(key_of("main"))
            await asyncio.sleep(60)
            assert world.get(key_of("main"))["metadata"]["labels"]["of-others"] == "kept"

    in_virtual_time(story())


def test_a_fight_is_told_and_has_an_end() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_service(world)
            right, corrected = host(world), 0
            for _ in range(50):
                edit(world, "main", externalName="somewhere.else")
                await asyncio.sleep(2)
                corrected += host(world) == right
            assert corrected == MAX_CORRECTIONS
            assert "again and again" in told(world)
            await world.until("later", lambda: host(world) == right, REST_SECONDS + 60)
            await world.until("told no more", lambda: not told(world), 60)

    in_virtual_time(story())


@pytest.mark.parametrize("annotations", [{}, {OWNER_UID: "another"}])
def test_a_service_of_others_is_never_touched(annotations: dict[str, str]) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN)
            foreign(world, "main", annotations)
            before = dict(world.get(key_of("main")))
            begun.apply(world, MAIN, service={})
            await world.until("the other one is made", lambda: there(world) == BOTH, 60)
            await world.until("told", lambda: "the Service main is not this resource's" in told(world), 60)
            assert world.says(MAIN, TYPE) == world.says(MAIN, "Stalled") == ("True", "ServiceIncomplete")
            assert world.says(MAIN, "Synced") == ("False", "ServiceIncomplete")
            assert world.says(MAIN, "Ready")[0] == "True"
            metadata = world.get(MAIN)["metadata"]
            assert world.get(MAIN)["status"]["syncedGeneration"] == metadata["generation"], "the cloud is as asked for"
            await asyncio.sleep(1300)
            assert world.get(MAIN)["metadata"]["resourceVersion"] == metadata["resourceVersion"], "told once"
            assert world.get(key_of("main")) == before
            begun.apply(world, MAIN)
            await world.until("turned off", lambda: there(world) == ["main"], 60)
            await world.until("the status says so", lambda: not names(world), 60)
            assert world.get(key_of("main")) == before
            assert not told(world)
            assert (world.says(MAIN, "Synced")[0], world.says(MAIN, "Stalled")[0]) == ("True", "False")

    in_virtual_time(story())


def test_the_name_that_becomes_free_is_taken() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN)
            foreign(world, "main")
            begun.apply(world, MAIN, service={})
            await world.until("told", lambda: told(world), 60)
            world.cluster.delete(key_of("main"))
            await world.until("made", lambda: "main" in there(world), REST_SECONDS + 60)
            await world.until("told no more", lambda: not told(world), 60)

    in_virtual_time(story())


def test_at_rest_nothing_is_read_or_written() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_service(world)
            asked, version = requests(world), world.get(MAIN)["metadata"]["resourceVersion"]
            await asyncio.sleep(7200)
            assert asked == []
            assert world.get(MAIN)["metadata"]["resourceVersion"] == version

    in_virtual_time(story())


def test_where_nobody_wants_one_nothing_is_asked() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            asked = requests(world)
            await begin(world, MAIN)
            await asyncio.sleep(3600)
            assert asked == []
            assert "services" not in world.get(MAIN)["status"]

    in_virtual_time(story())


def test_without_a_watch_it_is_put_right_by_the_next_look() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            world.watches_services = False
            await with_service(world)
            world.cluster.delete(key_of("main"))
            await world.until("made again", lambda: there(world) == BOTH, REST_SECONDS + 60)
            asked = requests(world)
            await asyncio.sleep(3600)
            assert len(asked) <= 2 * 7

    in_virtual_time(story())


def test_without_the_right_a_condition_says_so() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            refused = 0

            def refuse(method: str, path: str) -> str | None:
                nonlocal refused
                if "/services" not in path:
                    return None
                refused += 1
                return "services is forbidden"

            world.cluster.refuses, world.watches_services = refuse, False
            await begin(world, MAIN)
            begun.apply(world, MAIN, service={})
            await world.until("told", lambda: "rbac.services" in told(world), 60)
            assert "services is forbidden" in told(world)
            assert world.says(MAIN, "Ready")[0] == "True"
            assert world.says(MAIN, "Synced") == ("False", "ServiceIncomplete")
            await asyncio.sleep(3600)
            assert refused <= 8
            world.cluster.refuses = lambda method, path: None
            await world.until("the right is given", lambda: there(world) == BOTH, REST_SECONDS + 60)
            await world.until("told no more", lambda: not told(world), 60)

    in_virtual_time(story())


def test_a_killed_process_forgets_none() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN)
            made: list[str] = []

            def note(method: str, path: str) -> None:
                if method == "POST" and path.endswith("/services"):
                    made.append(",".join(names(world)))

            world.cluster.refuses = note
            begun.apply(world, MAIN, service={})
            await world.until("they are made", lambda: len(there(world)) == 2, 60)
            assert made == ["main,main-pooler"] * 2, "the status named them before they were made"
            await world.kill()
            begun.apply(world, MAIN)
            await world.start()
            await world.until("they go", lambda: not there(world), 60)
            await world.until("the status says so", lambda: not names(world), 60)

    in_virtual_time(story())


def test_no_service_is_made_before_the_status_names_it() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN)
            world.cluster.refuses = lambda method, path: "no" if path.endswith("/status") else None
            begun.apply(world, MAIN, service={})
            await asyncio.sleep(300)
            assert not there(world)
            world.cluster.refuses = lambda method, path: None
            await world.until("they are made", lambda: there(world) == BOTH, 700)

    in_virtual_time(story())


def test_a_name_that_changes_while_the_process_is_away_heals_nothing() -> None:
    """Before anybody has looked at the new name, what was told stays."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN)
            for name in ("main", "other"):
                foreign(world, name)
            begun.apply(world, MAIN, service={})
            await world.until("told", lambda: told(world), 60)
            await world.kill()
            begun.apply(world, MAIN, service={"name": "other"})
            said = set[tuple[str, str]]()
            world.cluster.told.append(lambda kind, key, raw, gone: said.add(world.says(MAIN, "Synced")))
            await world.start()
            await world.until("the new one is told", lambda: "Service other" in told(world), 60)
            assert {truth for truth, _ in said} == {"False"}

    in_virtual_time(story())


def test_a_service_is_made_right_after_the_status_names_it() -> None:
    """By then the resource says that it is in sync."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN)
            begun.apply(world, MAIN, service={})
            await world.until("they are made", lambda: there(world) == BOTH, 3)

    in_virtual_time(story())


def test_a_status_that_names_a_service_of_others_deletes_nothing() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN)
            foreign(world, "precious")
            world.get(MAIN)["status"]["services"] = ["precious"]
            world.cluster.touch(MAIN)
            await world.until("put right", lambda: not names(world), 60)
            assert there(world) == ["precious"]

    in_virtual_time(story())


@pytest.mark.parametrize("is_killed", [False, True])
def test_paused_and_turned_off(is_killed: bool) -> None:
    """Nobody asks for the Service any more, so that nothing of it waits for a person."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN)
            foreign(world, "main")
            begun.apply(world, MAIN, service={})
            await world.until("told", lambda: told(world), 60)
            world.cluster.annotate(MAIN, paused="true")
            if is_killed:
                await world.kill()
            begun.apply(world, MAIN)
            if is_killed:
                await world.start()
            await world.until("told no more", lambda: not told(world), 60)
            assert world.says(MAIN, "Stalled")[0] == "False"
            await asyncio.sleep(700)
            assert there(world) == BOTH, "nothing is done while it is paused"
            assert names(world) == BOTH

    in_virtual_time(story())


def test_paused_and_deleted() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_service(world)
            world.cluster.annotate(MAIN, paused="true")
            await asyncio.sleep(10)
            edit(world, "main", externalName="mine")
            await asyncio.sleep(700)
            assert host(world) == "mine"
            assert names(world) == BOTH
            world.cluster.annotate(MAIN, paused=None)
            await world.until("put right", lambda: host(world) != "mine", 60)
            world.cluster.delete(MAIN)
            await world.until("garbage collection", lambda: not there(world), 3600)

    in_virtual_time(story())


def test_a_host_that_changes_while_a_service_is_written_is_followed() -> None:
    """What the run for the former host has written says nothing of the new one."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await with_service(world)
            request, writes = world.cluster.request, list[str]()

            async def slowly(method: str, path: str, **more: Any) -> Any:
                if method == "PATCH" and path.endswith("/services/main") and not writes:
                    writes.append(path)
                    await asyncio.sleep(600)
                return await request(method, path, **more)

            world.cluster.request = slowly  # type: ignore[method-assign]
            id_ = world.get(MAIN)["status"]["id"]
            await world.edit("datastores", id_, connection={"master": "one.example"})
            await world.until("it is being written", lambda: writes, 300)
            await world.edit("datastores", id_, connection={"master": "two.example"})
            await asyncio.sleep(1200)
            assert host(world) == "two.example"

    in_virtual_time(story())


def test_an_address_that_is_an_ip_gets_no_service() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_service(world)
            await world.edit("datastores", world.get(MAIN)["status"]["id"], connection={"master": "192.0.2.1"})
            await world.until("told", lambda: "not of an IP address: main (192.0.2.1)" in told(world), 300)
            await world.until("what misleads goes", lambda: not there(world), 60)

    in_virtual_time(story())
