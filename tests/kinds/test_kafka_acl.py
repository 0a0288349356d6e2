from dataclasses import replace
from typing import Any

import pytest

from kinds.builders import MAIN, OTHER, seen_of, user_ref, uuid
from kube.immutable import BY_ID, Immutable
from managed_databases.api.models import ACL
from managed_databases.kinds.kafka_acl import KIND
from managed_databases.kinds.managed_datastore_spec import GuestRights
from managed_databases.kinds.observed import SpecRefused
from managed_databases.kinds.verdicts import Reason, Risk

SAMPLE: dict[str, Any] = {
    "datastoreRef": {"name": "main"},
    "userRef": {"name": "app"},
    "patternType": "literal",
    "pattern": "orders",
    "allowRead": True,
}
CHANGE = {"allowRead": True, "allowWrite": True}
DRIFT = {"allow_read": True, "allow_write": False}
IMMUTABLE_FIELDS = (
    Immutable(KIND.name, ("datastoreRef", "name"), "main", "other", "another datastore", required=True),
    Immutable(KIND.name, ("userRef", "name"), "app", "other", "for one user", required=True),
    Immutable(KIND.name, ("patternType",), "literal", "prefixed", "another patternType", required=True),
    Immutable(KIND.name, ("pattern",), "orders", "other", "another pattern", required=True),
    Immutable(KIND.name, ("projectRef",), {"name": "a"}, {"name": "b"}, "another project", beside=BY_ID),
)

IDS = {"datastore_id": MAIN, "user_id": uuid(60)}
EVERYTHING = {"patternType": "all", "pattern": None}


def acl(**fields: Any) -> ACL:
    told = {"id": uuid(80), "status": "ACTIVE", "pattern_type": "literal", "pattern": "orders", "allow_read": True}
    return ACL.model_validate(told | {"allow_write": False} | IDS | fields)


def test_it_says_both_rights() -> None:
    observed = seen_of(KIND, SAMPLE, engine="kafka 3")
    assert KIND.body(observed, None).model_dump(exclude_unset=True) == {
        **IDS,
        "pattern_type": "literal",
        "pattern": "orders",
        "allow_read": True,
        "allow_write": False,
    }
    assert KIND.key(observed) == KIND.key_of(acl())
    assert KIND.expected(observed) == KIND.expected_of(acl())
    assert KIND.key(replace(observed, refs={}, project=None)) == ("", "", "literal", "orders")


@pytest.mark.parametrize("shown", [None, "", "*"])
def test_with_all_there_is_no_pattern_whatever_the_api_shows(shown: str | None) -> None:
    observed = seen_of(KIND, SAMPLE, EVERYTHING, engine="kafka 3")
    assert "pattern" not in KIND.body(observed, None).model_dump(exclude_unset=True)
    assert KIND.key(observed) == KIND.key_of(acl(pattern_type="all", pattern=shown))


@pytest.mark.parametrize(
    ("why", "cloud", "sent", "risk"),
    [
        ("as it is", {}, None, None),
        ("not told is no difference", {"allow_read": None}, None, None),
        ("a right is missing", {"allow_read": False}, (True, False), Risk.ONLINE),
        ("a right too many is taken away", {"allow_write": True}, (True, False), Risk.RESTART),
    ],
)
def test_the_rights_can_change(
    why: str, cloud: dict[str, Any], sent: tuple[bool, bool] | None, risk: Risk | None
) -> None:
    found = [*KIND.changes(seen_of(KIND, SAMPLE, engine="kafka 3", external=acl(**cloud)))]
    told = {"allow_read": sent[0], "allow_write": sent[1]} if sent else None
    assert [change.call.body.model_dump() for change in found if change.call.body] == ([told] if told else []), why
    assert [change.risk for change in found] == ([risk] if sent else []), why


def test_only_in_kafka() -> None:
    with pytest.raises(SpecRefused, match="kafka"):
        KIND.body(seen_of(KIND, SAMPLE), None)


def test_its_user_is_in_the_datastore_and_stays_the_same() -> None:
    with pytest.raises(SpecRefused, match="is not in ManagedDatastore main"):
        KIND.body(seen_of(KIND, SAMPLE, engine="kafka 3", refs={"userRef": user_ref(datastore_id=OTHER)}), None)
    moved = {"userRef": user_ref(id=uuid(61))}
    with pytest.raises(SpecRefused, match="userRef now means"):
        [*KIND.changes(seen_of(KIND, SAMPLE, engine="kafka 3", external=acl(), refs=moved))]


def as_guest(asked: dict[str, Any], prefix: str | None, **more: Any) -> Any:
    observed = seen_of(KIND, SAMPLE, asked, engine="kafka 3", **more)
    rights = GuestRights(namespace="guest", topic_prefix=prefix)
    return replace(
        observed, refs={**observed.refs, "datastoreRef": replace(observed.refs["datastoreRef"], guest=rights)}
    )


@pytest.mark.parametrize(
    ("why", "asked", "prefix", "may"),
    [
        ("a topic of the prefix", {"pattern": "hers-orders"}, "hers-", True),
        ("the prefix as it is", {"patternType": "prefixed", "pattern": "hers-"}, "hers-", True),
        ("narrower", {"patternType": "prefixed", "pattern": "hers-orders-"}, "hers-", True),
        ("wider", {"patternType": "prefixed", "pattern": "her"}, "hers-", False),
        ("another's topic", {"pattern": "orders"}, "hers-", False),
        ("all of them", EVERYTHING, "hers-", False),
        ("no prefix is given", {"pattern": "hers-orders"}, None, False),
    ],
)
def test_a_guest_gets_access_to_topics_of_his_prefix_only(
    why: str, asked: dict[str, Any], prefix: str | None, may: bool
) -> None:
    observed = as_guest(asked, prefix)
    if may:
        assert KIND.body(observed, None) is not None, why
        return
    with pytest.raises(SpecRefused) as refused:
        KIND.body(observed, None)
    assert refused.value.verdict.reason is Reason.FORBIDDEN, why
    with pytest.raises(SpecRefused):  # nor is it widened once it is there
        [*KIND.changes(as_guest(asked, prefix, external=acl(allow_read=False)))]
