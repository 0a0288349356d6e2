"""A mistyped annotation is told; those that have an effect are not."""

import pytest

from managed_databases.kinds.database_user import KIND
from managed_databases.kinds.kind import any_kind
from managed_databases.kinds.registry import GROUP
from managed_databases.reconcile.annotations import APPROVE, OF_PEOPLE, RECREATE
from managed_databases.reconcile.report.odd_annotations import is_approval_odd, odd_annotations
from reconcile.decide.observed_user import HELD, MINE, OTHER, observed, status, user

HASH = "0123456789ab"
LOST = "00000000-0000-4000-8000-0000000000aa"
USER = any_kind(KIND)


def told_of(annotations: dict[str, str], *, is_approval_odd: bool = False) -> str | None:
    seen = observed(annotations=annotations, status=status(id=MINE, lost_ids=(LOST,)))
    return odd_annotations(seen, is_approval_odd=is_approval_odd)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("pause", "true", f"did you mean {GROUP}/paused?"),
        ("aproved", "0123", f"did you mean {GROUP}/approve?"),
        ("force-deletion", "true", f"did you mean {GROUP}/force-delete?"),
        ("zzz", "1", "there are "),
        ("paused", "yes", 'only with the value "true"'),
        ("force-delete", "True", 'only with the value "true"'),
        ("recreate", "zzz", "only with the id of this resource's object"),
        ("recreate", OTHER, "only with the id of this resource's object"),
    ],
)
def test_what_has_no_effect_is_told(name: str, value: str, told: str) -> None:
    said = told_of({f"{GROUP}/{name}": value, "team": "shop"})
    assert said is not None
    assert told in said
    assert f"{GROUP}/{name}" in said


def test_what_has_an_effect_is_not_told() -> None:
    assert told_of(dict.fromkeys(OF_PEOPLE, "true") | {RECREATE: MINE}) is None
    assert told_of({RECREATE: LOST}) is None, "it was made again"
    assert told_of({f"{GROUP}/paused": "false", f"{GROUP}/owned-by": "uid", "example.org/pause": "true"}) is None


@pytest.mark.parametrize(
    ("why", "value", "before", "was_told", "is_odd"),
    [
        ("there is none", None, ("", False), False, False),
        ("it is no approval at all", "true", None, False, True),
        ("it comes while nothing waits", HASH, ("", False), False, True),
        ("another one came", HASH, ("0" * 12, False), False, True),
        ("it had its effect", HASH, (HASH, False), False, False),
        ("it never had one", HASH, (HASH, True), False, True),
        ("an earlier process may have made the change", HASH, None, False, False),
        ("an earlier process has told it", HASH, None, True, True),
    ],
)
def test_an_approval_of_nothing(
    why: str, value: str | None, before: tuple[str, bool] | None, was_told: bool, is_odd: bool
) -> None:
    seen = observed(annotations={APPROVE: value} if value else {}, **HELD)
    assert is_approval_odd(USER, seen, before, was_told=was_told) is is_odd, why


def test_while_nothing_is_known_an_approval_stays_what_it_was() -> None:
    seen = observed(annotations={APPROVE: HASH}, **HELD | {"external": user(status="PENDING_UPDATE")})
    assert not is_approval_odd(USER, seen, ("", False), was_told=False)
    assert is_approval_odd(USER, seen, (HASH, True), was_told=False)
