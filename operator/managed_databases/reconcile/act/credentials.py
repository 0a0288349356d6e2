"""Reads the Secrets of a credential, and puts what they say into a `PasswordView`."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import structlog
from pydantic import SecretStr

from managed_databases.kinds.credential_views import HeldSecret, PasswordView
from managed_databases.kinds.kind import Credential
from managed_databases.kinds.shared_fields import is_object_name
from managed_databases.kinds.turns_view import TurnsView
from managed_databases.kinds.two_users import own_secret, twin_secret
from managed_databases.kinds.verdicts import Reason, Stall
from managed_databases.reconcile.act import rotation_times
from managed_databases.reconcile.act.desired_secret import (
    PENDING_KEY,
    UNREAD,
    desired_data,
    is_outdated,
    judge,
    misleads,
    pending_name,
)
from managed_databases.reconcile.act.given_passwords import GivenPasswords, usable
from managed_databases.reconcile.act.held_secret import held_secret
from managed_databases.reconcile.act.mounted_secret import TurnsReader
from managed_databases.reconcile.act.password_view import versions_of, view_of
from managed_databases.reconcile.act.secret_ownership import SecretOwnership
from managed_databases.reconcile.annotations import OBJECT_ID, OF_TWO_USERS, PASSWORD_CHECK
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.memory import SecretsRead
from managed_databases.reconcile.observe.current_pass import Pass
from managed_databases.reconcile.ports import (
    Kube,
    ResourceCache,
    SecretContent,
)
from managed_databases.reconcile.report.status import password_secret, secret_name
from managed_databases.reconcile.scheduling import dependencies as dependency
from managed_databases.reconcile.scheduling.dependencies import Dependency

log = structlog.get_logger()


@dataclass(frozen=True)
class CredentialRead:
    """What the Secrets of a credential say; the pass takes it over as a whole, or not at all."""

    view: PasswordView
    secrets: SecretsRead = field(default_factory=SecretsRead)
    """Those that may be replaced or deleted: none where one of them is somebody else's."""
    held: HeldSecret = field(default_factory=HeldSecret)
    """What the credentials Secret says beside its password."""


@dataclass(frozen=True)
class CredentialReader:
    """Reads the Secrets that a pass needs, and no others."""

    kube: Kube
    cache: ResourceCache
    ownership: SecretOwnership
    clock: Clock
    given_passwords: GivenPasswords

    @cached_property
    def turns(self) -> TurnsReader:
        return TurnsReader(self.kube, self.cache, self.ownership, self.clock)

    def dependencies(self, current: Pass) -> frozenset[Dependency]:
        """Return the dependencies on the Secrets that the pass may read. A pass that depends on them before it reads them
        misses no change of them.
        """
        credential = current.kind.credential
        if credential is None or current.observed.deleting or not credential.applies(current.observed):
            return frozenset()
        namespace, name = current.resource.key.namespace, password_secret(current.kind, current.observed)
        given, mounted = credential.given(current.observed.spec), secret_name(current.kind, current.observed)
        of_two = (mounted, twin_secret(mounted)) if current.observed.is_paired else ()
        names = (name, pending_name(name), *of_two, *(() if given is None else (given.name,)))
        return frozenset(dependency.secret(namespace, each) for each in names)

    async def read(self, current: Pass) -> CredentialRead | None:
        """Return what there is to know of the credential; None if the resource has none. Raises KubeError."""
        credential = current.kind.credential
        if credential is None or not credential.applies(current.observed):
            return None
        turns = await self.turns.before_own(current, credential)
        read = await self._read_own(current, credential, None if turns is None else turns.view)
        if turns is None:
            return await self._with_leftover(current, credential, read)
        turns = await self.turns.after_own(current, credential, turns, read.view, read.secrets.credentials)
        view = replace(read.view, turns=turns.view, versions=(*read.view.versions, turns.view.version))
        secrets = replace(read.secrets, mounted=turns.mounted, mount=turns.mount)
        return CredentialRead(view, secrets, replace(read.held, left_out=turns.view.left_out))

    async def _with_leftover(self, current: Pass, credential: Credential, read: CredentialRead) -> CredentialRead:
        """Add the Secret that an end between two writes has left behind when two users ceased to take turns: one with the
        mark of that. Another Secret of the user with that name, an earlier one or a copy, stays.
        """
        name, observed = own_secret(secret_name(current.kind, current.observed)), current.observed
        if (
            observed.status.id is None
            or credential.takes_turns(observed)
            or self.cache.secret_version(observed.namespace, name) is None
        ):
            return read
        left = await self.kube.read_secret(observed.namespace, name)
        if left is None or OF_TWO_USERS not in left.annotations or not self.ownership.is_ours(current.resource, left):
            return read
        return replace(read, view=replace(read.view, has_leftover=True), secrets=replace(read.secrets, leftover=left))

    async def _read_own(self, current: Pass, credential: Credential, turns: TurnsView | None) -> CredentialRead:
        namespace, name = current.resource.key.namespace, password_secret(current.kind, current.observed)
        given_ref = credential.given(current.observed.spec)
        for told in (pending_name(name), given_ref.name if given_ref else name):
            if not is_object_name(told):  # the spec was applied when the API server did not check the name yet
                why = f"{told} can be no Secret's name: name another one in the spec"
                return CredentialRead(PasswordView(problem=Stall(Reason.INVALID_SPEC, why)))
        due = rotation_times.due(current, credential, self.clock.now(), turns)
        if given_ref is None and not due.may_begin and self._fine_before(current, name):
            unread = None if credential.value_of is None else UNREAD
            view = PasswordView(password=UNREAD, given=_told(current, credential) or unread)
            return CredentialRead(view, held=current.memory.password.held)
        if credential.value_of is not None:
            return await self._read_told(current, credential, name)
        given, problem = None, None
        if given_ref is not None:
            given, problem = await self.given_passwords.read(namespace, given_ref)
        secrets, held = SecretsRead(), HeldSecret()
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
            if mine is not None:
                held = held_secret(current, credential, mine)
        # What the Secret shall hold depends on where it led before, and on what others have written into it.
        reading = replace(current, observed=replace(current.observed, held_secret=held), secrets=secrets)
        view = view_of(reading, credential, secrets, given, problem)
        view = replace(view, no_change=no_change, is_due=due.why, may_begin=due.may_begin)
        _remember(reading, secrets.credentials, view)
        return CredentialRead(view, secrets, held)

    async def _read_told(self, current: Pass, credential: Credential, name: str) -> CredentialRead:
        """Return what there is to know of a credential whose value the cloud makes and tells.

        While the cloud tells the value, the Secret holds that value, or is outdated. Once the cloud does not tell the value any
        more, the Secret's value counts, if the Secret's marks prove that it is this object's.
        """
        mine = await self.kube.read_secret(current.resource.key.namespace, name)
        if problem := self.ownership.problem(current.resource, mine, current.observed, credential.key):
            return CredentialRead(PasswordView(problem=problem))
        secrets = SecretsRead(mine)
        current = replace(current, secrets=secrets)
        told = _told(current, credential) or _proven(current, mine, credential.key)
        held = None if mine is None else mine.data.get(credential.key)
        view = PasswordView(
            password=held if held == told else None,
            given=told,
            outdated=told is not None and (mine is None or is_outdated(current, mine, told)),
            misleads=told is not None and misleads(current, mine, told),
            versions=versions_of(secrets),
        )
        _remember(current, mine, view)
        return CredentialRead(view, secrets)

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
        remembered = replace(current, observed=replace(current.observed, held_secret=current.memory.password.held))
        return (
            version is not None
            and current.observed.external is not None
            and not current.observed.status.password_unconfirmed
            and current.memory.password.fine == _fine(remembered, version, current.observed.status.password_check)
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
    held, credential = current.observed.held_secret, current.kind.credential
    password = None if credential is None else mine.data.get(credential.key)
    if credential is not None and password is not None:
        held = replace(held, left_out=credential.left_out(current.observed, password))
    current.memory.password.was_found_right(_fine(current, mine.resource_version, password_check), held)


def _fine(current: Pass, version: str, password_check: str | None) -> tuple[object, ...]:
    credential = current.kind.existing_credential
    data = desired_data(current, _told(current, credential) or UNREAD)
    spec = current.observed.spec
    marks = (*credential.labels(spec).items(), *credential.annotations(spec).items())
    # The hash of the content, or each resource would keep a copy of its Secret in memory.
    return version, spec.deletion_policy, password_check, hash((frozenset(data.items()), marks))


def _told(current: Pass, credential: Credential) -> SecretStr | None:
    """Return the value that the cloud tells; None if it tells none, or not yet."""
    if credential.value_of is None or current.observed.external is None:
        return None
    return credential.value_of(current.observed.external)


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
