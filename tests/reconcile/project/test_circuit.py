import pytest

from managed_databases.reconcile.project.circuit import Circuit
from reconcile.manual_clocks import StillClock


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def opened(clock: StillClock) -> Circuit:
    circuit = Circuit(clock)
    assert [circuit.record(ok=False) for _ in range(5)] == [False, False, False, False, True]
    return circuit


def test_an_answer_in_between_starts_the_count_anew(clock: StillClock) -> None:
    circuit = Circuit(clock, threshold=2)
    for ok in (False, True, False, True):
        assert not circuit.record(ok)
    assert not circuit.is_open


def test_a_closed_circuit_has_no_probes(clock: StillClock) -> None:
    assert not Circuit(clock).may_probe()


def test_the_first_probe_comes_an_interval_after_it_opened(clock: StillClock, opened: Circuit) -> None:
    assert opened.is_open
    assert not opened.may_probe()
    assert opened.next_probe == clock.moment + 30


def test_one_probe_an_interval(clock: StillClock, opened: Circuit) -> None:
    for _ in range(3):
        clock.moment += 30
        assert [opened.may_probe() for _ in range(3)] == [True, False, False]
        assert not opened.record(ok=False)


def test_an_answer_closes_it(clock: StillClock, opened: Circuit) -> None:
    clock.moment += 30
    assert opened.may_probe()
    assert opened.record(ok=True)
    assert not opened.is_open
    assert not opened.record(ok=False)


def test_failures_while_it_is_open_do_not_put_the_probe_off(clock: StillClock, opened: Circuit) -> None:
    probe = opened.next_probe
    clock.moment += 29
    opened.record(ok=False)
    assert opened.next_probe == probe
