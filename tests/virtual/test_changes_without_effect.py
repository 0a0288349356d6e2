"""A change that the API accepts and does not make is asked for more and more rarely; changes that work, and guards, are not
slowed.
"""

import asyncio

import httpx
import pytest

from stories.world import manifest
from virtual.everything import project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, Sent, VirtualWorld
from virtual.walk import KEYS, SPECS

MAIN = KEYS[0]
SEVERAL = {"firewall": ["192.0.2.0/24"], "backupRetentionDays": 9, "name": "other"}
"""A guard and two more, each with a call of its own."""


async def begin(world: VirtualWorld) -> None:
    world.cluster.apply(project())
    await world.start()
    world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN]))
    await world.until("it is there", lambda: world.says(MAIN, "Synced")[0] == "True")
    world.sent.clear()


def does_nothing(request: httpx.Request) -> httpx.Response | None:
    is_change = request.method == "PUT" and request.url.path.startswith("/v1/datastores/")
    return httpx.Response(200) if is_change else None


def changes(world: VirtualWorld) -> list[Sent]:
    return [each for each in world.sent if each.method == "PUT"]


@pytest.mark.parametrize("wished", [{"firewall": ["192.0.2.0/24"]}, SEVERAL], ids=["a guard", "several"])
def test_changes_that_do_nothing_wait(wished: dict[str, object]) -> None:
    async def wait() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            world.refuses = does_nothing
            world.cluster.change(MAIN, **wished)
            await asyncio.sleep(1.5)
            sent = changes(world)
            assert sent[0].path.endswith("/firewall"), "a guard goes first, at once"
            assert len(sent) == 1, "what guards is waited for before the others, and tried again after a while"
            await asyncio.sleep(240)
            assert len(changes(world)) <= 3 * len(wished)
            assert len({each.path for each in changes(world)}) == len(wished), "one in vain holds up no other for long"
            assert world.says(MAIN, "Stalled") == ("True", "DriftFight")
            await asyncio.sleep(300)
            early = len(world.sent)
            await asyncio.sleep(3600)
            calls = [each for each in world.sent[early:] if each.path.startswith("/v1/datastores/")]
            assert 4 <= len(calls) <= 12, [f"{each.at} {each.method} {each.path}" for each in calls]
            world.refuses = lambda _: None
            await world.until("all is right", lambda: world.says(MAIN, "Synced")[0] == "True", 900)
            assert world.says(MAIN, "Stalled")[0] == "False"

    in_virtual_time(wait())


def test_a_new_wish_does_not_wait() -> None:
    async def does_not() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            world.refuses = does_nothing
            world.cluster.change(MAIN, **SEVERAL)
            await world.until("it is told", lambda: world.says(MAIN, "Stalled") == ("True", "DriftFight"))
            world.refuses = lambda _: None
            world.cluster.change(MAIN, backupRetentionDays=11)
            await world.until("all is right", lambda: world.says(MAIN, "Synced")[0] == "True", 10)

    in_virtual_time(does_not())


def test_a_change_that_shows_and_is_undone_is_made_again_at_once() -> None:
    async def is_corrected() -> None:
        async with VirtualWorld(poll_seconds=30) as world:
            await begin(world)
            world.cluster.change(MAIN, backupRetentionDays=7)
            await world.until("it is so", lambda: world.says(MAIN, "Synced")[0] == "True")
            (there,) = await world.objects("datastores")
            for days in (10, 11, 12, 13, 14):
                world.sent.clear()
                await world.edit("datastores", there["id"], backup_retention_days=days)
                await asyncio.sleep(35)
                assert len(changes(world)) == 1, "the next list shows it"
                await asyncio.sleep(300)  # so that it is no fight

    in_virtual_time(is_corrected())
