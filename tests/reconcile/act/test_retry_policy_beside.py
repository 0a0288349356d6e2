"""What rests beside another step, what is said of it, and when it wakes its resource again."""

from dataclasses import replace
from typing import Any

import pytest

from managed_databases.kinds.verdicts import Done, Reason, Record, Stall, Step, Verdict, Wait
from managed_databases.reconcile.act.drift_fight import FIGHT_CORRECTIONS
from managed_databases.reconcile.ports import KubeRefused
from reconcile.act.resting import ALSO, CREATE, GROW, INVALID, UNCLEAR, Resting, grow, topic

SLOW = 600.0

# --- set aside ---


def test_what_was_refused_rests_while_another_step_fails_too() -> None:
    resting = Resting()
    refused, unclear = resting.fails(GROW, INVALID), resting.fails(ALSO, UNCLEAR)
    assert resting.verdict(GROW) == refused
    told = resting.verdict(ALSO)
    assert isinstance(told, Stall), "what waits does not hide what was refused"
    assert told.reason is Reason.INVALID
    assert told.message == f"{refused.message}; {unclear.message}"


def test_what_is_a_matter_for_people_itself_is_told_alone() -> None:
    resting = Resting()
    resting.fails(GROW, INVALID)
    refused = resting.policy.kubernetes_refused(resting.current, ALSO, KubeRefused("quota exceeded"))
    assert resting.verdict(ALSO) == refused
    assert resting.verdict(GROW).reason is Reason.INVALID, "and the other one rests on"


@pytest.mark.parametrize(
    ("why", "sees", "passes", "reason"),
    [
        ("it rests", {}, 0.0, Reason.INVALID),
        ("it was of another spec", {"generation": 2}, 0.0, Reason.UNREACHABLE),
        ("its rest is over", {}, SLOW, Reason.UNREACHABLE),
    ],
)
def test_when_a_refusal_is_told_beside_a_wait(why: str, sees: dict[str, Any], passes: float, reason: Reason) -> None:
    resting = Resting()
    resting.fails(GROW, INVALID)
    resting.clock.moment += passes
    resting.sees(**sees)
    resting.fails(ALSO, UNCLEAR)
    assert resting.verdict(ALSO).reason is reason, why


def test_a_wait_beside_a_wait_is_told_alone() -> None:
    resting = Resting()
    resting.fails(GROW, UNCLEAR)
    told = resting.fails(ALSO, UNCLEAR)
    assert resting.verdict(ALSO) == told
    assert isinstance(resting.verdict(GROW), Wait), "and the other one rests on"


def test_the_more_of_them_rest_the_longer_each_does() -> None:
    """All together make no more calls than one."""
    resting, rests = Resting(), []
    for partitions in (3, 4, 5):
        resting.fails(grow(partitions), INVALID)
        held = resting.current.memory.retry.held
        assert held is not None
        rests.append(held.until - resting.clock.moment)
    assert rests == [SLOW, 2 * SLOW, 3 * SLOW]


@pytest.mark.parametrize(
    ("why", "generation", "passes"), [("its rest is over", 1, SLOW), ("it is the same step", 2, 0.0)]
)
def test_what_makes_a_rest_no_longer(why: str, generation: int, passes: float) -> None:
    resting = Resting()
    resting.fails(ALSO, INVALID)
    resting.clock.moment += passes
    resting.sees(generation=generation)
    resting.fails(ALSO if generation == 2 else GROW, INVALID)
    held = resting.current.memory.retry.held
    assert held is not None
    assert held.until - resting.clock.moment == SLOW, why


def test_only_so_many_are_kept() -> None:
    resting = Resting()
    for partitions in range(3, 33):
        resting.fails(grow(partitions), INVALID)
    retry = resting.current.memory.retry
    assert len(retry.aside) == 16
    assert resting.verdict(grow(3)) == grow(3), "the oldest are forgotten"
    assert resting.verdict(grow(31)).reason is Reason.INVALID


def test_what_works_after_all_rests_no_more_and_the_others_do() -> None:
    resting = Resting()
    refused = resting.fails(GROW, INVALID)
    resting.fails(ALSO, INVALID)
    resting.works(ALSO)
    assert resting.verdict(ALSO) == ALSO
    assert resting.verdict(GROW) == refused


# --- what is passed over ---


@pytest.mark.parametrize(
    ("why", "error", "passes", "is_passed_over"),
    [
        ("it was refused", INVALID, 0.0, True),
        ("its rest is over", INVALID, SLOW, False),
        ("it has no clear answer", UNCLEAR, 0.0, False),
    ],
)
def test_which_changes_hold_up_none_of_the_others(why: str, error: Any, passes: float, is_passed_over: bool) -> None:
    resting = Resting()
    told = resting.fails(GROW, error)
    resting.clock.moment += passes
    rests = resting.policy.rests(resting.current)
    assert rests(GROW) == (told if is_passed_over else None), why
    assert rests(ALSO) is None


def test_what_was_accepted_without_effect_holds_up_none_of_the_others() -> None:
    resting = Resting()
    resting.works(GROW)
    rests = resting.policy.rests(resting.current)
    told = rests(GROW)
    assert told is not None
    assert told.reason is Reason.PENDING
    assert rests(ALSO) is None


# --- what is said meanwhile ---


def stalled(resting: Resting) -> Stall:
    told = Stall(Reason.INVALID, "refused, as was told last")
    resting.current.memory.retry.was_told(resting.current.observed.generation, told)
    return told


def test_what_is_tried_again_is_as_refused_as_before() -> None:
    resting = Resting()
    resting.fails(GROW, INVALID)
    told = stalled(resting)
    resting.rest(GROW)
    assert resting.policy.shown_while(resting.current, GROW) == told
    assert resting.policy.shown_while(resting.current, ALSO) == told, "and so is what rests beside another step"
    resting.sees(generation=2)
    assert resting.policy.shown_while(resting.current, GROW) == GROW


def test_what_is_tried_again_without_a_stall_that_was_told_is_as_it_was() -> None:
    resting = Resting()
    assert resting.policy.shown_while(resting.current, GROW) == GROW
    told = resting.fails(GROW, UNCLEAR)
    assert resting.policy.shown_while(resting.current, GROW) == told
    assert resting.policy.shown_while(resting.current, ALSO) == ALSO
    stalled(resting)
    assert resting.policy.shown_while(resting.current, ALSO) == ALSO, "nothing was refused"


def test_a_fight_that_rests_is_shown_while_another_step_is_made() -> None:
    resting = Resting()
    for _ in range(FIGHT_CORRECTIONS):
        resting.works(GROW)
    told = stalled(resting)
    assert resting.policy.shown_while(resting.current, ALSO) == told


def test_a_refusal_set_aside_is_shown_while_another_step_is_made() -> None:
    resting = Resting()
    resting.fails(GROW, INVALID)
    resting.fails(ALSO, UNCLEAR)
    told = stalled(resting)
    assert resting.policy.shown_while(resting.current, ALSO) == told


LOOKING, PENDING = Wait(Reason.LOOKING, "is it there?"), Wait(Reason.PENDING, "is it ready?")


@pytest.mark.parametrize(
    ("why", "error", "has_looked", "sees", "verdict", "is_as_refused"),
    [
        ("it is looked for", INVALID, False, {}, LOOKING, True),
        ("it was looked for", INVALID, True, {}, LOOKING, False),
        ("something else is waited for", INVALID, False, {}, PENDING, False),
        ("it was not refused", UNCLEAR, False, {}, LOOKING, False),
        ("the spec is another one", INVALID, False, {"generation": 2}, LOOKING, False),
    ],
)
def test_a_refused_creation_stays_so_while_it_is_looked_for(
    why: str, error: Any, has_looked: bool, sees: dict[str, Any], verdict: Verdict, is_as_refused: bool
) -> None:
    resting = Resting(topic(id_=None), external=None)
    told = resting.fails(CREATE, error)
    creation = replace(resting.current.observed.creation, has_looked=has_looked)
    resting.sees(creation=creation, **sees)
    assert resting.policy.shown_at_rest(resting.current, verdict) == (told if is_as_refused else verdict), why


def test_where_nothing_rests_what_was_decided_is_shown() -> None:
    resting = Resting(topic(id_=None), external=None)
    resting.sees(creation=replace(resting.current.observed.creation, has_looked=False))
    assert resting.policy.shown_at_rest(resting.current, LOOKING) == LOOKING


# --- when the next pass has to come ---


def again(resting: Resting, verdict: Verdict) -> float | None:
    return resting.policy.again_seconds(resting.current, verdict)


def test_the_first_rest_that_ends_asks_for_a_pass() -> None:
    resting = Resting()
    assert again(resting, Done()) is None
    refused = resting.fails(GROW, INVALID)
    assert again(resting, refused) == SLOW
    resting.works(ALSO)
    assert again(resting, refused) == 2.0, "to see whether what was accepted has had its effect"
    resting.clock.moment += 2.0
    assert again(resting, refused) == SLOW - 2.0
    resting.fails(ALSO, UNCLEAR)
    assert again(resting, refused) == 4.0, "twice as long beside another one"


@pytest.mark.parametrize(
    ("why", "verdict", "is_said"),
    [
        ("it is the verdict", lambda told: told, True),
        ("it is said among others", lambda told: replace(told, message=f"{told.message}; and more"), True),
        ("another thing is said for the same reason", lambda told: replace(told, message="another"), False),
        ("the same is said for another reason", lambda told: replace(told, reason=Reason.REFUSED), False),
        ("the same is only waited for", lambda told: Wait(told.reason, told.message), False),
        ("nothing is said of it", lambda _: Done(), False),
    ],
)
def test_a_rest_that_ended_while_it_was_said_asks_for_a_pass_at_once_and_once(
    why: str, verdict: Any, is_said: bool
) -> None:
    resting = Resting()
    told = verdict(resting.fails(GROW, INVALID))
    resting.clock.moment += SLOW
    assert again(resting, told) == (0.0 if is_said else None), why
    assert again(resting, told) is None, "once"


def test_records_prove_nothing() -> None:
    resting = Resting()
    told = resting.fails(GROW, UNCLEAR)
    record: Step = Record(Reason.FOUND, "x is it")
    resting.works(record)
    assert resting.verdict(GROW) == told
