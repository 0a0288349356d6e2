"""A duration counts in each bucket whose bound it does not exceed."""

import pytest

from managed_databases.reconcile.scheduling.durations import BOUNDS_SECONDS, Durations

LAST, INFINITE = BOUNDS_SECONDS[-1], float("inf")


@pytest.mark.parametrize(
    ("why", "seconds", "first"),
    [
        ("nothing lasts no time at all", 0.0, BOUNDS_SECONDS[0]),
        ("a bound is in its own bucket", BOUNDS_SECONDS[3], BOUNDS_SECONDS[3]),
        ("what is longer is in the next one", BOUNDS_SECONDS[3] + 1e-9, BOUNDS_SECONDS[4]),
        ("the last bound is a bound as well", LAST, LAST),
        ("whatever is longer still counts", LAST + 1e-9, INFINITE),
    ],
)
def test_the_first_bucket_of_a_duration(why: str, seconds: float, first: float) -> None:
    durations = Durations()
    durations.observe(seconds)
    assert [bound for bound, count in durations.buckets() if count == 1] == [
        bound for bound in (*BOUNDS_SECONDS, INFINITE) if bound >= first
    ], why


def test_buckets_add_up() -> None:
    durations = Durations()
    for seconds in (0.0005, 0.0005, 0.5, 100.0):
        durations.observe(seconds)
    counts = dict(durations.buckets())
    assert list(counts) == [*BOUNDS_SECONDS, INFINITE]
    assert (counts[0.001], counts[0.3], counts[1.0], counts[LAST], counts[INFINITE]) == (2, 2, 3, 3, 4)
    assert durations.sum_seconds == 100.501
    assert dict(durations.buckets()) == counts, "to be asked changes nothing"


def test_none_was_observed() -> None:
    assert {count for _, count in Durations().buckets()} == {0}
