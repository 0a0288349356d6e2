"""An answer may repeat a password that its request did not carry: the one that the API has kept, or that was refused before."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import httpx
import pytest
from structlog.testing import capture_logs

from managed_databases.kube.watched_collections import SECRET
from virtual.given_passwords import APP, GIVEN, SOON, begin_with_given, write
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import VirtualWorld

KEPT, NEXT = "kept-Password-1", "next-Password-2"


def telling_both(request: httpx.Request) -> httpx.Response | None:
    """An API that refuses every change of a user, and tells both passwords with every refusal."""
    if request.method not in ("PUT", "DELETE") or "/users" not in request.url.path:
        return None
    told = {"error": {"code": 400, "title": "No", "message": f"Validation failure: {{'user': '{KEPT} or {NEXT}'}}"}}
    return httpx.Response(400, json=told, headers={"X-Request-Id": f"{KEPT}+{NEXT}"}, request=request)


async def another_password(world: VirtualWorld) -> None:
    write(world, GIVEN, "password", NEXT)
    await asyncio.sleep(SOON)


async def another_and_a_restart(world: VirtualWorld) -> None:
    await another_password(world)
    await world.kill()
    await world.start()
    await asyncio.sleep(SOON)


@pytest.mark.parametrize("change", [another_password, another_and_a_restart])
def test_during_a_change_no_answer_shows_either_password(change: Callable[[VirtualWorld], Awaitable[None]]) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_given(world, KEPT)
            world.refuses = telling_both
            with capture_logs() as lines:
                await change(world)
            shown = [json.dumps(raw) for key, raw in world.cluster.objects.items() if key.kind != SECRET]
            shown += map(repr, lines)
            assert any("***" in text for text in shown), "a refusal is shown, masked"
            assert not [text for text in shown if KEPT in text or NEXT in text]

    in_virtual_time(story())


def test_at_rest_no_refusal_shows_the_password_that_the_secret_has() -> None:
    """A pass at rest does not read the Secret; the API remembers the password all the same."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_given(world, KEPT)
            world.cluster.change(APP, passwordSecretRef=None)
            await asyncio.sleep(SOON)
            await world.kill()
            await world.start()
            await asyncio.sleep(SOON)
            world.refuses = telling_both
            with capture_logs() as lines:
                world.cluster.delete(APP)
                await asyncio.sleep(SOON)
            shown = [json.dumps(raw) for key, raw in world.cluster.objects.items() if key.kind != SECRET]
            shown += map(repr, lines)
            assert any("***" in text for text in shown), "a refusal is shown, masked"
            assert not [text for text in shown if KEPT in text]

    in_virtual_time(story())
