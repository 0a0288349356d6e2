"""Carries out the steps of two users who take turns, but for the changes of their passwords."""

from dataclasses import dataclass, replace
from datetime import timedelta

import structlog
from pydantic import SecretStr

from managed_databases.kinds.facts import NOTHING, Facts
from managed_databases.kinds.password_rotation import KEEP_OLD_FOR, written
from managed_databases.kinds.shared_fields import Rotated
from managed_databases.kinds.two_users import OWN, other, own_secret, wanted_token
from managed_databases.kinds.verdicts import Credentials, PasswordStep, Reason, Verdict
from managed_databases.reconcile.act import desired_secret
from managed_databases.reconcile.act.given_passwords import usable
from managed_databases.reconcile.act.secret_ownership import SecretOwnership
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.observe.current_pass import Pass
from managed_databases.reconcile.ports import AlreadyThere, Kube, SecretContent, WriteConflict
from managed_databases.reconcile.report.event_recorder import Announcement
from managed_databases.reconcile.report.status import next_rotation, secret_name
from managed_databases.reconcile.report.status_writer import StatusWriter

STEPS = frozenset(
    {
        PasswordStep.PART,
        PasswordStep.BEGIN,
        PasswordStep.MOUNT,
        PasswordStep.LOCKED,
        PasswordStep.UNITE,
        PasswordStep.TIDY,
    }
)

log = structlog.get_logger()


@dataclass(frozen=True)
class TurnChange:
    """Carries out STEPS. Every method may raise KubeError; what was done until then stays right, and the next pass finds it."""

    kube: Kube
    ownership: SecretOwnership
    writer: StatusWriter
    clock: Clock

    async def act(self, current: Pass, step: Credentials, shown: Verdict) -> Facts:
        """Do the step; return the facts that it has changed."""
        match step.step:
            case PasswordStep.PART:
                return await self._part(current)
            case PasswordStep.BEGIN:
                return self._begin(current)
            case PasswordStep.MOUNT:
                return await self._mount(current)
            case PasswordStep.LOCKED:
                self._tell(current, step.message)
                return Facts(rotation=_told(current).model_copy(update={"lock_at": None}))
            case PasswordStep.UNITE:
                return await self._unite(current, shown)
            case PasswordStep.TIDY:
                left = current.secrets.leftover
                if left is not None and self.ownership.is_ours(current.resource, left):
                    await self.kube.delete_secret(left)
        return NOTHING

    async def _part(self, current: Pass) -> Facts:
        """Copy the mounted Secret into one for the own user; only then the status says that two users take turns."""
        credential, namespace = current.kind.existing_credential, current.resource.key.namespace
        mounted = secret_name(current.kind, current.observed)
        there = await self.kube.read_secret(namespace, mounted)
        password = None if there is None else usable(there.data.get(credential.key))
        check = current.observed.status.password_check
        if there is None or password is None or check not in (None, desired_secret.check(current, password)):
            current.memory.password.is_to_be_read()
            raise WriteConflict(f"the Secret {mounted} has changed since the pass has looked")
        reading = replace(current, secrets=replace(current.secrets, credentials=None))
        await self._put(reading, own_secret(mounted), password)
        told = current.observed.status.rotation or Rotated()
        return Facts(rotation=told.model_copy(update={"active": OWN}))

    async def _put(self, current: Pass, name: str, password: SecretStr) -> None:
        wanted = desired_secret.desired(current, password, name=name)
        there = await self.kube.read_secret(wanted.namespace, name)
        credential = current.kind.existing_credential
        if there is None:
            await self.kube.create_secret(wanted)
        elif problem := self.ownership.problem(current.resource, there, current.observed, credential.key):
            raise AlreadyThere(problem.message)
        else:
            await self.kube.replace_secret(there, wanted)

    def _begin(self, current: Pass) -> Facts:
        """Note whose turn it is; or that it is nobody's, if a turn is given up."""
        told, now = _told(current), self.clock.now()
        if told.turning_to is not None or told.active is None:
            return Facts(rotation=told.model_copy(update={"turning_to": None}))
        turn = written(now)
        if turn == told.turn:  # each turn has a name of its own
            turn = written(now + timedelta(seconds=1))
        return Facts(rotation=told.model_copy(update={"turning_to": other(told.active), "turn": turn}))

    async def _mount(self, current: Pass) -> Facts:
        view, secrets, memory = current.observed.credential, current.secrets, current.memory.password
        assert view is not None
        assert view.turns is not None
        credential, told = current.kind.existing_credential, _told(current)
        is_another = False
        if not view.turns.is_mounted and secrets.mount is not None:
            is_another = _password(secrets.mounted, credential.key) != secrets.mount.data[credential.key]
            if secrets.mounted is None:
                await self.kube.create_secret(secrets.mount)
            else:
                await self.kube.replace_secret(secrets.mounted, secrets.mount)
            memory.was_put_right(view.turns.content, self.clock.monotonic())
        now = self.clock.now()
        if view.turns.leads_to == told.active:
            return Facts(password_changed_at=written(now)) if is_another else NOTHING
        plan = credential.rotation(current.observed.spec)
        keep = KEEP_OLD_FOR if plan is None else plan.keeps_old
        marks = {
            "active": view.turns.leads_to,
            "turning_to": None,
            "switched_at": written(now),
            "lock_at": written(now + keep),
        }
        new = next_rotation(current.kind, current.observed, told.model_copy(update=marks), now, has_changed=True)
        until = "at once" if keep == timedelta() else f"at {written(now + keep)}"
        name = secret_name(current.kind, current.observed)
        self._tell(current, f"the Secret {name} has the login of {view.turns.user}; the login before ends {until}")
        log.info("users changed places", namespace=current.resource.key.namespace, name=current.resource.key.name)
        return Facts(password_changed_at=written(now), rotation=new)

    async def _unite(self, current: Pass, shown: Verdict) -> Facts:
        """Let the mounted Secret be the own user's again, which it opens; only then delete the other one."""
        none = {"active": None, "turning_to": None, "turn": None, "switched_at": None, "lock_at": None}
        new = _told(current).model_copy(update={**none, "own_changed_for": None})
        facts = Facts(rotation=None if new == Rotated() else new)
        namespace, mounted = current.resource.key.namespace, secret_name(current.kind, current.observed)
        await self.writer.write(current, shown, facts)
        own = await self.kube.read_secret(namespace, own_secret(mounted))
        if own is not None and self.ownership.is_ours(current.resource, own):
            await self.kube.delete_secret(own)
        return facts

    def _tell(self, current: Pass, message: str) -> None:
        self.writer.event_recorder.tell(current.resource, Announcement("Normal", Reason.ROTATING, message))


def own_changed(current: Pass) -> Facts:
    """Return the facts once the own user has another password: which turn, or end of one, has asked for that."""
    told = _told(current)
    token = wanted_token(told, OWN)
    return NOTHING if token is None else Facts(rotation=told.model_copy(update={"own_changed_for": token}))


def _told(current: Pass) -> Rotated:
    told = current.observed.status.rotation
    assert told is not None
    return told


def _password(secret: SecretContent | None, key: str) -> SecretStr | None:
    return None if secret is None else secret.data.get(key)
