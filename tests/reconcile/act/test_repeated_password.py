"""A password that an answer repeats is masked, also one that neither its request nor the pass had."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from kinds.builders import MAIN, uuid
from managed_databases.api.errors import ApiError, Invalid, OutcomeUnknown
from managed_databases.api.masking import MASK, WITHHELD
from managed_databases.api.models import User
from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.shared_fields import Rotated
from managed_databases.reconcile.act.desired_secret import UNREAD
from managed_databases.reconcile.act.repeated_password import mask_password
from managed_databases.reconcile.ports import KubeUnreachable, NewSecret, Resource, SecretContent
from reconcile.act.recording import Stage
from reconcile.fake_cache import resource

PASSWORD = SecretStr("secret-of-the-test")
THERE = User(id=uuid(60), name="app", datastore_id=MAIN, status="ACTIVE")
IN_MAIN = {"datastoreRef": {"name": "main"}}
APP = resource("DatabaseUser", "app", spec=IN_MAIN, id_=THERE.id, inside=MAIN)
TOPIC = resource("KafkaTopic", "app", spec=IN_MAIN, id_=THERE.id, inside=MAIN)
TOLD, SAYS = f"the password {PASSWORD.get_secret_value()} is too weak", f"the password {MASK} is too weak"
REQUEST = f"request-{PASSWORD.get_secret_value()}"


def error() -> ApiError:
    return Invalid("users.update", TOLD, status=422, request_id=REQUEST)


def stage_of(
    its: Resource = APP, view: PasswordView | None = None, *, name: str = "app-user", key: str = "password"
) -> Stage:
    """With a Secret of that name, which has the password under that key."""
    stage = Stage(its, external=THERE if its is APP else None, credential=view)
    stage.keep(NewSecret("home", name, "Opaque", {}, {key: PASSWORD}))
    return stage


async def masked(stage: Stage, told: ApiError | None = None) -> ApiError:
    told = error() if told is None else told
    await mask_password(stage.kube, stage.current, told)
    return told


@pytest.mark.parametrize(
    ("why", "view", "is_masked"),
    [
        ("no Secret was looked at", None, True),
        ("it was not read, as it had been right", PasswordView(password=UNREAD), True),
        ("it has none that counts", PasswordView(), True),
        ("the client knew it, and has masked it", PasswordView(password=PASSWORD), False),
    ],
)
async def test_a_password_that_the_client_did_not_know(why: str, view: PasswordView | None, is_masked: bool) -> None:
    told = await masked(stage_of(view=view))
    assert told.message == (SAYS if is_masked else TOLD), why
    assert told.request_id == (f"request-{MASK}" if is_masked else REQUEST)
    assert str(told) == f"users.update: {told.message}"


@pytest.mark.parametrize(
    ("why", "fields"),
    [
        ("it has no object, and so no password that the API knows", {"its": replace(APP, status={})}),
        ("its kind has none", {"its": TOPIC}),
        ("the Secret is not there", {"name": "another"}),
        ("it has no password", {"key": "other"}),
    ],
)
async def test_where_there_is_none_nothing_is_masked(why: str, fields: dict[str, Any]) -> None:
    told = await masked(stage_of(**fields))
    assert (told.message, told.request_id) == (TOLD, REQUEST), why


async def test_what_nobody_answered_is_the_clients_own_text() -> None:
    told = await masked(stage_of(), OutcomeUnknown("users.update", TOLD))
    assert told.message == TOLD


async def test_an_answer_without_an_id_has_none_afterwards() -> None:
    told = await masked(stage_of(), Invalid("users.update", TOLD, status=422))
    assert (told.message, told.request_id) == (SAYS, None)


async def test_what_cannot_be_compared_is_withheld() -> None:
    stage = stage_of()

    async def fails(namespace: str, name: str) -> SecretContent | None:
        raise KubeUnreachable(f"{namespace}/{name}")

    stage.kube.read_secret = fails  # type: ignore[method-assign]
    told = await masked(stage)
    assert (told.message, told.request_id) == (WITHHELD, None)
    assert PASSWORD.get_secret_value() not in f"{told} {told.args}"


async def test_of_two_users_the_own_ones_secret_counts() -> None:
    for name, is_masked in (("app-user", False), ("app-user-own", True)):
        stage = stage_of(name=name)
        status = stage.current.observed.status.model_copy(update={"rotation": Rotated(active="Twin")})
        stage.current.observed = replace(stage.current.observed, status=status)
        assert (await masked(stage)).message == (SAYS if is_masked else TOLD)
