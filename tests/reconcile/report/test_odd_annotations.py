"""A mistyped annotation is told; those that have an effect are not."""

from dataclasses import replace
from typing import Any

import pytest

from managed_databases.kinds.database_user import KIND
from managed_databases.kinds.kind import Credential, any_kind
from managed_databases.kinds.registry import GROUP
from managed_databases.kinds.shared_fields import Rotated
from managed_databases.reconcile.annotations import APPROVE, OF_PEOPLE, RECREATE, ROTATE_PASSWORD
from managed_databases.reconcile.report.odd_annotations import is_approval_odd, odd_annotations
from reconcile.decide.observed_user import HELD, MINE, OTHER, observed, status, user

HASH = "0123456789ab"
LOST = "00000000-0000-4000-8000-0000000000aa"
USER = any_kind(KIND)


def told_of(annotations: dict[str, str], *, is_approval_odd: bool = False) -> str | None:
    seen = observed(annotations=annotations, status=status(id=MINE, lost_ids=(LOST,)))
    return odd_annotations(USER, seen, is_approval_odd=is_approval_odd)


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


GIVEN = {"passwordSecretRef": {"name": "mine", "key": "password"}}


@pytest.mark.parametrize(
    ("why", "spec", "handled", "told"),
    [
        ("it has a password that the operator changes", {}, None, None),
        ("a person gives the password", GIVEN, None, "write another one into its Secret"),
        ("a person gives the password, after it was changed as asked", GIVEN, "leak-1", None),
        ("a person gives the password, and another one was asked for before", GIVEN, "leak-0", "write another one"),
    ],
)
def test_a_request_for_another_password(why: str, spec: dict[str, Any], handled: str | None, told: str | None) -> None:
    rotation = None if handled is None else Rotated(handled_request=handled)
    seen = observed(annotations={ROTATE_PASSWORD: "leak-1"}, spec=spec, status=status(id=MINE, rotation=rotation))
    said = odd_annotations(USER, seen, is_approval_odd=False)
    assert (said is None) is (told is None), why
    assert (told or "") in (said or ""), why


@pytest.mark.parametrize(
    ("kind", "credential"),
    [
        ("a kind without a Secret", None),
        ("a kind whose Secret has what the cloud makes", replace(USER.existing_credential, set_password=None)),
        ("an engine without a password of its own", replace(USER.existing_credential, applies=lambda _: False)),
    ],
)
def test_a_request_for_another_password_of_what_has_none(kind: str, credential: Credential | None) -> None:
    seen = observed(annotations={ROTATE_PASSWORD: "leak-1"}, status=status(id=MINE))
    said = odd_annotations(replace(USER, credential=credential), seen, is_approval_odd=False)
    assert said is not None, kind
    assert f"{ROTATE_PASSWORD} has no effect: this resource has no password" in said, kind


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
