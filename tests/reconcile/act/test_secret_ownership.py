"""Whose a Secret is, and which of other resources' Secrets may be taken over."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from kinds.builders import MAIN, uuid
from managed_databases.api.models import User
from managed_databases.kinds.observed import SameKey
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.act.secret_ownership import SecretOwnership
from managed_databases.reconcile.annotations import OBJECT_ID, OWNER_UID, PASSWORD_CHECK, RETAINED
from managed_databases.reconcile.observe.passwords import PasswordChecks
from managed_databases.reconcile.observe.seals import OwnershipKey, Seals
from managed_databases.reconcile.ports import SecretContent
from reconcile.act.recording import Stage
from reconcile.fake_cache import resource

CHECKS, OTHER_CHECKS = (PasswordChecks(Seals(OwnershipKey.generate())) for _ in range(2))
PASSWORD, OTHER_PASSWORD = SecretStr("the password"), SecretStr("another password")
ID = uuid(60)
APP = resource("DatabaseUser", "app", spec={"datastoreRef": {"name": "main"}}, id_=ID, inside=MAIN)
LIVING, GONE = "uid-of-another-one", "uid-of-one-that-is-no-more"
OWNERSHIP = SecretOwnership(lambda: {APP.uid, LIVING}, CHECKS)


def secret(
    annotations: Mapping[str, str] | None = None, data: Mapping[str, SecretStr] | None = None, **fields: Any
) -> SecretContent:
    held = {"password": PASSWORD} if data is None else data
    return SecretContent("home", "app-user", "u", "1", "Opaque", {}, annotations or {}, held, **fields)


def check(owner: str = APP.uid, password: SecretStr = PASSWORD, checks: PasswordChecks = CHECKS) -> dict[str, str]:
    return {PASSWORD_CHECK: checks.make(owner, password)}


NO_TEXT = SecretStr("\udcff")


@pytest.mark.parametrize(
    ("why", "there", "is_ours"),
    [
        ("its annotation says so", secret({OWNER_UID: APP.uid}), True),
        ("its annotation says that it is another's", secret({OWNER_UID: LIVING} | check()), False),
        ("an annotation wins over the owner", secret({OWNER_UID: LIVING}, owner_uids=(APP.uid,)), False),
        ("nothing says whose it is", secret(), False),
        ("its owner", secret(owner_uids=(APP.uid,)), True),
        ("another owner", secret(owner_uids=(LIVING,)), False),
        ("the check of its password", secret(check()), True),
        ("a check of another password", secret(check(password=OTHER_PASSWORD)), False),
        ("a check for another resource", secret(check(LIVING)), False),
        ("a check with a key that we do not have", secret(check(checks=OTHER_CHECKS)), False),
        ("the check of any of its values", secret(check(), {"uri": OTHER_PASSWORD, "password": PASSWORD}), True),
        ("a value that is no text has no check", secret(check(), {"password": NO_TEXT}), False),
    ],
)
def test_whose_it_is(why: str, there: SecretContent, is_ours: bool) -> None:
    assert OWNERSHIP.is_ours(APP, there) == is_ours, why


def problem(
    there: SecretContent | None, *, adoption: str = "Never", id_: str | None = ID, namesake: str | None = None
) -> str | None:
    app = replace(APP, spec={**APP.spec, "adoption": adoption})
    if id_ is None:
        app = replace(app, status={})
    observed = Stage(app).current.observed
    if namesake is not None:
        users = (User(id=namesake, name="app", datastore_id=MAIN),)
        observed = replace(observed, same_key=SameKey(namesakes=users))
    stall = OWNERSHIP.problem(app, there, observed, "password")
    assert stall is None or stall.reason is Reason.SECRET_CONFLICT
    return None if stall is None else stall.message


ADOPTS = {"adoption": "IfExists"}
KEPT = {RETAINED: "true", OBJECT_ID: ID, OWNER_UID: GONE}
LEFT_BEHIND = secret({OWNER_UID: GONE} | check(GONE))


@pytest.mark.parametrize(
    ("why", "there", "how", "may_be_used"),
    [
        ("there is none", None, {}, True),
        ("it is ours", secret({OWNER_UID: APP.uid}), {}, True),
        ("it is somebody else's", secret({OWNER_UID: LIVING}), ADOPTS, False),
        ("nothing says whose it is", secret(), ADOPTS, False),
        # Retained: it goes with its object.
        ("it was kept for this object", secret(KEPT), {}, True),
        ("it was kept for another one", secret(KEPT | {OBJECT_ID: uuid(61)}), {}, False),
        ("it was kept for one that may be taken over", secret(KEPT), {"id_": None, "namesake": ID}, True),
        ("it was kept, and no object is known", secret(KEPT), {"id_": None}, False),
        ("it was kept for nothing, and no object is known", secret({OWNER_UID: GONE}), {"id_": None}, False),
        ("only who says that it was kept counts", secret({OBJECT_ID: ID, OWNER_UID: GONE}), {}, False),
        ("kept: whether to adopt is no question", secret(KEPT | {OBJECT_ID: uuid(61)} | check(GONE)), ADOPTS, False),
        # Left behind by a resource that is no more.
        ("it was left behind, and the spec adopts", LEFT_BEHIND, ADOPTS, True),
        ("it has to be adopted", LEFT_BEHIND, {"adoption": "Required"}, True),
        ("the spec does not adopt", LEFT_BEHIND, {}, False),
        ("its owner is there", secret({OWNER_UID: LIVING} | check(LIVING)), ADOPTS, False),
        ("no operator proves that it wrote it", secret({OWNER_UID: GONE}), ADOPTS, False),
        ("the check is of another password", secret({OWNER_UID: GONE} | check(GONE, OTHER_PASSWORD)), ADOPTS, False),
        ("of another key nobody can tell", secret({OWNER_UID: GONE} | check(GONE, checks=OTHER_CHECKS)), ADOPTS, False),
        ("it holds no password", secret({OWNER_UID: GONE} | check(GONE), {}), ADOPTS, False),
    ],
)  # fmt: skip
def test_which_one_may_be_used(why: str, there: SecretContent | None, how: dict[str, Any], may_be_used: bool) -> None:
    assert (problem(there, **how) is None) == may_be_used, why


def test_one_text_for_every_secret_that_is_not_ours() -> None:
    """Who may write a resource may not be allowed to read Secrets."""
    told = {problem(each) for each in (secret(), secret({OWNER_UID: LIVING}), LEFT_BEHIND, secret(data={}))}
    assert len(told) == 1
    (text,) = told
    assert text is not None
    assert "the Secret app-user is not this resource's" in text
