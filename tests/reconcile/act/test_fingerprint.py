"""When a step that failed is worth another try: what it would do, or the ground for it, is another."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from kinds.builders import MAIN, PROJECT, parent, uuid
from managed_databases.api.collections import TOPICS
from managed_databases.api.models import Topic, TopicChange
from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.verdicts import (
    Change,
    Create,
    Credentials,
    Delete,
    LetGo,
    PasswordStep,
    Reason,
    Record,
    Stall,
    Step,
)
from managed_databases.reconcile.act.fingerprint import fingerprint, is_held, is_same_step
from managed_databases.reconcile.annotations import SYNC_REQUESTED
from managed_databases.reconcile.observe.current_pass import PassInProject
from managed_databases.reconcile.retry_memory import FailedStep
from reconcile.act.recording import Stage
from reconcile.fake_cache import resource

THERE = Topic(id=uuid(80), name="t", datastore_id=MAIN, status="ACTIVE", partitions=1)
TOPIC = resource("KafkaTopic", "t", spec={"datastoreRef": {"name": "main"}}, id_=THERE.id, inside=MAIN)
GROW = Change(Reason.DRIFT, "1 -> 3", TOPICS.update(THERE.id, TopicChange(partitions=3)))
DELETE = Delete(Reason.DELETING, "it goes")
CREATE = Create(Reason.ABSENT, "no such topic yet")
GIVEN = PasswordView(given=SecretStr("a"), versions=("1", None))


def current_pass(**observed: Any) -> PassInProject:
    fields: dict[str, Any] = {"external": THERE, "credential": GIVEN}
    return Stage(TOPIC, **fields | observed).current


def held(step: Step, *, reason: Reason = Reason.INVALID, failures: int = 1, statuses_count: bool = True) -> FailedStep:
    failed = FailedStep(None, 0.0, Stall(reason, "no"), failures, statuses_count=statuses_count)
    failed.step = fingerprint(failed, current_pass(), step)
    return failed


def with_circuit(times_closed: int) -> PassInProject:
    stage = Stage(TOPIC, external=THERE, credential=GIVEN)
    stage.session.circuit.times_closed = times_closed
    return stage.current


def newer_catalogue() -> dict[str, Any]:
    return {"project": replace(PROJECT, catalogue=replace(PROJECT.catalogue, version=9))}


@pytest.mark.parametrize(
    ("why", "step", "how", "current", "is_so"),
    [
        ("nothing has changed", GROW, {}, current_pass, True),
        ("the spec", GROW, {}, lambda: current_pass(generation=2), False),
        ("a person asks", GROW, {}, lambda: current_pass(annotations={SYNC_REQUESTED: "now"}), False),
        ("another annotation says nothing", GROW, {}, lambda: current_pass(annotations={"note": "now"}), True),
        ("another password is given", GROW, {}, lambda: current_pass(credential=replace(GIVEN, given=SecretStr("b"))), False),
        ("none is given any more", GROW, {}, lambda: current_pass(credential=replace(GIVEN, given=None)), False),
        ("what the project offers", GROW, {}, lambda: current_pass(**newer_catalogue()), False),
        ("which a deletion does not ask for", DELETE, {}, lambda: current_pass(**newer_catalogue()), True),
        ("the API is back", GROW, {}, lambda: with_circuit(1), False),
        ("which is no ground for what failed often", GROW, {"failures": 3}, lambda: with_circuit(1), True),
        ("the object is at work", GROW, {}, lambda: current_pass(external=THERE.model_copy(update={"status": "ERROR"})), False),
        ("which may be the step's own doing", GROW, {"statuses_count": False},
         lambda: current_pass(external=THERE.model_copy(update={"status": "ERROR"})), True),
        ("the datastore is another one", GROW, {},
         lambda: current_pass(refs={"datastoreRef": replace(parent(), id=uuid(9))}), False),
        ("the datastore is at work", GROW, {}, lambda: current_pass(refs={"datastoreRef": parent(status="ERROR")}), False),
        ("which may be the step's own doing, too", GROW, {"statuses_count": False},
         lambda: current_pass(refs={"datastoreRef": parent(status="ERROR")}), True),
        ("a Secret changes what Kubernetes may say", GROW, {"reason": Reason.KUBERNETES_REFUSES},
         lambda: current_pass(credential=replace(GIVEN, versions=("2", None))), False),
        ("and nothing else", GROW, {}, lambda: current_pass(credential=replace(GIVEN, versions=("2", None))), True),
    ],
)  # fmt: skip
def test_on_what_ground_it_is_tried_again(
    why: str, step: Step, how: dict[str, Any], current: Callable[[], PassInProject], is_so: bool
) -> None:
    failed = held(step, **how)
    assert is_held(failed, current(), step) == is_so, why
    assert is_same_step(failed, step), "on whatever ground"


def record(message: str) -> Record:
    return Record(Reason.GONE, message)


@pytest.mark.parametrize(
    ("why", "one", "other", "is_same"),
    [
        ("the same call", GROW, replace(GROW, message="said in other words"), True),
        ("another value", GROW, replace(GROW, call=TOPICS.update(THERE.id, TopicChange(partitions=4))), False),
        ("another object", GROW, replace(GROW, call=TOPICS.update(uuid(81), TopicChange(partitions=3))), False),
        ("another sort of step", GROW, DELETE, False),
        ("a creation is one, whatever is said", CREATE, Create(Reason.GONE, "again"), True),
        ("a step of a password", Credentials(PasswordStep.SEND, Reason.ROTATING, "a"),
         Credentials(PasswordStep.SEND, Reason.PASSWORD_RESET, "b"), True),
        ("another step of it", Credentials(PasswordStep.SEND, Reason.ROTATING, "a"),
         Credentials(PasswordStep.SWITCH, Reason.ROTATING, "a"), False),
        ("what is recorded", record("x is gone"), record("y is gone"), False),
        ("the same record", record("x is gone"), record("x is gone"), True),
        ("a forced deletion is another one", LetGo(Reason.RELEASED, "gone"), LetGo(Reason.RELEASED, "forced"), False),
    ],
)  # fmt: skip
def test_what_is_the_same_step(why: str, one: Step, other: Step, is_same: bool) -> None:
    failed = held(one)
    assert is_same_step(failed, other) == is_same, why
    assert is_held(failed, current_pass(), other) == is_same, why


def test_a_defect_is_no_step() -> None:
    """What is held after one has no fingerprint."""
    assert not is_same_step(FailedStep(None, 0.0, Stall(Reason.OPERATOR_DEFECT, "a pass failed"), 1), GROW)
