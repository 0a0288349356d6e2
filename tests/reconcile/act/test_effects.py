"""Changes that the API accepts and does not do: how long they rest, and what ends that."""

from dataclasses import replace
from typing import Any

import pytest

from kinds.builders import MAIN, parent, uuid
from managed_databases.api.collections import TOPICS
from managed_databases.api.models import Topic, TopicChange
from managed_databases.kinds.observed import Presence, Referred
from managed_databases.kinds.verdicts import Change, Reason, Stall, Wait
from managed_databases.reconcile.act.drift_fight import FIGHT_CORRECTIONS, FIGHT_SECONDS
from managed_databases.reconcile.act.effects import Effects
from managed_databases.reconcile.controller_settings import ControllerSettings
from reconcile.act.recording import Stage
from reconcile.fake_cache import resource
from reconcile.manual_clocks import StillClock

THERE = Topic(id=uuid(80), name="t", datastore_id=MAIN, status="ACTIVE", partitions=1)
SPEC = {"datastoreRef": {"name": "main"}, "partitions": 3}
GROW = Change(Reason.DRIFT, "1 -> 3", TOPICS.update(THERE.id, TopicChange(partitions=3)))
OTHER = Change(Reason.DRIFT, "another", TOPICS.update(THERE.id, TopicChange(partitions=4)))
LONGEST_DRAW = 1.0
NOT_LISTED = Referred("ManagedDatastore main", problem=Wait(Reason.PARENT_NOT_READY, "it is not listed yet"))


class Fixture:
    def __init__(self, **spec: Any) -> None:
        app = resource("KafkaTopic", "t", spec=SPEC | spec, id_=THERE.id, inside=MAIN)
        kafka = {"datastoreRef": parent("kafka 3")}
        stage = Stage(app, external=THERE, refs=kafka)
        self.current, self.clock = stage.current, StillClock()
        self.effects = Effects(self.clock, ControllerSettings(min_backoff_seconds=2.0), lambda: LONGEST_DRAW)

    @property
    def failures(self) -> list[int]:
        return [each.failures for each in self.current.memory.retry.accepted]

    def rest(self, change: Change = GROW) -> float:
        """The seconds until the change may be tried again, as it turns out."""
        begin = self.clock.moment
        while self.effects.resting(self.current, change) is not None:
            self.clock.moment += 0.5
        return self.clock.moment - begin

    def sees(self, **observed: Any) -> None:
        self.current.observed = replace(self.current.observed, **observed)


def test_what_was_accepted_rests_and_says_so() -> None:
    fixture = Fixture()
    assert fixture.effects.resting(fixture.current, GROW) is None
    fixture.effects.was_accepted(fixture.current, GROW)
    told = fixture.effects.resting(fixture.current, GROW)
    assert isinstance(told, Wait)
    assert told.reason is Reason.PENDING
    assert "the API has accepted topics.update, and does not show what it changes" in told.message
    assert fixture.effects.resting(fixture.current, OTHER) is None, "another change is free"
    fixture.clock.moment += 3600.0
    assert fixture.effects.resting(fixture.current, GROW) is None


def test_the_more_often_the_longer_and_in_the_end_it_is_a_fight() -> None:
    fixture, rests = Fixture(), []
    for _ in range(FIGHT_CORRECTIONS):
        fixture.effects.was_accepted(fixture.current, GROW)
        told = fixture.effects.resting(fixture.current, GROW)
        rests.append(fixture.rest())
    assert rests == sorted(rests)
    assert len(set(rests)) == FIGHT_CORRECTIONS
    assert isinstance(told, Stall)
    assert told.reason is Reason.DRIFT_FIGHT
    assert fixture.failures == [FIGHT_CORRECTIONS], "it is one, not three"


def test_of_those_in_vain_one_is_tried_at_a_time() -> None:
    """All of them together make no more calls than one."""
    fixture = Fixture()
    for _ in range(FIGHT_CORRECTIONS):
        fixture.effects.was_accepted(fixture.current, GROW)
        fixture.effects.was_accepted(fixture.current, OTHER)
    first, second = (each.until - fixture.clock.moment for each in fixture.current.memory.retry.accepted)
    assert second == pytest.approx(2 * first)


def test_another_spec_is_a_first_try() -> None:
    fixture = Fixture()
    fixture.effects.was_accepted(fixture.current, GROW)
    fixture.sees(generation=2)
    assert fixture.effects.resting(fixture.current, GROW) is None
    fixture.effects.was_accepted(fixture.current, GROW)
    assert fixture.failures == [1, 1]


def test_the_state_that_the_change_may_have_brought_about_does_not_count() -> None:
    fixture = Fixture()
    fixture.effects.was_accepted(fixture.current, GROW)
    fixture.sees(external=THERE.model_copy(update={"status": "PENDING_UPDATE"}))
    assert fixture.effects.resting(fixture.current, GROW) is not None


# --- what ends it ---

DONE = THERE.model_copy(update={"partitions": 3})


def test_what_is_needed_no_more_has_had_its_effect() -> None:
    fixture = Fixture()
    fixture.effects.was_accepted(fixture.current, GROW)
    fixture.effects.forget_what_shows(fixture.current)
    assert fixture.failures == [1], "it is needed still"
    fixture.sees(external=DONE)
    fixture.effects.forget_what_shows(fixture.current)
    assert fixture.failures == []


@pytest.mark.parametrize(
    ("why", "sees"),
    [
        ("the object is not there", {"external": None}),
        ("it is not certain", {"external": DONE, "presence": Presence(is_unsure=True)}),
        ("it goes", {"external": DONE, "deleting": True}),
        ("the cloud is at work on it", {"external": DONE.model_copy(update={"status": "PENDING_UPDATE"})}),
        ("its project cannot be used", {"external": DONE, "problem": Wait(Reason.PROJECT_NOT_READY, "")}),
        ("its datastore is another one", {"external": DONE, "moved": Stall(Reason.PARENT_CHANGED, "")}),
        ("what it refers to is not known", {"external": DONE, "refs": {"datastoreRef": NOT_LISTED}}),
        ("the spec cannot be carried out", {"external": DONE.model_copy(update={"partitions": 5})}),
    ],
)
def test_where_nothing_can_be_compared_nothing_is_forgotten(why: str, sees: dict[str, Any]) -> None:
    fixture = Fixture()
    fixture.effects.was_accepted(fixture.current, GROW)
    fixture.sees(**sees)
    fixture.effects.forget_what_shows(fixture.current)
    assert fixture.failures == [1], why


def test_what_was_long_ago_is_forgotten() -> None:
    fixture = Fixture()
    fixture.effects.was_accepted(fixture.current, GROW)
    fixture.sees(external=None)
    fixture.clock.moment = fixture.current.memory.retry.accepted[0].until + FIGHT_SECONDS - 1
    fixture.effects.forget_what_shows(fixture.current)
    assert fixture.failures == [1]
    fixture.clock.moment += 2
    fixture.effects.forget_what_shows(fixture.current)
    assert fixture.failures == []


def test_where_one_has_had_its_effect_the_others_are_worth_a_try() -> None:
    fixture = Fixture()
    for _ in range(FIGHT_CORRECTIONS):
        fixture.effects.was_accepted(fixture.current, OTHER)
    fixture.effects.was_accepted(fixture.current, GROW)
    fixture.effects.forget_what_shows(fixture.current)
    assert fixture.failures == [1], "the other one is needed no more"
    assert fixture.effects.resting(fixture.current, GROW) is None
