"""At rest the operator writes nothing, and the number of its polls does not depend on the number of resources."""

import math
import re
import time
from collections import Counter

import pytest

from stories.world import World

WRITES = ("create", "update", "patch", "delete", "deletecollection")
COLLECTIONS = ("datastores", "databases", "users")
SPEED = 20
CATALOGUE_SECONDS = 60
FAST = {
    "settings": {
        "clock_speed": SPEED,
        "calls_per_second": 1000,
        "call_limit_seconds": 60,
        "resync_seconds": 60,
        "catalogue_seconds": CATALOGUE_SECONDS,
        "pending_poll_seconds": 2,
    }
}
POLLS = 10


@pytest.mark.parametrize("world", [FAST], indirect=True)
async def test_at_rest(world: World) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest(pollSeconds=5), world.datastore(), world.datastore("second"))
    few = await at_rest(world, databases=9, users=9)
    many = await at_rest(world, databases=98, users=100)
    for calls in (few, many):
        per_poll = sum(calls[name] for name in COLLECTIONS) / calls["datastores"]
        assert per_poll <= 4, calls  # three collections; their jitters differ
    assert set(few) & set(COLLECTIONS) == set(many) & set(COLLECTIONS) == set(COLLECTIONS)

    assert await world.operator.stop() == 0
    await world.sandbox.clear_requests()
    before = len(writes(world))
    await world.operator.start()
    await polled(world)
    assert changed_in_kubernetes(world, before) == []
    assert await mutating(world) == []
    assert len(await world.sandbox.objects("users")) == 100


async def at_rest(world: World, databases: int, users: int) -> Counter[str]:
    """Have so many, all Ready; then look at some poll periods. Returns the calls by collection."""
    on = [{"datastoreRef": {"name": name}} for name in ("main", "second")]
    await world.apply(*(world.database(f"db{number}", **on[number % 2]) for number in range(databases)))
    await world.apply(*(world.user(f"u{number}", **on[number % 2]) for number in range(users)))
    for kind, count in (("ManagedDatastore", 2), ("ManagedDatabase", databases), ("DatabaseUser", users)):
        await all_in_sync(world, kind, count)
    await world.sandbox.clear_requests()
    await polled(world)  # what is still on its way ends here
    begun = time.monotonic()
    await world.sandbox.clear_requests()
    before = len(writes(world))
    await polled(world)
    assert changed_in_kubernetes(world, before) == []
    assert await mutating(world) == []
    by_path = Counter(request["path"] for request in await world.sandbox.requests(path="^/v1/"))
    assert all(re.fullmatch("/v1/[a-z-]+", path) for path in by_path), by_path
    calls = Counter({path.removeprefix("/v1/"): count for path, count in by_path.items()})
    # What the cloud offers is read on a schedule of its own: the longer the look took, the oftener.
    readings = math.ceil((time.monotonic() - begun) * SPEED / CATALOGUE_SECONDS) + 1
    assert all(count <= readings for name, count in calls.items() if name not in COLLECTIONS), (readings, calls)
    return calls


async def all_in_sync(world: World, kind: str, count: int) -> None:
    async def look() -> bool:
        resources = await world.cluster.list(kind, world.namespace)
        lacking = [
            (resource["metadata"]["name"], resource.get("status", {}).get("conditions"))
            for resource in resources
            if {("Ready", "True"), ("Synced", "True")}
            - {(each["type"], each["status"]) for each in resource.get("status", {}).get("conditions", ())}
        ]
        assert not lacking, (len(lacking), lacking[:2])
        assert len(resources) == count
        return True

    await world.until(f"{count} {kind}s are Ready and in sync", look, 240)


async def polled(world: World) -> None:
    """Wait until every collection was listed so many times more."""

    async def look() -> bool:
        lists = Counter(request["path"] for request in await world.sandbox.requests(method="GET"))
        assert all(lists[f"/v1/{name}"] >= POLLS for name in COLLECTIONS), lists
        return True

    await world.until(f"{POLLS} polls", look)


def writes(world: World) -> list[str]:
    """What the operator wrote to Kubernetes so far; asking what it may do is a create, and none."""
    user = world.account
    return [
        f"{event.verb} {event.uri}"
        for event in world.cluster.audit(user=user, verb=WRITES)
        if event.resource != "selfsubjectaccessreviews"
    ]


def changed_in_kubernetes(world: World, before: int) -> list[str]:
    return writes(world)[before:]


async def mutating(world: World) -> list[str]:
    return [
        f"{request['method']} {request['path']}"
        for request in await world.sandbox.requests(path="^/v1/")
        if request["method"] != "GET"
    ]
