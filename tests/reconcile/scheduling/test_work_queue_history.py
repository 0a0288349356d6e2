from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from managed_databases.reconcile.scheduling.work_queue import Priority, WorkQueue
from reconcile.manual_clocks import StillClock, without_waiting


class QueueHistory(RuleBasedStateMachine):
    """No key twice at once, none lost, no group over its limit, people first but not for ever."""

    KEYS = st.sampled_from("abcdefgh")
    PRIORITIES = st.sampled_from(list(Priority))
    LIMIT = 2

    def __init__(self) -> None:
        super().__init__()
        self.clock = StillClock()
        self.queue = WorkQueue[str](self.clock, group_limit=self.LIMIT)
        self.due: dict[str, Priority] = {}
        self.timers: dict[str, tuple[float, Priority]] = {}
        self.groups: dict[str, str | None] = {}
        self.working: dict[str, str | None] = {}
        self.again: dict[str, Priority] = {}
        self.people_in_a_row = 0

    def model_add(self, key: str, priority: Priority) -> None:
        self.timers.pop(key, None)
        where = self.again if key in self.working else self.due
        where[key] = min(priority, where.get(key, priority))

    def may_run(self, key: str) -> bool:
        group = self.groups.get(key)
        return group is None or Counter(self.working.values())[group] < self.LIMIT

    def may_be_aside(self, key: str) -> bool:
        """Whether fewer places are free in the key's group than keys of it are due: the group says which of them are next."""
        group = self.groups.get(key)
        free = self.LIMIT - Counter(self.working.values())[group]
        return group is not None and sum(self.groups.get(other) == group for other in self.due) > free

    def next_of(self, priorities: set[Priority]) -> Priority:
        return Priority.LOW if self.people_in_a_row >= 7 and Priority.LOW in priorities else min(priorities)

    @rule(key=KEYS, priority=PRIORITIES)
    def add(self, key: str, priority: Priority) -> None:
        self.queue.add(key, priority)
        self.model_add(key, priority)

    @rule(key=KEYS, priority=PRIORITIES, seconds=st.integers(-1, 5))
    def add_at(self, key: str, priority: Priority, seconds: int) -> None:
        moment = self.clock.moment + seconds
        self.queue.add_at(key, moment, priority)
        if seconds <= 0:
            self.model_add(key, priority)
        else:
            known = self.timers.get(key, (moment, priority))
            self.timers[key] = (min(moment, known[0]), min(priority, known[1]))

    @rule(key=KEYS)
    def cancel_timer(self, key: str) -> None:
        self.queue.cancel_timer(key)
        self.timers.pop(key, None)

    @rule(key=KEYS, group=st.sampled_from(["x", "y", None]))
    def set_group(self, key: str, group: str | None) -> None:
        self.queue.set_group(key, group)
        self.groups[key] = group

    @rule(key=KEYS)
    def clear_dirty(self, key: str) -> None:
        self.queue.clear_dirty(key)
        self.again.pop(key, None)

    @rule(key=KEYS)
    def forget(self, key: str) -> None:
        self.queue.remove(key)
        for known in (self.due, self.timers, self.groups, self.again):
            known.pop(key, None)

    @rule(seconds=st.integers(1, 3))
    def time_passes(self, seconds: int) -> None:
        self.clock.moment += seconds

    @rule(count=st.integers(1, 9))
    def get(self, count: int) -> None:
        for _ in range(count):
            self.get_one()

    def get_one(self) -> None:
        for key, (moment, priority) in list(self.timers.items()):
            if moment <= self.clock.moment:
                self.model_add(key, priority)
        priorities = {priority for key, priority in self.due.items() if self.may_run(key)}
        sure = {priority for key, priority in self.due.items() if self.may_run(key) and not self.may_be_aside(key)}
        taken = without_waiting(self.queue.get())
        if taken is None:
            assert not priorities, f"{self.due} may run and were not given"
            return
        key, priority = taken
        assert key not in self.working
        assert self.due.pop(key) is priority
        assert self.may_run(key)
        seen = [sure | {each} for each in priorities] + [sure | priorities] + ([sure] if sure else [])
        assert priority in {self.next_of(each) for each in seen}
        self.people_in_a_row = self.people_in_a_row + 1 if priority is Priority.HIGH else 0
        self.working[key] = self.groups.get(key)

    @precondition(lambda self: self.working)
    @rule(data=st.data())
    def done(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.working)))
        self.queue.done(key)
        del self.working[key]
        if key in self.again:
            self.due[key] = self.again.pop(key)

    @invariant()
    def agrees_on_what_is_left(self) -> None:
        assert len(self.queue) == len(self.due)
        assert self.queue.idle() == (not self.due and not self.working)

    def teardown(self) -> None:
        self.clock.moment += 10
        self.get_one()
        while self.working:
            key = next(iter(self.working))
            self.queue.done(key)
            del self.working[key]
            if key in self.again:
                self.due[key] = self.again.pop(key)
            self.get_one()
            self.get_one()
        assert not self.due
        assert not self.timers
        assert self.queue.idle()


QueueHistory.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestQueueHistory = QueueHistory.TestCase
