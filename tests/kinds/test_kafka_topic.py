from dataclasses import replace
from typing import Any

import pytest

from kinds.builders import MAIN, parent, seen_of, uuid
from kube.immutable import BY_ID, Immutable
from managed_databases.api.models import Topic
from managed_databases.kinds.kafka_topic import KIND
from managed_databases.kinds.managed_datastore_spec import GuestRights
from managed_databases.kinds.observed import SpecRefused
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.report.status import reported_fields

SAMPLE: dict[str, Any] = {"datastoreRef": {"name": "main"}}
CHANGE = {"partitions": 12}
DRIFT = {"partitions": 1}
IMMUTABLE_FIELDS = (
    Immutable(KIND.name, ("datastoreRef", "name"), "main", "other", "another datastore", required=True),
    Immutable(KIND.name, ("name",), "orders", "orders2", "cannot rename a topic"),
    Immutable(KIND.name, ("partitions",), 3, 2, "Kafka cannot merge partitions", may_be_absent=True),
    Immutable(KIND.name, ("projectRef",), {"name": "a"}, {"name": "b"}, "another project", beside=BY_ID),
)

TOLD = {"name": "orders", "datastore_id": MAIN}


def topic(**fields: Any) -> Topic:
    return Topic.model_validate({"id": uuid(80), "status": "ACTIVE", "partitions": 3} | TOLD | fields)


def test_it_is_made_of_what_the_cloud_shows_again() -> None:
    observed = seen_of(KIND, SAMPLE, engine="kafka 3")
    assert KIND.body(observed, None).model_dump(exclude_unset=True) == TOLD
    wide = seen_of(KIND, SAMPLE, {"partitions": 6}, engine="kafka 3")
    assert KIND.body(wide, None).model_dump(exclude_unset=True) == TOLD | {"partitions": 6}
    assert KIND.key(observed) == KIND.key_of(topic())
    assert KIND.expected(observed) == KIND.expected_of(topic())
    assert KIND.key(replace(observed, refs={}, project=None)) == ("", "orders")


@pytest.mark.parametrize(
    ("why", "wanted", "actual", "sent"),
    [
        ("more", 6, 3, {"partitions": 6}),
        ("as it is", 3, 3, None),
        ("not managed", None, 3, None),
        ("not told is no difference", 6, None, None),
    ],
)
def test_partitions_can_be_added(why: str, wanted: int | None, actual: int | None, sent: dict[str, int] | None) -> None:
    observed = seen_of(KIND, SAMPLE, {"partitions": wanted}, engine="kafka 3", external=topic(partitions=actual))
    found = [change.call.body.model_dump() for change in KIND.changes(observed) if change.call.body]
    assert found == ([sent] if sent else []), why


def test_fewer_partitions_than_there_are_cannot_be() -> None:
    with pytest.raises(SpecRefused, match="there are 3, the spec says 2") as refused:
        [*KIND.changes(seen_of(KIND, SAMPLE, {"partitions": 2}, engine="kafka 3", external=topic()))]
    assert refused.value.verdict.reason is Reason.NOT_REVERSIBLE


def test_it_tells_its_partitions() -> None:
    assert reported_fields(KIND, seen_of(KIND, SAMPLE)) == {}
    assert KIND.report(seen_of(KIND, SAMPLE, external=topic())).partitions == 3


def test_only_in_kafka() -> None:
    with pytest.raises(SpecRefused, match="kafka"):
        KIND.body(seen_of(KIND, SAMPLE), None)


@pytest.mark.parametrize(
    ("own", "of_the_datastore", "is_protected"),
    [(None, True, True), (None, False, False), (True, False, True), (False, True, False)],
)
def test_it_is_protected_as_its_datastore_unless_it_says_its_own(
    own: bool | None, of_the_datastore: bool, is_protected: bool
) -> None:
    refs = {"datastoreRef": parent("kafka 3", is_protected=of_the_datastore)}
    assert KIND.protected(seen_of(KIND, SAMPLE, {"deletionProtection": own}, refs=refs)) is is_protected
    assert KIND.protection
    assert KIND.holds_data


@pytest.mark.parametrize(
    ("name", "prefix", "may"), [("hers-orders", "hers-", True), ("orders", "hers-", False), ("orders", None, True)]
)
def test_a_guests_topics_have_his_prefix(name: str, prefix: str | None, may: bool) -> None:
    observed = seen_of(KIND, SAMPLE, {"name": name}, engine="kafka 3")
    rights = GuestRights(namespace="guest", topic_prefix=prefix)
    observed = replace(observed, refs={"datastoreRef": replace(observed.refs["datastoreRef"], guest=rights)})
    if may:
        assert KIND.body(observed, None) is not None
        return
    with pytest.raises(SpecRefused) as refused:
        KIND.body(observed, None)
    assert refused.value.verdict.reason is Reason.FORBIDDEN
