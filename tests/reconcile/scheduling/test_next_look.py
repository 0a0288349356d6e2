"""What rests is looked at about once an interval, and many share one waking."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from managed_databases.reconcile.scheduling.next_look import look_seconds, next_look


@given(st.floats(0, 1e8), st.floats(1, 86_400))
def test_the_next_look_is_about_an_interval_away(now: float, resync_seconds: float) -> None:
    waits = next_look(now, resync_seconds) - now
    assert 0.899 * resync_seconds <= waits <= 1.105 * resync_seconds


def test_thousands_at_rest_share_their_looks_but_are_spread() -> None:
    moments = {next_look(number / 100, 600) for number in range(5000)}
    assert 60 <= len(moments) <= 90


@pytest.mark.parametrize(
    ("resources", "expected"), [(0, 600), (1, 600), (15_000, 600), (15_025, 601), (50_000, 2_000), (100_000, 4_000)]
)
def test_looks_at_rest_are_25_a_second_at_most(resources: int, expected: float) -> None:
    assert look_seconds(600, resources) == expected
