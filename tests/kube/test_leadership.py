"""At most one leads, and one does; whoever does not lead writes nothing."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from cluster import Cluster
from kube.lease_server import LeaseServer, Replica
from managed_databases.kube.connection import KubeConnection
from managed_databases.kube.leadership import LEASE_NAME, Leadership, LeadershipLost
from managed_databases.reconcile.ports import KubeUnreachable


async def test_the_first_leads_and_the_second_waits_until_the_lease_was_not_renewed(
    server: LeaseServer, first: Replica, second: Replica
) -> None:
    assert await first.leadership.attempt()
    for _ in range(5):
        assert not await second.leadership.attempt()
        server.seconds += 10
        assert await first.leadership.attempt()
    assert not await second.leadership.attempt()
    server.seconds += 15
    assert not first.leadership.is_held()
    assert not await second.leadership.attempt(), "not a moment before"
    server.seconds += 0.001
    assert await second.leadership.attempt()
    with pytest.raises(LeadershipLost, match="held by second"):
        await first.leadership.attempt()
    assert not first.leadership.is_held()


async def test_who_does_not_lead_begins_no_write(first: Replica, second: Replica) -> None:
    await first.leadership.attempt()
    await second.leadership.attempt()
    await first.leadership.require()
    with pytest.raises(KubeUnreachable, match="does not hold the lease"):
        await second.leadership.require()


async def test_a_release_lets_another_lead_at_once(server: LeaseServer, first: Replica, second: Replica) -> None:
    await first.leadership.attempt()
    await second.leadership.attempt()
    await first.leadership.release()
    assert not first.leadership.is_held()
    assert await second.leadership.attempt()
    await first.leadership.release()
    assert server.holder == "second", "what is not ours is not released"


async def test_a_release_works_after_a_renewal_that_was_cut_off(server: LeaseServer, first: Replica) -> None:
    await first.leadership.attempt()
    first.loses = {"PUT"}
    await first.leadership.attempt()
    first.loses = set()
    await first.leadership.release()
    assert server.holder == ""


async def test_a_standby_that_stops_says_nothing(first: Replica, second: Replica) -> None:
    await first.leadership.attempt()
    await second.leadership.attempt()
    await second.leadership.release()
    assert second.asked == ["GET"]


async def test_what_others_wrote_into_the_lease_stays(server: LeaseServer, first: Replica) -> None:
    await first.leadership.attempt()
    assert server.lease is not None
    acquired = server.lease["spec"]["acquireTime"]
    server.label(team="red")
    await first.leadership.attempt()
    assert server.lease["metadata"]["labels"] == {"team": "red"}
    assert server.lease["spec"]["acquireTime"] == acquired
    assert server.lease["spec"]["leaseTransitions"] == 0


async def test_it_runs_until_another_leads(server: LeaseServer, first: Replica) -> None:
    running = asyncio.create_task(first.leadership.run())
    async with asyncio.timeout(60):
        await first.leadership.acquired.wait()
        server.edit(holderIdentity="second")
        with pytest.raises(LeadershipLost):
            await running


@pytest.fixture
async def connection(cluster: Cluster) -> AsyncIterator[KubeConnection]:
    connection = KubeConnection.from_kubeconfig(cluster.kubeconfig)
    yield connection
    await connection.close()


@pytest.mark.story
async def test_the_real_api_server_takes_it(cluster: Cluster, connection: KubeConnection) -> None:
    namespace = await cluster.namespace("leases")
    first, second = (Leadership(connection, namespace, name, lease_seconds=3) for name in ("first", "second"))
    assert await first.attempt()
    assert await first.attempt()
    assert not await second.attempt()
    await first.release()
    assert await second.attempt()
    lease = await cluster.get("Lease", LEASE_NAME, namespace)
    assert lease["spec"]["holderIdentity"] == "second"
    assert lease["spec"]["leaseTransitions"] == 1
    await cluster.delete("Lease", LEASE_NAME, namespace)
    assert await second.attempt()
    with pytest.raises(LeadershipLost, match="held by second"):
        await first.attempt()
