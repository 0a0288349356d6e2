from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from managed_databases.reconcile.scheduling.backoff import retry_delay

CALLS_PER_ATTEMPT = 2
DRAWS = st.floats(min_value=0, max_value=1, exclude_max=True)


def attempts(draws: list[float]) -> list[float]:
    """The moments at which a resource that always fails is tried."""
    draw = iter(draws).__next__
    return list(accumulate((retry_delay(failures, draw) for failures in range(1, len(draws) + 1)), initial=0.0))


@given(st.lists(DRAWS, min_size=20, max_size=20))
def test_at_most_eight_calls_in_the_first_five_minutes(draws: list[float]) -> None:
    assert CALLS_PER_ATTEMPT * sum(moment <= 300 for moment in attempts(draws)) <= 8


@given(st.lists(DRAWS, min_size=20, max_size=20), st.floats(min_value=300, max_value=7200))
def test_at_most_twelve_calls_in_any_hour_afterwards(draws: list[float], start: float) -> None:
    assert CALLS_PER_ATTEMPT * sum(start <= moment < start + 3600 for moment in attempts(draws)) <= 12


@given(st.integers(min_value=1, max_value=10**9), DRAWS, st.floats(min_value=0, max_value=1e6))
def test_never_below_the_least_and_never_much_above(failures: int, draw: float, least: float) -> None:
    delay = retry_delay(failures, lambda: draw, least)
    assert least <= delay <= 1.25 * max(600, least)


def test_the_bases() -> None:
    assert [retry_delay(failures, lambda: 0.0) for failures in (1, 2, 3, 4, 5, 6)] == [2, 20, 120, 300, 600, 600]


def test_nothing_failed() -> None:
    with pytest.raises(ValueError, match="nothing failed"):
        retry_delay(0, lambda: 0.5)
