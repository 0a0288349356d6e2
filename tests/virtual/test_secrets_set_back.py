"""A credentials Secret that is set back to an earlier version of itself, annotations and all: by a backup tool, or by
`kubectl apply` of an old dump. Its password opens nothing any more, until the operator has sent it again.
"""

import asyncio
import copy
from base64 import b64decode
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from managed_databases.kube.watched_collections import SECRET
from managed_databases.reconcile.annotations import PASSWORD_CHECK
from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition
from virtual.begun_world import MAIN, apply, begin, synced
from virtual.everything import project
from virtual.given_passwords import APP, FIRST, GIVEN, GOOD, MINE, PENDING, SOON, begin_with_given, opens, write
from virtual.memory_cluster import Raw
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import SPECS

SECOND = "second-password-2"


async def rotated(world: VirtualWorld, *, is_given: bool = False) -> Raw:
    """A user whose password a person has changed to GOOD; return the Secret as it was before that."""
    await begin_with_given(world)
    before = copy.deepcopy(world.cluster.objects[MINE])
    write(world, GIVEN, "password", GOOD)
    await world.until("the Secret has it", lambda: world.secret(MINE.name)["password"] == GOOD)
    if not is_given:
        world.cluster.change(APP, passwordSecretRef=None)
    await asyncio.sleep(SOON)
    assert world.says(APP, "Ready")[0] == "True"
    return before


def read(secret: Raw, name: str) -> str:
    return b64decode(secret["data"][name]).decode()


def set_back(world: VirtualWorld, before: Raw) -> None:
    there = world.cluster.objects[MINE]
    there["data"], there["metadata"]["annotations"] = copy.deepcopy((before["data"], before["metadata"]["annotations"]))
    world.cluster.touch(MINE)


def puts(world: VirtualWorld) -> int:
    return sum(each.method == "PUT" and "/users/" in each.path for each in world.sent)


def count_each(world: VirtualWorld, what: Callable[[], None]) -> None:
    """Call this before each request of the operator to Kubernetes, and before each change that it makes in the API."""
    request = world.cluster.request

    async def counted(method: str, path: str, **options: Any) -> Raw:
        what()
        return await request(method, path, **options)

    world.cluster.request = counted  # type: ignore[method-assign]
    world.refuses = lambda sent: what() if sent.method != "GET" else None


def at_request(world: VirtualWorld, number: int, what: Callable[[], None]) -> None:
    """This happens right before that request of the operator from now on, the first one being 0."""
    left = iter(range(number, -1, -1))
    count_each(world, lambda: what() if next(left, None) == 0 else None)


async def is_always_right(world: VirtualWorld) -> None:
    """In the end all is well, and `Ready` means that the Secret opens."""
    await asyncio.sleep(3 * SOON)
    assert world.says(APP, "Ready")[0] == "True", world.get(APP)["status"]
    assert await opens(world), world.get(APP)["status"]
    annotations = world.get(MINE)["metadata"]["annotations"]
    assert world.get(APP)["status"]["passwordCheck"] == annotations[PASSWORD_CHECK]
    assert "passwordUnconfirmed" not in world.get(APP)["status"]
    assert PENDING not in world.cluster.objects


@pytest.mark.parametrize("how", ["is edited", "is made anew"])
@pytest.mark.parametrize("is_running", [True, False], ids=["while the operator runs", "while it does not"])
@pytest.mark.parametrize("is_given", [True, False], ids=["another is given", "none is given"])
def test_a_secret_that_is_set_back_is_not_believed(is_given: bool, is_running: bool, how: str) -> None:
    in_virtual_time(is_not_believed(is_given=is_given, is_running=is_running, is_made_anew=how == "is made anew"))


async def is_not_believed(*, is_given: bool, is_running: bool, is_made_anew: bool) -> None:
    async with VirtualWorld() as world:
        before, sent = await rotated(world, is_given=is_given), puts(world)
        if not is_running:
            await world.kill()
        if is_made_anew:
            del world.cluster.objects[MINE]
            kept = {name: before["metadata"][name] for name in ("labels", "annotations", "ownerReferences")}
            world.cluster.create(MINE, {**before, "metadata": kept})
        else:
            set_back(world, before)
        if not is_running:
            await world.start()
        await is_always_right(world)
        assert world.secret(MINE.name)["password"] == (GOOD if is_given else FIRST), "what is given counts"
        assert puts(world) == sent + 1


def test_it_is_not_ready_until_the_password_is_sent() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            before = await rotated(world)
            await world.fault(path="^/v1/users/", method="PUT", status=503)
            set_back(world, before)
            await asyncio.sleep(5 * SOON)
            assert not await opens(world)
            ready = condition(world.get(APP), "Ready")
            assert ready["status"] == "False", ready
            await world.clear_faults()
            await asyncio.sleep(12 * SOON)
            await is_always_right(world)

    in_virtual_time(story())


def test_nor_while_its_object_is_at_work() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            before = await rotated(world)
            await world.edit("users", world.get(APP)["status"]["id"], status="PENDING_UPDATE")
            world.cluster.annotate(APP, sync_requested="now")
            await asyncio.sleep(SOON)
            set_back(world, before)
            await asyncio.sleep(SOON)
            assert world.says(APP, "Ready")[0] == "False", world.get(APP)["status"]

    in_virtual_time(story())


REQUESTS = 15


@pytest.mark.parametrize("number", range(REQUESTS))
def test_a_kill_on_the_way_is_made_good(number: int) -> None:
    """After any request of the repair."""

    async def story() -> None:
        async with VirtualWorld() as world:
            before = await rotated(world)
            killed: list[asyncio.Task[None]] = []
            at_request(world, number, lambda: killed.append(asyncio.create_task(world.kill())))
            set_back(world, before)
            await asyncio.sleep(SOON)
            assert bool(killed) == (number < REQUESTS - 1), "all requests of the repair are tried, and none is left"
            if killed:
                await killed[0]
                await world.start()
            await is_always_right(world)

    in_virtual_time(story())


@pytest.mark.parametrize("number", range(REQUESTS))
def test_a_secret_that_changes_to_and_fro_on_the_way_opens_in_the_end(number: int) -> None:
    """While an earlier password is sent, somebody puts the later one back: the cloud has the earlier one by then."""

    async def story() -> None:
        async with VirtualWorld() as world:
            before = await rotated(world)
            after = copy.deepcopy(world.cluster.objects[MINE])
            at_request(world, number, partial(set_back, world, after))
            set_back(world, before)
            await is_always_right(world)

    in_virtual_time(story())


@pytest.mark.parametrize("number", range(18))
def test_a_secret_that_is_set_back_amid_a_change_opens_in_the_end(number: int) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_given(world)
            before = copy.deepcopy(world.cluster.objects[MINE])
            at_request(world, number, partial(set_back, world, before))
            write(world, GIVEN, "password", GOOD)
            await is_always_right(world)
            assert world.secret(MINE.name)["password"] == GOOD

    in_virtual_time(story())


@pytest.mark.parametrize("number", range(18))
def test_a_pending_secret_that_vanishes_amid_a_change_leaves_no_wrong_one(number: int) -> None:
    """The cloud may have its password by then, and nobody gives one any more."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_given(world)

            def vanish() -> None:
                world.cluster.delete(PENDING)
                world.cluster.change(APP, passwordSecretRef=None)

            at_request(world, number, vanish)
            write(world, GIVEN, "password", GOOD)
            await is_always_right(world)

    in_virtual_time(story())


def test_a_check_that_could_not_be_written_is_written_later() -> None:
    """The Secret has the new password, and the write of the status after that is refused."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_given(world)
            before = copy.deepcopy(world.cluster.objects[MINE])

            def refuses(method: str, path: str) -> str | None:
                is_switched = world.secret(MINE.name)["password"] == GOOD
                return "for a while" if is_switched and path.endswith("/databaseusers/app/status") else None

            world.cluster.refuses = refuses
            write(world, GIVEN, "password", GOOD)
            await asyncio.sleep(SOON)
            assert world.secret(MINE.name)["password"] == GOOD
            sent = puts(world)
            world.cluster.refuses = lambda method, path: None
            await is_always_right(world)
            assert puts(world) == sent, "the process knows that the cloud has it"
            world.cluster.change(APP, passwordSecretRef=None)
            await asyncio.sleep(SOON)
            set_back(world, before)
            await is_always_right(world)

    in_virtual_time(story())


@pytest.mark.parametrize("engine", ["redis", "kafka"])
def test_whatever_the_engine_is(engine: str) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            version, flavor = ("3.5", SPECS[MAIN]["flavor"]) if engine == "kafka" else ("7", {"name": "RS1.1-1024-10"})
            world.cluster.apply(project())
            await world.start()
            apply(world, MAIN, engine={"type": engine, "version": version}, flavor=flavor)
            holder, login = (MAIN, "") if engine == "redis" else (APP, "app")
            if holder is APP:
                apply(world, APP)
            await synced(world, MAIN, holder)
            secret = ResourceKey(SECRET, NAMESPACE, "main-redis" if engine == "redis" else "app-user")
            before, id_ = copy.deepcopy(world.cluster.objects[secret]), world.get(MAIN)["status"]["id"]
            world.cluster.delete(secret)
            await world.until("it has a new password", lambda: world.secret(secret.name))
            await synced(world, holder)
            world.cluster.objects[secret]["data"] = before["data"]
            world.cluster.objects[secret]["metadata"]["annotations"] = before["metadata"]["annotations"]
            world.cluster.touch(secret)
            await asyncio.sleep(12 * SOON)
            assert world.says(holder, "Ready")[0] == "True", world.get(holder)["status"]
            assert world.secret(secret.name)["password"] == read(before, "password")
            assert await world.login(id_, login, world.secret(secret.name)["password"])

    in_virtual_time(story())


def test_a_secret_that_is_set_back_again_and_again_is_a_fight() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            before, sent = await rotated(world), puts(world)
            after = copy.deepcopy(world.cluster.objects[MINE])
            for _ in range(10):
                for each in (before, after):
                    set_back(world, each)
                    await asyncio.sleep(5)
            assert world.says(APP, "Stalled") == ("True", "DriftFight")
            assert puts(world) == sent + 5
            assert world.says(APP, "Ready")[0] == "False" or await opens(world)
            await asyncio.sleep(20 * SOON)
            await is_always_right(world)

    in_virtual_time(story())


def test_a_status_of_an_earlier_version_changes_no_password() -> None:
    """It has no check: the first one comes with the next password."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await rotated(world)
            sent = puts(world)
            await world.kill()
            del world.get(APP)["status"]["passwordCheck"]
            world.cluster.touch(APP)
            writes = world.get(APP)["metadata"]["resourceVersion"]
            await world.start()
            await asyncio.sleep(20 * SOON)
            assert (puts(world), world.says(APP, "Ready")[0]) == (sent, "True")
            assert world.get(APP)["metadata"]["resourceVersion"] == writes, "nor is anything written"
            before = copy.deepcopy(world.cluster.objects[MINE])
            write(world, GIVEN, "password", SECOND)
            world.cluster.change(APP, passwordSecretRef={"name": GIVEN.name, "key": "password"})
            await world.until("it is changed", lambda: world.secret(MINE.name)["password"] == SECOND)
            world.cluster.change(APP, passwordSecretRef=None)
            await asyncio.sleep(SOON)
            set_back(world, before)
            await is_always_right(world)
            assert world.secret(MINE.name)["password"] == GOOD

    in_virtual_time(story())


def test_the_check_comes_with_the_id() -> None:
    """No write of the status is made for it."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN)
            seen: list[Raw] = []
            answer = world.cluster._answer

            def note(method: str, path: str, body: Raw) -> Raw:
                told = answer(method, path, body)
                if path.endswith("/databaseusers/app/status"):
                    seen.append(told["status"])
                return told

            world.cluster._answer = note  # type: ignore[method-assign, assignment]
            apply(world, APP)
            await synced(world, APP)
            first = next(status for status in seen if "id" in status)
            assert first["passwordCheck"] == world.get(MINE)["metadata"]["annotations"][PASSWORD_CHECK]

    in_virtual_time(story())
