"""A password that the cloud has already is written into its Secret, whatever other work is under way."""

import asyncio

import httpx
import pytest

from stories.world import condition
from virtual.given_passwords import APP, GIVEN, GOOD, MAIN, MINE, begin_with_given, opens, write
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import VirtualWorld


async def another_is_sent(world: VirtualWorld) -> None:
    sent = asyncio.Event()

    def ended(request: httpx.Request, response: httpx.Response | None) -> None:
        if request.method == "PUT" and "/users/" in request.url.path and response is not None:
            sent.set()

    world.ended = ended
    write(world, GIVEN, "password", GOOD)
    await asyncio.wait_for(sent.wait(), 60)


@pytest.mark.parametrize("phase", ["PENDING_UPDATE", "ERROR"])
def test_its_datastore_keeps_no_secret_from_its_new_password(phase: str) -> None:
    in_virtual_time(is_switched(phase))


async def is_switched(phase: str) -> None:
    async with VirtualWorld() as world:
        await begin_with_given(world)
        await another_is_sent(world)
        await world.edit("datastores", world.get(MAIN)["status"]["id"], status=phase)
        world.cluster.annotate(MAIN, sync_requested="now")
        await asyncio.sleep(30)
        assert world.get(MAIN)["status"]["phase"] == phase
        assert world.secret(MINE.name)["password"] == GOOD
        assert await opens(world)
        serves = "False" if phase == "ERROR" else "True"
        assert world.says(APP, "Ready")[0] == serves, condition(world.get(APP), "Ready")


def test_a_user_whose_new_password_the_cloud_works_on_is_not_ready() -> None:
    in_virtual_time(tells_of_work())


async def tells_of_work() -> None:
    async with VirtualWorld(delay_seconds=30) as world:
        await begin_with_given(world)
        await another_is_sent(world)
        await world.fault(path="^/", status=401)
        await asyncio.sleep(60)
        assert not await opens(world)
        assert world.says(APP, "Ready")[0] == "False", condition(world.get(APP), "Ready")
        await world.clear_faults()
        await world.until("all is well", lambda: world.says(APP, "Ready")[0] == "True")
        assert await opens(world)
