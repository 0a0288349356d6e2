import asyncio
from collections import Counter

import pytest

from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.scheduling.work_queue import Priority, WorkQueue
from reconcile.manual_clocks import StillClock, without_waiting

HIGH, LOW = Priority.HIGH, Priority.LOW


def take_all(queue: WorkQueue[str]) -> list[str]:
    taken = []
    while (next_ := without_waiting(queue.get())) is not None:
        taken.append(next_[0])
    return taken


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def queue(clock: StillClock) -> WorkQueue[str]:
    return WorkQueue(clock, group_limit=2)


def test_people_first_and_in_order(queue: WorkQueue[str]) -> None:
    for key, priority in (("a", LOW), ("b", HIGH), ("c", LOW), ("d", HIGH)):
        queue.add(key, priority)
    assert len(queue) == 4
    assert take_all(queue) == ["b", "d", "a", "c"]


def test_the_higher_priority_wins(queue: WorkQueue[str]) -> None:
    queue.add("a", LOW)
    queue.add("b", LOW)
    queue.add("b", HIGH)
    queue.add("b", LOW)
    assert without_waiting(queue.get()) == ("b", HIGH)
    assert without_waiting(queue.get()) == ("a", LOW)
    assert without_waiting(queue.get()) is None


def test_every_eighth_is_from_time(queue: WorkQueue[str]) -> None:
    for number in range(30):
        queue.add(f"p{number}", HIGH)
    for number in range(3):
        queue.add(f"t{number}", LOW)
    taken = take_all(queue)
    assert [taken.index(f"t{number}") for number in range(3)] == [7, 15, 23]


def test_a_key_in_work_runs_again_with_the_higher_priority(queue: WorkQueue[str]) -> None:
    queue.add("a", LOW)
    assert without_waiting(queue.get()) == ("a", LOW)
    queue.add("a", LOW)
    queue.add("a", HIGH)
    queue.add("a", LOW)
    assert without_waiting(queue.get()) is None
    assert not queue.idle()
    queue.done("a")
    assert without_waiting(queue.get()) == ("a", HIGH)
    queue.done("a")
    assert queue.idle()


def test_done_without_get(queue: WorkQueue[str]) -> None:
    with pytest.raises(KeyError):
        queue.done("a")


def test_the_earliest_timer_wins(queue: WorkQueue[str], clock: StillClock) -> None:
    queue.add_at("a", 1050)
    queue.add_at("a", 1020)
    queue.add_at("a", 1080, HIGH)
    assert queue.idle()
    clock.moment = 1019
    assert without_waiting(queue.get()) is None
    clock.moment = 1020
    assert without_waiting(queue.get()) == ("a", HIGH)
    queue.done("a")
    clock.moment = 2000
    assert without_waiting(queue.get()) is None


def test_a_moment_that_has_passed_is_now(queue: WorkQueue[str], clock: StillClock) -> None:
    queue.add_at("a", clock.moment)
    assert len(queue) == 1


def test_add_supersedes_the_timer(queue: WorkQueue[str], clock: StillClock) -> None:
    queue.add_at("a", 1010)
    queue.add("a", LOW)
    assert take_all(queue) == ["a"]
    queue.done("a")
    clock.moment = 1010
    assert without_waiting(queue.get()) is None


def test_a_timer_that_was_cancelled_or_forgotten(queue: WorkQueue[str], clock: StillClock) -> None:
    for key in ("a", "b"):
        queue.add_at(key, 1010)
    queue.cancel_timer("a")
    queue.remove("b")
    clock.moment = 1010
    assert without_waiting(queue.get()) is None


def test_a_timer_that_rings_in_work_makes_it_run_again(queue: WorkQueue[str], clock: StillClock) -> None:
    queue.add("a", LOW)
    assert without_waiting(queue.get())
    queue.add_at("a", 1010)
    clock.moment = 1010
    assert without_waiting(queue.get()) is None
    queue.done("a")
    assert without_waiting(queue.get()) == ("a", LOW)


def test_replaced_timers_take_no_space(queue: WorkQueue[str]) -> None:
    for _ in range(1000):
        queue.add_at("a", 5000)
        queue.cancel_timer("a")
    assert len(queue._moments) < 100


def test_a_full_group_lets_the_others_pass(queue: WorkQueue[str]) -> None:
    for key in ("m1", "m2", "m3", "m4", "x"):
        queue.set_group(key, None if key == "x" else "main")
        queue.add(key, HIGH)
    assert take_all(queue) == ["m1", "m2", "x"]
    queue.add("y", HIGH)
    queue.done("m2")
    assert take_all(queue) == ["m3", "y"]
    queue.done("x")
    assert without_waiting(queue.get()) is None
    queue.done("m1")
    assert take_all(queue) == ["m4"]


def test_a_forgotten_key_gives_its_place_to_the_next(queue: WorkQueue[str]) -> None:
    for number in range(5):
        queue.set_group(f"m{number}", "main")
        queue.add(f"m{number}", LOW)
    assert take_all(queue) == ["m0", "m1"]
    queue.done("m0")
    queue.remove("m2")
    assert take_all(queue) == ["m3"]


def test_leaving_a_full_group_frees_at_once(queue: WorkQueue[str]) -> None:
    for number in range(4):
        queue.set_group(f"m{number}", "main")
        queue.add(f"m{number}", LOW)
    assert take_all(queue) == ["m0", "m1"]
    queue.set_group("m3", None)
    assert take_all(queue) == ["m3"]
    queue.set_group("m2", "other")
    assert take_all(queue) == ["m2"]


def test_a_key_that_was_called_back_and_leaves_gives_its_place_to_the_next(queue: WorkQueue[str]) -> None:
    for number in range(4):
        queue.set_group(f"m{number}", "main")
        queue.add(f"m{number}", LOW)
    assert take_all(queue) == ["m0", "m1"]
    queue.done("m0")
    queue.set_group("m2", None)
    assert take_all(queue) == ["m2", "m3"]


def test_a_forgotten_key_in_work_does_not_run_again(queue: WorkQueue[str]) -> None:
    queue.add("a", LOW)
    assert without_waiting(queue.get())
    queue.add("a", HIGH)
    queue.remove("a")
    queue.done("a")
    assert queue.idle()


def test_what_a_pass_has_seen_itself_does_not_make_it_run_again(queue: WorkQueue[str]) -> None:
    queue.add("a", LOW)
    assert without_waiting(queue.get())
    queue.add("a", HIGH)
    queue.clear_dirty("a")
    queue.add("b", LOW)
    queue.clear_dirty("b")  # waits for its first pass: that is no second one
    queue.done("a")
    assert take_all(queue) == ["b"]


def test_a_full_group_ends_what_is_begun_and_begins_something_in_between(clock: StillClock) -> None:
    queue = WorkQueue[str](clock, group_limit=1)
    for priority in (HIGH, LOW):
        for number in range(5):
            queue.set_group(key := f"{priority.name} {number}", "main")
            queue.add(key, priority)
    served = take_all(queue)  # of a group of one: the others step aside
    while len(served) < 10:
        queue.done(served[-1])
        served += take_all(queue)
    first, *others = served
    assert first == "HIGH 0"
    assert others[:5] == ["LOW 0", "LOW 1", "LOW 2", "HIGH 1", "LOW 3"]
    assert others[5:] == ["LOW 4", "HIGH 2", "HIGH 3", "HIGH 4"]


async def test_many_workers_share_the_work() -> None:
    clock = Clock(speed=1000)
    queue = WorkQueue[int](clock, group_limit=3)
    runs: Counter[int] = Counter()
    working: Counter[int] = Counter()

    async def work() -> None:
        while True:
            key, _ = await queue.get()
            working[key % 5] += 1
            assert working[key % 5] <= 3
            await asyncio.sleep(0)
            runs[key] += 1
            working[key % 5] -= 1
            queue.done(key)

    async with asyncio.timeout(60):
        workers = [asyncio.create_task(work()) for _ in range(12)]
        for key in range(200):
            queue.set_group(key, key % 5)
            queue.set_group(key + 200, key % 5)
            queue.add(key, LOW)
            queue.add_at(key + 200, clock.monotonic() + key % 20)
        while len(runs) < 400:
            await asyncio.sleep(0.01)
            assert not any(worker.done() for worker in workers)
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    assert set(runs.values()) == {1}
    assert queue.idle()


async def test_a_cancelled_get_takes_nothing() -> None:
    queue = WorkQueue[str](Clock())
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add("a", HIGH)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(60):
        assert await queue.get() == ("a", HIGH)


async def test_an_earlier_timer_wakes_a_waiting_get() -> None:
    clock = Clock(speed=1000)
    queue = WorkQueue[str](clock)
    queue.add_at("late", clock.monotonic() + 10**9)
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add_at("soon", clock.monotonic() + 10)
    async with asyncio.timeout(60):
        assert await waiting == ("soon", LOW)


class CountingClock(Clock):
    """Counts how often somebody began to wait."""

    waits = 0

    async def wait(self, event: asyncio.Event, until: float | None) -> bool:
        self.waits += 1
        return await super().wait(event, until)


async def test_a_timer_wakes_one_of_many_workers() -> None:
    clock = CountingClock(speed=1000)
    queue = WorkQueue[int](clock)
    runs: set[int] = set()
    all_ran = asyncio.Event()

    async def work() -> None:
        while True:
            key, _ = await queue.get()
            runs.add(key)
            queue.done(key)
            if len(runs) == 50:
                all_ran.set()

    for key in range(50):
        queue.add_at(key, clock.monotonic() + 10 + 10 * key)
    workers = [asyncio.create_task(work()) for _ in range(100)]
    async with asyncio.timeout(60):
        await all_ran.wait()
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    assert clock.waits <= 1 + 2 * 50


async def test_one_that_keeps_watch_and_is_cancelled_is_relieved() -> None:
    queue = WorkQueue[str](Clock())
    first, second = asyncio.create_task(queue.get()), asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    queue.add("a", HIGH)
    async with asyncio.timeout(60):
        assert await second == ("a", HIGH)


def test_thousands_aside_cost_little() -> None:
    clock = StillClock()
    queue = WorkQueue[str](clock, group_limit=1)
    for number in range(10_000):
        queue.set_group(f"m{number}", "main")
        queue.add(f"m{number}", HIGH)
    assert without_waiting(queue.get()) == ("m0", HIGH)
    assert without_waiting(queue.get()) is None
    for number in range(1, 10_000):
        queue.done(f"m{number - 1}")
        assert len(queue._ready[HIGH]) == 1
        assert without_waiting(queue.get()) == (f"m{number}", HIGH)
