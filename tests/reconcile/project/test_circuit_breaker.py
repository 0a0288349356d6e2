import pytest

from managed_databases.reconcile.project.circuit_breaker import CircuitBreaker
from reconcile.manual_clocks import StillClock


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def opened(clock: StillClock) -> CircuitBreaker:
    circuit = CircuitBreaker(clock)
    assert [circuit.record(ok=False) for _ in range(5)] == [False, False, False, False, True]
    return circuit


def test_an_answer_in_between_starts_the_count_anew(clock: StillClock) -> None:
    circuit = CircuitBreaker(clock, threshold=2)
    for ok in (False, True, False, True):
        assert not circuit.record(ok)
    assert not circuit.is_open


def test_a_closed_circuit_has_no_probes(clock: StillClock) -> None:
    assert not CircuitBreaker(clock).may_probe()


def test_the_first_probe_comes_an_interval_after_it_opened(clock: StillClock, opened: CircuitBreaker) -> None:
    assert opened.is_open
    assert not opened.may_probe()
    assert opened.next_probe == clock.moment + 30


def test_one_probe_an_interval(clock: StillClock, opened: CircuitBreaker) -> None:
    for _ in range(3):
        clock.moment += 30
        assert [opened.may_probe() for _ in range(3)] == [True, False, False]
        assert not opened.record(ok=False)


def test_an_answer_closes_it(clock: StillClock, opened: CircuitBreaker) -> None:
    clock.moment += 30
    assert opened.may_probe()
    assert opened.record(ok=True)
    assert not opened.is_open
    assert not opened.record(ok=False)


def test_failures_while_it_is_open_do_not_put_the_probe_off(clock: StillClock, opened: CircuitBreaker) -> None:
    probe = opened.next_probe
    clock.moment += 29
    opened.record(ok=False)
    assert opened.next_probe == probe


def test_what_somebody_asks_for_does_not_open_it_alone(clock: StillClock) -> None:
    """One tenant's calls may be what the API has no answer to: a reading of the operator's own tells."""
    circuit = CircuitBreaker(clock)
    for _ in range(50):
        assert not circuit.record(ok=False, is_own=False)
    assert not circuit.is_open
    assert circuit.record(ok=False)
    assert circuit.is_open


def test_a_reading_is_asked_for_when_it_is_worth_knowing(clock: StillClock) -> None:
    circuit = CircuitBreaker(clock)
    asked = []
    for _ in range(20):
        circuit.record(ok=False, is_own=False)
        asked.append(circuit.needs_a_look())
    assert asked == [False] * 4 + [True] + [False] * 15, "once in a while"
    clock.moment += 5
    assert circuit.needs_a_look()
    circuit.record(ok=True)
    clock.moment += 5
    assert not circuit.needs_a_look()
