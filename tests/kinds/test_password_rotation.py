"""The dates at which a password changes."""

from datetime import UTC, datetime, timedelta

import pytest

from managed_databases.kinds.password_rotation import (
    LATE_SECONDS,
    SPREAD_SECONDS,
    Rotation,
    begins_at,
    due_at,
    read,
    rotated,
    written,
)
from managed_databases.kinds.shared_fields import Rotated

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
MONTHLY = Rotation(every_days=30)
UIDS = [f"uid-{number}" for number in range(1000)]


@pytest.mark.parametrize(
    ("rotation", "date"),
    [
        (MONTHLY, "2026-04-03T05:06:07Z"),
        (Rotation(schedule="0 3 * * *"), "2026-03-05T03:00:00Z"),
        (Rotation(schedule="0 3 * * SUN"), "2026-03-08T03:00:00Z"),
        (Rotation(schedule="0 3 1 JAN,JUL *"), "2026-07-01T03:00:00Z"),
        (Rotation(schedule="0 3 L * *"), "2026-03-31T03:00:00Z"),
        (Rotation(schedule="0 3 30 2 *"), None),
        (Rotation(schedule="0 25 * * *"), None),
        (Rotation(schedule="0 3 * *"), None),
        (Rotation(), None),
    ],
)
def test_a_date_follows_from_the_plan(rotation: Rotation, date: str | None) -> None:
    found = rotation.date_after(NOW)
    assert (None if found is None else written(found)) == date
    assert (rotation.problem() is None) == (date is not None or rotation == Rotation())


def test_a_time_is_read_as_it_was_written() -> None:
    assert read(written(NOW)) == NOW
    assert read(None) is None
    for odd in ("", "soon", "2026-03-04", "2026-03-04T05:06:07.5Z", "2026-13-04T05:06:07Z"):
        assert read(odd) is None


DUE = "2026-04-03T05:06:07Z"


@pytest.mark.parametrize(
    ("why", "rotation", "before", "asked", "has_changed", "after"),
    [
        ("nothing to say", None, None, None, False, None),
        ("a new plan", MONTHLY, None, None, False, Rotated(plan="every 30 days", due_at=DUE)),
        ("no plan any more", None, Rotated(plan="every 30 days", due_at=DUE), None, False, None),
        (
            "what the operator does not write is written anew",
            MONTHLY,
            Rotated(plan="every 30 days", due_at="soon"),
            None,
            False,
            Rotated(plan="every 30 days", due_at=DUE),
        ),
        (
            "the date stays",
            MONTHLY,
            Rotated(plan="every 30 days", due_at="2026-03-01T00:00:00Z"),
            None,
            False,
            Rotated(plan="every 30 days", due_at="2026-03-01T00:00:00Z"),
        ),
        (
            "another plan",
            MONTHLY,
            Rotated(plan="every 3 days", due_at="2026-03-01T00:00:00Z"),
            None,
            False,
            Rotated(plan="every 30 days", due_at=DUE),
        ),
        (
            "it was changed",
            MONTHLY,
            Rotated(plan="every 30 days", due_at="2026-03-01T00:00:00Z"),
            None,
            True,
            Rotated(plan="every 30 days", due_at=DUE),
        ),
        ("a request is not answered yet", None, None, "x", False, None),
        ("a request is answered", None, Rotated(handled_request="w"), "x", True, Rotated(handled_request="x")),
        ("an old request stays answered", None, Rotated(handled_request="w"), "x", False, Rotated(handled_request="w")),
        (
            "a schedule without dates",
            Rotation(schedule="0 3 30 2 *"),
            None,
            None,
            False,
            Rotated(plan="schedule 0 3 30 2 *"),
        ),
    ],
)
def test_what_the_status_says(
    why: str,
    rotation: Rotation | None,
    before: Rotated | None,
    asked: str | None,
    has_changed: bool,
    after: Rotated | None,
) -> None:
    assert rotated(rotation, before, asked=asked, has_changed=has_changed, now=NOW) == after, why


def test_a_date_counts_only_for_the_plan_it_was_made_of() -> None:
    told = Rotated(plan="every 30 days", due_at=DUE)
    assert due_at(MONTHLY, told) == read(DUE)
    assert due_at(Rotation(every_days=31), told) is None
    assert due_at(None, told) is None
    assert due_at(MONTHLY, None) is None
    assert due_at(MONTHLY, Rotated(plan="every 30 days", due_at="soon")) is None


def test_a_change_begins_within_the_hour_and_each_resource_at_its_own_moment() -> None:
    begins = [begins_at(NOW, NOW, uid) for uid in UIDS]
    assert all(NOW <= each < NOW + timedelta(seconds=SPREAD_SECONDS) for each in begins)
    minutes = [sum(each - NOW < timedelta(minutes=minute) for each in begins) for minute in (15, 30, 45)]
    assert all(abs(found - wanted) < 70 for found, wanted in zip(minutes, (250, 500, 750), strict=True)), minutes


def test_what_is_late_begins_at_its_own_moment_too() -> None:
    """After a downtime all are late, and do not begin together either."""
    late = NOW - timedelta(days=10)
    at_once = [uid for uid in UIDS if begins_at(late, NOW, uid) <= NOW]
    assert abs(len(at_once) - 1000 * LATE_SECONDS / SPREAD_SECONDS) < 50
    for uid in UIDS:
        begins = begins_at(late, NOW, uid)
        assert NOW - timedelta(seconds=LATE_SECONDS) <= begins < NOW + timedelta(seconds=SPREAD_SECONDS)
        assert begins_at(late, begins, uid) == begins
