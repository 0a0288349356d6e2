from managed_databases.reconcile.scheduling.allowance import Allowance
from reconcile.manual_clocks import StillClock


def test_some_at_once_and_then_one_each_time() -> None:
    clock = StillClock()
    allowance = Allowance(clock, 3, 10)
    assert [allowance.has_now("a") for _ in range(5)] == [True, True, True, False, False]
    assert allowance.has_now("b"), "each one has its own"
    clock.moment += 10
    assert [allowance.has_now("a") for _ in range(2)] == [True, False]
    clock.moment += 1000
    assert [allowance.has_now("a") for _ in range(4)] == [True, True, True, False], "what was not had is not saved up"


def test_those_who_come_too_early_are_told_one_moment_and_that_counts_once() -> None:
    clock = StillClock()
    allowance, begun = Allowance(clock, 1, 10), clock.moment
    assert allowance.moment("a") == begun
    clock.moment += 3
    assert {allowance.moment("a") for _ in range(1000)} == {begun + 10}
    clock.moment += 7
    assert allowance.moment("a") == begun + 20
    assert allowance.moment("b") == clock.moment
