"""A datastore whose spec the operator cannot read: it says so itself, and nothing else suffers from it."""

import asyncio
from typing import Final

import pytest

from managed_databases.reconcile.ports import ResourceKey
from stories.world import manifest
from virtual.begun_world import APP, MAIN, SHOP, apply, begin, synced
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import KEYS

OTHER: Final = KEYS[3]
ELSEWHERE: Final = "elsewhere"
TOO_LARGE: Final = {f"p{number}": "x" * 1000 for number in range(60)}
"""More than the 32 KiB that are read of one field."""
SOON: Final = 120.0
"""Virtual seconds: much less than until the next look that comes by itself."""


def message(world: VirtualWorld, key: ResourceKey, type_: str = "Synced") -> str:
    said = {each["type"]: each["message"] for each in world.get(key)["status"]["conditions"]}
    return str(said[type_])


async def says(world: VirtualWorld, key: ResourceKey, reason: str) -> None:
    await world.until(f"{key} says {reason}", lambda: world.says(key, "Synced")[1] == reason)


async def spoil(world: VirtualWorld) -> None:
    world.cluster.change(MAIN, config=TOO_LARGE)
    await world.until("it says so", lambda: world.says(MAIN, "Synced")[1] == "InvalidSpec")
    await asyncio.sleep(30)


@pytest.mark.parametrize("restarted", [False, True])
def test_what_is_in_it_serves_on_and_what_is_new_waits(restarted: bool) -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, APP, SHOP)
            secret = world.secret("app-user")
            await spoil(world)
            if restarted:
                await world.kill()
                await world.start()
                await asyncio.sleep(60)
            sent = len(world.sent)
            apply(world, OTHER)
            world.cluster.change(SHOP, ownerRef={"name": APP.name})
            for key in (OTHER, SHOP):
                await says(world, key, "ParentNotReady")
                assert message(world, key) == f"waits for {MAIN}, whose spec this operator cannot read"
            await asyncio.sleep(700)
            for key in (APP, SHOP):
                assert world.says(key, "Ready") == ("True", "Ready")
            assert world.says(APP, "Synced") == ("True", "InSync")
            assert world.secret("app-user") == secret
            assert not [each for each in world.sent[sent:] if each.method != "GET"]
            world.cluster.change(MAIN, config=None)
            await world.until("the mend wakes it", lambda: world.says(OTHER, "Ready")[0] == "True", SOON)
            await synced(world, MAIN, APP, SHOP)

    in_virtual_time(scenario())


def test_a_guest_that_was_let_in_serves_on() -> None:
    """As long as nothing tells whether it still may, nothing is done, neither for it nor against it."""

    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, allowedNamespaces=[{"name": NAMESPACE}, {"name": ELSEWHERE}])
            world.cluster.change(MAIN, allowedNamespaces=[ELSEWHERE])
            guest = ResourceKey("DatabaseUser", ELSEWHERE, "guest")
            there = {"datastoreRef": {"name": MAIN.name, "namespace": NAMESPACE}}
            world.cluster.apply(manifest(guest.kind, guest.name, ELSEWHERE, there))
            await synced(world, guest)
            secret = world.secret_in(ELSEWHERE, "guest-user")
            await spoil(world)
            sent = len(world.sent)
            await asyncio.sleep(700)
            assert world.says(guest, "Ready") == ("True", "Ready")
            assert world.secret_in(ELSEWHERE, "guest-user") == secret
            assert not [each for each in world.sent[sent:] if each.method != "GET"]
            world.cluster.change(MAIN, config=None)
            await world.until("the mend wakes it", lambda: world.says(guest, "Synced")[0] == "True", SOON)

    in_virtual_time(scenario())


def test_what_is_in_it_is_deleted_all_the_same() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, APP, SHOP)
            await spoil(world)
            for key in (APP, SHOP):
                world.cluster.delete(key)
            await world.until("they are gone", lambda: not {APP, SHOP} & set(world.cluster.objects), 300)
            assert not await world.objects("users")

    in_virtual_time(scenario())


@pytest.mark.parametrize("is_let_in", [False, True])
def test_another_namespace_reads_what_it_reads_of_a_missing_one(is_let_in: bool) -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, allowedNamespaces=[{"name": NAMESPACE}, {"name": ELSEWHERE}])
            if is_let_in:
                world.cluster.change(MAIN, allowedNamespaces=[ELSEWHERE])
            await spoil(world)
            said = []
            for name in (MAIN.name, "nothing"):
                spy = ResourceKey("DatabaseUser", ELSEWHERE, f"spy{name}")
                there = {"datastoreRef": {"name": name, "namespace": NAMESPACE}}
                world.cluster.apply(manifest(spy.kind, spy.name, ELSEWHERE, there))
                await says(world, spy, "ParentMissing")
                said.append(message(world, spy).replace(name, "NAME"))
            assert said[0] == said[1]
            world.cluster.change(MAIN, config=None, allowedNamespaces=[ELSEWHERE])
            let_in = ResourceKey("DatabaseUser", ELSEWHERE, f"spy{MAIN.name}")
            await world.until("the mend wakes it", lambda: world.says(let_in, "Ready")[0] == "True", SOON)

    in_virtual_time(scenario())


def test_force_delete_lets_it_go_and_keeps_its_objects() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, APP)
            await spoil(world)
            world.cluster.delete(MAIN)
            await asyncio.sleep(700)
            assert MAIN in world.cluster.objects, "without a readable spec nothing says what shall become of the object"
            for key in (APP, MAIN):
                world.cluster.annotate(key, force_delete="true")
            world.cluster.delete(APP)
            await world.until("both are let go", lambda: not {APP, MAIN} & set(world.cluster.objects), 300)
            assert len(await world.objects("datastores")) == len(await world.objects("users")) == 1

    in_virtual_time(scenario())


def test_a_forced_user_of_an_unreadable_spec_keeps_its_secret() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, APP)
            world.cluster.change(APP, displayName="x" * 40_000)
            await world.until("it says so", lambda: world.says(APP, "Synced")[1] == "InvalidSpec")
            password = world.secret("app-user")["password"]
            world.cluster.annotate(APP, force_delete="true")
            await asyncio.sleep(30)
            assert world.get(APP)["metadata"]["finalizers"], "what is not being deleted is not let go"
            world.cluster.delete(APP)
            await world.until("it is let go", lambda: APP not in world.cluster.objects, 300)
            assert world.secret("app-user")["password"] == password
            secret = world.cluster.objects[ResourceKey("Secret", NAMESPACE, "app-user")]["metadata"]
            assert secret["annotations"]["manageddatabases.io/retained"] == "true"
            assert not secret.get("ownerReferences")

    in_virtual_time(scenario())
