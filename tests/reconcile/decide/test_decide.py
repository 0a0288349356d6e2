"""The table of decisions: each row gives an `Observed`, its verdict, and the reason why."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from kinds.builders import grouped, seen_database
from managed_databases.api.models import Database, Datastore, User
from managed_databases.kinds.database_user import KIND as USER
from managed_databases.kinds.database_user import DatabaseUserSpec, DatabaseUserStatus, ObservedUser
from managed_databases.kinds.managed_database import KIND as DATABASE
from managed_databases.kinds.managed_database import ObservedDatabase
from managed_databases.kinds.observed import Observed, ObservedOwned, PasswordView, Referred
from managed_databases.kinds.project_view import Catalogue, ProjectView
from managed_databases.kinds.protection import ProtectedStatus
from managed_databases.kinds.shared_fields import Identity, Intent
from managed_databases.kinds.verdicts import (
    Arrange,
    Create,
    Credentials,
    Delete,
    Done,
    LetGo,
    PasswordStep,
    Reason,
    Record,
    Stall,
    Wait,
)
from managed_databases.reconcile.decide.decide import decide

DATASTORE_ID = "00000000-0000-4000-8000-000000000001"
MINE = "00000000-0000-4000-8000-00000000000a"
OTHER = "00000000-0000-4000-8000-00000000000b"
THIRD = "00000000-0000-4000-8000-00000000000c"

POSTGRESQL = {"id": "00000000-0000-4000-8000-0000000000ff", "engine": "postgresql", "version": "16"}
DATASTORE = Datastore(
    id=DATASTORE_ID, name="main", status="ACTIVE", type_id=POSTGRESQL["id"], connection={"master": "m.example"}
)
PROTECTED = DATASTORE.model_copy(update={"is_protected": True})
PROJECT = ProjectView("team", "0" * 32, "region-1", Catalogue(known=True))
IDENTITY = Identity(
    project="team", project_id="0" * 32, region="region-1", datastore_id=DATASTORE_ID, key=(DATASTORE_ID, "app")
)
INTENT = Intent(attempt=1, wait_seconds=60, expected={"datastore_id": DATASTORE_ID, "name": "app"})
PASSWORD = SecretStr("secret-of-the-test")
OTHER_PASSWORD = SecretStr("another-secret")


def user(id_: str = MINE, status: str = "ACTIVE", name: str = "app", datastore_id: str = DATASTORE_ID) -> User:
    return User(id=id_, status=status, name=name, datastore_id=datastore_id)


def parent(**changes: Any) -> dict[str, Referred]:
    return {"datastoreRef": replace(Referred("ManagedDatastore a/main", DATASTORE_ID, DATASTORE), **changes)}


def owned(*, is_ours: bool = True, is_going: bool = False, **spec: Any) -> ObservedOwned:
    """A grant that the user's spec lists."""
    whole = {"deletionPolicy": "Delete"} | spec
    return ObservedOwned("DatabaseGrant", "app-shop", whole, is_ours=is_ours, is_going=is_going, trouble=None)


def observed(**changes: Any) -> ObservedUser:
    """A user whose datastore is ACTIVE and of which nothing is in the cloud yet."""
    spec = changes.pop("spec", {})
    fields: dict[str, Any] = {
        "namespace": "a",
        "name": "app",
        "uid": "uid",
        "generation": 1,
        "annotations": {},
        "deleting": False,
        "spec": DatabaseUserSpec.model_validate({"datastoreRef": {"name": "main"}} | spec),
        "status": DatabaseUserStatus(),
        "project": PROJECT,
        "refs": parent(),
        "credential": PasswordView(),
    }
    return Observed(**grouped(fields | changes))


def status(**changes: Any) -> DatabaseUserStatus:
    return DatabaseUserStatus(**({"identity": IDENTITY} | changes))


HELD = {"status": status(id=MINE), "external": user(), "credential": PasswordView(password=PASSWORD)}
NOT_NOW = Wait(Reason.RATE_LIMITED, "users cannot be listed")
TRIED = {"status": status(intent=INTENT)}
ADOPTS = {"project": replace(PROJECT, granted_powers=frozenset({"adopt"})), "namesakes": (user(OTHER),)}


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


@pytest.mark.parametrize(
    ("why", "given", "verdict", "reason"),
    [
        ("nothing was ever made", {"status": DatabaseUserStatus()}, LetGo, Reason.RELEASED),
        ("an open attempt is looked at first", {**TRIED, "settle_seconds": 5.0}, Wait, Reason.LOOKING),
        ("an open attempt that made something", {**TRIED, "namesakes": (user(),)}, Record, Reason.FOUND),
        ("an open attempt that made nothing", TRIED, LetGo, Reason.RELEASED),
        ("an open attempt with two candidates", {**TRIED, "namesakes": (user(), user(OTHER))}, Stall, Reason.AMBIGUOUS),
        ("it is there", HELD, Delete, Reason.DELETING),
        ("it is protected", {**HELD, "spec": {"deletionProtection": True}}, Stall, Reason.PROTECTED),
        ("it is protected with its datastore", {**HELD, "refs": parent(object=PROTECTED)}, Stall, Reason.PROTECTED),
        ("what it owns goes first", {**HELD, "owned": (owned(),)}, Arrange, Reason.DELETING),
        ("what it owns may go", {**HELD, "owned": (owned(deletionProtection=False),)}, Delete, Reason.DELETING),
        ("what it owns is going", {**HELD, "owned": (owned(is_going=True),)}, Delete, Reason.DELETING),
        ("what stands in the way is not its own", {**HELD, "owned": (owned(is_ours=False),)}, Delete, Reason.DELETING),
        ("it is on its way out", {**HELD, "external": user(status="PENDING_DELETE")}, Wait, Reason.DELETING),
        ("it is gone", {**HELD, "external": None, "is_gone": True}, LetGo, Reason.RELEASED),
        ("not in the list is not gone", {**HELD, "external": None}, Wait, Reason.LOOKING),
        ("its datastore takes it along", {**HELD, "refs": parent(going=True)}, Wait, Reason.DELETING),
        (
            "for a while also if that is held up",
            {**HELD, "refs": parent(going=True, held_up=True), "patience_seconds": 5.0},
            Wait,
            Reason.DELETING,
        ),
        ("and then by itself", {**HELD, "refs": parent(going=False, held_up=True)}, Delete, Reason.DELETING),
        ("it stays when so asked", {**HELD, "spec": {"deletionPolicy": "Retain"}}, LetGo, Reason.RELEASED),
        (
            "people give it up",
            {**HELD, "problem": Wait(Reason.PROJECT_MISSING, "x"), "annotations": {"manageddatabases.io/force-delete": "true"}},
            LetGo,
            Reason.RELEASED,
        ),
        ("without its project nothing is known", {**HELD, "problem": Wait(Reason.PROJECT_MISSING, "x")}, Wait, Reason.PROJECT_MISSING),
        ("what is in it comes first", {**HELD, "children": ("x",)}, Wait, Reason.IN_USE),
        ("another resource holds it: it stays there", {**HELD, "holder": "x"}, LetGo, Reason.RELEASED),
        ("its whole kind goes: nobody wanted that in the cloud", {**HELD, "is_definition_going": True}, LetGo, Reason.RELEASED),
        ("so it is with what is waited for", {**HELD, "children": ("x",), "is_definition_going": True}, LetGo, Reason.RELEASED),
        ("and without a project", {**HELD, "problem": Wait(Reason.PROJECT_MISSING, "x"), "is_definition_going": True}, LetGo, Reason.RELEASED),
        ("nobody may tell whether its kind goes", {**HELD, "is_definition_going": None}, Stall, Reason.FORBIDDEN),
    ],
)  # fmt: skip
def test_decide_deletion(why: str, given: dict[str, Any], verdict: type, reason: Reason) -> None:
    decided = decide(USER, observed(deleting=True, **given))
    assert (type(decided), decided.reason) == (verdict, reason), why


def test_with_its_definition_it_goes_and_its_secret_stays() -> None:
    decided = decide(USER, observed(deleting=True, **HELD, is_definition_going=True))
    assert isinstance(decided, LetGo)
    assert decided.retain


@pytest.mark.parametrize(
    ("given", "way"),
    [
        (HELD, {"deletionPolicy": "Delete", "deletionProtection": False}),
        ({**HELD, "spec": {"deletionPolicy": "Retain"}}, {"deletionPolicy": "Retain"}),
        ({**HELD, "annotations": {"manageddatabases.io/force-delete": "true"}}, {"deletionPolicy": "Retain"}),
        ({**HELD, "problem": Wait(Reason.PROJECT_MISSING, "x"), "spec": {"deletionPolicy": "Retain"}}, {"deletionPolicy": "Retain"}),
    ],
)  # fmt: skip
def test_what_it_owns_is_sent_the_same_way(given: dict[str, Any], way: dict[str, Any]) -> None:
    step = decide(USER, observed(deleting=True, owned=(owned(),), **given))
    assert isinstance(step, Arrange)
    assert step.owned.spec == way
    assert step.if_there
    assert not step.doomed
    then = decide(USER, observed(deleting=True, owned=(owned(**way),), **given))
    assert isinstance(then, Delete | LetGo)


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
