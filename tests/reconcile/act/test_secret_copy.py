"""Which Secrets are copies of a resource."""

from collections.abc import Mapping

import pytest

from managed_databases.reconcile.act.secret_copy import is_copy
from managed_databases.reconcile.annotations import COPY_OF, OWNER_UID
from managed_databases.reconcile.ports import SecretContent
from reconcile.act.test_secret_ownership import APP, LIVING, OWNERSHIP, PASSWORD, check

HOME, AWAY = APP.key.namespace, "web"
MARK = {COPY_OF: f"{HOME}/app-user"}


@pytest.mark.parametrize(
    ("why", "namespace", "annotations", "is_one"),
    [
        ("with both marks", HOME, MARK | {OWNER_UID: APP.uid}, True),
        ("with both marks, elsewhere", AWAY, MARK | {OWNER_UID: APP.uid}, True),
        ("known by the check of its password", AWAY, MARK | check(), True),
        ("another Secret of the resource", HOME, {OWNER_UID: APP.uid}, False),
        ("what somebody has made of it elsewhere", AWAY, {OWNER_UID: APP.uid}, False),
        ("a copy of another namespace's Secret", AWAY, {COPY_OF: "blog/app-user", OWNER_UID: APP.uid}, False),
        ("a mark that names no Secret", AWAY, {COPY_OF: HOME, OWNER_UID: APP.uid}, False),
        ("another resource's", AWAY, MARK | {OWNER_UID: LIVING}, False),
        ("another resource's, with a check for this one", AWAY, MARK | {OWNER_UID: LIVING} | check(), False),
        ("the mark alone says nothing", AWAY, MARK, False),
        ("somebody's", AWAY, {}, False),
    ],
)
def test_is_copy(why: str, namespace: str, annotations: Mapping[str, str], is_one: bool) -> None:
    secret = SecretContent(namespace, "copy", "u", "1", "Opaque", {}, annotations, {"password": PASSWORD})
    assert is_copy(OWNERSHIP, APP, secret) is is_one, why
