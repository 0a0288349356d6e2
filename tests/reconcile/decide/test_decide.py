"""The table of decisions: each row gives an `Observed`, its verdict, and the reason why."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from kinds.builders import seen_database
from managed_databases.api.models import Database
from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.database_user import KIND as USER
from managed_databases.kinds.managed_database import KIND as DATABASE
from managed_databases.kinds.managed_database import ObservedDatabase
from managed_databases.kinds.protection import ProtectedStatus
from managed_databases.kinds.verdicts import (
    Create,
    Credentials,
    Delete,
    Done,
    PasswordStep,
    Reason,
    Record,
    Stall,
    Wait,
)
from managed_databases.reconcile.decide.decide import decide
from reconcile.decide.observed_user import (
    ADOPTS,
    DATASTORE_ID,
    HELD,
    IDENTITY,
    INTENT,
    MINE,
    NOT_NOW,
    OTHER,
    OTHER_PASSWORD,
    PASSWORD,
    THIRD,
    TRIED,
    observed,
    parent,
    status,
    user,
)


@pytest.mark.parametrize(
    ("why", "given", "verdict", "reason"),
    [
        ("nothing is there and nothing stands against it", {}, Create, Reason.ABSENT),
        (
            "the project cannot be used",
            {"problem": Wait(Reason.PROJECT_NOT_READY, "x")},
            Wait,
            Reason.PROJECT_NOT_READY,
        ),
        (
            "the parent is not usable yet",
            {"refs": parent(problem=Wait(Reason.PARENT_NOT_READY, "x"))},
            Wait,
            Reason.PARENT_NOT_READY,
        ),
        ("what is there already is not known before the first list", {"is_listed": False}, Wait, Reason.LOOKING),
        ("the list is older than the wish for it", {"has_looked": False}, Wait, Reason.LOOKING),
        ("and the next one is refused", {"has_looked": False, "unlisted": NOT_NOW}, Wait, Reason.RATE_LIMITED),
        ("the first one is refused", {"is_listed": False, "unlisted": NOT_NOW}, Wait, Reason.RATE_LIMITED),
        ("a refused list is no matter for what was looked for", {"unlisted": NOT_NOW}, Create, Reason.ABSENT),
        ("an old list shows well enough whose name it is", {"has_looked": False, "rival": "x"}, Stall, Reason.CONFLICT),
        ("nobody holds what has this name: never taken by itself", {"namesakes": (user(OTHER),)}, Stall, Reason.ALREADY_EXISTS),
        ("another resource holds what has this name", {"held": {OTHER: "x"}}, Stall, Reason.CONFLICT),
        ("another resource stands for the same key", {"rival": "x"}, Stall, Reason.CONFLICT),
        ("adoption needs the power", {"spec": {"adoption": "IfExists"}, "namesakes": (user(OTHER),)}, Stall, Reason.FORBIDDEN),
        ("nothing to adopt, and nothing may be made", {"spec": {"adoption": "Required"}}, Stall, Reason.NOTHING_TO_ADOPT),
        ("nobody knows an adopted user's password", {"spec": {"adoption": "IfExists"}, **ADOPTS}, Stall, Reason.PASSWORD_UNKNOWN),
        (
            "an adopted user's password may be set anew when that is asked for",
            {"spec": {"adoption": "IfExists", "onUnknownPassword": "Reset"}, **ADOPTS},
            Record,
            Reason.ADOPTED,
        ),
        (
            "which of two is meant is for a person to say",
            {**ADOPTS, "spec": {"adoption": "IfExists"}, "namesakes": (user(OTHER), user(THIRD))},
            Stall,
            Reason.AMBIGUOUS,
        ),
        ("the wait after an attempt is not over", {**TRIED, "settle_seconds": 10.0}, Wait, Reason.LOOKING),
        ("no list was begun after the wait", {**TRIED, "settle_seconds": 0.0, "namesakes": (user(),)}, Wait, Reason.LOOKING),
        ("the attempt left nothing behind", TRIED, Create, Reason.ABSENT),
        ("killed after the POST: the one match is ours", {**TRIED, "namesakes": (user(),)}, Record, Reason.FOUND),
        ("our own POST was answered: no wait", {**TRIED, "settle_seconds": 10.0, "created_id": MINE}, Record, Reason.CREATING),
        ("two may be ours", {**TRIED, "namesakes": (user(), user(OTHER))}, Stall, Reason.AMBIGUOUS),
        (
            "one that was there before the attempt is not ours",
            {"status": status(intent=INTENT.model_copy(update={"others": (OTHER,)})), "namesakes": (user(OTHER),)},
            Stall,
            Reason.ALREADY_EXISTS,
        ),
        ("what is new since the attempt, but in another datastore, is not ours", {**TRIED, "namesakes": (user(datastore_id=THIRD),)}, Stall, Reason.ALREADY_EXISTS),
        (
            "what differs in what can never change is not taken over",
            {**ADOPTS, "spec": {"adoption": "IfExists", "onUnknownPassword": "Reset"}, "namesakes": (user(OTHER, datastore_id=THIRD),)},
            Stall,
            Reason.NOT_ADOPTABLE,
        ),
        (
            "a foreign Secret stands where ours would: nothing is made",
            {"credential": PasswordView(problem=Stall(Reason.SECRET_CONFLICT, "x"))},
            Stall,
            Reason.SECRET_CONFLICT,
        ),
        ("what has the name is on its way out", {"namesakes": (user(OTHER, status="PENDING_DELETE"),), "dying_seconds": 5.0}, Wait, Reason.PENDING),
        ("for too long", {"namesakes": (user(OTHER, status="PENDING_DELETE"),), "dying_seconds": 0.0}, Stall, Reason.PENDING_TOO_LONG),
        ("also where it might be adopted", {**ADOPTS, "spec": {"adoption": "IfExists"}, "namesakes": (user(OTHER, status="PENDING_DELETE"),), "dying_seconds": 0.0}, Stall, Reason.PENDING_TOO_LONG),
        ("all is right", HELD, Done, Reason.IN_SYNC),
        ("an older resource holds the same object", {**HELD, "holder": "x"}, Stall, Reason.CONFLICT),
        ("a call ended unknown", {**HELD, "is_unsure": True}, Wait, Reason.LOOKING),
        ("not in the list is not gone", {**HELD, "external": None}, Wait, Reason.LOOKING),
        ("gone without data is made again", {**HELD, "external": None, "is_gone": True}, Record, Reason.GONE),
        (
            "gone, and its datastore is not usable yet: it keeps its id until it can be made again",
            {**HELD, "external": None, "is_gone": True, "refs": parent(problem=Wait(Reason.PARENT_NOT_READY, "x"))},
            Wait,
            Reason.PARENT_NOT_READY,
        ),
        ("the cloud is at work", {**HELD, "external": user(status="PENDING_UPDATE")}, Wait, Reason.PENDING),
        ("a failed object is never made again by itself", {**HELD, "external": user(status="ERROR")}, Stall, Reason.ERROR),
        ("a second object of the name is reported", {**HELD, "namesakes": (user(OTHER),)}, Stall, Reason.DUPLICATE_SUSPECTED),
    ],
)  # fmt: skip
def test_decide(why: str, given: dict[str, Any], verdict: type, reason: Reason) -> None:
    decided = decide(USER, observed(**given))
    assert (type(decided), decided.reason) == (verdict, reason), why


@pytest.mark.parametrize(
    ("why", "given", "verdict", "reason"),
    [
        ("nothing is made, and a person must end the pause", {}, Stall, Reason.PAUSED),
        ("a lost password is not set anew", {**HELD, "credential": PasswordView()}, Stall, Reason.PAUSED),
        ("what is gone is not made again", {**HELD, "external": None, "is_gone": True}, Stall, Reason.PAUSED),
        ("nothing is taken over", {"spec": {"adoption": "IfExists", "onUnknownPassword": "Reset"}, **ADOPTS}, Stall, Reason.PAUSED),
        ("nothing is held back", HELD, Done, Reason.PAUSED),
        ("what is waited for anyway", {"refs": parent(problem=Wait(Reason.PARENT_NOT_READY, "x"))}, Wait, Reason.PARENT_NOT_READY),
        ("the cloud is at work all the same", {**HELD, "external": user(status="PENDING_UPDATE")}, Wait, Reason.PENDING),
        ("what is wrong stays wrong", {"rival": "x"}, Stall, Reason.CONFLICT),
        ("what our own POST made is written down", {**TRIED, "settle_seconds": 10.0, "created_id": MINE}, Record, Reason.CREATING),
        ("what our lost POST made as well", {**TRIED, "namesakes": (user(),)}, Record, Reason.FOUND),
    ],
)  # fmt: skip
def test_a_pause(why: str, given: dict[str, Any], verdict: type, reason: Reason) -> None:
    unpaused = decide(USER, observed(**given))
    decided = decide(USER, observed(annotations={"manageddatabases.io/paused": "true"}, **given))
    assert (type(decided), decided.reason) == (verdict, reason), why
    assert unpaused.message in decided.message, "what is held back, or how it is, is told"


def test_a_pause_does_not_hold_up_a_deletion() -> None:
    paused = observed(deleting=True, annotations={"manageddatabases.io/paused": "true"}, **HELD)
    assert isinstance(decide(USER, paused), Delete)


@pytest.mark.parametrize(
    ("why", "view", "unconfirmed", "step"),
    [
        ("the Secret is lost", PasswordView(), False, PasswordStep.PREPARE),
        ("another password is given", PasswordView(password=PASSWORD, given=OTHER_PASSWORD), False, PasswordStep.PREPARE),
        (
            "a pending password that the cloud may have is sent first, whatever is given now",
            PasswordView(password=PASSWORD, pending=OTHER_PASSWORD, pending_unclear=True, given=PASSWORD),
            False,
            PasswordStep.SEND,
        ),
        (
            "a pending password that is still given is sent",
            PasswordView(password=PASSWORD, pending=OTHER_PASSWORD, given=OTHER_PASSWORD),
            False,
            PasswordStep.SEND,
        ),
        (
            "one that the cloud does not have gives way to another",
            PasswordView(password=PASSWORD, pending=OTHER_PASSWORD, given=SecretStr("third")),
            False,
            PasswordStep.PREPARE,
        ),
        (
            "and so does one that the API refuses for what it is",
            PasswordView(
                password=PASSWORD,
                pending=OTHER_PASSWORD,
                given=SecretStr("third"),
                pending_unclear=True,
                pending_refused=True,
            ),
            False,
            PasswordStep.PREPARE,
        ),
        (
            "one that nobody gives any more is given up",
            PasswordView(password=PASSWORD, pending=OTHER_PASSWORD),
            False,
            PasswordStep.ABANDON,
        ),
        (
            "but not when it is all that there is",
            PasswordView(pending=OTHER_PASSWORD),
            False,
            PasswordStep.SEND,
        ),
        (
            "it is sent: the Secret may have it",
            PasswordView(password=PASSWORD, pending=OTHER_PASSWORD, pending_sent=True),
            False,
            PasswordStep.SWITCH,
        ),
        (
            "it is refused, and the Secret was set back",
            PasswordView(
                password=PASSWORD, pending=OTHER_PASSWORD, given=OTHER_PASSWORD, pending_denied=True, is_set_back=True
            ),
            False,
            PasswordStep.CONFIRM,
        ),
        (
            "it is refused, and may have been taken before",
            PasswordView(password=PASSWORD, pending=OTHER_PASSWORD, pending_denied=True, pending_unclear=True),
            True,
            PasswordStep.CONFIRM,
        ),
        (
            "it is refused, and a host has changed",
            PasswordView(
                password=PASSWORD, pending=OTHER_PASSWORD, given=OTHER_PASSWORD, pending_denied=True, outdated=True
            ),
            False,
            PasswordStep.WRITE,
        ),
        (
            "it is refused, and the Secret is fine",
            PasswordView(password=PASSWORD, pending=OTHER_PASSWORD, given=OTHER_PASSWORD, pending_denied=True),
            False,
            PasswordStep.SEND,
        ),
        ("found after an attempt: the cloud may have another password", PasswordView(password=PASSWORD), True, PasswordStep.CONFIRM),
        ("it was sent again", PasswordView(password=PASSWORD, confirmed=True), True, PasswordStep.CONFIRMED),
        ("a host has changed", PasswordView(password=PASSWORD, outdated=True), False, PasswordStep.WRITE),
        ("nothing vouches for it", PasswordView(password=PASSWORD, is_unvouched=True, outdated=True), False, PasswordStep.CONFIRM),
        (
            "it is vouched for once the cloud has it",
            PasswordView(password=PASSWORD, is_unvouched=True, confirmed=True, outdated=True),
            False,
            PasswordStep.WRITE,
        ),
        (
            "it gets its check before the doubt ends, or it would be sent twice",
            PasswordView(password=PASSWORD, is_unvouched=True, confirmed=True, outdated=True),
            True,
            PasswordStep.WRITE,
        ),
        (
            "the Secret was set back, and with it its host",
            PasswordView(password=PASSWORD, is_set_back=True, outdated=True),
            False,
            PasswordStep.CONFIRM,
        ),
        (
            "the Secret was set back, and another password is given",
            PasswordView(password=PASSWORD, is_set_back=True, given=OTHER_PASSWORD),
            False,
            PasswordStep.PREPARE,
        ),
        (
            "the cloud has the password that was set back",
            PasswordView(password=PASSWORD, is_set_back=True, confirmed=True),
            False,
            PasswordStep.CONFIRMED,
        ),
    ],
)  # fmt: skip
def test_password_steps(why: str, view: PasswordView, unconfirmed: bool, step: PasswordStep) -> None:
    held = {**HELD, "status": status(id=MINE, password_unconfirmed=unconfirmed or None), "credential": view}
    decided = decide(USER, observed(**held))
    assert isinstance(decided, Credentials), why
    assert decided.step is step, why


def seen_held(spec: dict[str, Any] | None = None, **fields: Any) -> ObservedDatabase:
    return replace(seen_database(spec, **fields), status=ProtectedStatus(identity=IDENTITY, id=MINE))


def test_lost_data_is_never_made_again_by_itself() -> None:
    lost = seen_held(is_gone=True)
    decided = decide(DATABASE, lost)
    assert (type(decided), decided.reason) == (Stall, Reason.GONE)
    agreed = replace(lost, annotations={"manageddatabases.io/recreate": MINE})
    assert isinstance(decide(DATABASE, agreed), Record)
    assert isinstance(decide(DATABASE, replace(lost, annotations={"manageddatabases.io/recreate": OTHER})), Stall)


def test_what_is_protected_is_not_deleted() -> None:
    there = Database(id=MINE, name="orders", datastore_id=DATASTORE_ID, status="ACTIVE")
    for protection, verdict in ((True, Stall), (False, Delete)):
        held = replace(seen_held({"deletionProtection": protection}, external=there), deleting=True)
        assert type(decide(DATABASE, held)) is verdict, protection


def test_an_attempt_for_what_the_spec_does_not_say_any_more_ends_with_its_identity() -> None:
    before = IDENTITY.model_copy(update={"key": (DATASTORE_ID, "name_of_then")})
    decided = decide(USER, observed(status=status(intent=INTENT, identity=before)))
    assert isinstance(decided, Record)
    assert decided.changes.written() == {"intent": None, "identity": None}
