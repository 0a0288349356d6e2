"""Says how the Secrets of a credential should be, and how an existing one differs from that."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from pydantic import SecretStr

from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.kind import Credential
from managed_databases.kinds.login_keys import ALWAYS_OURS, OPTIONAL_KEYS, lets_in
from managed_databases.reconcile.act.secret_marks import Written, marks_of_others, written_into
from managed_databases.reconcile.annotations import (
    CHECKSUM,
    OBJECT_ID,
    OF_TWO_USERS,
    OWNER_UID,
    PASSWORD_CHECK,
    PASSWORD_GIVEN,
    RETAINED,
    WRITTEN,
)
from managed_databases.reconcile.observe.current_pass import Pass
from managed_databases.reconcile.ports import (
    MANAGED_LABEL,
    OWN,
    NewSecret,
    Resource,
    SecretContent,
)
from managed_databases.reconcile.report.status import password_secret, secret_name

PENDING_KEY: Final = "password"
"""The key of the password in the pending Secret."""
UNREAD: Final = SecretStr("not read: the Secret is as it was when it was found right")
"""Stands for the password of a Secret that was not read, because its version is the one that was last found right."""
RESET: Final = 0
"""Stands in `PasswordMemory.repairs` for a password that was changed because of what is in the Secret."""


def pending_name(name: str) -> str:
    return f"{name}-pending"


def desired_data(current: Pass, password: SecretStr) -> dict[str, SecretStr]:
    credential = current.kind.existing_credential
    text: Mapping[str, str] = credential.content(current.observed, password)
    return {**{key: SecretStr(value) for key, value in text.items()}, credential.key: password}


def content_hash(current: Pass, password: SecretStr) -> int:
    return hash(frozenset(desired_data(current, password).items()))


def check(current: Pass, password: SecretStr) -> str:
    """Return the check of this password for the Secrets and the status of this resource."""
    return current.checks.make(current.resource.uid, password)


def desired(current: Pass, password: SecretStr, *, name: str | None = None) -> NewSecret:
    """Return the Secret with the resource's password as it should be with this password, under its own name or another one.

    A Secret that nobody mounts has no labels and annotations of the spec: these may say where a Secret is copied to.
    """
    credential = current.kind.existing_credential
    assert password is not UNREAD
    observed, resource, id_ = current.observed, current.resource, current.observed.status.id
    own_name = secret_name if observed.pair.login_as is not None else password_secret
    # A value that the cloud tells is written once the object exists. When the cloud does not tell it any more, the id proves that
    # the value is this object's.
    of_object = {OBJECT_ID: id_} if credential.value_of is not None and id_ is not None else {}
    data, spec = desired_data(current, password), current.observed.spec
    mine, before = current.secrets.credentials, written_into(current.secrets.credentials)
    is_mounted = name is None and (observed.pair.login_as is not None or not observed.is_paired)
    wants = (credential.labels(spec), credential.annotations(spec)) if is_mounted else ({}, {})
    labels = _of_ours(wants[0], {} if mine is None else mine.labels, before.labels)
    annotations = _of_ours(wants[1], {} if mine is None else mine.annotations, before.annotations)
    further = frozenset(data) - OPTIONAL_KEYS - ALWAYS_OURS - {credential.key}
    written = Written(further, frozenset(labels), frozenset(annotations))
    return NewSecret(
        namespace=resource.key.namespace,
        name=name or own_name(current.kind, observed),
        type=f"servicebinding.io/{credential.type(current.observed)}",
        annotations={
            **annotations,
            **written.annotation(),
            OWNER_UID: resource.uid,
            PASSWORD_CHECK: check(current, password),
            **of_object,
            **({CHECKSUM: current.checks.checksum(resource.uid, data)} if is_mounted else {OF_TWO_USERS: "true"}),
        },
        data=data,
        owner=resource if current.observed.spec.deletion_policy == "Delete" else None,
        drops=OPTIONAL_KEYS | (before.keys - ALWAYS_OURS - {credential.key}),
        labels=labels,
        drops_labels=before.labels - {MANAGED_LABEL},
        drops_annotations=before.annotations | ({OF_TWO_USERS} if is_mounted else set()),
    )


def _of_ours(wanted: Mapping[str, str], there: Mapping[str, str], ours: frozenset[str]) -> Mapping[str, str]:
    others = marks_of_others(wanted, there, ours)
    return {name: value for name, value in wanted.items() if name not in others}


def pending_secret(current: Pass, password: SecretStr) -> NewSecret:
    """Return the pending Secret, whose creation is the lock of a password change."""
    resource, view = current.resource, current.observed.credential
    given = {PASSWORD_GIVEN: "true"} if view is not None and view.given == password else {}
    return NewSecret(
        namespace=resource.key.namespace,
        name=pending_name(password_secret(current.kind, current.observed)),
        type="Opaque",
        annotations={OWNER_UID: resource.uid, PASSWORD_CHECK: check(current, password), **given},
        data={PENDING_KEY: password},
        owner=resource if current.observed.spec.deletion_policy == "Delete" else None,
    )


def retained(secret: SecretContent, resource: Resource, id_: str | None) -> NewSecret:
    """Return the same Secret with the marks by which a resource that adopts the object with this id may take the Secret over."""
    annotations = {**secret.annotations, OWNER_UID: resource.uid, RETAINED: "true"}
    if id_ is not None:
        annotations[OBJECT_ID] = id_
    return NewSecret(secret.namespace, secret.name, secret.type, annotations, secret.data)


def to_write(view: PasswordView, credential: Credential | None) -> SecretStr | None:
    """Return what the credentials Secret gets when the cloud gets nothing new; None if nothing is known to open."""
    if credential is not None and credential.value_of is not None:
        return view.given
    return view.given if view.given_is_set else view.password


def misleads(current: Pass, mine: SecretContent | None, password: SecretStr) -> bool:
    """Return whether nobody can log in with what is in the Secret. `password` is the one that the Secret should hold."""
    if mine is None:
        return True
    held, wanted = (
        {name: value.get_secret_value() for name, value in data.items()}
        for data in (mine.data, desired_data(current, password))
    )
    return not lets_in(held, wanted)


def is_outdated(current: Pass, mine: SecretContent, password: SecretStr) -> bool:
    """Return whether the credentials Secret differs from what it should be with this password."""
    return differs(mine, keeping_check(current, mine, desired(current, password), password))


def differs(mine: SecretContent, wanted: NewSecret) -> bool:
    """Return whether a Secret differs from what it should be."""
    return (
        any(mine.data.get(key) != value for key, value in wanted.data.items())
        or not mine.data.keys().isdisjoint(wanted.drops - wanted.data.keys())
        or mine.labels.get(MANAGED_LABEL) != OWN  # without the label the Secret is not watched
        or mine.owner_uids != (() if wanted.owner is None else (wanted.owner.uid,))
        or any(mine.annotations.get(name) != value for name, value in wanted.annotations.items())
        or any(mine.labels.get(name) != value for name, value in wanted.labels.items())
        or not mine.annotations.keys().isdisjoint((wanted.drops_annotations | {WRITTEN}) - wanted.annotations.keys())
        or not mine.labels.keys().isdisjoint(wanted.drops_labels - wanted.labels.keys())
    )


def has_lost_marks(mine: SecretContent) -> bool:
    """Return whether somebody has removed labels or annotations that every credentials Secret has."""
    return mine.labels.get(MANAGED_LABEL) != OWN or not {OWNER_UID, PASSWORD_CHECK} <= mine.annotations.keys()


def keeping_check(current: Pass, mine: SecretContent | None, wanted: NewSecret, password: SecretStr) -> NewSecret:
    """Return `wanted`, with the check that the Secret has now if that check does not tell whether the password was edited.

    A new check would vouch for a password that the operator has not seen work.
    """
    credential = current.kind.credential
    if credential is not None and credential.value_of is not None:
        return wanted  # the cloud tells it
    there = None if mine is None else mine.annotations.get(PASSWORD_CHECK)
    if mine is None or there is None or judge(current, mine, password) is not None:
        return wanted
    return replace(wanted, annotations={**wanted.annotations, PASSWORD_CHECK: there})


def judge(current: Pass, mine: SecretContent, password: SecretStr) -> bool | None:
    """Return whether the Secret's check was made of this password; None if that cannot be told."""
    owner = mine.annotations.get(OWNER_UID, current.resource.uid)
    return current.checks.judge(mine.annotations.get(PASSWORD_CHECK), owner, password)
