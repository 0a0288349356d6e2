"""What a broken thing costs (docs/operating.md, Calls to the API): at most 8 calls in five minutes, then 12 an hour; a dead API
one probe per interval. Time is the operator's own, compressed; calls are what the sandbox has received.
"""

import asyncio
import re
import time
from datetime import datetime
from typing import Any

import pytest

from stories.world import World, condition

SPEED = 120
FIRST, HOUR = 300 / SPEED, 3600 / SPEED
PROBE = 30 / SPEED
FAST = {
    "settings": {"clock_speed": SPEED, "call_limit_seconds": 1, "settle_margin_seconds": 10, "pending_poll_seconds": 30}
}


def refused(message: str) -> dict[str, Any]:
    return {"status": 400, "body": {"error": {"code": 400, "title": "no", "message": message}}}


ANSWERS: dict[str, dict[str, Any]] = {
    "invalid": refused("Validation failure: {'x': 'no'}"),
    "prose": refused("Validation failure: datastore cannot be updated"),
    "other": {"status": 400},
    "forbidden": {"status": 403},
    "conflict": {"status": 409},
    "error": {"status": 500},
    "late": {"delay_seconds": 2, "status": 500},
    "reset": {"reset": True},
}


@pytest.mark.parametrize("world", [FAST], indirect=True)
async def test_a_resource_that_fails_for_ever(world: World) -> None:
    """A datastore for each answer to its PUT, and a database whose POST fails each time."""
    await world.operator.start()
    await world.apply(world.project_manifest(pollSeconds=60))
    await world.apply(*(world.datastore(name) for name in ANSWERS))
    ids = {name: (await world.becomes("ManagedDatastore", name))["status"]["id"] for name in ANSWERS}
    patterns = {name: f"/datastores/{id_}(/|$)" for name, id_ in ids.items()}
    patterns["database"] = "/databases(/|$)"
    patterns["user"] = "/users(/|$)"
    await world.sandbox.fault(method="POST", path="/databases$", status=500)
    await world.sandbox.fault(method="POST", path="/users$", **ANSWERS["invalid"])
    for name, answer in ANSWERS.items():
        await world.sandbox.fault(method="PUT", path=f"/datastores/{ids[name]}/", **answer)
    await world.sandbox.clear_requests()
    for name in ANSWERS:
        await world.change("ManagedDatastore", name, firewall=["192.0.2.0/24"])
    where = {"datastoreRef": {"name": "conflict"}}
    await world.apply(world.database("never", **where), world.user("never", **where))
    await asyncio.sleep(FIRST + HOUR)
    for name, pattern in patterns.items():
        moments = await about(world, pattern)
        assert moments, f"{name}: nothing was tried"
        early = [moment for moment in moments if moment - moments[0] <= FIRST]
        later = [moment for moment in moments if FIRST < moment - moments[0] <= FIRST + HOUR]
        assert len(early) <= 8, (name, [(moment - moments[0]) * SPEED for moment in moments])
        assert len(later) <= 12, (name, [(moment - moments[0]) * SPEED for moment in moments])
    for name in ANSWERS:
        assert condition(await world.get("ManagedDatastore", name), "Ready")["status"] == "True", name
    assert not await world.sandbox.objects("databases")


@pytest.mark.parametrize("world", [FAST], indirect=True)
@pytest.mark.parametrize("answer", ["error", "reset"])
async def test_an_api_that_is_away(world: World, answer: str) -> None:
    """Twenty resources want something of it: it gets a probe per interval, and no more."""
    await world.operator.start()
    await world.apply(world.project_manifest(pollSeconds=60), world.datastore())
    await world.becomes("ManagedDatastore", "main")
    users = [f"u{number}" for number in range(10)]
    await world.apply(*map(world.user, users))
    for user in users:
        await world.becomes("DatabaseUser", user)
    await world.sandbox.fault(path="^/v1/", **ANSWERS[answer])
    await world.becomes("DatabaseProject", world.project, "Ready", "False", "ApiUnreachable")
    databases = [f"db{number}" for number in range(10)]
    await world.apply(*map(world.database, databases))
    for user in users:
        await world.annotate("DatabaseUser", user, sync_requested="now")
    for database in databases:
        await world.becomes("ManagedDatabase", database, "Ready", "False", "ApiUnreachable")
    await world.sandbox.clear_requests()
    begun = time.monotonic()
    await asyncio.sleep(40 * PROBE)
    calls = await world.sandbox.requests(path="^/v1/")
    assert 1 <= len(calls) <= (time.monotonic() - begun) / PROBE + 1, [call["path"] for call in calls]
    for user in users:
        assert condition(await world.get("DatabaseUser", user), "Ready")["status"] == "True"
    await world.sandbox.clear_faults()
    await world.becomes("DatabaseProject", world.project)
    for database in databases:
        await world.becomes("ManagedDatabase", database)
    assert len(await world.sandbox.objects("databases")) == len(databases)


async def about(world: World, pattern: str) -> list[float]:
    """When the sandbox was called about something; its LISTs serve everybody and do not count."""
    return [
        datetime.fromisoformat(request["at"]).timestamp()
        for request in await world.sandbox.requests(path=pattern)
        if not (request["method"] == "GET" and re.search(r"/v1/[a-z-]+$", request["path"]))
    ]
