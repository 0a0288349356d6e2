"""Reads the Secrets of a credential, and puts what they say into a `PasswordView`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import structlog
from pydantic import SecretStr

from managed_databases.kinds.datastore_endpoints import KEPT_KEYS
from managed_databases.kinds.kind import Credential
from managed_databases.kinds.observed import PasswordView
from managed_databases.kinds.shared_fields import SecretKeyRef, is_object_name
from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.reconcile.act.given_passwords import given_password, usable
from managed_databases.reconcile.act.secret_content import (
    PENDING_KEY,
    UNREAD,
    check,
    desired_data,
    is_outdated,
    judge,
    misleads,
    pending_name,
)
from managed_databases.reconcile.act.secret_ownership import SecretOwnership
from managed_databases.reconcile.annotations import OBJECT_ID, PASSWORD_CHECK
from managed_databases.reconcile.memory import SecretsRead
from managed_databases.reconcile.observe.current_pass import Pass
from managed_databases.reconcile.ports import (
    GIVEN,
    MANAGED_LABEL,
    Kube,
    ResourceCache,
    SecretContent,
)
from managed_databases.reconcile.report.status import secret_name
from managed_databases.reconcile.scheduling import dependencies as dependency
from managed_databases.reconcile.scheduling.dependencies import Dependency

log = structlog.get_logger()


@dataclass(frozen=True)
class CredentialRead:
    """What the Secrets of a credential say; the pass takes it over as a whole, or not at all."""

    view: PasswordView
    secrets: SecretsRead = field(default_factory=SecretsRead)
    """Those that may be replaced or deleted: none where one of them is somebody else's."""
    told_before: Mapping[str, str] = field(default_factory=dict)
    """Where the Secret leads, if it was written for this object."""


@dataclass(frozen=True)
class CredentialReader:
    """Reads the Secrets that a pass needs, and no others."""

    kube: Kube
    cache: ResourceCache
    ownership: SecretOwnership
    accepts_unlabelled: bool = False
    warned_of: set[tuple[str, str]] = field(default_factory=set)
    """Namespaces and names of the Secrets of which the log says that a password was taken although they lack the label."""

    def dependencies(self, current: Pass) -> frozenset[Dependency]:
        """Return the dependencies on the Secrets that the pass may read. A pass that depends on them before it reads them
        misses no change of them.
        """
        credential = current.kind.credential
        if credential is None or current.observed.deleting or not credential.applies(current.observed):
            return frozenset()
        namespace, name = current.resource.key.namespace, secret_name(current.kind, current.observed)
        given = credential.given(current.observed.spec)
        names = (name, pending_name(name), *(() if given is None else (given.name,)))
        return frozenset(dependency.secret(namespace, each) for each in names)

    async def read(self, current: Pass) -> CredentialRead | None:
        """Return what there is to know of the credential; None if the resource has none. Raises KubeError."""
        credential = current.kind.credential
        if credential is None or not credential.applies(current.observed):
            return None
        namespace, name = current.resource.key.namespace, secret_name(current.kind, current.observed)
        given_ref = credential.given(current.observed.spec)
        for told in (pending_name(name), given_ref.name if given_ref else name):
            if not is_object_name(told):  # the spec was applied when the API server did not check the name yet
                why = f"{told} can be no Secret's name: name another one in the spec"
                return CredentialRead(PasswordView(problem=Stall(Reason.INVALID_SPEC, why)))
        if given_ref is None and self._fine_before(current, name):
            unread = None if credential.value_of is None else UNREAD
            return CredentialRead(PasswordView(password=UNREAD, given=_told(current, credential) or unread))
        if credential.value_of is not None:
            return await self._read_told(current, credential, name)
        given, problem = await self._given(namespace, given_ref)
        secrets, told_before = SecretsRead(), dict[str, str]()
        no_change: Stall | None = None
        if not self._surely_absent(current, name):
            mine = await self.kube.read_secret(namespace, name)
            secrets = SecretsRead(mine, await self.kube.read_secret(namespace, pending_name(name)))
            if foreign := self.ownership.problem(current.resource, mine, current.observed, credential.key):
                return CredentialRead(PasswordView(problem=foreign))
            no_change = self.ownership.problem(current.resource, secrets.pending, current.observed, PENDING_KEY)
            if no_change is not None:
                if not _serves_without_change(current):
                    return CredentialRead(PasswordView(problem=no_change))
                secrets = SecretsRead(mine)
            if mine is not None and current.observed.status.id is not None:  # the Secret was written for this object
                told_before = {key: mine.data[key].get_secret_value() for key in KEPT_KEYS if key in mine.data}
        # What the Secret shall hold depends on where it led before.
        reading = replace(current, observed=replace(current.observed, told_before=told_before))
        view = replace(view_of(reading, credential, secrets, given, problem), no_change=no_change)
        _remember(reading, secrets.credentials, view)
        return CredentialRead(view, secrets, told_before)

    async def _read_told(self, current: Pass, credential: Credential, name: str) -> CredentialRead:
        """Return what there is to know of a credential whose value the cloud makes and tells.

        While the cloud tells the value, the Secret holds that value, or is outdated. Once the cloud does not tell the value any
        more, the Secret's value counts, if the Secret's marks prove that it is this object's.
        """
        mine = await self.kube.read_secret(current.resource.key.namespace, name)
        if problem := self.ownership.problem(current.resource, mine, current.observed, credential.key):
            return CredentialRead(PasswordView(problem=problem))
        secrets = SecretsRead(mine)
        told = _told(current, credential) or _proven(current, mine, credential.key)
        held = None if mine is None else mine.data.get(credential.key)
        view = PasswordView(
            password=held if held == told else None,
            given=told,
            outdated=told is not None and (mine is None or is_outdated(current, mine, told)),
            misleads=told is not None and misleads(current, mine, told),
            versions=_versions(secrets),
        )
        _remember(current, mine, view)
        return CredentialRead(view, secrets)

    async def _given(self, namespace: str, ref: SecretKeyRef | None) -> tuple[SecretStr | None, Wait | Stall | None]:
        if ref is None:
            return None, None
        secret = await self.kube.read_secret(namespace, ref.name)
        value = None if secret is None or not self._may_be_given(secret) else secret.data.get(ref.key)
        if value is None:  # the same text whatever is wrong, so that nobody learns which Secrets and keys there are
            return None, Wait(
                Reason.SECRET_MISSING,
                f"there is no Secret {ref.name} with the key {ref.key} and the label {MANAGED_LABEL}: {GIVEN}",
            )
        password = given_password(value)
        if isinstance(password, str):
            return None, Stall(Reason.INVALID_SPEC, f"the password in {ref.name}/{ref.key} {password}")
        return password, None

    def _may_be_given(self, secret: SecretContent) -> bool:
        """Return whether the Secret's label says that its passwords may be given to resources.

        Without the label anybody who may write resources could have the Secrets of the namespace copied.
        """
        if secret.labels.get(MANAGED_LABEL) == GIVEN:
            return True
        if not self.accepts_unlabelled:
            return False
        place = (secret.namespace, secret.name)
        if place not in self.warned_of:
            self.warned_of.add(place)
            log.warning(
                "a password is taken from a Secret without the label, which ends with the next release",
                namespace=secret.namespace,
                secret=secret.name,
                label=f"{MANAGED_LABEL}={GIVEN}",
            )
        return True

    def _surely_absent(self, current: Pass, name: str) -> bool:
        """Return whether the two Secrets do not exist for certain, so that they need not be read: nothing was created yet, the
        watch shows neither of them, and no create was refused because the name was taken.
        """
        namespace = current.resource.key.namespace
        return (
            current.observed.status.id is None
            and not current.memory.password.is_name_taken
            and self.cache.knows_secrets(namespace)
            and self.cache.secret_version(namespace, name) is None
            and self.cache.secret_version(namespace, pending_name(name)) is None
        )

    def _fine_before(self, current: Pass, name: str) -> bool:
        version = self.cache.secret_version(current.resource.key.namespace, name)
        return (
            version is not None
            and current.observed.external is not None
            and not current.observed.status.password_unconfirmed
            and current.memory.password.fine == _fine(current, version, current.observed.status.password_check)
        )


def _serves_without_change(current: Pass) -> bool:
    """Return whether the object can be used with its credentials Secret alone, also while no change of the password can begin:
    the object is there, and the status does not say that the cloud may have another password, one that was pending.
    """
    return current.observed.status.id is not None and not current.observed.status.password_unconfirmed


def _remember(current: Pass, mine: SecretContent | None, view: PasswordView) -> None:
    current.memory.password.is_to_be_read()
    if (
        mine is not None
        and view.password is not None
        and view.pending is None
        and not (view.outdated or view.is_set_back)
    ):
        remember_fine(current, mine, current.observed.status.password_check)


def remember_fine(current: Pass, mine: SecretContent, password_check: str | None) -> None:
    """Note that the Secret is right, and on what that is based: its version, its owner, its content but the password, and the
    check that the status has of the password, or gets next.
    """
    current.memory.password.was_found_right(_fine(current, mine.resource_version, password_check))


def _fine(current: Pass, version: str, password_check: str | None) -> tuple[object, ...]:
    credential = current.kind.credential
    assert credential is not None
    data = desired_data(current, _told(current, credential) or UNREAD)
    # The hash of the content, or each resource would keep a copy of its Secret in memory.
    return version, current.observed.spec.deletion_policy, password_check, hash(frozenset(data.items()))


def _told(current: Pass, credential: Credential) -> SecretStr | None:
    """Return the value that the cloud tells; None if it tells none, or not yet."""
    if credential.value_of is None or current.observed.external is None:
        return None
    return credential.value_of(current.observed.external)


def view_of(
    current: Pass,
    credential: Credential,
    secrets: SecretsRead,
    given: SecretStr | None,
    problem: Wait | Stall | None,
) -> PasswordView:
    mine, memory = secrets.credentials, current.memory.password
    password = None if mine is None else _trusted(current, mine, credential.key)
    pending = None if secrets.pending is None else usable(secrets.pending.data.get(PENDING_KEY))
    if pending is not None and not memory.may_have_sent and _says_that_nothing_is_in_doubt(current):
        memory.is_prepared(pending)
    return PasswordView(
        password=password,
        pending=pending,
        given=given,
        problem=problem,
        pending_sent=memory.has_sent(pending),
        pending_unclear=memory.is_unclear(pending),
        pending_refused=memory.has_refused(pending),
        pending_denied=memory.has_denied(pending),
        confirmed=memory.is_confirmed(password),
        is_unvouched=mine is not None and PASSWORD_CHECK not in mine.annotations,
        is_set_back=mine is not None and password is not None and _is_set_back(current, mine, password),
        outdated=mine is None or password is None or is_outdated(current, mine, password),
        misleads=password is None or misleads(current, mine, password),
        versions=_versions(secrets),
    )


def after_a_call(current: Pass) -> PasswordView | None:
    """Return the view as it is after a call that may have sent the pending password, whatever its outcome."""
    view, memory = current.observed.credential, current.memory.password
    if view is None or view.pending is None:
        return view
    return replace(
        view,
        pending_sent=memory.has_sent(view.pending),
        pending_unclear=memory.is_unclear(view.pending),
        pending_refused=memory.has_refused(view.pending),
        pending_denied=memory.has_denied(view.pending),
    )


def _versions(secrets: SecretsRead) -> tuple[str | None, str | None]:
    mine, pending = secrets.credentials, secrets.pending
    return None if mine is None else mine.resource_version, None if pending is None else pending.resource_version


def _trusted(current: Pass, mine: SecretContent, key: str) -> SecretStr | None:
    """Return the Secret's password; None if it is empty or somebody has edited it.

    If it cannot be told whether somebody has edited it, the password counts: to reset a password for nothing is an outage.
    """
    password = usable(mine.data.get(key))
    return None if password is None or judge(current, mine, password) is False else password


def _says_that_nothing_is_in_doubt(current: Pass) -> bool:
    """Return whether the status proves that the cloud has no pending password: before one is sent, the status says that the
    Secret's is in doubt, until the outcome is known. A status without a check may be of an earlier version, which did not say so.
    """
    status = current.observed.status
    return status.password_check is not None and not status.password_unconfirmed


def _is_set_back(current: Pass, mine: SecretContent, password: SecretStr) -> bool:
    """Return whether the cloud got another password than this one last. A status of an earlier version does not tell."""
    newest = current.observed.status.password_check
    checks = (mine.annotations.get(PASSWORD_CHECK), check(current, password))
    return newest is not None and newest not in checks


def _proven(current: Pass, mine: SecretContent | None, key: str) -> SecretStr | None:
    """Return the value that the Secret holds, if the Secret's marks prove that the operator has written it for this object; else
    None.
    """
    if (
        mine is None
        or mine.annotations.get(OBJECT_ID) != current.observed.status.id
        or PASSWORD_CHECK not in mine.annotations
    ):
        return None
    password = usable(mine.data.get(key))
    return password if password is not None and judge(current, mine, password) else None
