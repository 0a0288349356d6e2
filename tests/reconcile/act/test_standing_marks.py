"""What stands in a resource's metadata: a finalizer that was taken away is put back, and what has no effect is told once."""

from dataclasses import replace
from typing import Any, cast

import pytest

from kinds.builders import MAIN, uuid
from managed_databases.api.models import User
from managed_databases.kinds.registry import FINALIZER, GROUP
from managed_databases.reconcile.act.standing_marks import StandingMarks
from managed_databases.reconcile.annotations import APPROVE
from managed_databases.reconcile.ports import Resource, WriteConflict
from managed_databases.reconcile.report.event_recorder import FINALIZER_RESTORED, EventRecorder
from managed_databases.reconcile.report.odd_annotations import ODD_ANNOTATION
from reconcile.act.recording import Stage
from reconcile.fake_cache import resource

THERE = User(id=uuid(60), name="app", datastore_id=MAIN, status="ACTIVE")
HASH, OTHER_HASH, NO_HASH = "0123456789ab", "ba9876543210", "yes"
MISTYPED = {f"{GROUP}/pause": "true"}


def app(*finalizers: str, **fields: Any) -> Resource:
    whole = resource("DatabaseUser", "app", spec={"datastoreRef": {"name": "main"}}, inside=MAIN, **fields)
    return replace(whole, finalizers=finalizers)


def marks_of(stage: Stage) -> StandingMarks:
    return StandingMarks(stage.kube, cast(EventRecorder, stage.events))


# --- the finalizer ---


@pytest.mark.parametrize(
    ("why", "its", "expected"),
    [
        ("it is there", app(FINALIZER, id_=THERE.id), None),
        ("it was taken away", app(id_=THERE.id), (FINALIZER,)),
        ("those of others stay", app("a", "b", id_=THERE.id), ("a", "b", FINALIZER)),
        ("an attempt is open", app(intent=True), (FINALIZER,)),
        ("there is nothing to lose", app(), None),
        ("it is being deleted: nobody may add one", app("a", id_=THERE.id, going=True), None),
    ],
)
async def test_the_finalizer(why: str, its: Resource, expected: tuple[str, ...] | None) -> None:
    stage = Stage(its)
    kept = await marks_of(stage).keep_finalizer(its)
    assert kept == (its if expected is None else replace(its, finalizers=expected)), why
    assert stage.done == ([] if expected is None else [f"finalizers: {', '.join(expected)}"])
    assert [told.reason for told in stage.events.told] == ([] if expected is None else [FINALIZER_RESTORED])


async def test_what_was_not_put_back_is_not_told() -> None:
    stage = Stage(app(id_=THERE.id))
    stage.journal.refuses[f"finalizers: {FINALIZER}"] = WriteConflict("somebody else wrote first")
    with pytest.raises(WriteConflict):
        await marks_of(stage).keep_finalizer(stage.current.resource)
    assert stage.events.told == []


# --- annotations ---


def said(message: str) -> dict[str, Any]:
    condition = {"type": ODD_ANNOTATION, "status": "True", "reason": ODD_ANNOTATION, "message": message}
    return {"conditions": [condition | {"observedGeneration": 1, "lastTransitionTime": "2026-01-01T00:00:00Z"}]}


def look(annotations: dict[str, str], status: dict[str, Any] | None = None, **observed: Any) -> Stage:
    its = app(id_=THERE.id, annotations=annotations, status=status)
    stage = Stage(its, **{"external": THERE} | observed)
    marks_of(stage).look(stage.current)
    return stage


def again(stage: Stage, annotations: dict[str, str]) -> None:
    stage.current.observed = replace(stage.current.observed, annotations=annotations, odd_annotations=None)
    marks_of(stage).look(stage.current)


def told_by(stage: Stage) -> list[str]:
    assert {told.reason for told in stage.events.told} <= {ODD_ANNOTATION}
    return [told.message for told in stage.events.told]


def test_what_has_no_effect_is_told_once() -> None:
    stage = look(MISTYPED)
    told = stage.current.observed.odd_annotations
    assert told is not None
    assert told_by(stage) == [told]
    again(stage, MISTYPED)
    assert stage.current.observed.odd_annotations == told, "as long as it is there"
    assert told_by(stage) == [told], "but posted once"
    again(stage, {})
    assert stage.current.observed.odd_annotations is None
    again(stage, MISTYPED)
    assert told_by(stage) == [told, told]


def test_what_an_earlier_process_has_told_is_no_news() -> None:
    (message,) = told_by(look(MISTYPED))
    assert told_by(look(MISTYPED, said(message))) == []
    assert told_by(look(MISTYPED, said("something else"))) == [message]
    assert look(MISTYPED, said(message)).current.observed.odd_annotations == message


@pytest.mark.parametrize(
    ("why", "first", "then", "is_odd"),
    [
        ("an approval that comes while nothing waits", {}, HASH, True),
        ("one that was there before this process", {APPROVE: HASH}, HASH, False),
        ("another one came in its place", {APPROVE: HASH}, OTHER_HASH, True),
        ("what is no approval at all", {APPROVE: NO_HASH}, NO_HASH, True),
    ],
)
def test_an_approval_is_judged_by_what_was_there_before(
    why: str, first: dict[str, str], then: str, is_odd: bool
) -> None:
    stage = look(first)
    for _ in range(2):
        again(stage, {APPROVE: then})
        assert (stage.current.observed.odd_annotations is not None) is is_odd, why


def test_an_approval_that_an_earlier_process_has_told_stays_odd() -> None:
    told = f"the annotation {APPROVE}: {HASH} approves nothing"
    assert look({APPROVE: HASH}, said(told)).current.observed.odd_annotations is not None
    assert look({APPROVE: OTHER_HASH}, said(told)).current.observed.odd_annotations is None


def test_while_nothing_is_known_of_differences_an_approval_is_not_remembered() -> None:
    stage = look({APPROVE: HASH}, external=None)
    assert stage.current.memory.approval is None
    assert look({}, external=None).current.memory.approval == ("", False), "that there is none is known at once"
