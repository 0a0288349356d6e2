"""There are never more looks at rest than LOOKS_A_SECOND, and no resource is left out, whatever begins together or goes."""

import heapq
import random
from collections import Counter

import pytest

from managed_databases.reconcile.scheduling.looks import Looks

RESYNC_SECONDS = 600
HOURS = 3 * 3600


class Resources:
    """So many resources, which have all had a pass within a minute."""

    def __init__(self, number: int) -> None:
        self.looks = Looks(RESYNC_SECONDS, random.Random(1).random)  # noqa: S311 (spreads, guards nothing)
        self.steps: dict[int, int] = {}
        for each in range(number):
            self.steps[each] = self.looks.take(None, each * 60 / number, each + 1)
        self.last = dict.fromkeys(self.steps, 60.0)
        self.waits: list[float] = []
        self.per_ten_seconds: Counter[int] = Counter()

    def run(self, start: float, until: float) -> None:
        due = [(self.looks.moment(step), each) for each, step in self.steps.items()]
        heapq.heapify(due)
        while due[0][0] < until:
            now, each = heapq.heappop(due)
            assert now >= start
            self.per_ten_seconds[int(now // 10)] += 1
            self.waits.append(now - self.last[each])
            self.last[each] = now
            self.steps[each] = self.looks.take(self.steps[each], now, len(self.steps))
            heapq.heappush(due, (self.looks.moment(self.steps[each]), each))


@pytest.mark.parametrize("number", [10, 3_000, 15_000, 30_000])
def test_looks_stay_few_also_where_all_resources_begin_at_once(number: int) -> None:
    resources = Resources(number)
    resources.run(0, HOURS)
    interval = max(RESYNC_SECONDS, number / 25)
    assert max(resources.per_ten_seconds.values()) <= 255, "25 a second, and some of a step"
    assert max(resources.waits) <= 1.11 * interval
    assert set(resources.last) == {each for each, last in resources.last.items() if last > HOURS - 1.2 * interval}
    if number <= 3_000:
        assert min(resources.waits) >= 0.65 * interval
    assert len(resources.waits) / HOURS <= 25


def test_what_is_left_of_very_many_is_looked_at_soon() -> None:
    resources = Resources(100_000)
    now, seen = 70.0, 0
    for each in range(10, 100_000):
        resources.looks.leave(resources.steps.pop(each))
        if resources.looks.has_fallen(now, len(resources.steps)):
            seen += 1
            for other, step in resources.steps.items():
                sooner = resources.looks.sooner(step, now, len(resources.steps))
                resources.steps[other] = step if sooner is None else sooner
    assert 3 <= seen <= 5, "not for each that goes"
    assert all(now < resources.looks.moment(step) <= now + 1.7 * RESYNC_SECONDS for step in resources.steps.values())


def test_a_need_is_remembered_for_as_long_as_looks_took() -> None:
    looks = Looks(RESYNC_SECONDS)
    looks.take(None, 0.0, 100_000)
    assert looks.longest(0.0) == 4_000
    assert looks.has_fallen(10.0, 10)
    assert looks.longest(11.0) == 4_000
    assert looks.longest(10.0 + 1.4 * RESYNC_SECONDS) == RESYNC_SECONDS
    assert not looks.has_fallen(2_000.0, 10)


def test_where_there_is_no_room_the_moment_is_still_to_come() -> None:
    looks = Looks(RESYNC_SECONDS)
    moments = [looks.moment(looks.take(None, 1.0, 10)) for _ in range(20_000)]
    assert min(moments) > 1.0
