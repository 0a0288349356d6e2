"""A wait for what is missing is shown as a stall once the grace is over."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from kinds.builders import parent
from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.observed import Referred
from managed_databases.kinds.verdicts import Done, Reason, Stall, Verdict, Wait
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
        self.stage = Stage(resource("DatabaseUser", "t", spec=spec, status=status, going=deleting))
        self.grace = MissingGrace(self.stage.clock)

    def lacks(self, missing: Wait) -> None:
        """Let the passes see that this is missing, whatever else they decide."""
        is_parent = missing.reason is Reason.PARENT_MISSING
        self.sees(refs={"datastoreRef": Referred("main", problem=missing)} if is_parent else {}, credential=None)

    def sees(self, **observed: Any) -> None:
        self.stage.current.observed = replace(self.stage.current.observed, **observed)

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


def test_what_is_done_misses_nothing() -> None:
    grace = Grace()
    grace.shown(NO_PARENT)
    assert grace.shown(Done(), after=GRACE_SECONDS) == (Done(), None)
    assert grace.shown(NO_PARENT) == (NO_PARENT, GRACE_SECONDS), "the next one has a grace of its own"


AT_WORK = Wait(Reason.BUSY, "the datastore is RESIZING")


@pytest.mark.parametrize(
    ("why", "missing", "between"),
    [
        ("the datastore is at work", NO_SECRET, AT_WORK),
        ("the API does not answer", NO_PARENT, Wait(Reason.UNREACHABLE, "no answer")),
        ("another thing is missing meanwhile", NO_PARENT, NO_SECRET),
        ("something else is refused", NO_SECRET, Stall(Reason.INVALID, "no")),
    ],
)
def test_another_wait_ends_no_grace(why: str, missing: Wait, between: Verdict) -> None:
    grace = Grace()
    grace.lacks(missing)
    grace.shown(missing)
    assert grace.shown(between, after=50)[0] == between, why
    assert grace.shown(missing, after=20) == (missing, GRACE_SECONDS - 70), why
    grace.shown(between, after=10)
    assert grace.shown(missing, after=GRACE_SECONDS)[0] == Stall(missing.reason, missing.message), why


@pytest.mark.parametrize(
    ("why", "missing", "refs", "view"),
    [
        ("the datastore is there, and at work", NO_PARENT, {"datastoreRef": replace(parent(), problem=AT_WORK)}, None),
        ("the Secret is there", NO_SECRET, {}, PasswordView(password=SecretStr("x"))),
        ("there is another trouble with it", NO_SECRET, {}, PasswordView(problem=Stall(Reason.INVALID_SPEC, "empty"))),
        ("the project is there", replace(NO_PARENT, reason=Reason.PROJECT_MISSING), {}, None),
    ],
)
def test_what_is_there_again_ends_the_grace(
    why: str, missing: Wait, refs: dict[str, Referred], view: PasswordView | None
) -> None:
    grace = Grace()
    grace.shown(missing)
    grace.sees(refs=refs, credential=view)
    grace.shown(AT_WORK, after=GRACE_SECONDS)
    assert grace.shown(missing) == (missing, GRACE_SECONDS), why


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
