import asyncio

import pytest

from managed_databases.reconcile.project.rate_limiter import PriorityClosed, RateLimiter
from managed_databases.reconcile.scheduling.work_queue import Priority
from reconcile.manual_clocks import GatedClock, LeapingClock, StillClock
from virtual.virtual_time import VirtualClock


async def spend(budget: RateLimiter, priority: Priority, calls: int) -> None:
    for _ in range(calls):
        await budget.admit(priority)


async def test_a_burst_and_then_the_rate() -> None:
    clock = LeapingClock()
    budget, start = RateLimiter(clock, calls_per_second=20, burst=40), clock.moment
    await spend(budget, Priority.HIGH, 40)
    assert clock.moment == start
    await spend(budget, Priority.HIGH, 200)
    assert clock.moment - start >= 200 / 20 * 0.9


async def test_never_more_than_burst_and_rate_together() -> None:
    clock = LeapingClock()
    budget, start = RateLimiter(clock, calls_per_second=20, burst=40), clock.moment
    for calls in range(2, 600, 2):
        await budget.admit(Priority.HIGH)
        await budget.admit(Priority.LOW)
        assert calls <= 40 + 20 * (clock.moment - start) + 1e-6


async def test_what_time_used_up_leaves_the_share_of_people() -> None:
    clock = LeapingClock()
    budget = RateLimiter(clock, burst=40, high_share=0.25)
    await spend(budget, Priority.LOW, 200)
    start = clock.moment
    await spend(budget, Priority.HIGH, 10)
    assert clock.moment == start


async def test_people_do_not_take_from_time_while_it_waits() -> None:
    clock = VirtualClock()
    budget = RateLimiter(clock, calls_per_second=20, burst=4, high_share=0.25)
    admitted: list[Priority] = []

    async def keep_calling(priority: Priority) -> None:
        while len(admitted) < 80:
            await budget.admit(priority)
            admitted.append(priority)

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for priority in (Priority.HIGH, Priority.HIGH, Priority.LOW, Priority.LOW):
            group.create_task(keep_calling(priority))
    assert admitted.count(Priority.LOW) >= 40, admitted
    assert admitted.count(Priority.HIGH) >= 10, admitted


class HeldClock(StillClock):
    """Stands still, and so does everybody who waits."""

    async def wait(self, event: asyncio.Event, until: float | None) -> bool:
        return await asyncio.Event().wait()


async def test_people_leave_the_share_of_time_to_a_call_that_waits() -> None:
    clock = HeldClock()
    budget = RateLimiter(clock, burst=4)
    await spend(budget, Priority.LOW, 3)
    waiting = asyncio.create_task(budget.admit(Priority.LOW))
    await asyncio.sleep(0)
    clock.moment += 1
    await budget.admit(Priority.HIGH)
    second = asyncio.create_task(budget.admit(Priority.HIGH))
    await asyncio.sleep(0)
    assert not second.done()
    for task in (waiting, second):
        task.cancel()
    await asyncio.gather(waiting, second, return_exceptions=True)
    await budget.admit(Priority.HIGH)


async def test_first_come_first_served() -> None:
    budget = RateLimiter(VirtualClock(), burst=4)
    admitted: list[int] = []

    async def call(number: int) -> None:
        await budget.admit(Priority.LOW)
        admitted.append(number)

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(call(number))
    assert admitted == list(range(20))


async def test_a_cancelled_call_holds_nobody_up() -> None:
    clock = GatedClock()
    budget = RateLimiter(clock, burst=4)
    await spend(budget, Priority.LOW, 3)
    first, second = (asyncio.create_task(budget.admit(Priority.LOW)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    clock.gate.set()
    async with asyncio.timeout(60):
        await second
    assert first.cancelled()


@pytest.mark.parametrize(("retry_after", "closed_seconds"), [(None, 5), (17, 17), (10**9, 3600), (-3, None), (0, None)])
def test_a_429_closes_the_low_priority(retry_after: float | None, closed_seconds: float | None) -> None:
    clock = LeapingClock()
    budget = RateLimiter(clock)
    budget.refused(Priority.LOW, retry_after)
    expected = None if closed_seconds is None else clock.moment + closed_seconds
    assert budget.closed_until(Priority.LOW) == expected
    assert budget.closed_until(Priority.HIGH) is None


async def test_a_closed_lane_says_so_and_people_go_on() -> None:
    clock = LeapingClock()
    budget, start = RateLimiter(clock), clock.moment
    budget.refused(Priority.LOW, 17)
    budget.refused(Priority.LOW, 2)
    await budget.admit(Priority.HIGH)
    with pytest.raises(PriorityClosed) as closed:
        await budget.admit(Priority.LOW)
    assert closed.value.seconds == 17
    assert clock.moment == start, "nobody waits that long"
    clock.moment += 17
    await budget.admit(Priority.LOW)
    assert budget.closed_until(Priority.LOW) is None


async def seconds_for_people(clock: LeapingClock, budget: RateLimiter, calls: int) -> float:
    start = clock.moment
    await spend(budget, Priority.HIGH, calls)
    return clock.moment - start


async def test_a_429_for_people_slows_them_down_for_a_while() -> None:
    clock = LeapingClock()
    budget = RateLimiter(clock)
    await spend(budget, Priority.HIGH, 40)
    usual = await seconds_for_people(clock, budget, 20)
    for _ in range(9):
        budget.refused(Priority.HIGH, 30)
    assert budget.closed_until(Priority.HIGH) is None
    assert await seconds_for_people(clock, budget, 20) > 2 * usual
    clock.moment += 60
    await spend(budget, Priority.HIGH, 40)
    assert await seconds_for_people(clock, budget, 20) == pytest.approx(usual, rel=0.2)


class Line:
    """A budget of passes, and who was told that it may send. No time passes until somebody is waited for."""

    def __init__(self, **settings: float) -> None:
        self.clock = GatedClock()
        self.told: list[object] = []
        self.budget = RateLimiter(self.clock, granted=self._granted, **settings)  # type: ignore[arg-type]

    def _granted(self, who: object, priority: Priority) -> None:
        self.told.append(who)

    async def until_told(self, count: int) -> None:
        self.clock.gate.set()
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            serving = group.create_task(self.budget.serve())
            while len(self.told) < count:  # noqa: ASYNC110 (what is waited for is not ours to set an event on)
                await asyncio.sleep(0.001)
            serving.cancel()


async def test_a_pass_that_may_not_send_is_told_when_it_may() -> None:
    line = Line(calls_per_second=20, burst=4)
    assert [line.budget.take_turn(number, Priority.LOW) for number in range(5)] == [True, True, True, False, False]
    assert not line.budget.take_turn(3, Priority.LOW), "its place is the one it has"
    await line.until_told(2)
    assert line.told == [3, 4]
    for number in (3, 4):
        assert line.budget.take_turn(number, Priority.LOW)
        line.budget.spend(number)
    with pytest.raises(KeyError):
        line.budget.spend(3)


async def test_in_the_line_shares_take_turns() -> None:
    line = Line(calls_per_second=20, burst=4)
    await spend(line.budget, Priority.LOW, 3)
    for who in ("a1", "a2", "a3", "b1"):
        assert not line.budget.take_turn(who, Priority.LOW, (who[0], None))
    await line.until_told(4)
    assert line.told == ["a1", "b1", "a2", "a3"]


def test_what_is_not_spent_goes_back() -> None:
    budget = RateLimiter(StillClock(), burst=4)
    assert budget.take_turn("a", Priority.LOW)
    left = budget.left(Priority.LOW)
    budget.leave("a")
    assert budget.left(Priority.LOW) == left + 1


async def test_who_leaves_the_line_is_passed_over() -> None:
    line = Line(calls_per_second=20, burst=4)
    await spend(line.budget, Priority.LOW, 3)
    for who in ("a", "b"):
        assert not line.budget.take_turn(who, Priority.LOW)
    line.budget.leave("a")
    await line.until_told(1)
    assert line.told == ["b"]


async def test_what_a_person_does_meanwhile_does_not_wait_in_the_line_of_time() -> None:
    line = Line(calls_per_second=20, burst=40)
    line.budget.refused(Priority.LOW, 3600)
    assert not line.budget.take_turn("a", Priority.LOW)
    assert line.budget.take_turn("a", Priority.HIGH)


def test_a_priority_that_closes_says_so_to_its_line_and_takes_back_what_was_reserved() -> None:
    told: list[object] = []
    budget = RateLimiter(StillClock(), burst=4, granted=lambda who, priority: told.append(who))
    assert [budget.take_turn(number, Priority.LOW) for number in range(4)] == [True, True, True, False]
    budget.refused(Priority.LOW, 3600)
    assert told == [3]
    assert not budget.take_turn(0, Priority.LOW)
    assert budget.seconds_to_wait(Priority.LOW) >= 3600
