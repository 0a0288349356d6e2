"""Which changes of conditions become Events."""

from typing import Any

import pytest

from managed_databases.reconcile.announcing import announcements


def said(**conditions: tuple[str, str]) -> list[dict[str, Any]]:
    return [
        {"type": type_, "status": status, "reason": reason, "message": f"about {reason}"}
        for type_, (status, reason) in conditions.items()
    ]


CREATING = said(Ready=("False", "Absent"), Reconciling=("True", "Absent"), Stalled=("False", "Absent"))
PENDING = said(Ready=("False", "Pending"), Reconciling=("True", "Pending"), Stalled=("False", "Pending"))
READY = said(Ready=("True", "Ready"), Reconciling=("False", "InSync"), Stalled=("False", "InSync"))
CHANGING = said(Ready=("True", "Ready"), Reconciling=("True", "Drift"), Stalled=("False", "Drift"))
REFUSED = said(Ready=("False", "Invalid"), Reconciling=("False", "Invalid"), Stalled=("True", "Invalid"))
FORBIDDEN = said(Ready=("False", "Forbidden"), Reconciling=("False", "Forbidden"), Stalled=("True", "Forbidden"))
USABLE_BUT_REFUSED = said(Ready=("True", "Ready"), Reconciling=("False", "Invalid"), Stalled=("True", "Invalid"))
DOWN = said(Ready=("False", "Down"), Reconciling=("False", "InSync"), Stalled=("False", "InSync"))
FULL = said(Ready=("False", "DiskFull"), Reconciling=("False", "InSync"), Stalled=("False", "InSync"))


@pytest.mark.parametrize(
    ("why", "old", "new", "told"),
    [
        ("a new resource that is not ready yet is no news", [], CREATING, []),
        ("a step on the way is none", CREATING, PENDING, []),
        ("it became ready", PENDING, READY, [("Normal", "Ready")]),
        ("it was ready at first sight: an adoption", [], READY, [("Normal", "Ready")]),
        ("a pass that changes nothing", READY, READY, []),
        ("a change under way", READY, CHANGING, []),
        ("a person must act; said once, not for each condition", CREATING, REFUSED, [("Warning", "Invalid")]),
        ("the same for another reason", REFUSED, FORBIDDEN, [("Warning", "Forbidden")]),
        ("refused at first sight", [], REFUSED, [("Warning", "Invalid")]),
        ("it goes on", REFUSED, CREATING, [("Normal", "Absent")]),
        ("it goes on to its end", REFUSED, READY, [("Normal", "Ready")]),
        ("a change is refused", CHANGING, USABLE_BUT_REFUSED, [("Warning", "Invalid")]),
        ("the refused change went through", USABLE_BUT_REFUSED, READY, [("Normal", "InSync")]),
        ("it is down", READY, DOWN, [("Warning", "Down")]),
        ("another trouble, in which nothing is under way", DOWN, FULL, [("Warning", "DiskFull")]),
    ],
)
def test_announcements(
    why: str, old: list[dict[str, Any]], new: list[dict[str, Any]], told: list[tuple[str, str]]
) -> None:
    found = list(announcements(old, new, deleting=False))
    assert [announcement[:2] for announcement in found] == told, why
    assert all(announcement.message for announcement in found), why


def test_a_deletion_is_no_warning() -> None:
    going = said(Ready=("False", "Deleting"), Reconciling=("True", "Deleting"), Stalled=("False", "Deleting"))
    assert [announcement.type_ for announcement in announcements(READY, going, deleting=True)] == ["Normal"]
