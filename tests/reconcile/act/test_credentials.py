"""Which Secrets a pass reads, what it makes of them, and what they should be."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from kinds.builders import MAIN, parent, uuid
from managed_databases.api.models import User
from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.reconcile.act import desired_secret
from managed_databases.reconcile.act.credentials import CredentialReader
from managed_databases.reconcile.act.given_passwords import GivenPasswords
from managed_databases.reconcile.act.secret_ownership import SecretOwnership
from managed_databases.reconcile.annotations import OWNER_UID, PASSWORD_CHECK
from managed_databases.reconcile.memory import SecretsRead
from managed_databases.reconcile.ports import GIVEN, MANAGED_LABEL, NewSecret, Resource, SecretContent
from managed_databases.reconcile.scheduling import dependencies as dependency
from reconcile.act.recording import Stage
from reconcile.fake_cache import FakeCache, resource

OLD, NEW = SecretStr("the old password"), SecretStr("the new password")
THERE = User(id=uuid(60), name="app", datastore_id=MAIN, status="ACTIVE")
IN_MAIN = {"datastoreRef": {"name": "main"}}
MINE, PENDING = "app-user", "app-user-pending"


def app(*, made: bool = True, going: bool = False, **spec: Any) -> Resource:
    id_, inside = (THERE.id, MAIN) if made else (None, None)
    return resource("DatabaseUser", "app", spec=IN_MAIN | spec, going=going, id_=id_, inside=inside)


class WatchedSecrets(FakeCache):
    """Knows the versions of all our Secrets, as a watch does."""

    def __init__(self, secrets: Mapping[str, SecretContent]) -> None:
        super().__init__()
        self.secrets = secrets
        self.is_watching = True

    def knows_secrets(self, namespace: str) -> bool:
        return self.is_watching

    def secret_version(self, namespace: str, name: str) -> str | None:
        return self.secrets[name].resource_version if name in self.secrets else None


class Fixture:
    def __init__(self, its: Resource | None = None, *, accepts_unlabelled: bool = False) -> None:
        its = app() if its is None else its
        self.stage = Stage(its, external=THERE if its.told.id else None)
        self.current = self.stage.current
        self.cache = WatchedSecrets(self.stage.kube.secrets)
        ownership = SecretOwnership(set, self.current.checks)
        given = GivenPasswords(self.stage.kube, accepts_unlabelled)
        self.reader = CredentialReader(self.stage.kube, self.cache, ownership, self.stage.clock, given)
        self.read_names: list[str] = []
        read_secret = self.stage.kube.read_secret

        async def reading(namespace: str, name: str) -> SecretContent | None:
            self.read_names.append(name)
            return await read_secret(namespace, name)

        self.stage.kube.read_secret = reading  # type: ignore[method-assign]

    def keep(self, password: SecretStr = OLD, **fields: Any) -> SecretContent:
        """Its credentials Secret as it should be, but for these fields."""
        secret = replace(self.stage.keep(desired_secret.desired(self.current, password)), **fields)
        self.stage.kube.secrets[MINE] = secret
        return secret

    async def read(self) -> PasswordView:
        read = await self.reader.read(self.current)
        assert read is not None
        self.current.has_read(read.view, read.secrets, read.held)
        return read.view


# --- what is read ---


async def test_both_secrets_are_read_and_noted() -> None:
    fixture = Fixture()
    mine = fixture.keep()
    pending = fixture.stage.keep(desired_secret.pending_secret(fixture.current, NEW))
    view = await fixture.read()
    assert (view.password, view.pending) == (OLD, NEW)
    assert view.versions == ("1", "1")
    assert not view.outdated
    assert not view.misleads
    assert view.pending_unclear, "another process may have sent it"
    assert fixture.current.secrets == SecretsRead(mine, pending)


async def test_what_was_found_right_is_not_read_again() -> None:
    fixture = Fixture()
    fixture.keep()
    await fixture.read()
    assert fixture.read_names == [MINE, PENDING]
    view = await fixture.read()
    assert fixture.read_names == [MINE, PENDING]
    assert view.password is not None
    assert view.problem is None
    assert view.pending is None
    assert not view.outdated


@pytest.mark.parametrize(
    ("why", "change"),
    [
        ("another version of it", lambda f: f.keep(resource_version="2")),
        ("it is not there", lambda f: f.stage.kube.secrets.clear()),
        ("its content should be another", lambda f: _see(f, refs={"datastoreRef": parent(connection={"master": "other"})})),
        ("its owner should be another", lambda f: _edit(f, "spec", deletion_policy="Retain")),
        ("its object is not there", lambda f: _see(f, external=None)),
        ("nobody knows whether the cloud has its password", lambda f: _edit(f, "status", password_unconfirmed=True)),
        ("the status has another check", lambda f: _edit(f, "status", password_check=desired_secret.check(f.current, NEW))),
    ],
)  # fmt: skip
async def test_what_may_not_be_right_any_more_is_read_again(why: str, change: Any) -> None:
    fixture = Fixture()
    fixture.keep()
    await fixture.read()
    fixture.read_names.clear()
    change(fixture)
    await fixture.read()
    assert MINE in fixture.read_names, why


def _see(fixture: Fixture, **observed: Any) -> None:
    fixture.current.observed = replace(fixture.current.observed, **observed)


def _edit(fixture: Fixture, what: str, **values: Any) -> None:
    _see(fixture, **{what: getattr(fixture.current.observed, what).model_copy(update=values)})


@pytest.mark.parametrize(
    ("why", "check", "annotations", "is_set_back"),
    [
        ("a status of an earlier version does not tell", None, {}, False),
        ("it is the newest one", "of OLD", {}, False),
        ("the cloud got another one since", "of NEW", {}, True),
        ("it is the newest one, and the Secret's check is of an earlier version", "of OLD", {PASSWORD_CHECK: "0000"}, False),
        ("the key was lost, and both checks are of the lost one", "lost.1234", {PASSWORD_CHECK: "lost.1234"}, False),
        ("the key was lost, and the checks differ", "lost.1234", {PASSWORD_CHECK: "lost.5678"}, True),
    ],
)  # fmt: skip
async def test_a_secret_that_was_set_back(
    why: str, check: str | None, annotations: dict[str, str], is_set_back: bool
) -> None:
    fixture = Fixture()
    mine = fixture.keep()
    fixture.keep(annotations={**mine.annotations, **annotations})
    made = {f"of {name}": desired_secret.check(fixture.current, each) for name, each in (("OLD", OLD), ("NEW", NEW))}
    _edit(fixture, "status", password_check=made.get(check, check) if check else None)
    view = await fixture.read()
    assert view.password == OLD
    assert view.is_set_back is is_set_back, why
    fixture.read_names.clear()
    await fixture.read()
    assert bool(fixture.read_names) == (is_set_back or view.outdated), "what is not right is read again"


@pytest.mark.parametrize("what", ["pending", "outdated"])
async def test_what_was_not_right_is_read_again(what: str) -> None:
    fixture = Fixture()
    mine = fixture.keep()
    if what == "pending":
        fixture.stage.keep(desired_secret.pending_secret(fixture.current, NEW))
    else:
        fixture.keep(labels={})
    await fixture.read()
    fixture.read_names.clear()
    await fixture.read()
    assert fixture.read_names == [MINE, PENDING]
    assert mine.resource_version == "1"


@pytest.mark.parametrize(
    ("why", "made", "is_taken", "is_watching", "there", "is_read"),
    [
        ("before a creation, where the watch shows none", False, False, True, None, False),
        ("nobody watches that namespace", False, False, False, None, True),
        ("one was met under its name", False, True, True, None, True),
        ("the watch shows one", False, False, True, MINE, True),
        ("the watch shows a pending one", False, False, True, PENDING, True),
        ("the object is there", True, False, True, None, True),
    ],
)
async def test_where_there_can_be_none_nothing_is_read(
    why: str, made: bool, is_taken: bool, is_watching: bool, there: str | None, is_read: bool
) -> None:
    fixture = Fixture(app(made=made))
    fixture.cache.is_watching, fixture.current.memory.password.is_name_taken = is_watching, is_taken
    if there is not None:
        fixture.stage.keep(NewSecret("home", there, "Opaque", {OWNER_UID: "uid-app"}, {}))
    await fixture.read()
    assert bool(fixture.read_names) == is_read, why


async def test_what_has_no_credential_reads_nothing() -> None:
    fixture = Fixture()
    topic = Stage(resource("KafkaTopic", "t", spec=IN_MAIN))
    assert await fixture.reader.read(topic.current) is None
    assert fixture.reader.dependencies(topic.current) == frozenset()


def test_it_depends_on_its_secrets_before_they_are_read() -> None:
    names = {MINE, PENDING, "chosen"}
    fixture = Fixture(app(**CHOSEN))
    assert fixture.reader.dependencies(fixture.current) == {dependency.secret("home", name) for name in names}
    assert Fixture(app(going=True)).reader.dependencies(Fixture(app(going=True)).current) == frozenset()


async def test_a_name_that_can_be_no_secrets_is_refused() -> None:
    view = await Fixture(app(secretName="Not A Name")).read()
    assert isinstance(view.problem, Stall)
    assert view.problem.reason is Reason.INVALID_SPEC


# --- what is made of it ---


async def test_a_foreign_secret_is_no_password() -> None:
    fixture = Fixture()
    fixture.stage.keep(NewSecret("home", MINE, "Opaque", {OWNER_UID: "another"}, {"password": OLD}))
    view = await fixture.read()
    assert view.problem is not None
    assert view.problem.reason is Reason.SECRET_CONFLICT
    assert (view.password, view.pending) == (None, None)
    assert fixture.current.secrets == SecretsRead(), "nothing of it is replaced or deleted"


@pytest.mark.parametrize("is_in_doubt", [False, True])
async def test_a_foreign_pending_secret_lets_no_change_begin(is_in_doubt: bool) -> None:
    """Nor is the own Secret's password known to be the cloud's, if the status says that another one may have been sent."""
    fixture = Fixture()
    mine = fixture.stage.keep(desired_secret.desired(fixture.current, OLD))
    fixture.stage.keep(NewSecret("home", PENDING, "Opaque", {OWNER_UID: "another"}, {"password": NEW}))
    if is_in_doubt:
        status = fixture.current.observed.status.model_copy(update={"password_unconfirmed": True})
        fixture.current.observed = replace(fixture.current.observed, status=status)
    view = await fixture.read()
    told = view.problem if is_in_doubt else view.no_change
    assert isinstance(told, Stall)
    assert told.reason is Reason.SECRET_CONFLICT
    assert (view.password, view.pending) == (None if is_in_doubt else OLD, None)
    assert fixture.current.secrets == (SecretsRead() if is_in_doubt else SecretsRead(mine)), "the other is not touched"


@pytest.mark.parametrize(
    ("why", "edit", "password", "outdated", "misleads"),
    [
        ("as it was written", {}, OLD, False, False),
        ("an edited password is none", {"password": NEW}, None, True, True),
        ("nor is an empty one", {"password": SecretStr("")}, None, True, True),
        ("another address", {"host": SecretStr("elsewhere")}, OLD, True, True),
        ("a key of somebody's own is his", {"note": SecretStr("x")}, OLD, False, False),
    ],
)
async def test_what_was_edited(
    why: str, edit: dict[str, SecretStr], password: SecretStr | None, outdated: bool, misleads: bool
) -> None:
    fixture = Fixture()
    mine = fixture.keep()
    fixture.keep(data={**mine.data, **edit})
    view = await fixture.read()
    assert (view.password, view.outdated, view.misleads) == (password, outdated, misleads), why


async def test_where_nobody_can_tell_an_edited_password_stays() -> None:
    """A password that is set anew for nothing is an outage."""
    fixture = Fixture()
    mine = fixture.keep()
    fixture.keep(data={**mine.data, "password": NEW}, annotations={OWNER_UID: "uid-app", PASSWORD_CHECK: "otherkey.00"})
    assert (await fixture.read()).password == NEW


@pytest.mark.parametrize(
    ("why", "fields"),
    [
        ("its label, without which it is not watched", {"labels": {}}),
        ("its owner, with whom it goes", {"owner_uids": ()}),
        ("whose it is", {"annotations": {}}),
    ],
)
async def test_marks_that_are_gone_are_to_be_put_back(why: str, fields: dict[str, Any]) -> None:
    fixture = Fixture()
    mine = fixture.keep()
    if fields.get("annotations") == {}:
        fields = {"annotations": {PASSWORD_CHECK: mine.annotations[PASSWORD_CHECK]}}
    secret = fixture.keep(**fields)
    view = await fixture.read()
    assert view.outdated, why
    assert not view.misleads, "applications get in with it"
    assert desired_secret.has_lost_marks(secret) == ("owner_uids" not in fields)


async def test_where_it_says_to_connect_is_remembered() -> None:
    """A datastore that does not tell its addresses for a while takes them from nobody."""
    fixture = Fixture()
    fixture.keep()
    await fixture.read()
    assert fixture.current.observed.told_before["host"] == "master.example"
    before = Fixture(app(made=False))
    before.keep()
    await before.read()
    assert "host" not in before.current.observed.told_before, "what was written for another object says nothing"


# --- given passwords ---

CHOSEN: dict[str, Any] = {"passwordSecretRef": {"name": "chosen", "key": "pw"}}


def given(labels: Mapping[str, str], data: Mapping[str, SecretStr]) -> SecretContent:
    return SecretContent("home", "chosen", "u", "1", "Opaque", labels, {}, data)


MAY, TEXT = {MANAGED_LABEL: GIVEN}, {"pw": NEW}


@pytest.mark.parametrize(
    ("why", "secret", "reason"),
    [
        ("it says that it may be given", given(MAY, TEXT), None),
        ("there is none", None, Reason.SECRET_MISSING),
        ("it does not say so", given({}, TEXT), Reason.SECRET_MISSING),
        ("it is one of the operator's own", given({MANAGED_LABEL: "true"}, TEXT), Reason.SECRET_MISSING),
        ("it has no such key", given(MAY, {"password": NEW}), Reason.SECRET_MISSING),
        ("what it holds can be no password", given(MAY, {"pw": SecretStr("two\nlines")}), Reason.INVALID_SPEC),
    ],
)
async def test_which_password_is_given(why: str, secret: SecretContent | None, reason: Reason | None) -> None:
    fixture = Fixture(app(**CHOSEN))
    fixture.keep()
    if secret is not None:
        fixture.stage.kube.secrets["chosen"] = secret
    view = await fixture.read()
    assert view.given == (NEW if reason is None else None), why
    assert (None if view.problem is None else view.problem.reason) == reason, why
    assert view.password == OLD, "what is in use stays in use"


async def test_one_text_for_whatever_is_wrong_with_a_given_secret() -> None:
    """It tells nobody which Secrets and keys there are."""
    told = set()
    for secret in (None, given({}, TEXT), given({}, {}), given(MAY, {})):
        fixture = Fixture(app(**CHOSEN))
        if secret is not None:
            fixture.stage.kube.secrets["chosen"] = secret
        problem = (await fixture.read()).problem
        assert isinstance(problem, Wait)
        told.add(problem.message)
    assert len(told) == 1


async def test_for_one_release_a_given_secret_needs_no_label() -> None:
    fixture = Fixture(app(**CHOSEN), accepts_unlabelled=True)
    fixture.stage.kube.secrets["chosen"] = given({}, TEXT)
    assert (await fixture.read()).given == NEW
    assert fixture.reader.given_passwords.warned_of == {("home", "chosen")}


# --- what the Secrets should be ---


def test_who_may_clean_up_after_whom() -> None:
    """A Secret goes with its resource, unless what it opens stays."""
    current = Stage(app()).current
    for secret in (desired_secret.desired(current, NEW), desired_secret.pending_secret(current, NEW)):
        assert secret.owner == current.resource
        assert secret.annotations[OWNER_UID] == "uid-app"
    retaining = Stage(app(deletionPolicy="Retain")).current
    for secret in (desired_secret.desired(retaining, NEW), desired_secret.pending_secret(retaining, NEW)):
        assert secret.owner is None


def test_a_secret_is_for_service_binding() -> None:
    secret = desired_secret.desired(Stage(app()).current, NEW)
    assert secret.type == "servicebinding.io/postgresql"
    assert secret.data["password"] == NEW
    assert {"host", "port", "username", "type", "uri"} <= secret.data.keys()
    assert "the%20new%20password" in secret.data["uri"].get_secret_value()
