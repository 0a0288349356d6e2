"""The table of decisions for a resource that is being deleted."""

from typing import Any

import pytest

from managed_databases.kinds.database_user import KIND as USER
from managed_databases.kinds.database_user_spec import DatabaseUserStatus
from managed_databases.kinds.observed import Standing
from managed_databases.kinds.turns_view import PairView
from managed_databases.kinds.verdicts import (
    Arrange,
    Delete,
    LetGo,
    Reason,
    Record,
    Stall,
    Wait,
)
from managed_databases.reconcile.decide.decide import decide
from reconcile.decide.observed_user import (
    HELD,
    MINE,
    OTHER,
    PROTECTED,
    TRIED,
    observed,
    owned,
    parent,
    status,
    user,
)


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
        ("the cloud deletes it for too long", {**HELD, "external": user(status="PENDING_DELETE"), "pending_seconds": 0.0}, Stall, Reason.PENDING_TOO_LONG),
        ("a Secret has its login", {**HELD, "pair": PairView(used_by="DatabaseUser a/app")}, Wait, Reason.IN_USE),
        ("and it stays in the cloud", {**HELD, "pair": PairView(used_by="x"), "spec": {"deletionPolicy": "Retain"}}, LetGo, Reason.RELEASED),
        ("its claim is believed once its object is seen", {**HELD, "standing": Standing.TRUSTED}, Record, Reason.FOUND),
        ("until then it is looked for", {**HELD, "external": None, "standing": Standing.TRUSTED}, Wait, Reason.LOOKING),
        ("or once it is surely gone", {**HELD, "external": None, "is_gone": True, "standing": Standing.TRUSTED}, Record, Reason.FOUND),
        ("an answer tells what the attempt has made", {**TRIED, "created_id": MINE}, Record, Reason.FOUND),
        ("what was lost is there again", {"status": status(), "returned": (MINE,)}, Record, Reason.FOUND),
        ("but for an attempt that is open", {**TRIED, "returned": (MINE,), "settle_seconds": 5.0}, Wait, Reason.LOOKING),
        ("an attempt is looked for again before it is given up", {**TRIED, "again_seconds": 5.0}, Wait, Reason.LOOKING),
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


@pytest.mark.parametrize(("count", "told"), [(1, "first: u0"), (10, "u8, u9"), (12, "u8, u9 and 2 more")])
def test_what_is_in_the_datastore_is_named_as_far_as_people_read(count: int, told: str) -> None:
    decided = decide(USER, observed(deleting=True, **HELD, children=tuple(f"u{number}" for number in range(count))))
    assert isinstance(decided, Wait)
    assert decided.message.endswith(told)
