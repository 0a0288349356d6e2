"""When a change of a password that is due begins, and what becomes of one that has begun."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from kinds.builders import MAIN, seen_of, uuid
from managed_databases.api.models import User
from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.database_user import KIND
from managed_databases.kinds.kind import any_kind
from managed_databases.kinds.verdicts import Credentials, PasswordStep, Reason, Stall
from managed_databases.reconcile.decide.password_steps import password_step

OLD, NEW = SecretStr("the old password"), SecretStr("the new password")
DUE = {"is_due": "the password is due since 2026-03-04T03:00:00Z", "may_begin": True}
THERE = User(id=uuid(60), name="app", datastore_id=MAIN, status="ACTIVE")


def step_of(view: dict[str, Any], **status: Any) -> PasswordStep | Reason | None:
    seen = seen_of(KIND, {"datastoreRef": {"name": "main"}}, engine="postgresql 16", external=THERE)
    seen = replace(
        seen, credential=PasswordView(**{"password": OLD} | view), status=seen.status.model_copy(update=status)
    )
    step = password_step(any_kind(KIND), seen)
    return step.step if isinstance(step, Credentials) else None if step is None else step.reason


@pytest.mark.parametrize(
    ("why", "view", "status", "step"),
    [
        ("nothing is due", {}, {}, None),
        ("it is due", DUE, {}, PasswordStep.PREPARE),
        ("its moment of the hour was not there yet", DUE | {"may_begin": False}, {}, None),
        ("the cloud may have another password", DUE, {"password_unconfirmed": True}, PasswordStep.CONFIRM),
        ("that is known by now", DUE | {"confirmed": True}, {"password_unconfirmed": True}, PasswordStep.CONFIRMED),
        ("the Secret was set back", DUE | {"is_set_back": True}, {}, PasswordStep.CONFIRM),
        ("nothing vouches for the Secret", DUE | {"is_unvouched": True, "confirmed": True}, {}, None),
        ("the Secret is not as it should be", DUE | {"outdated": True}, {}, PasswordStep.WRITE),
        ("it has begun", DUE | {"pending": NEW}, {}, PasswordStep.SEND),
        ("it has begun, and its moment is over", DUE | {"pending": NEW, "may_begin": False}, {}, PasswordStep.SEND),
        ("the cloud has it", DUE | {"pending": NEW, "pending_sent": True}, {}, PasswordStep.SWITCH),
        ("nobody wants it any more", {"pending": NEW}, {}, PasswordStep.ABANDON),
        ("the cloud may have it", {"pending": NEW, "pending_unclear": True}, {}, PasswordStep.SEND),
        ("the Secret has no password", DUE | {"password": None}, {}, PasswordStep.PREPARE),
    ],
)
def test_the_next_step(why: str, view: dict[str, Any], status: dict[str, Any], step: PasswordStep | None) -> None:
    assert step_of(view, **status) == step, why


def test_a_change_that_is_due_does_not_begin_where_something_has_the_name_of_the_pending_secret() -> None:
    taken = Stall(reason=Reason.SECRET_CONFLICT, message="the Secret app-user-pending is not this resource's")
    assert step_of(DUE | {"no_change": taken}) is Reason.SECRET_CONFLICT
