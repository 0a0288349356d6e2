"""What is done again and again in vain: after a few times it is left alone for a while, and a person is told."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from kinds.builders import MAIN, uuid
from managed_databases.api.models import User
from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.verdicts import Credentials, Delete, PasswordStep, Reason, Record, Stall, Wait
from managed_databases.reconcile.act.desired_secret import RESET, content_hash
from managed_databases.reconcile.act.drift_fight import FIGHT_CORRECTIONS, FIGHT_SECONDS
from managed_databases.reconcile.act.retry_policy import (
    DELETED_IN_VAIN,
    MADE_AGAIN_SECONDS,
    MAX_MADE_AGAIN,
    REPAIRS_OF_A_SECRET,
)
from reconcile.act.resting import ALSO, GROW, Resting, grow
from reconcile.fake_cache import resource

# --- the same correction ---


def corrected(times: int = FIGHT_CORRECTIONS) -> Resting:
    """The API has done each correction, and something else has undone it."""
    resting = Resting()
    for _ in range(times):
        resting.works(GROW)
        resting.current.memory.retry.accepted.clear()
        resting.clock.moment += 10.0
    return resting


@pytest.mark.parametrize(
    ("why", "resting", "change", "is_fight"),
    [
        ("often enough", corrected, GROW, True),
        ("whatever the value is", corrected, ALSO, True),
        ("not often", lambda: corrected(FIGHT_CORRECTIONS - 1), GROW, False),
    ],
)
def test_what_is_corrected_again_and_again_is_a_fight(
    why: str, resting: Callable[[], Resting], change: Any, is_fight: bool
) -> None:
    fixture = resting()
    told = fixture.policy.rests(fixture.current)(change)
    assert (isinstance(told, Stall) and told.reason is Reason.DRIFT_FIGHT) == is_fight, why


def test_a_fight_is_over_after_a_while_and_with_another_spec() -> None:
    resting = corrected()
    resting.sees(generation=2)
    assert resting.policy.rests(resting.current)(GROW) is None
    resting.sees(generation=1)
    resting.clock.moment += FIGHT_SECONDS - 10.0 * FIGHT_CORRECTIONS
    assert resting.policy.rests(resting.current)(GROW) is not None
    resting.clock.moment += 1.0
    assert resting.policy.rests(resting.current)(GROW) is None
    assert len(resting.current.memory.retry.corrections) == FIGHT_CORRECTIONS - 1, "what is over is forgotten"


# --- the same Secret ---

ACCOUNT = User(id=uuid(60), name="app", datastore_id=MAIN, status="ACTIVE")
APP = resource("DatabaseUser", "app", spec={"datastoreRef": {"name": "main"}}, id_=ACCOUNT.id, inside=MAIN)
PASSWORD, OTHER = SecretStr("a"), SecretStr("b")
READ = PasswordView(password=PASSWORD)
WRITE = Credentials(PasswordStep.WRITE, Reason.DRIFT, "it is not as it should be")
SET_BACK = PasswordView(password=PASSWORD, is_set_back=True)
UNVOUCHED = PasswordView(password=PASSWORD, is_unvouched=True)
SENDS = Credentials(PasswordStep.CONFIRM, Reason.ROTATING, "it is sent to the cloud again")
RESETS = Credentials(PasswordStep.PREPARE, Reason.PASSWORD_RESET, "it is lost")


def repaired(
    written: SecretStr | int | None, times: int = REPAIRS_OF_A_SECRET, view: PasswordView | None = READ, of: Any = APP
) -> Resting:
    resting = Resting(of, external=ACCOUNT if of is APP else None, credential=view)
    for _ in range(times):
        what = written if isinstance(written, int) else content_hash(resting.current, written or PASSWORD)
        resting.current.memory.password.was_put_right(what, resting.clock.moment)
        resting.clock.moment += 10.0
    return resting


@pytest.mark.parametrize(
    ("why", "resting", "step", "is_fight"),
    [
        ("the same was written", lambda: repaired(PASSWORD), WRITE, True),
        ("not often", lambda: repaired(PASSWORD, REPAIRS_OF_A_SECRET - 1), WRITE, False),
        ("another content was", lambda: repaired(OTHER), WRITE, False),
        ("passwords were set anew", lambda: repaired(RESET), RESETS, True),
        ("it is set anew, and something else was written", lambda: repaired(PASSWORD), RESETS, False),
        ("nothing is known to write", lambda: repaired(RESET, view=PasswordView()), WRITE, True),
        ("a rotation is no repair", lambda: repaired(RESET),
         Credentials(PasswordStep.PREPARE, Reason.ROTATING, "it is time"), False),
        ("nor is another step", lambda: repaired(RESET),
         Credentials(PasswordStep.SWITCH, Reason.PASSWORD_RESET, "next"), False),
        ("it was set back and sent again", lambda: repaired(RESET, view=SET_BACK), SENDS, True),
        ("what nothing vouches for was sent again", lambda: repaired(RESET, view=UNVOUCHED), SENDS, True),
        ("not often", lambda: repaired(RESET, REPAIRS_OF_A_SECRET - 1, view=SET_BACK), SENDS, False),
        ("what is sent again for the operator's own doubt is none of another hand", lambda: repaired(RESET), SENDS, False),
        ("it was set back, and the next step is another one", lambda: repaired(RESET, view=SET_BACK),
         Credentials(PasswordStep.CONFIRMED, Reason.READY, "next"), False),
        ("no Secret was read", lambda: repaired(RESET, view=None), WRITE, False),
        ("another step is none of the Secret's", lambda: repaired(PASSWORD), Record(Reason.FOUND, "x"), False),
    ],
)  # fmt: skip
def test_what_is_written_into_a_secret_again_and_again_is_a_fight(
    why: str, resting: Callable[[], Resting], step: Any, is_fight: bool
) -> None:
    told = resting().verdict(step)
    if is_fight:
        assert isinstance(told, Stall), why
        assert told.reason is Reason.DRIFT_FIGHT
        assert "the Secret app-user had to be put right 5 times in ten minutes" in told.message
    else:
        assert told == step, why


def test_a_value_that_the_cloud_tells_is_fought_about_as_it_is_told() -> None:
    token = resource("PrometheusMetricsToken", "scrape", id_=uuid(61))
    view = PasswordView(password=OTHER, given=PASSWORD)
    assert repaired(PASSWORD, view=view, of=token).verdict(WRITE).reason is Reason.DRIFT_FIGHT
    assert repaired(OTHER, view=view, of=token).verdict(WRITE) == WRITE


def test_a_fight_about_a_secret_is_over_after_a_while() -> None:
    resting = repaired(PASSWORD)
    resting.clock.moment += FIGHT_SECONDS - 10.0 * REPAIRS_OF_A_SECRET
    assert resting.verdict(WRITE).reason is Reason.DRIFT_FIGHT
    resting.clock.moment += 1.0
    assert resting.verdict(WRITE) == WRITE
    assert len(resting.current.memory.password.repairs) == REPAIRS_OF_A_SECRET - 1, "what is over is forgotten"


# --- the same deletion ---

DELETE = Delete(Reason.DELETING, "it goes")


def test_a_deletion_that_was_accepted_and_does_nothing_is_asked_for_ever_more_rarely() -> None:
    resting, rests = Resting(), []
    for times in range(1, DELETED_IN_VAIN + 2):
        resting.works(DELETE)
        told = resting.verdict(DELETE)
        assert told.reason is (Reason.DELETING if times <= DELETED_IN_VAIN else Reason.PENDING_TOO_LONG)
        assert isinstance(told, Wait if times <= DELETED_IN_VAIN else Stall)
        rests.append(resting.rest(DELETE))
    assert rests == [2.0, 20.0, 120.0, 300.0, *[600.0] * 5]
    assert "has accepted the deletion of 00000050-" in told.message


def test_what_the_deletion_may_have_done_lets_it_not_go() -> None:
    resting = Resting()
    resting.works(DELETE)
    resting.sees(external=resting.current.observed.existing.model_copy(update={"status": "PENDING_DELETE"}))
    assert resting.verdict(DELETE).reason is Reason.DELETING


def test_the_deletion_after_a_failure_of_something_else_is_a_first_one() -> None:
    resting = Resting()
    resting.works(DELETE)
    resting.rest(DELETE)
    resting.sees(generation=2)
    resting.works(DELETE)
    assert resting.rest(DELETE) == 2.0


# --- the same object ---

MADE_AGAIN = Record(Reason.GONE, "x is gone, and is made again")


def made_again(times: int = MAX_MADE_AGAIN) -> Resting:
    resting = Resting()
    for _ in range(times):
        resting.works(MADE_AGAIN)
        resting.works(Record(Reason.FOUND, "counts for nothing"))
        resting.clock.moment += 60.0
    return resting


def test_what_is_made_again_and_again_is_left_alone() -> None:
    assert made_again(MAX_MADE_AGAIN - 1).verdict(MADE_AGAIN) == MADE_AGAIN
    resting = made_again()
    told = resting.verdict(MADE_AGAIN)
    assert isinstance(told, Stall)
    assert told.reason is Reason.DRIFT_FIGHT
    assert "is gone from the cloud as 3 others before it within an hour" in told.message
    found = Record(Reason.FOUND, "it is there again")
    assert resting.verdict(found) == found
    assert resting.verdict(grow(5)) == grow(5)


def test_it_is_made_again_after_a_while_and_for_another_spec() -> None:
    resting = made_again()
    resting.sees(generation=2)
    assert resting.verdict(MADE_AGAIN) == MADE_AGAIN
    resting.sees(generation=1)
    resting.clock.moment += MADE_AGAIN_SECONDS - 60.0 * MAX_MADE_AGAIN
    assert resting.verdict(MADE_AGAIN).reason is Reason.DRIFT_FIGHT
    resting.clock.moment += 1.0
    assert resting.verdict(MADE_AGAIN) == MADE_AGAIN
    assert len(resting.current.memory.retry.remade) == MAX_MADE_AGAIN - 1, "what is over is forgotten"
