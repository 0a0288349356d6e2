"""A wait for what is missing is shown as a stall once the grace is over."""

from dataclasses import replace
from typing import Any

import pytest

from managed_databases.kinds.verdicts import Delete, Done, Reason, Stall, Verdict, Wait
from managed_databases.reconcile.report.missing_grace import GRACE_SECONDS, MISSING, MissingGrace
from reconcile.act.recording import Stage
from reconcile.fake_cache import resource

NO_PARENT = Wait(Reason.PARENT_MISSING, "there is no ManagedDatastore main", 30.0)
STALLED = Stall(Reason.PARENT_MISSING, "there is no ManagedDatastore main")
NO_SECRET = Wait(Reason.SECRET_MISSING, "there is no Secret x")
CONDITION = {
    "type": "Stalled",
    "status": "True",
    "reason": "ParentMissing",
    "message": NO_PARENT.message,
    "observedGeneration": 1,
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}


class Grace:
    def __init__(self, *, was_told: dict[str, Any] | None = None, deleting: bool = False) -> None:
        status = {} if was_told is None else {"conditions": [CONDITION | was_told]}
        spec = {"datastoreRef": {"name": "main"}}
        self.stage = Stage(resource("KafkaTopic", "t", spec=spec, status=status, going=deleting))
        self.grace = MissingGrace(self.stage.clock)

    def shown(self, verdict: Verdict, *, after: float = 0.0) -> tuple[Verdict, float | None]:
        self.stage.clock.moment += after
        return self.grace.shown(self.stage.current, verdict)


@pytest.mark.parametrize("reason", sorted(MISSING))
def test_it_waits_and_then_stalls(reason: Reason) -> None:
    grace, wait = Grace(), Wait(reason, "it is not there")
    assert grace.shown(wait) == (wait, GRACE_SECONDS)
    assert grace.shown(wait, after=20) == (wait, GRACE_SECONDS - 20)
    assert grace.shown(wait, after=GRACE_SECONDS - 20) == (Stall(reason, "it is not there"), None)
    assert grace.shown(wait, after=GRACE_SECONDS) == (Stall(reason, "it is not there"), None), "and stays so"


@pytest.mark.parametrize(
    ("why", "verdict"),
    [
        ("it does something", Delete(Reason.DELETING, "it goes")),
        ("it is done", Done()),
        ("what it waits for is there, but not ready", Wait(Reason.PARENT_NOT_READY, "main is not ACTIVE")),
        ("it stalls as it is", replace(STALLED, retry_seconds=5.0)),
    ],
)
def test_what_misses_nothing_is_shown_as_it_is_and_ends_the_grace(why: str, verdict: Verdict) -> None:
    grace = Grace()
    grace.shown(NO_PARENT)
    assert grace.shown(verdict, after=GRACE_SECONDS) == (verdict, None), why
    assert grace.shown(NO_PARENT) == (NO_PARENT, GRACE_SECONDS), "the next one has a grace of its own"


@pytest.mark.parametrize(
    ("why", "other"),
    [
        ("something else is missing", NO_SECRET),
        ("another one of its kind is", replace(NO_PARENT, message="there is no ManagedDatastore other")),
        ("by the same words", replace(NO_PARENT, reason=Reason.PROJECT_MISSING)),
    ],
)
def test_each_thing_that_is_missing_has_a_grace_of_its_own(why: str, other: Wait) -> None:
    grace = Grace()
    grace.shown(NO_PARENT)
    assert grace.shown(other, after=100) == (other, GRACE_SECONDS), why
    assert grace.shown(other, after=GRACE_SECONDS - 1) == (other, 1), why


def test_how_often_it_is_looked_for_makes_no_other_thing_of_it() -> None:
    grace = Grace()
    grace.shown(NO_PARENT)
    assert grace.shown(replace(NO_PARENT, seconds=60.0), after=100)[1] == GRACE_SECONDS - 100


@pytest.mark.parametrize(
    ("why", "was_told", "is_stalled"),
    [
        ("an earlier process has waited that long", {}, True),
        ("it had not", {"status": "False"}, False),
        ("it waited for something else", {"message": "there is no ManagedDatastore other"}, False),
        ("it stalled for another reason", {"reason": "Invalid"}, False),
        ("it said so of something else", {"type": "Reconciling"}, False),
    ],
)
def test_after_a_start(why: str, was_told: dict[str, Any], is_stalled: bool) -> None:
    expected = (STALLED, None) if is_stalled else (NO_PARENT, GRACE_SECONDS)
    assert Grace(was_told=was_told).shown(NO_PARENT) == expected, why


def test_what_is_deleted_stalls_for_nothing_that_is_missing() -> None:
    grace = Grace(was_told={}, deleting=True)
    assert grace.shown(NO_PARENT) == (NO_PARENT, None)
    assert grace.shown(NO_PARENT, after=GRACE_SECONDS) == (NO_PARENT, None)
