"""The intervals by collection: each collection that a kind has is a field, without anybody entering it."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from managed_databases.kinds import database_project
from managed_databases.kinds.database_project import PollSecondsOf
from managed_databases.kinds.kafka_topic import KIND as KAFKA_TOPIC
from managed_databases.kinds.kind import any_kind
from managed_databases.kinds.registry import cloud_kinds, kinds
from managed_databases.kube.structural_schema import structural_schema

COLLECTIONS = sorted(kind.collection.name for kind in cloud_kinds(kinds()).values())


def fields() -> dict[str, Any]:
    shown: dict[str, Any] = structural_schema(PollSecondsOf, "pollSecondsOf", for_people=True)["properties"]
    return shown


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_collection_of_a_kind_has_a_field(collection: str) -> None:
    (said,) = [name for name in fields() if PollSecondsOf.model_validate({name: 10}).of(collection) == 10]
    assert said.lower() == collection.replace("-", "")


def test_a_new_kind_has_its_field_after_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fields()
    topics = any_kind(KAFKA_TOPIC)
    new = replace(topics, name="KafkaQuota", collection=replace(topics.collection, name="kafka-quotas"))
    more = {"KafkaQuota": new, **kinds()}
    monkeypatch.setattr(database_project, "kinds", lambda: more)
    assert list(fields()) == [*before, "kafkaQuotas"]
    assert fields()["kafkaQuotas"] == before["topics"] | {"description": "For KafkaQuotas."}
    assert PollSecondsOf.model_validate({"kafkaQuotas": 10}).of("kafka-quotas") == 10


def test_what_is_not_said_is_not_set() -> None:
    assert PollSecondsOf().of("topics") is None
    assert PollSecondsOf.model_validate({"topics": None, "users": 10}) == PollSecondsOf.model_validate({"users": 10})


@pytest.mark.parametrize("seconds", [4, 86401, "often"])
def test_an_interval_has_its_bounds(seconds: object) -> None:
    with pytest.raises(ValidationError):
        PollSecondsOf.model_validate({"topics": seconds})
