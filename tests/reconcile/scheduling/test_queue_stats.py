"""What is counted of a key on its way through the queue, in seconds of the queue's own clock."""

from collections.abc import Callable

import pytest

from managed_databases.reconcile.scheduling.durations import Durations
from managed_databases.reconcile.scheduling.queue_stats import QueueStats
from reconcile.manual_clocks import StillClock

Happens = Callable[[QueueStats[str], StillClock], object]
INFINITE = float("inf")


def queued(key: str) -> Happens:
    return lambda stats, _: stats.queued(key)


def taken(key: str) -> Happens:
    return lambda stats, _: stats.taken(key)


def done(key: str) -> Happens:
    return lambda stats, _: stats.done(key)


def removed(key: str) -> Happens:
    return lambda stats, _: stats.removed(key)


def later(seconds: float) -> Happens:
    def move(_: QueueStats[str], clock: StillClock) -> None:
        clock.moment += seconds

    return move


def counted(durations: Durations) -> tuple[int, float]:
    """How many there were, and how long they took together."""
    return dict(durations.buckets())[INFINITE], durations.sum_seconds


A, B = "a", "b"


@pytest.mark.parametrize(
    ("why", "happens", "adds", "waits", "works", "in_work"),
    [
        ("nothing has happened", (), 0, (0, 0.0), (0, 0.0), []),
        ("it waits: how long is told once it is taken", (queued(A), later(3)), 1, (0, 0.0), (0, 0.0), []),
        ("it is in work", (queued(A), later(3), taken(A), later(5)), 1, (1, 3.0), (0, 0.0), [5.0]),
        ("it is done", (queued(A), later(3), taken(A), later(5), done(A), later(7)), 1, (1, 3.0), (1, 5.0), []),
        ("it was removed before its turn", (queued(A), later(3), removed(A)), 1, (0, 0.0), (0, 0.0), []),
        ("what is not queued can be removed", (removed(A),), 0, (0, 0.0), (0, 0.0), []),
        (
            "one that comes back waits from then on",
            (queued(A), later(3), removed(A), later(5), queued(A), later(1), taken(A)),
            2, (1, 1.0), (0, 0.0), [0.0],
        ),
        (
            "removed from the queue is not out of work",
            (queued(A), taken(A), later(2), removed(A), later(2), done(A)),
            1, (1, 0.0), (1, 4.0), [],
        ),
        (
            "queued again while it is in work",
            (queued(A), taken(A), later(2), queued(A), later(3), done(A), later(1), taken(A)),
            2, (2, 4.0), (1, 5.0), [0.0],
        ),
        (
            "each key has times of its own",
            (queued(A), later(1), queued(B), later(1), taken(B), later(4), taken(A), later(8), done(B)),
            2, (2, 7.0), (1, 12.0), [8.0],
        ),
    ],
)  # fmt: skip
def test_the_way_of_keys(
    why: str,
    happens: tuple[Happens, ...],
    adds: int,
    waits: tuple[int, float],
    works: tuple[int, float],
    in_work: list[float],
) -> None:
    clock = StillClock()
    stats = QueueStats[str](clock)
    for happening in happens:
        happening(stats, clock)
    assert (stats.adds, counted(stats.waits), counted(stats.works)) == (adds, waits, works), why
    assert list(stats.in_work_seconds()) == in_work, why


@pytest.mark.parametrize(
    ("why", "before", "happening"),
    [
        ("it was never queued", (), taken(A)),
        ("it was taken already, and nothing is kept of it", (queued(A), taken(A), done(A)), taken(A)),
        ("it was removed", (queued(A), removed(A)), taken(A)),
        ("it was never taken", (queued(A),), done(A)),
    ],
)
def test_what_cannot_happen_is_not_counted(why: str, before: tuple[Happens, ...], happening: Happens) -> None:
    clock = StillClock()
    stats = QueueStats[str](clock)
    for each in before:
        each(stats, clock)
    counts = counted(stats.waits), counted(stats.works)
    with pytest.raises(KeyError):
        happening(stats, clock)
    assert (counted(stats.waits), counted(stats.works)) == counts, why
