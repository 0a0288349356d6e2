"""What logins by the operator make of Ready, when their failures are a person's business, and what a person is told to do."""

import pytest

from managed_databases.kinds.keeper_views import KeptViews, ProbeView
from managed_databases.kinds.verdicts import Reason
from managed_databases.probe import Login, Outcome, ProbeAnswer
from managed_databases.reconcile.report.probed import FAILED, REASONS, is_settled, probed
from managed_databases.reconcile.statuses.conditions import Saying
from managed_databases.reconcile.told import ToldCondition
from reconcile.report.keeping import kept

LOGIN = Login("postgresql", "db.example", 5432, user="app", database="orders")
USABLE: Saying = (True, Reason.READY, "usable")
IN, OUT = ProbeAnswer(Outcome.LOGGED_IN), ProbeAnswer(Outcome.REFUSED)
FIRST, SETTLED = ProbeView(LOGIN, OUT), ProbeView(LOGIN, OUT, is_settled=True)
SILENT = ProbeView(LOGIN)


def ready(reason: str, *, is_true: bool = False) -> ToldCondition:
    return ToldCondition({"type": "Ready", "status": str(is_true), "reason": reason, "message": "as it was"})


WAS_READY = ready("Ready", is_true=True)


def said(view: ProbeView | None, before: ToldCondition | None = None) -> Saying:
    return probed(kept(KeptViews(probe=view)), before, "app-user")


@pytest.mark.parametrize(
    ("why", "view", "before", "expected"),
    [
        ("nobody logs in", None, ready("LoginRefused"), "True Ready"),
        ("it is logged in to", ProbeView(LOGIN, IN), ready("LoginRefused"), "True Ready"),
        ("for the first time", ProbeView(LOGIN, IN), None, "True Ready"),
        ("one failure is no outage", FIRST, WAS_READY, "True Ready"),
        ("many are", SETTLED, WAS_READY, "False LoginRefused"),
        ("what was never ready does not become so", FIRST, None, "False LoginRefused"),
        ("nor what has failed before", FIRST, ready("Unreachable"), "False LoginRefused"),
        ("no answer yet, as after a start", SILENT, WAS_READY, "True Ready"),
        ("no answer yet, and it had failed", SILENT, ready("TLSUntrusted"), "False TLSUntrusted"),
        ("no answer yet, and something else was wrong", SILENT, ready("Down"), "False Probing"),
        ("no answer yet, and nothing was said", SILENT, None, "False Probing"),
        ("its host is not told any more", ProbeView(None, OUT), ready("Unreachable"), "False Unreachable"),
        ("and nothing was said of it", ProbeView(None, OUT), None, "False Probing"),
    ],
)  # fmt: skip
def test_ready(why: str, view: ProbeView | None, before: ToldCondition | None, expected: str) -> None:
    is_true, reason, _ = said(view, before)
    assert f"{is_true} {reason}" == expected, why


def test_what_stays_stays_in_its_own_words() -> None:
    assert said(SILENT, ready("TLSUntrusted")) == (False, Reason.TLS_UNTRUSTED, "as it was")
    assert said(SILENT, WAS_READY) == USABLE


@pytest.mark.parametrize(
    ("login", "where"),
    [(LOGIN, " at db.example:5432 "), (Login("mysql", "::1", 3306), " at [::1]:3306 "), (None, " in ")],
)
def test_where_it_will_log_in_is_told(login: Login | None, where: str) -> None:
    assert where in said(ProbeView(login))[2]


@pytest.mark.parametrize(
    ("outcome", "reason", "words"),
    [
        (Outcome.UNREACHABLE, Reason.NO_CONNECTION, ("spec.firewall", "networkPolicy.databases")),
        (Outcome.NOT_THE_ENGINE, Reason.NO_CONNECTION, ("no postgresql with TLS", "spec.ports")),
        (Outcome.WRONG_CA, Reason.TLS_UNTRUSTED, ("caCertificate of the DatabaseProject",)),
        (Outcome.WRONG_NAME, Reason.TLS_UNTRUSTED, ("for other names",)),
        (Outcome.REFUSED, Reason.LOGIN_REFUSED, ("the user app", "the Secret app-user")),
        (Outcome.NO_RIGHT, Reason.LOGIN_REFUSED, ("the user app", "the database orders", "databaseRef")),
    ],
)
def test_each_failure_says_what_to_do(outcome: Outcome, reason: Reason, words: tuple[str, ...]) -> None:
    told = said(ProbeView(LOGIN, ProbeAnswer(outcome, "SQLSTATE 08000")))
    assert told[:2] == (False, reason)
    for word in (LOGIN.address, "(SQLSTATE 08000)", *words):
        assert word in told[2]
    assert "(" not in said(ProbeView(LOGIN, ProbeAnswer(outcome)))[2].partition(":5432")[2].partition(":")[0], (
        "no detail"
    )


def test_each_failure_has_a_reason() -> None:
    assert REASONS.keys() == set(Outcome) - {Outcome.LOGGED_IN}


FAILS: Saying = (False, Reason.LOGIN_REFUSED, "no")


@pytest.mark.parametrize(
    ("why", "says", "view", "stalled", "expected"),
    [
        ("one failure is none", FAILS, FIRST, None, False),
        ("whatever an earlier process has said", FAILS, FIRST, ready("LoginRefused", is_true=True), False),
        ("many are", FAILS, SETTLED, None, True),
        ("nobody logs in", FAILS, None, ready("LoginRefused", is_true=True), False),
        ("it is usable", USABLE, SETTLED, None, False),
        ("whatever is said of that", (True, Reason.LOGIN_REFUSED, "not for this user"), SETTLED, None, False),
        ("something else is wrong", (False, Reason.DOWN, "no"), SETTLED, None, False),
        ("this process has no answer yet", FAILS, SILENT, None, False),
        ("an earlier one has said so", FAILS, SILENT, ready("LoginRefused", is_true=True), True),
        ("it has said that this is over", FAILS, SILENT, ready("LoginRefused"), False),
        ("it has said something else", FAILS, SILENT, ready("Unreachable", is_true=True), False),
    ],
)
def test_when_a_person_must_act(
    why: str, says: Saying, view: ProbeView | None, stalled: ToldCondition | None, expected: bool
) -> None:
    assert is_settled(says, view, stalled) is expected, why


@pytest.mark.parametrize("reason", sorted(FAILED))
def test_each_failure_may_be_a_persons_business(reason: Reason) -> None:
    assert is_settled((False, reason, "no"), SETTLED, None)
