"""The order in which a password gets into its Secrets and into the cloud, and what is left where a step of it is refused."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from kinds.builders import MAIN, uuid
from managed_databases.api.errors import ApiError, Forbidden, Invalid, OutcomeUnknown
from managed_databases.api.models import CloudObject, User, UserPassword
from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.facts import NOTHING, Facts
from managed_databases.kinds.registry import FINALIZER
from managed_databases.kinds.verdicts import Create, Credentials, PasswordStep, Reason
from managed_databases.reconcile.act import desired_secret, turn_change
from managed_databases.reconcile.annotations import PASSWORD_CHECK
from managed_databases.reconcile.memory import SecretsRead
from managed_databases.reconcile.ports import AlreadyThere, KubeRefused, NewSecret, SecretContent
from managed_databases.reconcile.report.status import secret_name
from reconcile.act.recording import Stage, as_read
from reconcile.fake_cache import resource

OLD, NEW = SecretStr("the old password"), SecretStr("the new password")
THERE = User(id=uuid(60), name="app", datastore_id=MAIN, status="ACTIVE")
APP = replace(
    resource("DatabaseUser", "app", spec={"datastoreRef": {"name": "main"}}, id_=THERE.id, inside=MAIN),
    finalizers=(FINALIZER,),
)
MINE, PENDING = "app-user", "app-user-pending"
PUT = f"PUT /users/{THERE.id}"


def stage_of(*, mine: SecretStr | None = OLD, pending: SecretStr | None = None, **view: Any) -> Stage:
    """A user that is there, with these passwords in its Secrets, as the pass has read them."""
    fields = {"password": mine, "pending": pending} | view
    answer: CloudObject | None = fields.pop("answer", THERE)
    stage = Stage(APP, answer=answer, external=THERE, credential=PasswordView(**fields))
    credentials_secret = None if mine is None else stage.keep(desired_secret.desired(stage.current, mine))
    pending_secret = None if pending is None else stage.keep(desired_secret.pending_secret(stage.current, pending))
    stage.current.secrets = SecretsRead(credentials_secret, pending_secret)
    stage.current.memory.password.fine = ("the last version",)
    return stage


async def act(stage: Stage, step: PasswordStep, reason: Reason = Reason.ROTATING) -> Facts:
    told = Credentials(step, reason, "a password changes")
    return await stage.actor.act(stage.current, told, told)


def held(stage: Stage, name: str, key: str = "password") -> SecretStr | None:
    secret = stage.kube.secrets.get(name)
    return None if secret is None else secret.data[key]


def sent(stage: Stage) -> SecretStr:
    body = stage.session.calls[-1].body
    assert isinstance(body, UserPassword)
    return body.password


def known(stage: Stage, password: SecretStr) -> Facts:
    """What is known once the cloud and the Secret have the password."""
    return Facts(password_unconfirmed=None, password_check=desired_secret.check(stage.current, password))


ORDERS: dict[PasswordStep, list[str]] = {
    PasswordStep.PREPARE: [f"prove Secret {MINE}", "status", f"create Secret {PENDING}"],
    PasswordStep.SEND: [f"prove Secret {MINE}", "status", PUT],
    PasswordStep.SWITCH: [f"replace Secret {MINE}", f"delete Secret {PENDING}"],
    PasswordStep.CONFIRM: ["status", PUT],
    PasswordStep.CONFIRMED: [],
    PasswordStep.ABANDON: ["status", f"delete Secret {PENDING}"],
    PasswordStep.WRITE: [f"replace Secret {MINE}"],
}
WITHOUT_PENDING = (PasswordStep.PREPARE, PasswordStep.CONFIRM, PasswordStep.CONFIRMED, PasswordStep.WRITE)


def before(step: PasswordStep) -> Stage:
    return stage_of(given=NEW) if step in WITHOUT_PENDING else stage_of(pending=NEW)


def test_every_step_has_an_order() -> None:
    """But those of two users who take turns: `virtual/test_two_users_killed.py` kills the operator before each of them."""
    assert ORDERS.keys() == set(PasswordStep) - turn_change.STEPS


@pytest.mark.parametrize("step", ORDERS)
async def test_the_order_of_a_step(step: PasswordStep) -> None:
    stage = before(step)
    await act(stage, step)
    assert stage.done == ORDERS[step]


@pytest.mark.parametrize(("step", "refused"), [(step, line) for step, lines in ORDERS.items() for line in lines])
async def test_where_a_step_is_refused_nothing_later_is_done(step: PasswordStep, refused: str) -> None:
    stage = before(step)
    error = Forbidden("users.update", "no") if refused == PUT else KubeRefused("no")
    stage.journal.refuses[refused] = error
    with pytest.raises(type(error)):
        await act(stage, step)
    assert stage.done == ORDERS[step][: ORDERS[step].index(refused)]
    if refused != f"delete Secret {PENDING}":
        assert held(stage, MINE) == OLD, "applications have the password that the cloud has"


async def test_a_rotation_step_by_step() -> None:
    """At each moment the password that the cloud has is in one of the Secrets."""
    stage = stage_of(given=NEW)
    await act(stage, PasswordStep.PREPARE)
    assert (held(stage, MINE), held(stage, PENDING)) == (OLD, NEW)
    memory = stage.current.memory.password
    assert not memory.has_sent(NEW)
    assert not memory.is_unclear(NEW), "this process knows that nobody has sent it"
    stage.current.secrets = SecretsRead(stage.kube.secrets[MINE], stage.kube.secrets[PENDING])
    stage.current.observed = replace(
        stage.current.observed, credential=PasswordView(password=OLD, given=NEW, pending=NEW)
    )
    await act(stage, PasswordStep.SEND)
    assert sent(stage) == NEW
    assert (held(stage, MINE), held(stage, PENDING)) == (OLD, NEW)
    assert memory.has_sent(NEW)
    facts = await act(stage, PasswordStep.SWITCH)
    assert facts == known(stage, NEW) | Facts(password_changed_at=facts.password_changed_at, rotation=None)
    assert facts.password_changed_at is not None
    assert (held(stage, MINE), held(stage, PENDING)) == (NEW, None)
    assert not memory.has_sent(NEW), "the next change begins anew"
    assert memory.fine is not None, "what was written is known to be right"
    assert memory.fine[0] == stage.kube.secrets[MINE].resource_version


# --- PREPARE ---


async def test_a_password_is_made_up_where_none_is_given() -> None:
    stage = stage_of()
    await act(stage, PasswordStep.PREPARE)
    made = held(stage, PENDING)
    assert made is not None
    assert len(made.get_secret_value()) == 32
    assert made != OLD
    assert stage.current.memory.password.repairs == (), "a rotation that people want is no repair"


async def test_a_pending_secret_that_is_ours_is_used_as_it_is() -> None:
    """A pass before this one has made it: the password in it may be in the cloud by now."""
    stage = stage_of(given=NEW)
    stage.keep(desired_secret.pending_secret(stage.current, SecretStr("of an earlier pass")))
    await act(stage, PasswordStep.PREPARE)
    assert stage.done == ORDERS[PasswordStep.PREPARE][:2]
    assert held(stage, PENDING) == SecretStr("of an earlier pass")
    assert stage.current.memory.password.is_unclear(SecretStr("of an earlier pass")), "it may have been sent"
    assert stage.current.memory.password.is_unclear(NEW), "this process has put nothing there"


async def test_a_pending_secret_of_somebody_else_is_left_alone() -> None:
    stage = stage_of(given=NEW)
    stage.keep(NewSecret("home", PENDING, "Opaque", {}, {"password": SecretStr("whose is it?")}))
    with pytest.raises(AlreadyThere):
        await act(stage, PasswordStep.PREPARE)
    assert held(stage, PENDING) == SecretStr("whose is it?")


async def test_a_pending_secret_that_the_pass_has_read_is_replaced() -> None:
    """It holds a password that nobody gives any more; the cloud may have that one."""
    stage = stage_of(pending=SecretStr("typo"), given=NEW, pending_unclear=True)
    assert await act(stage, PasswordStep.PREPARE) == Facts(password_unconfirmed=True)
    assert stage.done == [*ORDERS[PasswordStep.PREPARE][:2], f"replace Secret {PENDING}"]
    assert stage.status["passwordUnconfirmed"] is True, "told before the Secret forgets it"
    assert held(stage, PENDING) == NEW


async def test_what_was_known_of_the_pending_password_before_is_forgotten() -> None:
    stage = stage_of(pending=SecretStr("typo"), given=NEW)
    stage.current.memory.password.was_sent(SecretStr("typo"))
    await act(stage, PasswordStep.PREPARE)
    assert not stage.current.memory.password.has_sent(SecretStr("typo"))


async def test_a_password_that_is_reset_counts_as_a_repair() -> None:
    stage = stage_of()
    await act(stage, PasswordStep.PREPARE, Reason.PASSWORD_RESET)
    assert stage.current.memory.password.repairs == ((stage.clock.monotonic(), desired_secret.RESET),)


@pytest.mark.parametrize("by", ["is_set_back", "is_unvouched", ""])
async def test_a_password_that_another_hand_has_put_there_counts_as_a_repair(by: str) -> None:
    stage = stage_of(is_set_back=by == "is_set_back", is_unvouched=by == "is_unvouched")
    await act(stage, PasswordStep.CONFIRM)
    assert bool(stage.current.memory.password.repairs) == bool(by)


async def test_what_was_confirmed_counts_no_more_once_another_is_sent() -> None:
    stage = stage_of(pending=NEW)
    stage.current.memory.password.was_confirmed(OLD)
    await act(stage, PasswordStep.SEND)
    assert not stage.current.memory.password.is_confirmed(OLD)


# --- SEND and CONFIRM ---


@pytest.mark.parametrize(
    ("why", "error", "is_untried", "unclear", "refused"),
    [
        ("a refusal proves that the cloud does not have it", Forbidden("x", "no"), True, False, False),
        ("but not that it did not have it before", Forbidden("x", "no"), False, True, False),
        ("it is refused for what it is", Invalid("x", "too weak"), True, False, True),
        ("nobody knows", OutcomeUnknown("x", "timeout"), True, True, False),
    ],
)
async def test_what_is_known_after_a_send_that_failed(
    why: str, error: ApiError, is_untried: bool, unclear: bool, refused: bool
) -> None:
    stage = stage_of(pending=NEW)
    memory = stage.current.memory.password
    if is_untried:
        memory.is_prepared(NEW)
    stage.journal.refuses[PUT] = error
    with pytest.raises(type(error)):
        await act(stage, PasswordStep.SEND)
    assert (memory.is_unclear(NEW), memory.has_refused(NEW)) == (unclear, refused), why
    assert not memory.has_sent(NEW)
    assert held(stage, PENDING) == NEW, "it is not lost"


async def test_the_password_is_in_doubt_while_it_is_sent() -> None:
    stage = stage_of(pending=NEW)
    stage.current.memory.password.is_prepared(NEW)
    seen: list[bool] = []

    def answer(_: object) -> CloudObject | None:
        seen.append(stage.current.memory.password.is_unclear(NEW))
        return THERE

    stage.session.answer = answer
    await act(stage, PasswordStep.SEND)
    assert seen == [True]
    assert stage.status["passwordUnconfirmed"] is True, "also for a process that comes later and sees no pending Secret"


@pytest.mark.parametrize("step", [PasswordStep.SEND, PasswordStep.CONFIRM])
async def test_an_empty_answer_does_not_tell_that_a_password_is_set(step: PasswordStep) -> None:
    stage = stage_of(pending=NEW, answer=None)
    with pytest.raises(OutcomeUnknown, match="an empty answer"):
        await act(stage, step)
    assert not stage.current.memory.password.has_sent(NEW)
    assert not stage.current.memory.password.is_confirmed(OLD)


async def test_what_is_confirmed_is_what_the_secret_holds() -> None:
    stage = stage_of()
    await act(stage, PasswordStep.CONFIRM)
    assert sent(stage) == OLD
    assert stage.current.memory.password.is_confirmed(OLD)
    assert stage.status["passwordUnconfirmed"] is True, "what becomes of the Secret meanwhile does not matter"
    facts = await act(stage, PasswordStep.CONFIRMED)
    assert facts == known(stage, OLD) | Facts(password_changed_at=facts.password_changed_at, rotation=None)


@pytest.mark.parametrize(
    ("why", "status", "is_changed"),
    [
        ("the status knows this password", {"password_check": OLD}, False),
        ("a process ended between the Secret and the status", {"password_check": NEW}, True),
        ("an attempt to create whose answer was lost", {}, True),
        ("somebody else's password", {"adopted": True}, False),
        ("of a version that wrote no check", {"password_changed_at": "2026-01-01T00:00:00Z"}, False),
    ],
)
async def test_what_is_confirmed_was_changed_if_the_status_knows_another_one(
    why: str, status: dict[str, Any], is_changed: bool
) -> None:
    stage = stage_of()
    if (known_password := status.get("password_check")) is not None:
        status["password_check"] = desired_secret.check(stage.current, known_password)
    stage.current.observed = replace(
        stage.current.observed, status=stage.current.observed.status.model_copy(update=status)
    )
    facts = await act(stage, PasswordStep.CONFIRMED)
    assert ("password_changed_at" in facts.model_fields_set) == is_changed, why


async def test_what_was_confirmed_before_counts_no_more_while_another_one_may_be_in_the_cloud() -> None:
    stage = stage_of()
    stage.current.memory.password.was_confirmed(NEW)
    stage.journal.refuses[PUT] = OutcomeUnknown("x", "timeout")
    with pytest.raises(OutcomeUnknown):
        await act(stage, PasswordStep.CONFIRM)
    assert not stage.current.memory.password.is_confirmed(NEW)


# --- SWITCH, ABANDON and WRITE ---


async def test_a_lost_credentials_secret_is_made_with_the_pending_password() -> None:
    stage = stage_of(mine=None, pending=NEW)
    await act(stage, PasswordStep.SWITCH)
    assert stage.done == [f"create Secret {MINE}", f"delete Secret {PENDING}"]
    assert held(stage, MINE) == NEW


async def test_a_switch_vouches_for_what_it_writes() -> None:
    """The cloud has it: whatever the check was, it is made anew."""
    stage = stage_of(pending=NEW)
    mine = stage.kube.secrets[MINE]
    stage.kube.secrets[MINE] = replace(mine, annotations={**mine.annotations, PASSWORD_CHECK: "otherkey.0123"})
    stage.current.secrets = SecretsRead(stage.kube.secrets[MINE], stage.kube.secrets[PENDING])
    await act(stage, PasswordStep.SWITCH)
    check = stage.kube.secrets[MINE].annotations[PASSWORD_CHECK]
    assert stage.current.checks.judge(check, APP.uid, NEW)


async def test_a_pending_secret_that_is_gone_is_no_trouble() -> None:
    stage = stage_of(pending=NEW)
    stage.current.secrets = SecretsRead(stage.kube.secrets[MINE])
    await act(stage, PasswordStep.ABANDON)
    assert stage.done == ["status"]


@pytest.mark.parametrize(("unclear", "facts"), [(True, Facts(password_unconfirmed=True)), (False, NOTHING)])
async def test_what_is_given_up_and_the_cloud_may_have_is_told_first(unclear: bool, facts: Facts) -> None:
    stage = stage_of(pending=NEW, pending_unclear=unclear)
    stage.current.memory.password.was_refused(NEW)
    assert await act(stage, PasswordStep.ABANDON) == facts
    assert stage.done == ORDERS[PasswordStep.ABANDON]
    assert stage.status.get("passwordUnconfirmed") is (True if unclear else None)
    assert not stage.current.memory.password.has_refused(NEW)


async def test_a_repair_is_counted() -> None:
    stage = stage_of()
    await act(stage, PasswordStep.WRITE)
    repair = (stage.clock.monotonic(), desired_secret.content_hash(stage.current, OLD))
    assert stage.current.memory.password.repairs == (repair,)
    assert stage.events.told == []


def edited(stage: Stage, **fields: Any) -> SecretContent:
    mine = replace(stage.kube.secrets[MINE], **fields)
    stage.kube.secrets[MINE] = mine
    stage.current.secrets = SecretsRead(mine)
    return mine


async def test_marks_that_are_put_back_are_told() -> None:
    stage = stage_of()
    edited(stage, labels={})
    await act(stage, PasswordStep.WRITE)
    (told,) = stage.events.told
    assert told.type_ == "Warning"
    assert f"the Secret {MINE} had lost labels or annotations" in told.message


async def test_a_check_by_which_nobody_can_tell_is_kept() -> None:
    """One of another key: a new check would vouch for a password that may have been edited."""
    stage = stage_of()
    mine = stage.kube.secrets[MINE]
    edited(stage, annotations={**mine.annotations, PASSWORD_CHECK: "otherkey.0123"})
    await act(stage, PasswordStep.WRITE)
    assert stage.kube.secrets[MINE].annotations[PASSWORD_CHECK] == "otherkey.0123"


# --- the first password ---


@pytest.mark.parametrize(
    ("why", "view", "chosen"),
    [
        ("people's own", PasswordView(given=NEW, password=OLD, pending=SecretStr("p")), NEW),
        ("what a Secret of its name holds already", PasswordView(password=OLD, pending=SecretStr("p")), OLD),
        ("what was begun with", PasswordView(pending=SecretStr("p")), SecretStr("p")),
    ],
)
async def test_which_password_is_the_first(why: str, view: PasswordView, chosen: SecretStr) -> None:
    stage = Stage(APP, credential=view)
    assert await stage.passwords.first(stage.current) == chosen, why
    assert held(stage, MINE) == chosen, "it is in its Secret before the cloud has it"


async def test_what_kubernetes_makes_of_it_is_what_is_sent() -> None:
    """A webhook may have changed the Secret."""
    stage = Stage(APP, credential=PasswordView(given=NEW))

    async def create_secret(secret: NewSecret) -> SecretContent:
        return replace(as_read(secret), data={**secret.data, "password": OLD})

    stage.kube.create_secret = create_secret  # type: ignore[method-assign]
    assert await stage.passwords.first(stage.current) == OLD


async def test_what_has_no_credential_has_no_password() -> None:
    stage = Stage(resource("KafkaTopic", "t", spec={"datastoreRef": {"name": "main"}}))
    assert await stage.passwords.first(stage.current) is None
    assert stage.done == []


async def test_with_nothing_to_begin_with_one_is_made_up() -> None:
    stage = Stage(APP, credential=PasswordView())
    made = await stage.passwords.first(stage.current)
    assert made is not None
    assert len(made.get_secret_value()) == 32


# --- where the cloud makes the value ---

TOKEN = resource("PrometheusMetricsToken", "scrape", spec={})
CREATE = Create(Reason.ABSENT, "no such token yet")


async def test_a_value_that_is_told_once_has_a_secret_that_is_possible() -> None:
    stage = Stage(TOKEN, credential=PasswordView())
    await stage.passwords.prove_first(stage.current, CREATE)
    assert stage.done == ["prove Secret " + secret_name(stage.current.kind, stage.current.observed)]
    assert await stage.passwords.first(stage.current) is None, "the cloud makes it"
    stage = Stage(APP, credential=PasswordView(given=NEW))
    await stage.passwords.prove_first(stage.current, CREATE)
    assert stage.done == [], "a password of ours is in its Secret before it is sent"


async def test_what_the_cloud_tells_is_written_and_vouched_for() -> None:
    stage = Stage(TOKEN, credential=PasswordView(given=NEW))
    await act(stage, PasswordStep.WRITE)
    (secret,) = stage.kube.written.values()
    credential = stage.current.kind.credential
    assert credential is not None
    assert secret.data[credential.key] == NEW
