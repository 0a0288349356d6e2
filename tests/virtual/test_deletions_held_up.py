"""What is deleted together with its datastore waits for it, but only as long as nothing holds up the datastore's deletion."""

import asyncio
from typing import Any

import pytest

from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition, manifest
from virtual.begun_world import apply, begin, synced
from virtual.everything import all_is_right, collection, everything, keys_of
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import KEYS

MAIN, SHOP, APP, OTHER = KEYS[:4]
ELSEWHERE = "elsewhere"
GUEST = ResourceKey("DatabaseUser", ELSEWHERE, "guest")
SOON = 120
HOUR = 3600


def is_gone(world: VirtualWorld, *keys: ResourceKey) -> bool:
    return not {*keys} & world.cluster.objects.keys()


def deleted(world: VirtualWorld) -> list[str]:
    """The collections of the objects for whose deletion the API was asked."""
    return [sent.path.split("/")[2] for sent in world.sent if sent.method == "DELETE"]


async def with_a_guest(world: VirtualWorld, *keys: ResourceKey, **of_main: Any) -> None:
    """Somebody in another namespace has a user in the datastore, too, and keeps it."""
    await begin(world, allowedNamespaces=[{"name": name} for name in (NAMESPACE, ELSEWHERE)])
    apply(world, MAIN, allowedNamespaces=[ELSEWHERE], **of_main)
    await synced(world, MAIN)
    for key in keys:
        apply(world, key)
    spec = {"datastoreRef": {"name": MAIN.name, "namespace": NAMESPACE}}
    world.cluster.apply(manifest(GUEST.kind, GUEST.name, ELSEWHERE, spec))
    await synced(world, GUEST, *keys)


@pytest.mark.parametrize("order", ["datastore first", "datastore last", "after a restart"])
def test_a_user_loses_access_although_its_datastore_is_in_use(order: str) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_a_guest(world, APP)
            password, id_ = world.secret("app-user")["password"], world.get(MAIN)["status"]["id"]
            if order == "datastore last":
                await world.fault(method="DELETE", path="/users/", times=1, status=503)
                world.cluster.delete(APP)
            world.cluster.delete(MAIN)
            await asyncio.sleep(30)
            world.cluster.delete(APP)
            if order == "after a restart":
                await world.kill()
                await world.start()
            await world.until("it is gone", lambda: is_gone(world, APP), SOON)
            assert not await world.login(id_, "app", password)
            assert world.says(MAIN, "Synced") == ("False", "InUse"), "the guest keeps the datastore"
            assert "users" in deleted(world)
            assert "datastores" not in deleted(world)
            assert world.says(GUEST, "Ready")[0] == "True"

    in_virtual_time(story())


def test_so_it_is_with_all_that_is_in_datastores() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            keys = keys_of(everything())
            for each in everything():
                world.cluster.apply(each)
            await world.start()
            await all_is_right(world, keys)
            await world.fault(method="DELETE", path="/datastores/", status=403)
            for key in keys:
                world.cluster.delete(key)
            inside = [key for key in keys if key.kind != MAIN.kind]
            assert {key.kind for key in inside} >= {"DatabaseUser", "DatabaseGrant", "KafkaTopic", "KafkaACL"}
            await world.until("all but the datastores is gone", lambda: is_gone(world, *inside), HOUR)
            for name in {collection(key.kind) for key in inside}:
                assert await world.objects(name) == [], name
            assert len(await world.objects("datastores")) == sum(key.kind == MAIN.kind for key in keys)

    in_virtual_time(story())


@pytest.mark.parametrize(
    ("why", "fault", "reason"),
    [
        ("the API refuses it", {"status": 403}, "Forbidden"),
        ("the API fails at it", {"status": 500}, "ApiUnreachable"),
        ("the API says that it is busy, and is not", {"status": 409}, "Refused"),
    ],
)
def test_a_deletion_that_does_not_get_through_keeps_nobody(why: str, fault: dict[str, Any], reason: str) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, APP)
            await world.fault(method="DELETE", path="/datastores/", **fault)
            world.cluster.delete(APP)
            world.cluster.delete(MAIN)
            await world.until(f"the user is gone, although {why}", lambda: is_gone(world, APP), HOUR)
            assert world.says(MAIN, "Synced") == ("False", reason)
            await world.clear_faults()
            await world.until("then the datastore goes, too", lambda: is_gone(world, MAIN), HOUR)

    in_virtual_time(story())


def test_what_waits_is_woken_when_its_datastore_is_held_up() -> None:
    """Within the minute of patience, not at the next look of its own."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN, APP)
            await world.fault(method="DELETE", path="/datastores/", status=403)
            world.seconds_to_answer = lambda request: 20.0 if request.method == "DELETE" else 0.01
            world.cluster.delete(APP)
            world.cluster.delete(MAIN)
            await world.until("it is refused", lambda: world.says(MAIN, "Stalled")[0] == "True")
            assert "soon deleted by itself" in condition(world.get(APP), "Synced")["message"]
            await world.until("the user is gone", lambda: is_gone(world, APP), 90)

    in_virtual_time(story())


@pytest.mark.parametrize("pause_seconds", [0, 5])
@pytest.mark.parametrize("keys", [(MAIN, SHOP, OTHER, APP), (APP, OTHER, SHOP, MAIN)])
def test_what_goes_together_needs_one_call(keys: tuple[ResourceKey, ...], pause_seconds: float) -> None:
    async def story() -> None:
        async with VirtualWorld(delay_seconds=300) as world:
            await begin(world, MAIN, SHOP, APP, OTHER)
            is_last = keys[-1] is MAIN
            for key in keys:
                world.cluster.delete(key)
                await asyncio.sleep(0 if is_last else pause_seconds)
            await world.until("all is gone", lambda: is_gone(world, *keys), HOUR)
            assert deleted(world) == ["datastores"]

    in_virtual_time(story())


def test_what_is_protected_by_its_own_word_stays_until_the_datastore_goes() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_a_guest(world, APP)
            world.cluster.delete(MAIN)
            world.cluster.change(APP, deletionProtection=True)
            world.cluster.delete(APP)
            await world.until("a person must act", lambda: world.says(APP, "Stalled") == ("True", "Protected"), SOON)
            assert "users" not in deleted(world)
            world.cluster.delete(GUEST)
            await world.until("nothing is left", lambda: is_gone(world, MAIN, APP, GUEST), HOUR)

    in_virtual_time(story())
