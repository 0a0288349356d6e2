"""A Lease that is deleted or emptied, and answers that are lost: nobody leads too early, and who leads goes on."""

import pytest

from kube.lease_server import LeaseServer, Replica
from managed_databases.kube.leadership import LeadershipLost


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
