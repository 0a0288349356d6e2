"""What people see with kubectl wait, get and describe, and in Events."""

import asyncio
import re

import pytest

from cluster import Manifest
from stories.world import World

QUIET = {"settings": {"clock_speed": 20, "pending_poll_seconds": 5, "resync_seconds": 30}}


async def events(world: World, kind: str, name: str) -> list[Manifest]:
    found = await world.cluster.list("events", world.namespace)
    mine = [
        event for event in found if (event["involvedObject"]["kind"], event["involvedObject"]["name"]) == (kind, name)
    ]
    return sorted(mine, key=lambda event: str(event.get("eventTime") or event["metadata"]["creationTimestamp"]))


async def reasons(world: World, kind: str, name: str) -> list[tuple[str, str]]:
    return [(event["type"], event["reason"]) for event in await events(world, kind, name)]


async def test_a_fresh_object_is_not_ready_for_anyone(world: World) -> None:
    """No operator has looked at it."""
    fresh = await world.cluster.apply(world.datastore())
    assert fresh["status"] == {"observedGeneration": -1}
    waited = await world.cluster.kubectl(
        "wait", "--for=condition=Ready", "mds/main", "-n", world.namespace, "--timeout=1s", check=False
    )
    assert "timed out" in waited
    assert "main" in await world.cluster.kubectl("get", "databases", "-n", world.namespace)


@pytest.mark.parametrize("world", [QUIET], indirect=True)
async def test_what_kubectl_shows(world: World) -> None:
    await world.operator.start()
    await world.apply(
        world.project_manifest(), world.datastore(), world.database(ownerRef={"name": "app"}), world.user()
    )
    namespace = ("-n", world.namespace)
    for resource in ("mds/main", "mdb/shop", "dbu/app"):
        for condition_type in ("Ready", "Synced"):
            waits = ("wait", f"--for=condition={condition_type}", resource, *namespace, "--timeout=60s")
            await world.cluster.kubectl(*waits)
    status = (await world.get("ManagedDatastore", "main"))["status"]

    everything = await world.cluster.kubectl("get", "databases", *namespace)
    for name in ("main", "shop", "app"):
        assert re.search(rf"/{name} +True +True +Ready ", everything), everything
    for table in (
        await world.cluster.kubectl("get", "mds", *namespace),
        await world.cluster.kubectl("get", "mds", *namespace, "-o", "wide"),
        await world.cluster.kubectl("get", "mdb", *namespace, "-o", "wide"),
        await world.cluster.kubectl("get", "dbu", *namespace, "-o", "wide"),
        await world.cluster.kubectl("get", "databaseprojects", world.project, "-o", "wide"),
    ):
        assert "<none>" not in table, table
    wide = await world.cluster.kubectl("get", "mds", "main", *namespace, "-o", "wide")
    assert status["id"] in wide
    assert status["endpoints"]["readWrite"] in wide
    assert "postgresql" in wide
    assert "ACTIVE" in wide

    told = await world.cluster.kubectl("describe", "mds", "main", *namespace)
    assert "usable" in told
    assert re.search(r"Normal +Ready", told), told
    password = (await world.secret("app-user"))["password"]
    assert password not in await world.cluster.kubectl("describe", "dbu", "app", *namespace)


@pytest.mark.parametrize("world", [QUIET], indirect=True)
async def test_events_tell_what_changed_and_nothing_else(world: World) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore())
    await world.becomes("ManagedDatastore", "main")

    await world.apply(world.user())
    await world.becomes("DatabaseUser", "app")
    await world.until("an Event of it", lambda: reasons(world, "DatabaseUser", "app"))
    assert await reasons(world, "DatabaseUser", "app") == [("Normal", "Ready")]

    body = {"error": {"code": 400, "title": "no", "message": "Validation failure: {'user.name': 'no'}"}}
    await world.sandbox.fault(method="POST", path="/users$", status=400, body=body)
    await world.apply(world.user("wrong"))
    await world.becomes("DatabaseUser", "wrong", "Stalled", "True", "Invalid")
    await world.until("an Event of it", lambda: reasons(world, "DatabaseUser", "wrong"))
    for number in range(3):  # requested passes, which change nothing
        await world.annotate("DatabaseUser", "wrong", sync_requested=str(number))
        await world.annotate("DatabaseUser", "app", sync_requested=str(number))
        await handled(world, "wrong", str(number))
    await world.becomes("DatabaseUser", "wrong", "Stalled", "True", "Invalid")
    await asyncio.sleep(2)  # a resync and more of them
    assert set(await reasons(world, "DatabaseUser", "wrong")) == {("Warning", "Invalid")}
    assert await reasons(world, "DatabaseUser", "app") == [("Normal", "Ready")]

    (first, *_) = await events(world, "DatabaseUser", "wrong")
    assert "Validation failure" in first["message"]
    password = (await world.secret("wrong-user"))["password"]
    assert password not in str(await world.cluster.list("events", world.namespace))

    await world.sandbox.clear_faults()
    await world.annotate("DatabaseUser", "wrong", sync_requested="healed")
    await world.becomes("DatabaseUser", "wrong")

    async def told() -> bool:
        assert (await reasons(world, "DatabaseUser", "wrong"))[-1] == ("Normal", "Ready")
        return True

    await world.until("it is told", told)


async def handled(world: World, name: str, token: str) -> None:
    async def look() -> bool:
        return bool((await world.get("DatabaseUser", name))["status"].get("lastHandledSyncRequest") == token)

    await world.until(f"the request {token} is handled", look)
