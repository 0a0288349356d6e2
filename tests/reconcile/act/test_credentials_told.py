"""Which value counts where the cloud makes it and tells it, and what is known of a password after its call."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from kinds.builders import PROJECT, uuid
from managed_databases.api.models import MetricsToken
from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.act import desired_secret
from managed_databases.reconcile.act.credentials import CredentialReader
from managed_databases.reconcile.act.given_passwords import GivenPasswords
from managed_databases.reconcile.act.password_view import after_a_call
from managed_databases.reconcile.act.secret_ownership import SecretOwnership
from managed_databases.reconcile.annotations import OBJECT_ID, OWNER_UID, PASSWORD_CHECK
from managed_databases.reconcile.memory import SecretsRead
from managed_databases.reconcile.ports import NewSecret, SecretContent
from reconcile.act.recording import Stage
from reconcile.fake_cache import FakeCache, resource

VALUE, OTHER = SecretStr("the value"), SecretStr("another value")
SILENT = MetricsToken(id=uuid(61), name="scrape", status="ACTIVE")
TELLS = SILENT.model_copy(update={"value": VALUE})
MAY = replace(PROJECT, granted_powers=frozenset({"metrics"}))
TOKEN = resource("PrometheusMetricsToken", "scrape", spec={}, id_=SILENT.id)


class Fixture:
    def __init__(self, external: MetricsToken | None) -> None:
        self.stage = Stage(TOKEN, external=external, project=MAY)
        self.current, self.kube = self.stage.current, self.stage.kube
        ownership = SecretOwnership(set, self.current.checks)
        self.reader = CredentialReader(self.kube, FakeCache(), ownership, self.stage.clock, GivenPasswords(self.kube))

    @property
    def key(self) -> str:
        credential = self.current.kind.credential
        assert credential is not None
        return credential.key

    def keep(self, value: SecretStr, *without: str, **fields: Any) -> SecretContent:
        """The Secret as it should be with this value, without some of its annotations, and but for these fields."""
        secret = self.stage.keep(desired_secret.desired(self.current, value))
        kept = {name: told for name, told in secret.annotations.items() if name not in without}
        secret = replace(secret, **{"annotations": kept} | fields)
        self.kube.secrets[secret.name] = secret
        return secret

    async def read(self) -> PasswordView:
        read = await self.reader.read(self.current)
        assert read is not None
        self.current.has_read(read.view, read.secrets, read.held)
        return read.view


@pytest.mark.parametrize(
    ("why", "external", "held", "password", "given", "outdated", "misleads"),
    [
        ("it holds what the cloud tells", TELLS, VALUE, VALUE, VALUE, False, False),
        ("it holds another one", TELLS, OTHER, None, VALUE, True, True),
        ("there is no Secret yet", TELLS, None, None, VALUE, True, True),
        ("the cloud tells it no more, and the Secret is proven", SILENT, VALUE, VALUE, VALUE, False, False),
        ("nothing is seen of the object, and the Secret is proven", None, VALUE, VALUE, VALUE, False, False),
        ("neither the cloud tells it nor a Secret", SILENT, None, None, None, False, False),
    ],
)
async def test_which_value_counts(
    why: str,
    external: MetricsToken | None,
    held: SecretStr | None,
    password: SecretStr | None,
    given: SecretStr | None,
    outdated: bool,
    misleads: bool,
) -> None:
    fixture = Fixture(external)
    mine = None if held is None else fixture.keep(held)
    view = await fixture.read()
    assert (view.password, view.given, view.outdated, view.misleads) == (password, given, outdated, misleads), why
    assert view.versions == (None if mine is None else "1", None)
    assert fixture.current.secrets == SecretsRead(mine)
    is_right = password is not None and not outdated
    assert (fixture.current.memory.password.fine is not None) == is_right


@pytest.mark.parametrize(
    ("why", "edit"),
    [
        ("it was written for another object", lambda f: f.keep(VALUE, OBJECT_ID)),
        ("its check is gone", lambda f: f.keep(VALUE, PASSWORD_CHECK)),
        ("its value was edited", lambda f: f.keep(VALUE, data={**f.keep(VALUE).data, f.key: OTHER})),
        ("its value is gone", lambda f: f.keep(VALUE, data={})),
    ],
)
async def test_a_secret_that_is_not_proven_tells_no_value(why: str, edit: Callable[[Fixture], object]) -> None:
    fixture = Fixture(SILENT)
    edit(fixture)
    view = await fixture.read()
    assert (view.given, view.outdated) == (None, False), why


async def test_marks_that_are_gone_are_to_be_put_back_while_the_cloud_tells_the_value() -> None:
    fixture = Fixture(TELLS)
    fixture.keep(VALUE, OBJECT_ID)
    view = await fixture.read()
    assert (view.password, view.outdated, view.misleads) == (VALUE, True, False)
    assert fixture.current.memory.password.fine is None


async def test_a_foreign_secret_is_no_value() -> None:
    fixture = Fixture(TELLS)
    name = desired_secret.desired(fixture.current, VALUE).name
    fixture.stage.keep(NewSecret("home", name, "Opaque", {OWNER_UID: "another"}, {fixture.key: VALUE}))
    view = await fixture.read()
    assert view.problem is not None
    assert view.problem.reason is Reason.SECRET_CONFLICT
    assert fixture.current.secrets == SecretsRead(), "nothing of it is replaced or deleted"


# --- after a call ---

PENDING = SecretStr("the pending password")


@pytest.mark.parametrize(
    ("why", "does", "known"),
    [
        ("this process has prepared it", lambda m: m.is_prepared(PENDING), {}),
        ("it was sent", lambda m: m.was_sent(PENDING), {"pending_sent": True}),
        ("its call has no answer", lambda m: m.is_sending(PENDING), {"pending_unclear": True}),
        ("it was not taken", lambda m: m.was_not_taken(PENDING), {}),
        ("it was refused for what it is", lambda m: m.was_refused(PENDING),
         {"pending_refused": True, "pending_unclear": True}),
    ],
)  # fmt: skip
def test_what_is_known_of_the_pending_password_after_a_call(
    why: str, does: Callable[[Any], object], known: dict[str, Any]
) -> None:
    before = PasswordView(password=VALUE, pending=PENDING)
    current = Stage(TOKEN, credential=before).current
    does(current.memory.password)
    assert after_a_call(current) == replace(before, **known), why


@pytest.mark.parametrize("view", [None, PasswordView(password=VALUE)])
def test_without_a_pending_password_a_call_teaches_nothing(view: PasswordView | None) -> None:
    current = Stage(TOKEN, credential=view).current
    assert after_a_call(current) == view
