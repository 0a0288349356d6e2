"""What is seen of the cloud object whose id the status has."""

from dataclasses import replace
from typing import Any

import pytest

from kinds.builders import MAIN, PROJECT, uuid
from managed_databases.api.models import Topic
from managed_databases.kinds.observed import Presence
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.observe.external import ExternalLook
from managed_databases.reconcile.scheduling import dependencies as dependency
from reconcile.act.recording import Stage
from reconcile.fake_cache import resource

THERE = Topic.model_validate(
    {"id": uuid(80), "name": "t", "datastore_id": MAIN, "status": "ACTIVE", "partitions": 1, "project_id": "0" * 32}
)
IN_MAIN = {"datastoreRef": {"name": "main"}}
TOPIC = resource("KafkaTopic", "t", spec=IN_MAIN, id_=THERE.id, inside=MAIN)
OBJECT = dependency.cloud_object(PROJECT.name, "topics", THERE.id)


class Fixture:
    def __init__(self, its: Any = TOPIC, *others: Any, external: Topic | None = THERE) -> None:
        self.stage = Stage(its, *others, external=external)
        self.current, self.clock, self.snapshot = self.stage.current, self.stage.clock, self.stage.session.own
        self.sees = ExternalLook(self.stage.owners, self.clock, 3600.0)

    def look(self) -> tuple[Any, Presence]:
        return self.sees.look(self.current)

    def left(self) -> float | None:
        return self.look()[1].pending_seconds


def test_it_is_there() -> None:
    fixture = Fixture()
    assert fixture.look() == (THERE, Presence())
    assert fixture.current.dependencies == {OBJECT}


def test_it_is_gone_or_not_seen() -> None:
    fixture = Fixture(external=None)
    assert fixture.look() == (None, Presence())
    fixture.snapshot.confirmed_gone(THERE.id)
    assert fixture.look() == (None, Presence(is_gone=True))


def test_it_is_unsure_after_a_call_of_unknown_outcome_and_where_it_is_not_whole() -> None:
    fixture = Fixture()
    fixture.snapshot.outcome_unknown(THERE.id)
    assert fixture.look() == (THERE, Presence(is_unsure=True))
    odd = Topic.model_construct({"id", "datastore_id"}, id=THERE.id, name="", datastore_id=MAIN)
    assert not odd.is_whole
    assert Fixture(external=odd).look() == (odd, Presence(is_unsure=True))


def test_another_holder_is_named_as_far_as_it_may_be_and_depended_on() -> None:
    for namespace, name in (("home", "KafkaTopic home/a"), ("guest", "a resource of another namespace")):
        other = resource("KafkaTopic", "a", namespace, spec=IN_MAIN, id_=THERE.id, inside=MAIN)
        fixture = Fixture(TOPIC, other)
        assert fixture.look()[1].holder == name
        assert dependency.resource(*other.key) in fixture.current.dependencies


# --- how long the cloud may be at work ---

AT_WORK = THERE.model_copy(update={"status": "PENDING_UPDATE"})


def test_what_is_left_of_the_time_counts_from_when_it_was_seen_first() -> None:
    fixture = Fixture(external=AT_WORK)
    assert fixture.left() == 3600.0
    fixture.clock.moment += 1000.0
    assert fixture.left() == 2600.0
    fixture.clock.moment += 9000.0
    assert fixture.left() == 0.0
    fixture.snapshot.answered(THERE)
    assert fixture.left() is None
    fixture.snapshot.answered(AT_WORK)
    assert fixture.left() == 3600.0, "another work"


def test_another_status_is_another_work() -> None:
    fixture = Fixture(external=AT_WORK)
    fixture.left()
    fixture.clock.moment += 1000.0
    fixture.snapshot.answered(AT_WORK.model_copy(update={"status": "PENDING_DELETE"}))
    assert fixture.left() == 3600.0


@pytest.mark.parametrize(
    ("phase", "reason", "left"),
    [
        ("PENDING_UPDATE", Reason.PENDING_TOO_LONG, 0.0),
        ("PENDING_CREATE", Reason.PENDING_TOO_LONG, 3600.0),
        ("PENDING_UPDATE", Reason.PENDING, 3600.0),
    ],
)
def test_what_an_earlier_process_has_said_holds(phase: str, reason: Reason, left: float) -> None:
    said = {"phase": phase, "conditions": [{"type": "Stalled", "reason": reason}]}
    fixture = Fixture(external=AT_WORK)
    fixture.current.resource = replace(TOPIC, status={**TOPIC.status, **said})
    assert fixture.left() == left


# --- what was lost and is there again ---


@pytest.mark.parametrize("what", ["nothing", "gone", "dirty", "held"])
def test_what_was_lost_and_is_shown_again(what: str) -> None:
    lost = resource("KafkaTopic", "t", spec=IN_MAIN, status={"lostIDs": [THERE.id]})
    holder = resource("KafkaTopic", "a", "guest", spec=IN_MAIN, id_=THERE.id, inside=MAIN)
    fixture = Fixture(lost, *((holder,) if what == "held" else ()))
    if what == "gone":
        fixture.snapshot.confirmed_gone(THERE.id)
    if what == "dirty":
        fixture.snapshot.outcome_unknown(THERE.id)
    assert fixture.look() == (None, Presence(returned=(THERE.id,) if what == "nothing" else ()))
    assert OBJECT in fixture.current.dependencies
    assert Fixture(lost, external=None).look() == (None, Presence())
