"""The Secrets of a credential as they should be, and how one that is there differs from that."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from pydantic import SecretStr

from managed_databases.kinds.datastore_endpoints import OPTIONAL_KEYS, lets_in
from managed_databases.reconcile.annotations import OBJECT_ID, OWNER_UID, PASSWORD_CHECK, RETAINED
from managed_databases.reconcile.observe.current_pass import Pass
from managed_databases.reconcile.ports import (
    MANAGED_LABEL,
    OWN,
    NewSecret,
    Resource,
    SecretContent,
)
from managed_databases.reconcile.report.status import secret_name

PENDING_KEY: Final = "password"
"""The key of the pending Secret."""
UNREAD: Final = SecretStr("not read: the Secret is as it was when it was found right")
RESET: Final = 0
"""Stands for a password that was set anew, among repairs of a Secret."""


def pending_name(name: str) -> str:
    return f"{name}-pending"


def desired_data(current: Pass, password: SecretStr) -> dict[str, SecretStr]:
    credential = current.kind.credential
    assert credential is not None
    text: Mapping[str, str] = credential.content(current.observed, password)
    return {**{key: SecretStr(value) for key, value in text.items()}, credential.key: password}


def content_hash(current: Pass, password: SecretStr) -> int:
    return hash(frozenset(desired_data(current, password).items()))


def desired(current: Pass, password: SecretStr) -> NewSecret:
    """The credentials Secret as it should be with this password."""
    credential = current.kind.credential
    assert credential is not None
    assert password is not UNREAD
    resource, id_ = current.resource, current.observed.status.id
    # What the cloud tells is written once the object is there, and may be told no more: then the id tells whose it is.
    of_object = {OBJECT_ID: id_} if credential.value_of is not None and id_ is not None else {}
    return NewSecret(
        namespace=resource.key.namespace,
        name=secret_name(current.kind, current.observed),
        type=f"servicebinding.io/{credential.type(current.observed)}",
        annotations={OWNER_UID: resource.uid, PASSWORD_CHECK: current.checks.make(resource.uid, password), **of_object},
        data=desired_data(current, password),
        owner=resource if current.observed.spec.deletion_policy == "Delete" else None,
        drops=OPTIONAL_KEYS,
    )


def pending_secret(current: Pass, password: SecretStr) -> NewSecret:
    """The Secret whose creation is the lock of a password change."""
    resource = current.resource
    return NewSecret(
        namespace=resource.key.namespace,
        name=pending_name(secret_name(current.kind, current.observed)),
        type="Opaque",
        annotations={OWNER_UID: resource.uid, PASSWORD_CHECK: current.checks.make(resource.uid, password)},
        data={PENDING_KEY: password},
        owner=resource if current.observed.spec.deletion_policy == "Delete" else None,
    )


def retained(secret: SecretContent, resource: Resource, id_: str | None) -> NewSecret:
    """The same Secret, marked so that whoever adopts this object may take it."""
    annotations = {**secret.annotations, OWNER_UID: resource.uid, RETAINED: "true"}
    if id_ is not None:
        annotations[OBJECT_ID] = id_
    return NewSecret(secret.namespace, secret.name, secret.type, annotations, secret.data)


def misleads(current: Pass, mine: SecretContent | None, password: SecretStr) -> bool:
    """Whether nobody gets in with what is in the Secret."""
    if mine is None:
        return True
    held, wanted = (
        {name: value.get_secret_value() for name, value in data.items()}
        for data in (mine.data, desired_data(current, password))
    )
    return not lets_in(held, wanted)


def is_outdated(current: Pass, mine: SecretContent, password: SecretStr) -> bool:
    wanted = keeping_check(current, mine, desired(current, password), password)
    return (
        any(mine.data.get(key) != value for key, value in wanted.data.items())
        or not mine.data.keys().isdisjoint(wanted.drops - wanted.data.keys())
        or mine.labels.get(MANAGED_LABEL) != OWN  # without it the Secret is not watched
        or mine.owner_uids != (() if wanted.owner is None else (wanted.owner.uid,))
        or any(mine.annotations.get(name) != value for name, value in wanted.annotations.items())
    )


def has_lost_marks(mine: SecretContent) -> bool:
    """Whether somebody has taken away labels or annotations that are always there."""
    return mine.labels.get(MANAGED_LABEL) != OWN or not {OWNER_UID, PASSWORD_CHECK} <= mine.annotations.keys()


def keeping_check(current: Pass, mine: SecretContent | None, wanted: NewSecret, password: SecretStr) -> NewSecret:
    """The Secret as it shall be, with the check that it has, when nobody can tell by it whether the password was edited: a
    new check would vouch for a password that the operator has not seen work.
    """
    credential = current.kind.credential
    if credential is not None and credential.value_of is not None:
        return wanted  # the cloud tells it
    check = None if mine is None else mine.annotations.get(PASSWORD_CHECK)
    if mine is None or check is None or judge(current, mine, password) is not None:
        return wanted
    return replace(wanted, annotations={**wanted.annotations, PASSWORD_CHECK: check})


def judge(current: Pass, mine: SecretContent, password: SecretStr) -> bool | None:
    owner = mine.annotations.get(OWNER_UID, current.resource.uid)
    return current.checks.judge(mine.annotations.get(PASSWORD_CHECK), owner, password)
