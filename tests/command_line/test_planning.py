"""What the operator would do, step by step, each with its risk."""

import dataclasses

import pytest
from pydantic import SecretStr

from kinds.builders import MAIN, SMALL, TYPES, datastore, parent, seen_database, seen_datastore, seen_user, uuid
from managed_databases.api.models import User
from managed_databases.command_line.plan import ResourcePlan
from managed_databases.command_line.plan_command import exit_code
from managed_databases.command_line.planning import Planned, PlannedAction, planned
from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.database_user import KIND as USER
from managed_databases.kinds.kind import CloudKind, any_kind
from managed_databases.kinds.managed_database import KIND as DATABASE
from managed_databases.kinds.managed_datastore import KIND as DATASTORE
from managed_databases.kinds.observed import Observed
from managed_databases.kinds.verdicts import Reason, Risk, Wait
from managed_databases.reconcile.ports import ResourceKey

RESIZED = {"flavor": {"vcpus": 4, "ramMB": 8192, "diskGB": 64}}
APPROVAL = {"changePolicy": "Approve"}


def steps(kind: CloudKind, observed: Observed) -> list[tuple[str, Risk, str | None]]:
    return [(step.action, step.risk, step.call) for step in planned(kind, observed)]


def test_what_is_missing_is_created_and_its_body_has_no_secret() -> None:
    step = only(any_kind(DATABASE), seen_database())
    assert (step.action, step.risk, step.call) == (PlannedAction.CREATE, Risk.NONE, "POST /databases")
    assert step.body["database"]["name"] == "orders"


def only(kind: CloudKind, observed: Observed) -> Planned:
    (step,) = planned(kind, observed)
    return step


def test_what_is_at_rest_has_no_steps() -> None:
    user = User(id=uuid(60), name="app", datastore_id=MAIN, status="ACTIVE")
    assert planned(any_kind(USER), at_rest(user)) == []


def at_rest(user: User, credential: PasswordView | None = None) -> Observed:
    seen = seen_user(external=user)
    status = seen.status.model_copy(update={"id": user.id})
    return dataclasses.replace(seen, status=status, credential=credential)


@pytest.mark.parametrize(
    ("why", "spec", "wanted"),
    [
        ("nothing differs", {}, []),
        ("a resize restarts", RESIZED, [(PlannedAction.CHANGE, Risk.RESTART)]),
        ("two changes, each told", RESIZED | {"name": "renamed"},
         [(PlannedAction.CHANGE, Risk.NONE), (PlannedAction.CHANGE, Risk.RESTART)]),
        ("and it may need a word", RESIZED | APPROVAL, [(PlannedAction.APPROVE, Risk.RESTART)]),
        ("what is harmless does not wait for it", RESIZED | APPROVAL | {"name": "renamed"},
         [(PlannedAction.CHANGE, Risk.NONE), (PlannedAction.APPROVE, Risk.RESTART)]),
        ("what no call can change", {"flavor": {"vcpus": 2, "ramMB": 4096, "diskGB": 8}}, [(PlannedAction.BLOCKED, Risk.NONE)]),
    ],
)  # fmt: skip
def test_changes_of_a_datastore(why: str, spec: dict[str, object], wanted: list[tuple[PlannedAction, Risk]]) -> None:
    seen = seen_datastore(spec, external=datastore(flavor_id=SMALL, type_id=TYPES["postgresql 16"]))
    found = steps(any_kind(DATASTORE), seen)
    assert sorted((action, risk) for action, risk, _ in found) == sorted(wanted), (why, found)


def test_a_report_only_tells() -> None:
    seen = seen_datastore({"driftPolicy": "Report"} | RESIZED, external=datastore(), status={"syncedGeneration": 1})
    assert only(any_kind(DATASTORE), seen).action is PlannedAction.REPORTED


def test_a_wait_says_why() -> None:
    waits = parent()
    refs = {"datastoreRef": dataclasses.replace(waits, problem=Wait(Reason.PARENT_NOT_READY, "waits for main"))}
    step = only(any_kind(DATABASE), seen_database(refs=refs))
    assert (step.action, step.reason, step.message) == (PlannedAction.WAIT, Reason.PARENT_NOT_READY, "waits for main")


@pytest.mark.parametrize(
    ("why", "view", "wanted"),
    [
        ("as it is", PasswordView(password=SecretStr("a"), confirmed=True), []),
        (
            "another one is given",
            PasswordView(password=SecretStr("a"), given=SecretStr("b")),
            [(PlannedAction.PASSWORD, Risk.RESTART)],
        ),
        ("the Secret alone is mended", PasswordView(password=SecretStr("a"), outdated=True), []),
        ("its Secret is empty", PasswordView(), [(PlannedAction.PASSWORD, Risk.RESTART)]),
    ],
)
def test_passwords(why: str, view: PasswordView, wanted: list[tuple[PlannedAction, Risk]]) -> None:
    user = User(id=uuid(60), name="app", datastore_id=MAIN, status="ACTIVE")
    found = planned(any_kind(USER), at_rest(user, view))
    assert [(step.action, step.risk) for step in found] == wanted, why
    assert "'b'" not in repr(found)


def test_a_deletion_loses_data() -> None:
    seen = dataclasses.replace(seen_datastore({"deletionProtection": False}, external=datastore()), deleting=True)
    assert steps(any_kind(DATASTORE), seen)[-1] == (
        PlannedAction.DELETE,
        Risk.DESTRUCTIVE,
        f"DELETE /datastores/{datastore().id}",
    )


@pytest.mark.parametrize(
    ("why", "actions", "code"),
    [
        ("nothing would be done", [], 0),
        ("nobody notices", [PlannedAction.CREATE, PlannedAction.WAIT], 3),
        ("it needs a word", [PlannedAction.CREATE, PlannedAction.APPROVE], 4),
        ("it cannot be done", [PlannedAction.APPROVE, PlannedAction.BLOCKED], 5),
        ("nor can what refers to nothing", [PlannedAction.APPROVE, PlannedAction.MISSING], 5),
    ],
)
def test_the_exit_code_is_that_of_the_worst(why: str, actions: list[PlannedAction], code: int) -> None:
    steps = [Planned(action, Risk.NONE, "it is so") for action in actions]
    assert exit_code([ResourcePlan(ResourceKey("DatabaseUser", "shop", "app"), steps)]) == code, why
