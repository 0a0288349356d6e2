"""What a failed call means for a resource: what is shown, and when the call is tried again."""

import pytest

from kinds.builders import MAIN, uuid
from managed_databases.api.errors import (
    ApiError,
    Busy,
    Forbidden,
    Invalid,
    NeverSent,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Refused,
    TooLarge,
    Unauthorized,
)
from managed_databases.api.models import Topic
from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.reconcile.decide.failures import (
    BUSY_TRIES,
    MAX_WAIT_SECONDS,
    SLOW_SECONDS,
    defect,
    is_refusal,
    kubernetes_refusal,
    meaning,
    meaning_of_busy,
    pause_after_kube_error,
)
from managed_databases.reconcile.ports import (
    AlreadyThere,
    KubeError,
    KubeRefused,
    KubeUnreachable,
    NotThere,
    WriteConflict,
)


def limited(seconds: float | None) -> RateLimited:
    return RateLimited("x", "slow down", retry_after_seconds=seconds)


@pytest.mark.parametrize(
    ("error", "sort", "reason", "least", "refuses"),
    [
        (Invalid("x", "no such size"), Stall, Reason.INVALID, SLOW_SECONDS, True),
        (Forbidden("x", "no role"), Stall, Reason.FORBIDDEN, SLOW_SECONDS, True),
        (Refused("x", "no"), Stall, Reason.REFUSED, SLOW_SECONDS, True),
        (NotFound("x", "no such type"), Wait, Reason.LOOKING, None, True),
        (Unauthorized("x", "who are you?"), Wait, Reason.PROJECT_NOT_READY, None, True),
        (limited(7.0), Wait, Reason.RATE_LIMITED, 7.0, True),
        (limited(None), Wait, Reason.RATE_LIMITED, None, True),
        (limited(10 * MAX_WAIT_SECONDS), Wait, Reason.RATE_LIMITED, MAX_WAIT_SECONDS, True),
        (NeverSent("x", "no route"), Wait, Reason.UNREACHABLE, None, True),
        (TooLarge("x", "too many bytes"), Wait, Reason.UNREACHABLE, None, False),
        (OutcomeUnknown("x", "timeout"), Wait, Reason.UNREACHABLE, None, False),
    ],
)
def test_what_it_means(error: ApiError, sort: type, reason: Reason, least: float | None, refuses: bool) -> None:
    verdict, seconds = meaning(error)
    assert isinstance(verdict, sort)
    assert (verdict.reason, seconds) == (reason, least)
    assert is_refusal(error) == refuses, "whether the API has surely changed nothing"


def test_a_refusal_of_something_before_the_api_proves_nothing() -> None:
    error = Refused("x", "no")
    error.is_from_the_way = True
    assert not is_refusal(error)


AT_WORK = Topic(id=uuid(80), name="t", datastore_id=MAIN, status="PENDING_UPDATE")


@pytest.mark.parametrize(
    ("why", "busy", "tries", "reason"),
    [
        ("something is at work", AT_WORK, 1, Reason.BUSY),
        ("however often", AT_WORK, 100, Reason.BUSY),
        ("nothing is: it may just have ended", None, BUSY_TRIES - 1, Reason.BUSY),
        ("nothing is, again and again", None, BUSY_TRIES, Reason.REFUSED),
    ],
)
def test_busy_is_believed_while_something_is_at_work(why: str, busy: Topic | None, tries: int, reason: Reason) -> None:
    verdict, _ = meaning_of_busy(Busy("x", "not now"), busy, tries)
    assert verdict.reason is reason, why
    assert (AT_WORK.id in verdict.message) == (busy is not None)


def test_a_refusal_of_kubernetes_is_told_in_its_words() -> None:
    stall = kubernetes_refusal(KubeRefused("to write the Secret app-user: exceeded quota"))
    assert stall.reason is Reason.KUBERNETES_REFUSES
    assert "Kubernetes refuses to write the Secret app-user: exceeded quota" in stall.message
    assert stall.retry_seconds is not None


@pytest.mark.parametrize(
    ("error", "pauses"),
    [
        (WriteConflict("x"), [0.2, 0.4, 0.8, 60.0]),
        (AlreadyThere("x"), [0.2, 0.4, 0.8, 60.0]),
        (NotThere("x"), [1.0, 2.0, 4.0, 60.0]),
        (KubeRefused("x"), [30.0] * 4),
        (KubeUnreachable("x"), [5.0] * 4),
    ],
    ids=lambda told: type(told).__name__ if isinstance(told, KubeError) else "",
)
def test_the_longer_a_view_is_old_the_longer_is_the_pause(error: KubeError, pauses: list[float]) -> None:
    assert [pause_after_kube_error(error, times) for times in (1, 2, 3, 5000)] == pauses


def raised(text: str, *, elsewhere: bool = False) -> Exception:
    try:
        if elsewhere:
            raise ValueError(text)
        raise ValueError(text)
    except ValueError as error:
        return error


def test_a_defect_is_named_by_where_it_is_and_shows_nothing_of_its_text() -> None:
    incident, stall = defect(raised("secret-value"), "uid")
    assert stall.reason is Reason.OPERATOR_DEFECT
    assert f"incident={incident}" in stall.message
    assert "ValueError" in stall.message
    assert "secret-value" not in stall.message
    assert defect(raised("another text"), "uid")[0] == incident, "the same defect, in any process"
    assert defect(raised("secret-value", elsewhere=True), "uid")[0] != incident
    assert defect(raised("secret-value"), "another uid")[0] != incident
    assert defect(ValueError("raised nowhere"), "uid")[0] != incident
