"""The content of a Secret is not lost by an answer that tells nothing, nor given to an object that the Secret is not for."""

import asyncio

import pytest

from stories.world import manifest
from virtual.everything import project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import KEYS, SPECS

MAIN, APP, TOKEN = KEYS[0], KEYS[2], KEYS[-1]


@pytest.mark.parametrize("told", ["", None, "(left out)"], ids=["empty", "null", "left out"])
@pytest.mark.parametrize("is_killed", [False, True], ids=["lives", "killed"])
def test_a_token_whose_value_is_not_told_any_more(is_killed: bool, told: str | None) -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project())
            await world.start()
            world.cluster.apply(manifest(TOKEN.kind, TOKEN.name, NAMESPACE, SPECS[TOKEN]))
            await world.until("it is there", lambda: world.says(TOKEN, "Synced")[0] == "True")
            before = world.secret("prometheus-metrics-token")
            assert before["token"]
            await world.fault(path="^/v1/prometheus-metrics-tokens", method="GET", rows={"value": told})
            if is_killed:
                await world.kill()
                await world.start()
            await asyncio.sleep(900)
            assert world.secret("prometheus-metrics-token") == before
            if not is_killed:
                assert world.says(TOKEN, "Ready")[0] == "True", "what was seen before stands"

    in_virtual_time(work())


@pytest.mark.parametrize("adoption", ["Never", "IfExists"])
def test_a_kept_secret_is_not_taken_for_another_object(adoption: str) -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project())
            await world.start()
            world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN]))
            spec = SPECS[APP] | {"deletionPolicy": "Retain"}
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, spec))
            await world.until("it is there", lambda: world.says(APP, "Synced")[0] == "True")
            world.cluster.delete(APP)
            await world.until("it is let go", lambda: APP not in world.cluster.objects)
            kept = world.secret("app-user")
            spec |= {"name": "newcomer", "adoption": adoption}
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, spec))
            await asyncio.sleep(300)
            assert world.says(APP, "Stalled") == ("True", "SecretConflict")
            assert world.secret("app-user") == kept
            assert [each["name"] for each in await world.objects("users")] == ["app"], (
                "nothing is made without its Secret"
            )

    in_virtual_time(work())
