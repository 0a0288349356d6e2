"""What counts as the same correction, made again and again."""

from typing import Any

import pytest

from kinds.builders import uuid
from managed_databases.api.calls import Call
from managed_databases.api.collections import DATABASES, DATASTORES, TOPICS
from managed_databases.api.models import DatabaseOwner, DatastoreName, TopicChange
from managed_databases.kinds.verdicts import Change, Reason
from managed_databases.reconcile.act.drift_fight import aim, drift_fight

GROW = TOPICS.update(uuid(1), TopicChange(partitions=3))
OWNED = DATABASES.update(uuid(1), DatabaseOwner(owner_id=uuid(2)))


@pytest.mark.parametrize(
    ("why", "one", "other", "is_same"),
    [
        ("who fights asks for another value each time", GROW, TOPICS.update(uuid(1), TopicChange(partitions=4)), True),
        ("another object", GROW, TOPICS.update(uuid(2), TopicChange(partitions=3)), False),
        ("what a field points to counts", OWNED, DATABASES.update(uuid(1), DatabaseOwner(owner_id=uuid(3))), False),
        ("the same again", OWNED, DATABASES.update(uuid(1), DatabaseOwner(owner_id=uuid(2))), True),
        ("another operation", DATASTORES.delete(uuid(1)), DATASTORES.update(uuid(1), DatastoreName(name="a")), False),
        ("without a body", DATASTORES.delete(uuid(1)), DATASTORES.delete(uuid(1)), True),
    ],
)
def test_what_is_one_aim(why: str, one: Call[Any], other: Call[Any], is_same: bool) -> None:
    assert (aim(one) == aim(other)) == is_same, why


def test_what_is_told_names_the_call() -> None:
    told = drift_fight(Change(Reason.DRIFT, "1 -> 3", GROW))
    assert told.reason is Reason.DRIFT_FIGHT
    assert told.message.startswith("topics.update was needed 3 times in ten minutes")
