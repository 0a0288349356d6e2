"""Questions about one pass between its look and its end."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from pydantic import SecretStr

from kinds.builders import DATASTORE_SPEC, MAIN, datastore, parent, uuid
from managed_databases.api.errors import ApiError, Invalid, NeverSent, OutcomeUnknown
from managed_databases.api.models import User
from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.facts import NOTHING, Facts
from managed_databases.kinds.observed import CreationView, Referred
from managed_databases.kinds.verdicts import (
    Create,
    Credentials,
    Delete,
    Done,
    LetGo,
    PasswordStep,
    Reason,
    Stall,
    Step,
    Verdict,
    Wait,
)
from managed_databases.reconcile import pass_rules
from managed_databases.reconcile.observe.current_pass import Pass, PassInProject
from managed_databases.reconcile.ports import Resource, ResourceKey
from managed_databases.reconcile.project.session import ProjectSession
from managed_databases.reconcile.scheduling.work_queue import Priority
from reconcile.act.recording import Stage
from reconcile.fake_cache import resource

THERE = User(id=uuid(60), name="app", datastore_id=MAIN, status="ACTIVE")
PENDING = SecretStr("the next password")


@dataclass
class Lists:
    """A session's lists, and what was asked of them."""

    was_catalogue_read: bool = True
    requested: list[str] = field(default_factory=list)
    expected: list[tuple[ResourceKey, set[str]]] = field(default_factory=list)

    @property
    def lists(self) -> "Lists":
        return self

    def request(self, collection: str) -> None:
        self.requested.append(collection)

    def expect(self, key: ResourceKey, collections: Collection[str]) -> None:
        self.expected.append((key, set(collections)))


def app(**fields: Any) -> Resource:
    return resource("DatabaseUser", "app", spec={"datastoreRef": {"name": "main"}}, inside=MAIN, **fields)


def pass_of(
    its: Resource | None = None, lists: Lists | None = None, view: PasswordView | None = None, **observed: Any
) -> PassInProject:
    """A pass at a user that is there, unless another resource is given."""
    fields: dict[str, Any] = {"external": THERE} | observed
    current = Stage(app(id_=THERE.id) if its is None else its, credential=view, **fields).current
    current.session = cast(ProjectSession, lists or Lists())
    return current


def without_project(current: PassInProject) -> Pass:
    return Pass(
        resource=current.resource,
        kind=current.kind,
        observed=current.observed,
        context=current.context,
        checks=current.checks,
        is_oriented=current.is_oriented,
    )


# --- news ---

SPOKEN: dict[str, Any] = {
    "observedGeneration": 1,
    "conditions": [
        {
            "type": "Ready",
            "status": "True",
            "reason": "Ready",
            "message": "usable",
            "observedGeneration": 1,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
    ],
}
NOT_READY = SPOKEN | {"conditions": [SPOKEN["conditions"][0] | {"status": "False"}]}
IN_DOUBT = {"passwordUnconfirmed": True}
HELD, NEW = {"id_": THERE.id}, {"id_": None}
WAITS, STALLS, DONE = Wait(Reason.LOOKING, "x"), Stall(Reason.INVALID, "x"), Done()
AT_FIRST: dict[str, Any] = {"is_oriented": False, "was_catalogue_read": False, "has_spoken": False}


@pytest.mark.parametrize(
    ("why", "fields", "status", "process", "verdict", "expected"),
    [
        ("a process that has only started", HELD, SPOKEN, {}, WAITS, True),
        ("whatever it makes of what it has not seen", HELD, SPOKEN, {}, STALLS, True),
        ("it has seen all", HELD, SPOKEN, {"is_oriented": True, "was_catalogue_read": True}, WAITS, False),
        ("all but the catalogue", HELD, SPOKEN, {"is_oriented": True}, WAITS, True),
        ("for which only a wait is no news", HELD, SPOKEN, {"is_oriented": True}, STALLS, False),
        ("nor is that it is done", HELD, SPOKEN, {"is_oriented": True}, DONE, False),
        ("the status is of an older spec", HELD, SPOKEN | {"observedGeneration": 0}, {}, WAITS, False),
        ("it has said nothing yet", HELD, {}, {}, WAITS, False),
        ("it is let go", HELD, SPOKEN, {}, LetGo(Reason.RELEASED, "x"), False),
        ("this process has reported before", HELD, SPOKEN, {"has_spoken": True}, WAITS, True),
        ("of a resource without an object", NEW, SPOKEN, {"has_spoken": True}, WAITS, False),
        ("and not yet", NEW, SPOKEN, {}, WAITS, True),
        ("ready, though its password is in doubt", HELD, SPOKEN | IN_DOUBT, {}, WAITS, False),
        ("not ready, as its password is in doubt", HELD, NOT_READY | IN_DOUBT, {}, WAITS, True),
        ("nothing was said of ready", HELD, {"observedGeneration": 1} | IN_DOUBT, {}, WAITS, True),
    ],
)
def test_what_is_no_news(
    why: str, fields: dict[str, Any], status: dict[str, Any], process: dict[str, bool], verdict: Verdict, expected: bool
) -> None:
    process = AT_FIRST | process
    current = pass_of(app(status=status, **fields), Lists(was_catalogue_read=process["was_catalogue_read"]))
    current.is_oriented = process["is_oriented"]
    if process["has_spoken"]:
        current.memory.has_said_something()
    assert pass_rules.knows_less_than_the_status(current, verdict) is expected, why


def test_without_a_project_no_catalogue_is_waited_for() -> None:
    current = pass_of(app(id_=THERE.id, status=SPOKEN), Lists(was_catalogue_read=False))
    assert pass_rules.knows_less_than_the_status(current, WAITS)
    assert not pass_rules.knows_less_than_the_status(without_project(current), WAITS)


# --- what a failed step takes back ---

CREATE = Create(Reason.ABSENT, "x")
SEND, CONFIRM = (Credentials(step, Reason.ROTATING, "x") for step in (PasswordStep.SEND, PasswordStep.CONFIRM))
REFUSED, UNCLEAR = Invalid("users.create", "no", status=422), OutcomeUnknown("users.create", "timeout")
KNOWN, UNKNOWN = PasswordView(pending=PENDING), PasswordView(pending=PENDING, pending_unclear=True)
NO_INTENT, NO_DOUBT = Facts(intent=None), Facts(password_unconfirmed=None)


@pytest.mark.parametrize(
    ("why", "step", "error", "view", "was_in_doubt", "expected"),
    [
        ("nothing was made", CREATE, REFUSED, None, False, NO_INTENT),
        ("nothing was sent", CREATE, NeverSent("users.create", "no connection"), None, False, NO_INTENT),
        ("it may have been made", CREATE, UNCLEAR, None, False, NOTHING),
        ("it is as it was", Delete(Reason.DELETING, "x"), REFUSED, None, False, NOTHING),
        ("the cloud does not have the password", SEND, REFUSED, KNOWN, False, NO_DOUBT),
        ("it may have it", SEND, UNCLEAR, UNKNOWN, False, NOTHING),
        ("there was doubt before", SEND, REFUSED, KNOWN, True, NOTHING),
        ("no Secret was looked at", SEND, REFUSED, None, False, NOTHING),
        ("it is the password of the Secret that was sent", CONFIRM, REFUSED, KNOWN, False, NOTHING),
    ],
)
def test_what_is_taken_back(
    why: str, step: Step, error: ApiError, view: PasswordView | None, was_in_doubt: bool, expected: Facts
) -> None:
    current = pass_of(app(id_=THERE.id, status=IN_DOUBT if was_in_doubt else {}), view=view)
    taken = pass_rules.taken_back(current, step, error)
    assert (taken, taken.model_fields_set) == (expected, expected.model_fields_set), why


DENIED = PasswordView(pending=PENDING, pending_denied=True)


@pytest.mark.parametrize(
    ("why", "step", "view", "was_in_doubt", "undone", "expected"),
    [
        ("it is known that the Secret opens", SEND, DENIED, False, NO_DOUBT, False),
        ("nothing could be taken back", SEND, DENIED, False, NOTHING, True),
        ("the status has doubts", SEND, DENIED, True, NO_DOUBT, True),
        ("the Secret has", SEND, replace(DENIED, is_unvouched=True), False, NO_DOUBT, True),
        ("it was not refused", SEND, UNKNOWN, False, NOTHING, False),
        ("no Secret was looked at", SEND, None, True, NOTHING, False),
        ("it was another step", CONFIRM, DENIED, True, NOTHING, False),
    ],
)
def test_what_leaves_the_secret_in_doubt(
    why: str, step: Step, view: PasswordView | None, was_in_doubt: bool, undone: Facts, expected: bool
) -> None:
    current = pass_of(app(id_=THERE.id, status=IN_DOUBT if was_in_doubt else {}), view=view)
    assert pass_rules.leaves_secret_in_doubt(current, step, undone) is expected, why


# --- lists ---


@pytest.mark.parametrize(
    ("why", "synced", "verdict", "is_expected"),
    [
        ("a person's change waits", 0, WAITS, True),
        ("it is being carried out", 0, CREATE, True),
        ("it is carried out", 0, DONE, False),
        ("that takes the person", 0, STALLS, False),
        ("nobody has changed anything", 1, WAITS, False),
    ],
)
def test_which_lists_have_to_come(why: str, synced: int, verdict: Verdict, is_expected: bool) -> None:
    lists = Lists()
    current = pass_of(app(id_=THERE.id, status={"syncedGeneration": synced}), lists)
    assert current.priority is (Priority.LOW if synced else Priority.HIGH)
    current.collections = {"users", "datastores"}
    pass_rules.expect_lists(current, verdict)
    assert lists.expected == [(current.resource.key, current.collections if is_expected else set())], why
    pass_rules.expect_lists(without_project(current), verdict)
    assert len(lists.expected) == 1


NOT_LOOKED = CreationView(has_looked=False)
UNLISTED = Wait(Reason.UNREACHABLE, "datastores cannot be listed")
CLUSTER = resource("ManagedDatastore", "main", spec=DATASTORE_SPEC)


@pytest.mark.parametrize(
    ("why", "creation", "verdict", "is_requested", "is_wanted"),
    [
        ("the creation waits for a list", NOT_LOOKED, WAITS, True, True),
        ("which cannot be had now", replace(NOT_LOOKED, unlisted=UNLISTED), UNLISTED, True, True),
        ("it waits for something else", NOT_LOOKED, Wait(Reason.PARENT_NOT_READY, "x"), False, True),
        ("the list has come", CreationView(), WAITS, False, True),
        ("a person must act: by then the list is old", NOT_LOOKED, STALLS, False, False),
        ("also where the list is what is missing", NOT_LOOKED, Stall(Reason.LOOKING, "x"), False, False),
    ],
)
def test_the_list_that_a_creation_waits_for(
    why: str, creation: CreationView, verdict: Verdict, is_requested: bool, is_wanted: bool
) -> None:
    lists = Lists()
    current = pass_of(CLUSTER, lists, external=None, creation=creation)
    current.memory.creation.want(("main",), 5.0)
    pass_rules.look_before_creation(without_project(current), WAITS)
    assert lists.requested == []
    pass_rules.look_before_creation(current, verdict)
    assert lists.requested == (["datastores"] if is_requested else []), why
    assert (current.memory.creation.wanted_since is not None) is is_wanted, why


# --- Secrets ---

NOT_THERE = Wait(Reason.PARENT_MISSING, "x")
AT_WORK = Referred("ManagedDatastore main", MAIN, datastore(), problem=NOT_THERE)
NEVER = app(id_=None)


@pytest.mark.parametrize(
    ("why", "its", "observed", "expected"),
    [
        ("it sees its object", app(id_=THERE.id), {}, True),
        ("whatever its datastore is at", app(id_=THERE.id), {"refs": {"datastoreRef": AT_WORK}}, True),
        ("it does not see it", app(id_=THERE.id), {"external": None}, False),
        ("it is being deleted", app(id_=THERE.id, going=True), {}, False),
        ("it may make one", NEVER, {"external": None}, True),
        ("nothing was listed yet", NEVER, {"external": None, "creation": CreationView(is_listed=False)}, False),
        ("an attempt is open", NEVER, {"external": None, "creation": CreationView(settle_seconds=0.0)}, False),
        ("its datastore is not ready", NEVER, {"external": None, "refs": {"datastoreRef": AT_WORK}}, False),
        ("it is", NEVER, {"external": None, "refs": {"datastoreRef": parent()}}, True),
        ("nothing is known of it", NEVER, {"external": None, "refs": {}}, True),
        ("its database is not waited for", NEVER, {"external": None, "refs": {"databaseRef": AT_WORK}}, True),
        ("a source is read once", CLUSTER, {"external": None, "refs": {"restore.datastoreRef": AT_WORK}}, True),
    ],
)
def test_whether_secrets_are_read(why: str, its: Resource, observed: dict[str, Any], expected: bool) -> None:
    current = pass_of(its, **observed)
    assert pass_rules.needs_secrets(current) is expected, why
    assert not pass_rules.needs_secrets(without_project(current))
