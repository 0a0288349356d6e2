"""Reads, where two users take turns, the Secret that applications mount, and the password that it shall have."""

from dataclasses import dataclass, field, replace

from pydantic import SecretStr

from managed_databases.kinds.credential_views import HeldSecret, PasswordView
from managed_databases.kinds.kind import Credential
from managed_databases.kinds.names import effective_name
from managed_databases.kinds.observed import Observed
from managed_databases.kinds.shared_fields import Side
from managed_databases.kinds.turns_view import TurnsView
from managed_databases.kinds.two_users import OWN, TWIN, twin_secret
from managed_databases.reconcile.act import rotation_times
from managed_databases.reconcile.act.desired_secret import (
    UNREAD,
    check,
    content_hash,
    desired,
    desired_data,
    differs,
    judge,
)
from managed_databases.reconcile.act.given_passwords import usable
from managed_databases.reconcile.act.held_secret import held_secret
from managed_databases.reconcile.act.secret_ownership import SecretOwnership
from managed_databases.reconcile.annotations import OWNER_UID, PASSWORD_CHECK
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.decide.owned_resources import owned_step
from managed_databases.reconcile.memory import SecretsRead
from managed_databases.reconcile.observe.current_pass import Pass
from managed_databases.reconcile.ports import Kube, NewSecret, ResourceCache, SecretContent
from managed_databases.reconcile.report.status import password_secret, secret_name


@dataclass(frozen=True)
class TurnsRead:
    """What the mounted Secret says. `mount` is how it should be, None if that is not known or not needed."""

    view: TurnsView
    mounted: SecretContent | None = None
    mount: NewSecret | None = None
    held: HeldSecret = field(default_factory=HeldSecret)


@dataclass(frozen=True)
class TurnsReader:
    kube: Kube
    cache: ResourceCache
    ownership: SecretOwnership
    clock: Clock

    async def before_own(self, current: Pass, credential: Credential) -> TurnsRead | None:
        """Return what there is to know before the own user's Secret is read: all of it if the second user's login is, or shall
        be, mounted. None if no two users take turns. Raises KubeError.
        """
        if not current.observed.is_paired:
            return None
        side, now = _leads_to(current), self.clock.now()
        view = TurnsView(side, is_lock_due=rotation_times.is_lock_due(current, credential, now))
        told = current.observed.status.rotation
        if side == TWIN:
            return await self._of_second(current, credential, view)
        if told is None or told.active != TWIN:
            return TurnsRead(view)
        # It is the own user's turn, perhaps for long, as before a login: until then the Secret opens with the second one's login.
        before = await self._of_second(current, credential, replace(view, leads_to=TWIN))
        if (
            before.view.opens
            and not before.view.is_mounted
            and not _has_own_password(current, credential, before.mounted)
        ):
            return before
        return TurnsRead(replace(view, has_active=before.view.opens and before.view.is_mounted))

    async def _of_second(self, current: Pass, credential: Credential, view: TurnsView) -> TurnsRead:
        """Return what there is to know if the mounted Secret has the second user's login. Whether that user can be used counts
        before its turn only: later its login stays the right one, whatever the user suffers from.
        """
        twin = current.observed.pair.twin
        if twin is None or twin.user is None:
            return TurnsRead(view)
        view = replace(view, user=twin.user, opens=twin.password_check is not None)
        name = twin_secret(secret_name(current.kind, current.observed))
        ground = self._ground(current, credential, view, name, twin.password_check)
        if view.opens and ground is not None and ground == current.memory.password.mounted:
            return self._as_before(current, view)
        secret = await self.kube.read_secret(current.resource.key.namespace, name)
        password = None if secret is None else _of_twin(current, secret, credential.key)
        if secret is None or password is None:
            return TurnsRead(replace(view, opens=False))
        view = replace(view, source=(name, secret.resource_version))
        return await self._compared(current, credential, view, name, twin.password_check, password)

    async def after_own(
        self, current: Pass, credential: Credential, read: TurnsRead, own: PasswordView, held: SecretContent | None
    ) -> TurnsRead:
        """Return the whole, once the own user's Secret was read: `held`, or None if it was as before, and not read."""
        view = read.view
        if view.leads_to == OWN:
            settled = _is_settled(replace(current.observed, credential=own))
            name = password_secret(current.kind, current.observed)
            newest = current.observed.status.password_check
            view = replace(view, user=effective_name(current.observed), opens=settled)
            ground = self._ground(current, credential, view, name, newest)
            if settled and ground is not None and ground == current.memory.password.mounted:
                read = self._as_before(current, view)
            else:
                secret = held or await self.kube.read_secret(current.resource.key.namespace, name)
                password = None if secret is None else usable(secret.data.get(credential.key))
                is_right = secret is not None and password is not None and judge(current, secret, password) is not False
                if secret is None or password is None or not is_right:
                    has_own = secret is None and await self._has_own(current, credential)
                    read = TurnsRead(replace(view, opens=False, has_own=has_own))
                else:
                    view = replace(view, source=(name, secret.resource_version))
                    read = await self._compared(current, credential, view, name, newest, password)
        due = rotation_times.turn_due(current, credential, self.clock.now())
        return replace(read, view=replace(read.view, is_due=due.why, may_begin=due.may_begin))

    async def _has_own(self, current: Pass, credential: Credential) -> bool:
        mounted = await self.kube.read_secret(
            current.resource.key.namespace, secret_name(current.kind, current.observed)
        )
        if mounted is None or not self.ownership.is_ours(current.resource, mounted):
            return False
        return _has_own_password(current, credential, mounted)

    def _as_before(self, current: Pass, view: TurnsView) -> TurnsRead:
        held = current.memory.password.mounted_held
        version = self.cache.secret_version(current.resource.key.namespace, secret_name(current.kind, current.observed))
        return TurnsRead(replace(view, is_mounted=True, version=version, left_out=held.left_out), held=held)

    def _ground(
        self, current: Pass, credential: Credential, view: TurnsView, source: str, newest: str | None
    ) -> tuple[object, ...] | None:
        """Return what the mounted Secret is compared with; None if the versions of the Secrets are not known."""
        namespace, observed = current.resource.key.namespace, current.observed
        versions = tuple(
            self.cache.secret_version(namespace, name) for name in (secret_name(current.kind, observed), source)
        )
        if None in versions:
            return None
        held = current.memory.password.mounted_held
        data = desired_data(_as_mounted(current, view.user, held, None), UNREAD)
        spec = observed.spec
        marks = (*credential.labels(spec).items(), *credential.annotations(spec).items())
        content = hash((frozenset(data.items()), marks))
        return view.leads_to, *versions, view.user, newest, spec.deletion_policy, content

    async def _compared(
        self,
        current: Pass,
        credential: Credential,
        view: TurnsView,
        source: str,
        newest: str | None,
        password: SecretStr,
    ) -> TurnsRead:
        namespace, name = current.resource.key.namespace, secret_name(current.kind, current.observed)
        mounted = await self.kube.read_secret(namespace, name)
        version = None if mounted is None else mounted.resource_version
        if problem := self.ownership.problem(current.resource, mounted, current.observed, credential.key):
            return TurnsRead(replace(view, problem=problem, version=version))
        held = HeldSecret()
        if mounted is not None:
            held = held_secret(_as_mounted(current, view.user, held, mounted), credential, mounted)
        reading = _as_mounted(current, view.user, held, mounted)
        if unknown := credential.awaits(reading.observed):
            return TurnsRead(replace(view, problem=unknown, version=version))
        wanted = desired(reading, password)
        held = replace(held, left_out=credential.left_out(reading.observed, password))
        is_mounted = mounted is not None and not differs(mounted, wanted)
        memory = current.memory.password
        memory.mounted_is_to_be_read()
        if is_mounted and view.opens:
            memory.mounted_was_found_right((), held)
            ground = self._ground(current, credential, view, source, newest)
            memory.mounted_was_found_right(ground or (), held)
        view = replace(
            view,
            is_mounted=is_mounted,
            version=version,
            content=content_hash(reading, password),
            left_out=held.left_out,
        )
        return TurnsRead(view, mounted, wanted, held)


def _as_mounted(current: Pass, user: str | None, held: HeldSecret, mounted: SecretContent | None) -> Pass:
    observed = replace(current.observed, pair=replace(current.observed.pair, login_as=user), held_secret=held)
    return replace(current, observed=observed, secrets=SecretsRead(mounted))


def _has_own_password(current: Pass, credential: Credential, secret: SecretContent | None) -> bool:
    password = None if secret is None else usable(secret.data.get(credential.key))
    return password is not None and check(current, password) == current.observed.status.password_check


def _leads_to(current: Pass) -> Side:
    """Return whose login the mounted Secret shall have: that of the user whose turn it is, once the user has its new password and
    can be used with it.
    """
    observed, told = current.observed, current.observed.status.rotation
    assert told is not None
    assert told.active is not None
    if told.turning_to == OWN and told.own_changed_for == told.turn:
        return OWN
    twin = observed.pair.twin
    if told.turning_to == TWIN and twin is not None and not twin.is_going and twin.is_ready:
        has_it = twin.handled == told.turn and twin.requested == told.turn and twin.password_check is not None
        if has_it and owned_step(current.kind, observed) is None:
            return TWIN
    return told.active


def _of_twin(current: Pass, secret: SecretContent, key: str) -> SecretStr | None:
    """Return the second user's password, if the Secret is that user's, and has the password that the cloud has."""
    twin = current.observed.pair.twin
    if twin is None or twin.password_check is None or secret.annotations.get(OWNER_UID) != twin.uid:
        return None
    password, told = usable(secret.data.get(key)), secret.annotations.get(PASSWORD_CHECK)
    if password is None or told != twin.password_check:
        return None
    return password if current.checks.judge(told, twin.uid, password) else None


def _is_settled(observed: Observed) -> bool:
    """Return whether the own user's Secret opens, for certain."""
    view = observed.credential
    return (
        view is not None
        and view.problem is None
        and view.password is not None
        and view.pending is None
        and not observed.is_password_in_doubt
    )
