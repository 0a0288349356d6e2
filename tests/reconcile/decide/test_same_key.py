"""What is said of another object with the same key, and of what a person can do about it, fits the kind."""

import pytest

from managed_databases.kinds.kind import CloudKind, any_kind
from managed_databases.kinds.registry import cloud_kinds, kinds
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.decide.same_key import claimed_by_others
from managed_databases.reconcile.decide.without_object import without_object
from reconcile.decide.observed_user import OTHER, observed, user

KINDS = [any_kind(each) for each in cloud_kinds(kinds()).values()]
SITUATIONS = [
    ("another resource was first", {"rival": "X shop/first"}, Reason.CONFLICT),
    ("another resource holds it", {"held": {OTHER: "X shop/first"}}, Reason.CONFLICT),
    ("nobody holds it", {"namesakes": (user(OTHER),)}, Reason.ALREADY_EXISTS),
    (
        "the cloud does not end to delete it",
        {"namesakes": (user(OTHER, status="PENDING_DELETE"),), "dying_seconds": 0.0},
        Reason.PENDING_TOO_LONG,
    ),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize(("why", "others", "reason"), SITUATIONS, ids=[each[0] for each in SITUATIONS])
def test_only_what_has_a_name_is_given_another_one(
    why: str, others: dict[str, object], reason: Reason, kind: CloudKind
) -> None:
    seen = observed(**others)
    verdict = claimed_by_others(kind, seen) or without_object(kind, seen)
    assert verdict.reason is reason, why
    has_name = "name" in kind.spec.model_fields
    assert ("choose another name" in verdict.message) is has_name
    assert has_name or "name" not in verdict.message, "the words are for kinds with a name"
    assert ": " in verdict.message, "it says what to do"
