"""Every kind is whole; what a kind lacks that was only half added is told in words that say what to write where."""

import re
from dataclasses import replace

import pytest

from kind_examples import examples_beside, first_example
from managed_databases.api.models import RequestModel, TopicChange
from managed_databases.kinds.kafka_topic import KIND as KAFKA_TOPIC
from managed_databases.kinds.kind import CloudKind, any_kind
from managed_databases.kinds.registry import cloud_kinds, kinds
from parts_of_a_kind import PARTS, TOP, missing


@pytest.mark.parametrize("kind", kinds())
def test_nothing_is_missing(kind: str) -> None:
    lacks = "\n".join(missing(kinds()[kind]))
    assert not lacks, f"docs/developing.md (Add a kind) explains these:\n{lacks}"


def half_added(updates: type[RequestModel] | None = TopicChange) -> CloudKind:
    """A kind of which only the module is there, and the entry of its section in the client."""
    topic = any_kind(KAFKA_TOPIC)
    collection = replace(topic.collection, name="stream-quotas", one="stream-quota", updates=updates)
    return replace(topic, name="StreamQuota", plural="streamquotas", collection=collection)


def test_all_that_a_new_kind_lacks_is_told() -> None:
    told = missing(half_added())
    assert len(told) == len(PARTS)
    assert "StreamQuota: tests/kinds/test_stream_quota.py: IMMUTABLE_FIELDS: what can never change" in told
    assert "StreamQuota: docs/using.md: a section with an example" in told
    assert told[0].startswith(
        "StreamQuota: operator/managed_databases/sandbox/sections.py: the row of the section stream-"
    )


def test_the_fields_that_no_example_says_are_named() -> None:
    (told,) = [each for each in missing(half_added()) if "each of its fields" in each]
    said = "adoption, datastoreRef.name, deletionPolicy, deletionProtection, driftPolicy, name, partitions, pollSeconds"
    assert told.endswith(f"; missing: {said}")


@pytest.mark.parametrize("name", ["CHANGE", "DRIFT"])
def test_what_the_example_says_already_is_no_change(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    same = {"partitions": first_example("KafkaTopic")["spec"]["partitions"]}
    monkeypatch.setattr("parts_of_a_kind.told_by_kind_tests", lambda _: [("KafkaTopic", same)])
    assert [each for each in missing(KAFKA_TOPIC) if f": {name}: " in each]


def test_what_cannot_change_needs_no_change() -> None:
    told = missing(half_added(updates=None))
    assert not [each for each in told if "CHANGE:" in each or "DRIFT:" in each]


def test_stories_take_a_kind_that_they_do_not_write_from_its_example() -> None:
    ((kind, name, spec),) = examples_beside(cloud_kinds(kinds()).keys() - {"KafkaTopic"}, {"kafka": "broker"})
    example = first_example("KafkaTopic")
    assert (kind, name) == ("KafkaTopic", example["metadata"]["name"])
    assert spec == example["spec"] | {"datastoreRef": {"name": "broker"}}


def test_the_page_lists_the_same() -> None:
    section = (TOP / "docs/developing.md").read_text().partition("## Add a kind\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \|$", section, re.MULTILINE)
    assert rows == [(part.where, part.what) for part in PARTS]
