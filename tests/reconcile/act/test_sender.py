"""What is known of an object after a call, whatever the answer."""

import pytest

from kinds.builders import DATASTORE_SPEC, MAIN, datastore, uuid
from managed_databases.api.collections import DATASTORES, TOPICS
from managed_databases.api.errors import OutcomeUnknown
from managed_databases.api.models import DatastoreName, NewTopic, Topic, TopicChange
from managed_databases.reconcile.act.sender import Sender
from reconcile.act.recording import Stage
from reconcile.fake_cache import resource

THERE = Topic(id=uuid(80), name="t", datastore_id=MAIN, status="ACTIVE", partitions=1)
IN_MAIN = {"datastoreRef": {"name": "main"}}
NOTHING_YET = resource("KafkaTopic", "t", spec=IN_MAIN)
TOPIC = resource("KafkaTopic", "t", spec=IN_MAIN, id_=THERE.id, inside=MAIN)
GROW = TOPICS.update(THERE.id, TopicChange(partitions=3))
CREATE = TOPICS.create(NewTopic(name="t", datastore_id=MAIN, partitions=1))


async def test_an_empty_answer_leaves_what_is_known_in_doubt() -> None:
    stage = Stage(TOPIC, answer=None, external=THERE)
    assert await Sender(stage.owners).send(stage.current, GROW) is None
    assert stage.session.own.get(THERE.id) == THERE
    assert stage.session.own.is_dirty(THERE.id)
    assert stage.session.told == []


async def test_an_answer_is_entered_and_told_before_anything_else_happens() -> None:
    stage = Stage(NOTHING_YET, answer=THERE)
    assert await Sender(stage.owners).send(stage.current, CREATE) == THERE
    assert stage.session.own.get(THERE.id) == THERE
    assert stage.session.told == [(None, THERE)]


@pytest.mark.parametrize(("name", "is_believed"), [("another", False), ("t", True)])
async def test_what_is_new_was_not_known_under_another_name(name: str, is_believed: bool) -> None:
    """A list may show what a POST has made before the POST is answered, but under no other name."""
    stage = Stage(NOTHING_YET, answer=THERE)
    whole = Topic.model_validate(THERE.model_dump() | {"name": name, "project_id": "0" * 32})
    stage.session.own.answered(whole)
    assert whole.is_whole
    if is_believed:
        assert await Sender(stage.owners).send(stage.current, CREATE) == THERE
        return
    with pytest.raises(OutcomeUnknown, match="was there before") as unclear:
        await Sender(stage.owners).send(stage.current, CREATE)
    assert (unclear.value.status, unclear.value.request_id) == (200, "request-1")
    assert stage.session.own.get(THERE.id) == whole


async def test_what_has_not_told_its_name_yet_had_no_other() -> None:
    stage = Stage(NOTHING_YET, answer=THERE)
    stage.session.own.answered(Topic.model_construct({"id", "datastore_id"}, id=THERE.id, name="", datastore_id=MAIN))
    assert await Sender(stage.owners).send(stage.current, CREATE) == THERE


async def test_what_is_asked_of_an_object_is_answered_about_that() -> None:
    cluster = resource("ManagedDatastore", "main", spec=dict(DATASTORE_SPEC), id_=MAIN)
    stage = Stage(cluster, answer=datastore(id=uuid(9)), external=datastore())
    with pytest.raises(OutcomeUnknown, match=f"is about {uuid(9)}, not {MAIN}"):
        await Sender(stage.owners).send(stage.current, DATASTORES.update(MAIN, DatastoreName(name="main")))
    assert stage.session.own.get(uuid(9)) is None
