"""Carries out the steps of a credential: a password gets into its Secret and into the cloud, and is changed in both."""

from dataclasses import dataclass

from pydantic import SecretStr

from managed_databases.api.errors import (
    ApiError,
    Invalid,
    NeverSent,
    OutcomeUnknown,
    RateLimited,
    Refused,
    Unauthorized,
)
from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.facts import NOTHING, Facts
from managed_databases.kinds.password_rotation import written
from managed_databases.kinds.verdicts import Credentials, PasswordStep, Reason, Verdict
from managed_databases.reconcile.act import credentials, desired_secret, turn_change
from managed_databases.reconcile.act.secret_ownership import SecretOwnership
from managed_databases.reconcile.act.sender import Sender
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.decide.failures import is_refusal
from managed_databases.reconcile.observe import passwords
from managed_databases.reconcile.observe.current_pass import Pass, PassInProject
from managed_databases.reconcile.ports import AlreadyThere, Kube, NewSecret, SecretContent
from managed_databases.reconcile.report.event_recorder import SECRET_MARKS_RESTORED, Announcement
from managed_databases.reconcile.report.status import next_rotation
from managed_databases.reconcile.report.status_writer import StatusWriter


@dataclass(frozen=True)
class PasswordChange:
    """Carries out Credentials steps. Every method may raise ApiError and KubeError; what was done until then stays right."""

    kube: Kube
    ownership: SecretOwnership
    writer: StatusWriter
    sender: Sender
    clock: Clock

    async def first(self, current: Pass) -> SecretStr | None:
        """Return the password for an object that is about to be made, after writing it into its Secret; None if the object has no
        password, or if the cloud makes it.
        """
        view, credential = current.observed.credential, current.kind.credential
        if view is None or credential is None or credential.value_of is not None:
            return None
        password = _first_choice(view)
        try:
            wanted = desired_secret.desired(current, password)
            written = await self._put(current, wanted, desired_secret.check(current, password))
        except AlreadyThere:
            current.memory.password.name_is_taken()
            raise
        return written.data[credential.key]

    async def prove_first(self, current: Pass, shown: Verdict) -> None:
        """Prove by a dry run that the Secret can be written, before an object is made, where that matters. Raises KubeRefused.

        The cloud may tell a value that it makes only once, so by then its Secret must be possible. A password of the operator
        is in its Secret before it is sent; only after a refusal by Kubernetes it is proven, before anything is written for
        another try.
        """
        view, credential = current.observed.credential, current.kind.credential
        if view is None or credential is None:
            return
        if credential.value_of is not None:
            await self._prove(current, passwords.generate())
        elif shown.reason is Reason.KUBERNETES_REFUSES:
            await self._prove(current, _first_choice(view))

    async def act(self, current: PassInProject, step: Credentials, shown: Verdict) -> Facts:
        """Do the step; return the facts that it has changed. `shown` is the verdict that the status shows meanwhile."""
        view, memory = current.observed.credential, current.memory.password
        assert view is not None
        if step.step in turn_change.STEPS:
            turns = turn_change.TurnChange(self.kube, self.ownership, self.writer, self.clock)
            return await turns.act(current, step, shown)
        match step.step:
            case PasswordStep.PREPARE:
                return await self._prepare(current, view, step, shown)
            case PasswordStep.ABANDON:
                facts = _doubt(view)
                await self.writer.write(current, shown, facts)
                await self._delete_pending(current)
                return facts
            case PasswordStep.SEND:
                assert view.pending is not None
                await self._prove(current, view.pending)
                # Written before the cloud changes: the pending Secret may be gone before the next pass.
                await self.writer.write(current, shown, Facts(password_unconfirmed=True))
                await self._send_pending(current, view.pending)
            case PasswordStep.SWITCH:
                assert view.pending is not None
                await self._write(current, view.pending)
                await self._delete_pending(current)
                memory.was_confirmed(view.pending)  # should the facts not be written now, that needs no further call
                return self._known(current, view.pending) | self._changed(current)
            case PasswordStep.CONFIRM:
                # Written before the cloud changes: the Secret may be another one before the next pass.
                await self.writer.write(current, shown, Facts(password_unconfirmed=True))
                memory.confirmation_counts_no_more()
                await self._send_again(current, view)
                if view.is_set_back or view.is_unvouched:
                    memory.was_put_right(desired_secret.RESET, self.clock.monotonic())
            case PasswordStep.CONFIRMED:
                assert view.password is not None
                return self._known(current, view.password) | self._changed_since(current, view.password)
            case PasswordStep.WRITE:
                await self._repair(current, view)
        return NOTHING

    @staticmethod
    def _known(current: Pass, password: SecretStr) -> Facts:
        """Return the facts once the cloud and the credentials Secret have this password, for certain."""
        return Facts(password_unconfirmed=None, password_check=desired_secret.check(current, password))

    def was_made_with(self, current: Pass, password: SecretStr) -> Facts:
        """Return what is known of the password once an object was made with it."""
        view, status = current.observed.credential, current.observed.status
        is_new = status.password_changed_at is None or view is None or view.password != password
        known = Facts(password_check=desired_secret.check(current, password))
        return known | self._changed(current) if is_new else known

    def _changed(self, current: Pass) -> Facts:
        """Return the facts once the password was changed: since when it is as it is, and the date of the next change. Where two
        users take turns, these are facts of the mounted Secret, and not of this one.
        """
        if current.observed.is_paired:
            return turn_change.own_changed(current)
        now, before, view = self.clock.now(), current.observed.status.rotation, current.observed.credential
        # A password that a person gave and has taken back is no answer to the wish for another one.
        is_withdrawn = view is not None and view.pending_is_given and view.given is None
        new = next_rotation(current.kind, current.observed, before, now, has_changed=not is_withdrawn)
        return Facts(password_changed_at=written(now), rotation=new)

    def _changed_since(self, current: Pass, password: SecretStr) -> Facts:
        """Return the fact that the password was changed, if it is not the one that the status knows. A process that ended
        between the Secret and the status has left that fact out, and without it a change that is due would be made twice.
        """
        status = current.observed.status
        if status.password_check is None:  # of an earlier version, of an attempt to create, or somebody else's before
            return NOTHING if status.adopted or status.password_changed_at else self._changed(current)
        return NOTHING if status.password_check == desired_secret.check(current, password) else self._changed(current)

    async def _prepare(self, current: Pass, view: PasswordView, step: Credentials, shown: Verdict) -> Facts:
        """Write a new password into the pending Secret. The creation of this Secret is the lock of the change."""
        facts, memory, there = _doubt(view), current.memory.password, current.secrets.pending
        password = view.given or passwords.generate()
        await self._prove(current, password)
        await self.writer.write(current, shown, facts)
        wanted = desired_secret.pending_secret(current, password)
        if there is None:
            pending = await self._create_own_pending(current, wanted)
        else:  # the operator's own: without a usable password, or with a password that is not wanted any more
            pending = await self.kube.replace_secret(there, wanted)
        memory.forget_pending()
        if pending.data.get(desired_secret.PENDING_KEY) == password:
            memory.is_prepared(password)
        if step.reason is Reason.PASSWORD_RESET or view.is_set_back or view.is_unvouched:
            memory.was_put_right(desired_secret.RESET, self.clock.monotonic())
        return facts

    async def _create_own_pending(self, current: Pass, wanted: NewSecret) -> SecretContent:
        """Create the pending Secret and return it; a Secret that is there already is used if it is this resource's, as when an
        earlier pass has made it.
        """
        try:
            return await self.kube.create_secret(wanted)
        except AlreadyThere:
            there = await self.kube.read_secret(wanted.namespace, wanted.name)
            key = desired_secret.PENDING_KEY
            if there is None or self.ownership.problem(current.resource, there, current.observed, key):
                raise
            return there

    async def _delete_pending(self, current: Pass) -> None:
        if current.secrets.pending is not None:
            await self.kube.delete_secret(current.secrets.pending)
        current.memory.password.forget_pending()

    async def _repair(self, current: Pass, view: PasswordView) -> None:
        value, mine = desired_secret.to_write(view, current.kind.credential), current.secrets.credentials
        assert value is not None
        await self._write(current, value, is_known=False)
        current.memory.password.was_put_right(desired_secret.content_hash(current, value), self.clock.monotonic())
        if mine is not None and desired_secret.has_lost_marks(mine):
            told = f"the Secret {mine.name} had lost labels or annotations by which it is known to be this resource's: they are "
            told += "put back"
            marks = Announcement("Warning", SECRET_MARKS_RESTORED, told)
            self.writer.event_recorder.tell(current.resource, marks)

    async def _write(self, current: Pass, password: SecretStr, *, is_known: bool = True) -> None:
        """Write the credentials Secret with this password. `is_known` says that the cloud has the password, for certain."""
        wanted, newest = desired_secret.desired(current, password), desired_secret.check(current, password)
        if not is_known:
            wanted = desired_secret.keeping_check(current, current.secrets.credentials, wanted, password)
        await self._put(current, wanted, newest if is_known else current.observed.status.password_check)

    async def _put(self, current: Pass, wanted: NewSecret, password_check: str | None) -> SecretContent:
        """Create the credentials Secret, or replace exactly the version that this pass has read; return it as it is then.

        `password_check` is the check that the status has or gets next.
        """
        if current.secrets.credentials is None:
            written = await self.kube.create_secret(wanted)
        else:
            written = await self.kube.replace_secret(current.secrets.credentials, wanted)
        credentials.remember_fine(current, written, password_check)
        return written

    async def _prove(self, current: Pass, password: SecretStr) -> None:
        """Prove by a dry run that the credentials Secret can get the password, before the cloud gets it. Raises KubeRefused."""
        await self.kube.prove_secret(current.secrets.credentials, desired_secret.desired(current, password))

    async def _send_pending(self, current: PassInProject, pending: SecretStr) -> None:
        """Send the pending password, and remember what is known of it.

        From the send on the cloud may have the password. After a refusal the cloud does not have it, unless the cloud may have
        had it before.
        """
        memory = current.memory.password
        was_untried = memory.is_sending(pending)
        try:
            await self._send(current, pending)
        except ApiError as error:
            if is_refusal(error) and was_untried:
                memory.was_not_taken(pending)
            if isinstance(error, Invalid):
                memory.was_refused(pending)
            if is_refusal(error) and not isinstance(error, NeverSent | RateLimited | Unauthorized):
                memory.was_denied(pending)
            raise
        memory.was_sent(pending)

    async def _send_again(self, current: PassInProject, view: PasswordView) -> None:
        """Send the password of the credentials Secret. Once it is accepted, the cloud does not have a pending one."""
        memory = current.memory.password
        try:
            await self._send(current, view.password)
        except Refused:
            memory.was_denied(None)  # the pending one is tried next, or neither of the two might ever be set
            raise
        memory.was_confirmed(view.password)
        if view.pending is not None:
            memory.was_not_taken(view.pending)

    async def _send(self, current: PassInProject, password: SecretStr | None) -> None:
        credential = current.kind.existing_credential
        assert password is not None
        assert credential.set_password is not None
        call = credential.set_password(current.observed.existing.id, password)
        if await self.sender.send(current, call) is None:  # an empty answer may not be the API's
            raise OutcomeUnknown(call.operation, "an empty answer does not tell whether the password is set")


def _first_choice(view: PasswordView) -> SecretStr:
    return view.given or view.password or view.pending or passwords.generate()


def _doubt(view: PasswordView) -> Facts:
    """Return the fact that the Secret's password is unconfirmed, if the pending password is given up although the cloud may have
    it; else no facts.
    """
    return Facts(password_unconfirmed=True) if view.pending is not None and view.pending_unclear else NOTHING
