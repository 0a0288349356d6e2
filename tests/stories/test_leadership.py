"""Two replicas: one leads, the other follows when it stops, dies or stands still, and nothing is done twice."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from cluster import Cluster
from definitions import install_crds
from managed_databases.controlplane.cluster import ControlPlane
from managed_databases.controlplane.commands import free_port
from managed_databases.kube.leadership import LEASE_NAME, RELEASE_SECONDS
from managed_databases.kube.operator import GRACE_SECONDS, PARTS_END_SECONDS
from operator_process import OperatorProcess
from stories.kill_points import EFFECT_COMES, EFFECT_COMES_LATE, EFFECT_WAS
from stories.replicas import LEASE_SECONDS, holder, released_lease, somebody_leads, stands_by
from stories.world import World

PAIR = {
    "leader_election": True,
    "lease_seconds": LEASE_SECONDS,
    "call_limit_seconds": 10,
    "settle_margin_seconds": 1,
    "min_backoff_seconds": 0.2,
}
LONG = PAIR | {"lease_seconds": 300}
"""Longer than any test waits: only a lease that is released is taken over."""

CHANGING = ("create", "update", "patch", "delete")

a_pair = pytest.mark.parametrize("world", [{"settings": PAIR}], indirect=True, ids=["pair"])
a_patient_pair = pytest.mark.parametrize("world", [{"settings": LONG}], indirect=True, ids=["patient pair"])


@pytest_asyncio.fixture
async def follower(world: World) -> AsyncIterator[OperatorProcess]:
    """The second replica, not started yet; the first is `world.operator`."""
    follower = await world.another_replica("follower.log")
    yield follower
    await follower.kill()


@a_pair
async def test_a_standby_is_live_and_ready_and_asks_the_cloud_nothing(world: World) -> None:
    somebody = {"holderIdentity": "somebody", "leaseDurationSeconds": 3600}
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
    metadata = {"name": LEASE_NAME, "namespace": world.system}
    await world.cluster.apply(lease | {"metadata": metadata, "spec": somebody})
    await world.apply(world.project_manifest(), world.datastore())
    port = free_port()
    await world.operator.start(probe_port=port)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as probes:

        async def is_ready() -> bool:
            answer = await probes.get("/readyz")
            assert answer.status_code == 200, answer.text
            return True

        await world.until("the standby is ready", is_ready)
        assert (await probes.get("/healthz")).status_code == 200
    assert await world.sandbox.requests() == []
    waits = await world.get("ManagedDatastore", "main")
    assert waits["status"] == {"observedGeneration": -1}
    assert "finalizers" not in waits["metadata"]

    released = {"holderIdentity": "", "leaseDurationSeconds": 1}
    await world.cluster.patch("Lease", LEASE_NAME, world.system, {"spec": released})
    await world.becomes("ManagedDatastore", "main")
    assert len(await world.posts("datastores")) == 1


@a_patient_pair
async def test_a_clean_stop_hands_over_at_once(world: World, follower: OperatorProcess) -> None:
    await released_lease(world)
    await world.operator.start()
    first = await somebody_leads(world)
    await stands_by(world, follower)
    await world.apply(world.project_manifest(), world.datastore())
    await world.becomes("ManagedDatastore", "main")
    assert await world.operator.stop() == 0
    assert await holder(world) != first, "released before it ended"
    await somebody_leads(world, after=first)
    await world.apply(world.user())
    await world.becomes("DatabaseUser", "app")
    assert await world.login_works()
    assert len(await world.posts("datastores")) == 1


@pytest.mark.parametrize("world", [{"settings": LONG | {"call_limit_seconds": 300}}], indirect=True)
async def test_a_clean_stop_hands_over_while_the_api_hangs(world: World, follower: OperatorProcess) -> None:
    """The call in flight would take longer than any test waits: it is given up, and found again by who follows."""
    await released_lease(world)
    await world.operator.start()
    first = await somebody_leads(world)
    await stands_by(world, follower)
    await world.apply(world.project_manifest())
    await world.becomes("DatabaseProject", world.project)
    fault = await world.sandbox.fault(method="POST", path="/datastores$", delay_seconds=300, times=1)
    await world.apply(world.datastore())

    async def hangs() -> bool:
        return any(each["id"] == fault and each["met"] for each in await world.sandbox.faults())

    await world.until("the creation hangs", hangs)
    assert await world.operator.stop() == 0
    assert await holder(world) != first, "released before it ended"
    await somebody_leads(world, after=first)
    assert GRACE_SECONDS + PARTS_END_SECONDS + RELEASE_SECONDS < 10


@a_patient_pair
async def test_a_standby_that_stops_changes_nothing(world: World, follower: OperatorProcess) -> None:
    await released_lease(world)
    await world.operator.start()
    first = await somebody_leads(world)
    await stands_by(world, follower)
    assert await follower.stop() == 0
    assert await holder(world) == first


@a_pair
async def test_one_that_is_killed_is_followed(world: World, follower: OperatorProcess) -> None:
    await released_lease(world)
    await world.operator.start()
    first = await somebody_leads(world)
    await stands_by(world, follower)
    await world.operator.kill()
    await somebody_leads(world, after=first)
    await world.apply(world.project_manifest(), world.datastore())
    await world.becomes("ManagedDatastore", "main")
    assert len(await world.posts("datastores")) == 1


async def test_an_api_server_that_is_away_does_not_end_the_leader(control_plane: ControlPlane, tmp_path: Path) -> None:
    async with ControlPlane(control_plane.binaries) as plane, Cluster(plane) as cluster:
        await install_crds(cluster)
        async with World(cluster, tmp_path, settings=PAIR) as world:
            await released_lease(world)
            await world.operator.start()
            first = await somebody_leads(world)
            await world.apply(world.project_manifest(), world.datastore())
            await world.becomes("ManagedDatastore", "main")
            await plane.stop_apiserver()

            async def has_lapsed() -> bool:
                assert "still_leading=False" in world.operator.log_tail(), world.operator.log_tail()
                return True

            await world.until("the lease has ended", has_lapsed)
            await plane.start_apiserver()
            await world.apply(world.user())
            await world.becomes("DatabaseUser", "app")
            assert world.operator.is_running
            assert await holder(world) == first


RENEWED = (("expire_tokens", True),)
"""The call is refused, and stands before its second send while the token is being renewed."""

STANDSTILLS: dict[str, tuple[tuple[str, Any], ...]] = {
    "before the send": RENEWED,
    "before the effect": EFFECT_COMES,
    "long before the effect": EFFECT_COMES_LATE,
    "after the effect": EFFECT_WAS,
}


async def stands_still_at(
    world: World,
    follower: OperatorProcess,
    call: tuple[str, str],
    fault: tuple[tuple[str, Any], ...],
    begin: Callable[[], Awaitable[None]],
) -> None:
    """Begin, and return once the leader stands still within its next such call.

    Until then the follower stands still: on a busy machine it might lead before its time.
    """
    method, path = call
    follower.pause()
    id_ = await world.sandbox.fault(method=method, path=path, times=1, **dict(fault))
    if fault == RENEWED:
        id_ = await world.sandbox.fault(method="POST", path="/auth/tokens$", times=1, delay_seconds=LEASE_SECONDS - 1)

    await begin()

    async def is_met() -> bool:
        return any(each["id"] == id_ and each["met"] for each in await world.sandbox.faults())

    await world.until(f"{method} {path} has arrived", is_met)
    world.operator.pause()
    follower.resume()


async def changing_calls(world: World) -> list[tuple[str, str]]:
    """What the cloud was asked to change so far."""
    return [
        (request["method"], request["path"])
        for request in await world.sandbox.requests(path="^/v1/")
        if request["method"] != "GET"
    ]


async def writes(world: World) -> list[str]:
    """What Kubernetes was asked to change so far by the operator's account, but for the Lease."""
    user = world.account
    return [
        f"{event.verb} {event.uri}"
        for event in world.cluster.audit(user=user, verb=CHANGING)
        if event.resource != "leases"
    ]


async def quiet(world: World) -> list[str]:
    """Wait until nothing is written any more; return what was."""
    seen: list[list[str]] = []

    async def is_quiet() -> tuple[list[str]] | None:
        seen.append(await writes(world))
        return (seen[-1],) if len(seen) > 10 and seen[-10] == seen[-1] else None

    written: tuple[list[str]] = await world.until("the new leader is quiet", is_quiet)
    return written[0]


async def wakes_and_does_nothing(world: World, follower: OperatorProcess) -> None:
    """Let the old leader go on while the new one stands still: all that is asked now is the old one's."""
    await quiet(world)
    follower.pause()
    before = await quiet(world)  # what it had asked for last is answered
    asked = await changing_calls(world)
    world.operator.resume()
    assert await world.operator.ends() == 1, "another leads: it must end"
    assert await changing_calls(world) == asked
    assert await writes(world) == before
    follower.resume()


@a_pair
@pytest.mark.parametrize("fault", STANDSTILLS.values(), ids=STANDSTILLS.keys())
async def test_one_that_stands_still_while_it_creates(
    world: World, follower: OperatorProcess, fault: tuple[tuple[str, Any], ...]
) -> None:
    await released_lease(world)
    await world.operator.start()
    first = await somebody_leads(world)
    await stands_by(world, follower)
    await world.apply(world.project_manifest())
    await world.becomes("DatabaseProject", world.project)

    async def begin() -> None:
        await world.apply(world.datastore())

    await stands_still_at(world, follower, ("POST", "/datastores$"), fault, begin)
    await somebody_leads(world, after=first)
    await wakes_and_does_nothing(world, follower)
    await world.becomes("ManagedDatastore", "main")
    [datastore] = await world.sandbox.objects("datastores")
    assert (await world.get("ManagedDatastore", "main"))["status"]["id"] == datastore["id"]


@a_pair
@pytest.mark.parametrize("fault", STANDSTILLS.values(), ids=STANDSTILLS.keys())
async def test_one_that_stands_still_while_it_changes_a_password(
    world: World, follower: OperatorProcess, fault: tuple[tuple[str, Any], ...]
) -> None:
    await released_lease(world)
    await world.operator.start()
    first = await somebody_leads(world)
    await stands_by(world, follower)
    await world.apply(world.project_manifest(), world.datastore(), world.user())
    await world.becomes("DatabaseUser", "app")
    old = (await world.secret("app-user"))["password"]

    async def begin() -> None:
        await world.cluster.delete("Secret", "app-user", world.namespace)

    await stands_still_at(world, follower, ("PUT", "/users/"), fault, begin)
    await somebody_leads(world, after=first)

    async def is_switched() -> bool:
        assert not await world.cluster.exists("Secret", "app-user-pending", world.namespace)
        assert (await world.secret("app-user"))["password"] != old
        return await world.login_works()

    await world.until("the new leader has changed the password", is_switched)
    await wakes_and_does_nothing(world, follower)
    await world.becomes("DatabaseUser", "app")
    assert await world.login_works()
