"""How long a step that failed rests, what lets it go earlier, and what is said meanwhile."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from kinds.builders import PROJECT, parent
from managed_databases.api.errors import (
    ApiError,
    Busy,
    Forbidden,
    NeverSent,
    NotFound,
    RateLimited,
    Refused,
    TooLarge,
    Unauthorized,
)
from managed_databases.kinds.observed import CreationView
from managed_databases.kinds.verdicts import Delete, LetGo, Reason, Record, Stall, Step, Wait
from managed_databases.reconcile.act.looks_by_id import NOT_SEEN
from managed_databases.reconcile.act.retry_policy import is_look_before_creation
from managed_databases.reconcile.annotations import SYNC_REQUESTED
from managed_databases.reconcile.memory import Memory
from managed_databases.reconcile.ports import KubeRefused
from reconcile.act.resting import ALSO, CREATE, GIVEN, GROW, INVALID, THERE, UNCLEAR, Resting, topic

# --- how long ---

AT_WORK = THERE.model_copy(update={"status": "PENDING_UPDATE"})
BUSY = Busy("topics.update", "not now")
BACKOFF = [2.0, 20.0, 120.0, 300.0, 600.0, 600.0]
SLOW = [600.0] * 6
NEEDS_A_PERSON = {Reason.INVALID, Reason.FORBIDDEN, Reason.REFUSED}


@pytest.mark.parametrize(
    ("error", "busy", "reasons", "rests"),
    [
        (UNCLEAR, None, [Reason.UNREACHABLE] * 6, BACKOFF),
        (NeverSent("topics.update", "no connection"), None, [Reason.UNREACHABLE] * 6, BACKOFF),
        (TooLarge("topics.update", "a flood"), None, [Reason.UNREACHABLE] * 6, BACKOFF),
        (Unauthorized("topics.update", "no"), None, [Reason.PROJECT_NOT_READY] * 6, BACKOFF),
        (INVALID, None, [Reason.INVALID] * 6, SLOW),
        (Forbidden("topics.update", "no role"), None, [Reason.FORBIDDEN] * 6, SLOW),
        (Refused("topics.update", "no"), None, [Reason.REFUSED] * 6, SLOW),
        (RateLimited("topics.update", "slower"), None, [Reason.RATE_LIMITED] * 6, BACKOFF),
        (RateLimited("topics.update", "slower", retry_after_seconds=30.0), None, [Reason.RATE_LIMITED] * 6,
         [30.0, 30.0, *BACKOFF[2:]]),
        (RateLimited("topics.update", "slower", retry_after_seconds=1e6), None, [Reason.RATE_LIMITED] * 6, [3600.0] * 6),
        (NotFound("topics.update", "datastore x not found."), None, [Reason.LOOKING] * 3 + [Reason.REFUSED] * 3,
         BACKOFF[:3] + SLOW[3:]),
        (BUSY, AT_WORK, [Reason.BUSY] * 6, BACKOFF),
        (BUSY, None, [Reason.BUSY] * 2 + [Reason.REFUSED] * 4, BACKOFF[:2] + SLOW[2:]),
        (BUSY, NOT_SEEN, [Reason.BUSY] * 6, BACKOFF),
    ],
    ids=["no clear answer", "no connection", "too large", "unauthorized", "invalid", "forbidden", "refused", "rate limited",
         "wait 30 s", "wait for days", "not found", "at work", "nothing at work", "not our turn"],
)  # fmt: skip
def test_how_long_a_step_rests(error: ApiError, busy: Any, reasons: list[Reason], rests: list[float]) -> None:
    resting = Resting()
    for reason, seconds in zip(reasons, rests, strict=True):
        told = resting.fails(GROW, error, busy)
        assert told.reason is reason
        assert isinstance(told, Stall) == (reason in NEEDS_A_PERSON)
        assert resting.verdict(GROW) == told
        assert resting.rest(GROW) == seconds


def test_a_refusal_rests_as_long_as_the_settings_say_at_least() -> None:
    resting = Resting(min_backoff_seconds=900.0)
    resting.fails(GROW, INVALID)
    assert resting.rest(GROW) == 900.0


def test_what_kubernetes_refuses_rests_and_is_told() -> None:
    resting, rests = Resting(), []
    for _ in range(3):
        told = resting.policy.kubernetes_refused(resting.current, GROW, KubeRefused("quota exceeded"))
        assert told.reason is Reason.KUBERNETES_REFUSES
        assert resting.verdict(GROW) == told
        rests.append(resting.rest(GROW))
    assert rests == BACKOFF[:3]


def test_after_a_defect_the_whole_resource_rests() -> None:
    resting, memory = Resting(), Memory("uid-1")
    assert [resting.policy.after_defect(memory) for _ in range(3)] == BACKOFF[:3]
    held = memory.retry.held
    assert held is not None
    assert held.until == resting.clock.moment + BACKOFF[2]


@pytest.mark.parametrize(
    ("attempts_before", "reason"),
    [(None, Reason.UNREACHABLE), (1, Reason.UNREACHABLE), (2, Reason.DUPLICATE_SUSPECTED)],
)
def test_attempts_without_a_clear_answer_become_a_matter_for_people(
    attempts_before: int | None, reason: Reason
) -> None:
    intent = None if attempts_before is None else {"attempt": attempts_before, "waitSeconds": 60.0}
    status = {} if intent is None else {"intent": intent}
    resting = Resting(topic(id_=None, status=status), external=None)
    assert resting.fails(CREATE, UNCLEAR).reason is reason
    assert resting.fails(CREATE, NeverSent("topics.create", "no connection")).reason is Reason.UNREACHABLE, (
        "nothing is made"
    )
    assert resting.fails(GROW, UNCLEAR).reason is Reason.UNREACHABLE, "nor is it by a change"


# --- what is busy ---


@pytest.mark.parametrize(
    ("why", "sees"),
    [
        ("it was worked on", {"external": THERE.model_copy(update={"updated_at": "2026-01-02T00:00:00Z"})}),
        ("its datastore was", {"refs": {"datastoreRef": parent("kafka 3", updated_at="2026-01-02T00:00:00Z")}}),
    ],
)
def test_what_was_at_work_between_two_refusals_may_have_been_their_reason(why: str, sees: dict[str, Any]) -> None:
    resting = Resting()
    resting.fails(GROW, BUSY)
    resting.fails(GROW, BUSY)
    resting.sees(**sees)
    assert resting.fails(GROW, BUSY).reason is Reason.BUSY, why
    assert resting.current.memory.retry.busy_tries == 1


def test_when_nobody_could_look_the_refusal_counts_neither_way() -> None:
    resting = Resting()
    resting.fails(GROW, BUSY)
    resting.fails(GROW, BUSY, NOT_SEEN)
    assert resting.current.memory.retry.busy_tries == 1
    assert resting.fails(GROW, BUSY).reason is Reason.BUSY
    assert resting.fails(GROW, BUSY).reason is Reason.REFUSED


# --- what lets a step go ---

ANOTHER_STATUS = {"external": THERE.model_copy(update={"status": "ERROR"})}
PARENT_AT_WORK = {"refs": {"datastoreRef": parent("kafka 3", status="PENDING_UPDATE")}}


def newer_catalogue() -> dict[str, Any]:
    return {"project": replace(PROJECT, catalogue=replace(PROJECT.catalogue, version=9))}


@pytest.mark.parametrize(
    ("why", "error", "sees", "is_let_go"),
    [
        ("nothing has changed", INVALID, {}, False),
        ("another spec", INVALID, {"generation": 2}, True),
        ("a person asks for a sync", INVALID, {"annotations": {SYNC_REQUESTED: "now"}}, True),
        ("another password is given", INVALID, {"credential": replace(GIVEN, given=SecretStr("b"))}, True),
        ("the Secrets are others", INVALID, {"credential": replace(GIVEN, versions=("2", None))}, False),
        ("the project offers something else", INVALID, newer_catalogue(), True),
        ("the object has another status", INVALID, ANOTHER_STATUS, True),
        ("the datastore has", INVALID, PARENT_AT_WORK, True),
        ("the object has, which may be its own doing", UNCLEAR, ANOTHER_STATUS, False),
        ("the datastore has, which may be its own doing", UNCLEAR, PARENT_AT_WORK, False),
        ("another spec, without a clear answer", UNCLEAR, {"generation": 2}, True),
    ],
)  # fmt: skip
def test_what_lets_a_step_go(why: str, error: ApiError, sees: dict[str, Any], is_let_go: bool) -> None:
    resting = Resting()
    told = resting.fails(GROW, error)
    resting.sees(**sees)
    assert resting.verdict(GROW) == (GROW if is_let_go else told), why
    assert resting.policy.rests(resting.current)(GROW) == (None if is_let_go or isinstance(told, Wait) else told), why


def test_what_kubernetes_refused_is_let_go_by_another_secret() -> None:
    resting = Resting()
    resting.policy.kubernetes_refused(resting.current, GROW, KubeRefused("immutable"))
    resting.sees(credential=replace(GIVEN, versions=("2", None)))
    assert resting.verdict(GROW) == GROW


@pytest.mark.parametrize(("failures", "is_let_go"), [(1, True), (2, True), (3, False)])
def test_that_the_api_is_back_lets_go_what_has_not_failed_often(failures: int, is_let_go: bool) -> None:
    resting = Resting()
    for _ in range(failures):
        told = resting.fails(GROW, UNCLEAR)
    resting.stage.session.circuit.times_closed += 1
    assert resting.verdict(GROW) == (GROW if is_let_go else told)


def test_what_changes_to_and_fro_fails_as_often_as_it_did() -> None:
    resting = Resting()
    resting.fails(GROW, UNCLEAR)
    resting.sees(generation=2)
    resting.fails(GROW, UNCLEAR)
    assert resting.rest(GROW) == BACKOFF[1]
    resting.sees(generation=1)
    resting.fails(GROW, UNCLEAR)
    assert resting.rest(GROW) == BACKOFF[2]


def test_of_what_rests_on_two_grounds_the_more_failures_count() -> None:
    resting = Resting()
    for generation in (1, 2, 1):
        resting.sees(generation=generation)
        resting.fails(GROW, UNCLEAR)
    assert resting.rest(GROW) == BACKOFF[2], "on the first ground alone it were the second failure"


def test_what_is_as_wrong_as_before_on_another_ground_is_a_first_failure() -> None:
    resting = Resting()
    for generation in (1, 2):
        resting.sees(generation=generation)
        resting.policy.kubernetes_refused(resting.current, GROW, KubeRefused("quota exceeded"))
        assert resting.rest(GROW) == BACKOFF[0]


def test_a_step_without_an_answer_counts_for_the_next_one() -> None:
    resting = Resting()
    resting.fails(GROW, UNCLEAR)
    resting.rest(GROW)
    resting.fails(ALSO, UNCLEAR)
    assert resting.rest(ALSO) == BACKOFF[1]


def test_a_step_that_was_refused_counts_for_no_other() -> None:
    resting = Resting()
    resting.fails(GROW, INVALID)
    resting.clock.moment += 600.0
    resting.fails(ALSO, UNCLEAR)
    assert resting.rest(ALSO) == BACKOFF[0]


@pytest.mark.parametrize(
    ("error", "steps", "is_forgotten"),
    [
        (UNCLEAR, [GROW], True),
        (INVALID, [GROW], True),
        (INVALID, [ALSO], False),
        (UNCLEAR, [Record(Reason.FOUND, "x")], False),
    ],
)
def test_after_a_step_that_worked_the_next_failure_is_a_first_one(
    error: ApiError, steps: list[Step], is_forgotten: bool
) -> None:
    resting = Resting()
    resting.fails(GROW, error)
    for step in steps:
        resting.policy.succeeded(resting.current, step)
    retry = resting.current.memory.retry
    assert ([each for each in (retry.held, *retry.aside) if each is not None] == []) == is_forgotten


# --- while the API is away ---


@pytest.mark.parametrize(
    ("verdict", "waits"),
    [
        (GROW, True),
        (CREATE, True),
        (Delete(Reason.DELETING, "it goes"), True),
        (Record(Reason.FOUND, "x is it"), False),
        (LetGo(Reason.RELEASED, "it is gone"), False),
    ],
)
def test_while_the_api_is_away_only_what_needs_it_not_is_done(verdict: Step, waits: bool) -> None:
    resting = Resting()
    resting.stage.session.circuit.is_open = True
    told = resting.verdict(verdict)
    assert (told.reason is Reason.UNREACHABLE and isinstance(told, Wait)) == waits
    assert waits or told == verdict


@pytest.mark.parametrize("verdict", [Wait(Reason.PENDING, "soon"), Stall(Reason.GONE, "gone")])
def test_what_is_no_step_is_what_is_said(verdict: Wait | Stall) -> None:
    resting = Resting()
    resting.stage.session.circuit.is_open = True
    resting.fails(GROW, INVALID)
    assert resting.verdict(verdict) == verdict


NOT_NOW = Wait(Reason.RATE_LIMITED, "topics cannot be listed")
LOOKS, LOOKS_IN_VAIN = CreationView(has_looked=False), CreationView(has_looked=False, unlisted=NOT_NOW)


@pytest.mark.parametrize(
    ("why", "creation", "reason", "is_look"),
    [
        ("it is looked for", LOOKS, Reason.LOOKING, True),
        ("it is looked for, and the list is refused", LOOKS_IN_VAIN, Reason.RATE_LIMITED, True),
        ("the list is refused, and something else is looked for", LOOKS_IN_VAIN, Reason.LOOKING, True),
        ("the list is to be had", LOOKS, Reason.RATE_LIMITED, False),
        ("something else is waited for", LOOKS_IN_VAIN, Reason.PARENT_NOT_READY, False),
        ("it was looked for", CreationView(unlisted=NOT_NOW), Reason.RATE_LIMITED, False),
        ("it was looked for", CreationView(), Reason.LOOKING, False),
    ],
)  # fmt: skip
def test_what_is_a_look_before_a_creation(why: str, creation: CreationView, reason: Reason, is_look: bool) -> None:
    resting = Resting(topic(None), external=None, creation=creation)
    assert is_look_before_creation(resting.current, Wait(reason, "...")) is is_look, why


def test_a_refused_creation_is_shown_while_it_is_looked_for_again() -> None:
    resting = Resting(topic(None), external=None, creation=CreationView(has_looked=False))
    looks = Wait(Reason.LOOKING, CREATE.message)
    assert resting.policy.shown_at_rest(resting.current, looks) == looks
    refused = resting.fails(CREATE, INVALID)
    assert resting.policy.shown_at_rest(resting.current, looks) == refused
    other = Wait(Reason.PARENT_NOT_READY, "something else")
    assert resting.policy.shown_at_rest(resting.current, other) == other
    resting.sees(generation=2)
    assert resting.policy.shown_at_rest(resting.current, looks) == looks, "another spec was not refused"


def test_an_unclear_creation_is_not_shown_as_refused() -> None:
    resting = Resting(topic(None), external=None, creation=CreationView(has_looked=False))
    resting.fails(CREATE, UNCLEAR)
    looks = Wait(Reason.LOOKING, "looks")
    assert resting.policy.shown_at_rest(resting.current, looks) == looks
