"""How long a Lease counts, for its holder and for others, when clocks jump and calls take long."""

import pytest

from kube.lease_server import LeaseServer, Replica


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
