"""A change of a password stops half way: by the cloud's failure, the process's end, or a given password that goes away."""

import asyncio
from base64 import b64decode, b64encode

import httpx
import pytest

from managed_databases.reconcile.ports import ResourceKey
from stories.world import manifest
from virtual.faults import REQUEST_FAULTS
from virtual.given_passwords import APP, GIVEN, GOOD, HOUR, MINE, PENDING, SOON, begin_with_given, opens, write
from virtual.memory_cluster import Raw
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, SYSTEM, VirtualWorld
from virtual.walk import IN_MAIN, begin_with_datastore

LEAKED = "a-leaked-Password-9"


async def begin(world: VirtualWorld) -> None:
    await begin_with_datastore(world)
    world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, IN_MAIN))
    await world.until("it is made", lambda: world.says(APP, "Synced")[0] == "True")
    await asyncio.sleep(SOON)


def phase(world: VirtualWorld) -> str:
    told: str = world.get(APP)["status"]["phase"]
    return told


def test_a_password_that_the_cloud_took_and_failed_to_set_is_sent_again() -> None:
    async def story() -> None:
        async with VirtualWorld(delay_seconds=30.0) as world:
            await begin(world)
            world.cluster.annotate(APP, rotate_password="1")
            await world.until("the cloud is at work", lambda: phase(world) == "PENDING_UPDATE", SOON)
            await world.complete(collection="users", fail=True)
            await world.until("it has failed", lambda: phase(world) == "ERROR", SOON)
            assert await opens(world), "with the password before"
            [user] = await world.objects("users")
            await world.edit("users", user["id"], status="ACTIVE")
            await world.until("all is well", lambda: world.says(APP, "Ready")[0] == "True", HOUR)
            assert await opens(world)
            assert PENDING not in world.cluster.objects

    in_virtual_time(story())


@pytest.mark.parametrize("trouble", ["credentials", "the API", "a list"])
def test_a_password_in_doubt_is_not_ready_also_where_nothing_can_be_seen(trouble: str) -> None:
    """The process ends during the call, and the next one does not get to the cloud."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            right = world.secret_in(SYSTEM, "cloud")
            sent = asyncio.Event()

            def ended(request: httpx.Request, response: httpx.Response | None) -> None:
                if request.method == "PUT" and "/users/" in request.url.path:
                    sent.set()

            world.ended = ended
            world.cluster.annotate(APP, rotate_password="1")
            await sent.wait()
            await world.kill()
            if trouble == "credentials":
                world.change_secret(SYSTEM, "cloud", right | {"OS_PASSWORD": "wrong"})
            else:
                await world.fault(path="^/v1/" if trouble == "the API" else "^/v1/users", status=503)
            await world.start()
            await asyncio.sleep(600)
            assert world.says(APP, "Ready")[0] == "False", world.get(APP)["status"]
            await world.clear_faults()
            world.change_secret(SYSTEM, "cloud", right)
            await world.until("it is known again", lambda: world.says(APP, "Ready")[0] == "True", 3 * HOUR)
            assert await opens(world)

    in_virtual_time(story())


@pytest.mark.parametrize("how", ["deleted", "unusable"])
def test_what_the_cloud_has_gets_into_the_secret_without_the_given_password(how: str) -> None:
    async def story() -> None:
        async with VirtualWorld(delay_seconds=20.0) as world:
            await begin_with_given(world)
            write(world, GIVEN, "password", GOOD)
            await world.until("the cloud is at work", lambda: phase(world) == "PENDING_UPDATE", HOUR)
            if how == "deleted":
                world.cluster.delete(GIVEN)
            else:
                write(world, GIVEN, "password", "two\nlines")
            await asyncio.sleep(600)
            assert world.secret(MINE.name)["password"] == GOOD
            assert await opens(world)
            assert world.says(APP, "Ready")[0] == "True"
            assert world.says(APP, "Stalled")[0] == "True", "that one is missing is told"
            world.cluster.objects[MINE]["data"]["host"] = b64encode(b"elsewhere.example").decode()
            world.cluster.touch(MINE)
            await asyncio.sleep(SOON)
            assert world.secret(MINE.name)["host"] != "elsewhere.example"

    in_virtual_time(story())


@pytest.mark.parametrize("gap", [0, 120])
@pytest.mark.parametrize("is_lost", [False, True], ids=["refused", "answer lost"])
def test_a_password_that_is_taken_back_is_no_new_one(gap: int, is_lost: bool) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_given(world)
            mounted: list[str] = []

            def note(kind: str, key: ResourceKey, raw: Raw, gone: bool) -> None:
                if key == MINE and not gone:
                    mounted.append(b64decode(raw["data"]["password"]).decode())

            world.cluster.told.append(note)
            lost = REQUEST_FAULTS["reset after the effect"] if is_lost else {"status": 403}
            await world.fault(path="/users/", method="PUT", times=1, **lost)
            write(world, GIVEN, "password", LEAKED)
            await asyncio.sleep(10)
            world.cluster.annotate(APP, rotate_password="leak-1")
            await asyncio.sleep(gap)
            world.cluster.change(APP, passwordSecretRef=None)
            await world.until(
                "it is answered",
                lambda: world.get(APP)["status"]["rotation"]["handledRequest"] == "leak-1",
                HOUR,
            )
            assert world.secret(MINE.name)["password"] != LEAKED
            assert await opens(world)
            if not is_lost:
                assert LEAKED not in mounted, "the cloud has surely never had it"

    in_virtual_time(story())
