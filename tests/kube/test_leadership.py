"""At most one leads, whatever networks and clocks do; and one does, when they let it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster import Cluster
from kube.lease_server import LeaseServer, Replica
from managed_databases.kube.connection import KubeConnection
from managed_databases.kube.leadership import LEASE_NAME, Leadership, LeadershipLost
from managed_databases.reconcile.ports import KubeUnreachable


@pytest.fixture
def server() -> LeaseServer:
    server = LeaseServer()
    server.leave()
    return server


@pytest.fixture
def first(server: LeaseServer) -> Replica:
    return Replica(server, "first")


@pytest.fixture
def second(server: LeaseServer) -> Replica:
    return Replica(server, "second")


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


async def test_whoever_makes_the_lease_leads_only_once_another_would_have_ended(
    first: Replica, server: LeaseServer
) -> None:
    """It was deleted while this Pod started: somebody may lead who does not know yet."""
    await first.leadership.attempt()
    server.delete()
    fresh = Replica(server, "fresh")
    for _ in range(15):
        assert await fresh.leadership.attempt(), "the Lease is there, and renewed"
        assert not fresh.leadership.is_held()
        server.seconds += 1
        assert not (first.leadership.is_held() and fresh.leadership.is_held())
    assert not first.leadership.is_held()
    with pytest.raises(LeadershipLost):
        await first.leadership.attempt()
    server.seconds += 0.001
    assert await fresh.leadership.attempt()
    assert fresh.leadership.is_held()


async def test_who_leads_makes_a_deleted_lease_again_and_leads_on(first: Replica, server: LeaseServer) -> None:
    await first.leadership.attempt()
    server.delete()
    assert await first.leadership.attempt()
    assert first.leadership.is_held()
    assert not await Replica(server, "fresh").leadership.attempt()


@pytest.mark.parametrize("whole", [False, True], ids=["the holder", "all of it"])
async def test_a_lease_that_was_emptied_by_hand_makes_no_second_leader(
    server: LeaseServer, first: Replica, second: Replica, whole: bool
) -> None:
    """Who leads does not know until the next renewal."""
    await first.leadership.attempt()
    await second.leadership.attempt()
    server.empty(whole=whole)
    fresh = Replica(server, "fresh")
    for _ in range(15):
        for other in (second, fresh):
            assert not await other.leadership.attempt()
            assert not other.leadership.is_held()
        assert first.leadership.is_held()
        server.seconds += 1
    server.seconds += 0.001
    assert not first.leadership.is_held()
    assert await second.leadership.attempt()
    with pytest.raises(LeadershipLost):
        await first.leadership.attempt()


@pytest.mark.parametrize("whole", [False, True], ids=["the holder", "all of it"])
async def test_who_leads_fills_an_emptied_lease_again_and_leads_on(
    server: LeaseServer, first: Replica, second: Replica, whole: bool
) -> None:
    await first.leadership.attempt()
    server.empty(whole=whole)
    assert not await second.leadership.attempt()
    assert await first.leadership.attempt()
    assert first.leadership.is_held()
    assert server.holder == "first"
    assert not await second.leadership.attempt()


async def test_who_does_not_lead_any_more_takes_no_emptied_lease(server: LeaseServer, first: Replica) -> None:
    """Somebody else may have led in between."""
    await first.leadership.attempt()
    server.empty()
    server.seconds += 16
    with pytest.raises(LeadershipLost, match="held by nobody"):
        await first.leadership.attempt()


async def test_a_lease_counts_from_before_it_was_sent(server: LeaseServer, first: Replica) -> None:
    async def slow() -> None:
        server.seconds += 14

    first.on_the_way_back = slow  # of the GET
    await first.leadership.attempt()
    assert first.leadership.is_held()
    first.on_the_way_back = slow  # of the PUT
    await first.leadership.attempt()
    server.seconds += 1
    assert not first.leadership.is_held()


async def test_a_standby_counts_from_after_it_looked(server: LeaseServer, first: Replica, second: Replica) -> None:
    await first.leadership.attempt()

    async def slow() -> None:
        server.seconds += 10
        await first.leadership.attempt()

    second.on_the_way = slow
    await second.leadership.attempt()
    server.seconds += 14
    assert not await second.leadership.attempt()
    assert first.leadership.is_held()


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
async def test_a_wall_clock_that_jumps_lets_nobody_take_over_early(
    server: LeaseServer, first: Replica, second: Replica, jump: float
) -> None:
    await first.leadership.attempt()
    await second.leadership.attempt()
    second.wall_offset += jump
    assert not await second.leadership.attempt()
    server.seconds += 15.001
    assert await second.leadership.attempt()


async def test_a_paused_machine_knows_by_its_wall_clock(first: Replica) -> None:
    await first.leadership.attempt()
    first.wall_offset += 15
    assert not first.leadership.is_held()


async def test_a_wall_clock_set_back_prolongs_nothing(server: LeaseServer, first: Replica) -> None:
    await first.leadership.attempt()
    first.wall_offset -= 3600
    server.seconds += 15
    assert not first.leadership.is_held()


@pytest.mark.parametrize("lease_seconds", [2.5, 15.0])
async def test_others_are_never_told_less_than_we_count_on(server: LeaseServer, lease_seconds: float) -> None:
    await Replica(server, "first", lease_seconds).leadership.attempt()
    assert server.lease is not None
    assert server.lease["spec"]["leaseDurationSeconds"] >= lease_seconds


async def test_the_holders_duration_counts_not_ones_own(server: LeaseServer) -> None:
    first, second = Replica(server, "first", lease_seconds=60), Replica(server, "second", lease_seconds=5)
    await first.leadership.attempt()
    await second.leadership.attempt()
    server.seconds += 59
    assert not await second.leadership.attempt()
    server.seconds += 2
    assert await second.leadership.attempt()


async def test_a_renewal_whose_answer_is_lost_is_still_ours(server: LeaseServer, first: Replica) -> None:
    await first.leadership.attempt()
    first.loses = {"PUT"}
    server.seconds += 10
    assert not await first.leadership.attempt()
    server.seconds += 5
    assert not first.leadership.is_held(), "what was not answered prolongs nothing"
    first.loses = set()
    assert await first.leadership.attempt()
    assert first.leadership.is_held()
    assert first.asked[-3:] == ["PUT", "GET", "PUT"], "a conflict, a look, and a renewal"


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_an_acquisition_whose_answer_is_lost_is_found(server: LeaseServer, first: Replica, method: str) -> None:
    if method == "PUT":
        before = Replica(server, "before")
        await before.leadership.attempt()
        await before.leadership.release()
    else:
        server.delete()
    first.loses = {method}
    assert not await first.leadership.attempt()
    assert not first.leadership.is_held()
    first.loses = set()
    assert await first.leadership.attempt()
    assert server.holder == "first"
    assert first.leadership.is_held() is (method == "PUT"), "whoever has made the Lease waits, heard of it or not"


async def test_a_leader_whom_kubernetes_did_not_answer_goes_on_when_nobody_led_in_between(
    server: LeaseServer, first: Replica, second: Replica
) -> None:
    await first.leadership.attempt()
    first.loses = {"GET", "PUT"}
    server.seconds += 600
    assert not await first.leadership.attempt()
    assert not first.leadership.is_held()
    first.loses = set()
    assert await first.leadership.attempt()
    assert not await second.leadership.attempt()


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


async def test_a_deleted_lease_is_made_again_by_its_holder(server: LeaseServer, first: Replica) -> None:
    await first.leadership.attempt()
    server.delete()
    assert await first.leadership.attempt()
    assert server.holder == "first"


async def test_a_deleted_lease_is_waited_out_by_a_standby(server: LeaseServer, first: Replica, second: Replica) -> None:
    await first.leadership.attempt()
    await second.leadership.attempt()
    server.delete()
    assert not await second.leadership.attempt()
    server.seconds += 15.001
    assert not first.leadership.is_held()
    assert await second.leadership.attempt()
    with pytest.raises(LeadershipLost):
        await first.leadership.attempt()


async def test_a_lease_that_is_deleted_twice_makes_no_second_leader(
    server: LeaseServer, first: Replica, second: Replica
) -> None:
    """Between two looks of the standby its holder has made it again, and somebody has deleted it again."""
    await first.leadership.attempt()
    await second.leadership.attempt()
    server.delete()
    assert not await second.leadership.attempt()
    server.seconds += 14
    await first.leadership.attempt()
    server.delete()
    for _ in range(14):
        server.seconds += 1.001
        await second.leadership.attempt()
        assert first.leadership.is_held()
        assert not second.leadership.is_held()
    server.seconds += 15
    assert await second.leadership.attempt()
    assert second.leadership.is_held()


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


seconds = st.sampled_from([0.0, 0.5, 3.0, 7.0, 14.9, 15.1, 40.0])
events = st.fixed_dictionaries(
    {
        "who": st.integers(0, 2),
        "what": st.sampled_from(
            ["attempt", "attempt", "attempt", "attempt", "release", "kill", "jump", "delete", "empty", "empty all"]
        ),
        "before": seconds,
        "there": seconds,
        "back": seconds,
        "loses": st.sampled_from([set(), set(), {"PUT"}, {"POST"}, {"GET"}]),
        "meanwhile": st.none() | st.integers(0, 2),
    }
)


@given(st.lists(events, max_size=40))
def test_never_two_leaders(history: list[dict[str, Any]]) -> None:
    asyncio.run(_replay(history))


async def _replay(history: list[dict[str, Any]]) -> None:
    server = LeaseServer()
    replicas = [Replica(server, f"{number}") for number in range(3)]
    busy: set[int] = set()

    def started_again(who: int) -> None:
        replicas[who] = Replica(server, f"{replicas[who].identity}'")

    async def try_(who: int) -> None:
        busy.add(who)
        try:
            await replicas[who].leadership.attempt()
        except LeadershipLost:
            assert not replicas[who].leadership.is_held()
            started_again(who)
        busy.discard(who)
        leaders = [replica.identity for replica in replicas if replica.leadership.is_held()]
        assert len(leaders) <= 1, leaders

    for event in history:
        who = event["who"]
        replica = replicas[who]
        server.seconds += event["before"]
        if event["what"] == "kill":
            started_again(who)
        elif event["what"] == "release":
            await replica.leadership.release()
            started_again(who)
        elif event["what"] == "jump":
            replica.wall_offset += (event["there"] - event["back"]) * 100
        elif event["what"] == "delete":
            server.delete()
        elif event["what"].startswith("empty"):
            if server.lease is not None:
                server.empty(whole=event["what"] == "empty all")
        else:

            async def there(event: dict[str, Any] = event) -> None:
                server.seconds += event["there"]
                if event["meanwhile"] is not None and event["meanwhile"] not in busy:
                    await try_(event["meanwhile"])

            async def back(event: dict[str, Any] = event) -> None:
                server.seconds += event["back"]

            replica.on_the_way, replica.on_the_way_back, replica.loses = there, back, event["loses"]
            await try_(who)


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
