"""Carries out one step. Each method does its writes in the one order that survives a kill between any two lines."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from pydantic import SecretStr

from managed_databases.api.calls import Call
from managed_databases.api.errors import ApiError, Invalid, OutcomeUnknown
from managed_databases.api.models import CloudObject
from managed_databases.kinds.facts import NOTHING, Facts
from managed_databases.kinds.observed import PasswordView
from managed_databases.kinds.registry import FINALIZER
from managed_databases.kinds.shared_fields import Identity, Intent, is_object_name
from managed_databases.kinds.verdicts import (
    Arrange,
    Change,
    Create,
    Credentials,
    Delete,
    LetGo,
    PasswordStep,
    Reason,
    Record,
    Step,
    Verdict,
)
from managed_databases.reconcile.act import credentials
from managed_databases.reconcile.act.secret_ownership import SecretOwnership
from managed_databases.reconcile.annotations import FORCE_DELETE, OWNED_BY
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.decide.failures import is_refusal
from managed_databases.reconcile.memory import Memory, SecretsRead
from managed_databases.reconcile.observe import passwords
from managed_databases.reconcile.observe.observer import Pass, PassInProject, in_project
from managed_databases.reconcile.observe.ownership_index import ObjectName, OwnershipIndex
from managed_databases.reconcile.ports import (
    AlreadyThere,
    Kube,
    KubeError,
    NewSecret,
    NotThere,
    Resource,
    ResourceCache,
    ResourceKey,
    SecretContent,
)
from managed_databases.reconcile.report.event_recorder import SECRET_MARKS_RESTORED, Announcement
from managed_databases.reconcile.report.status import secret_name
from managed_databases.reconcile.report.status_writer import StatusWriter
from managed_databases.reconcile.scheduling.work_queue import Priority
from managed_databases.reconcile.settings import ControllerSettings

log = structlog.get_logger()

MAX_OTHERS = 1000
"""So many ids the status takes."""


@dataclass(frozen=True)
class Actor:
    """Raises ApiError and KubeError from every step; what was done until then stays right."""

    cache: ResourceCache
    kube: Kube
    ownership: SecretOwnership
    writer: StatusWriter
    owners: OwnershipIndex
    clock: Clock
    settings: ControllerSettings
    arranged: Callable[[ResourceKey], None]
    """Told of each owned resource that was made or changed: the watch may not tell again."""

    def claim(self, current: Pass, step: Step) -> bool:
        """Claim the key that the step would give to a cloud object; return False when another resource has it.

        Others may have looked at the same time as this pass: whoever claims first goes on, and the rest look again.
        """
        gives_key = isinstance(step, Create) or (isinstance(step, Record) and step.changes.adopted is True)
        if isinstance(step, Change) and step.reason is Reason.RENAMING and not current.observed.deleting:
            gives_key = current.kind.key(current.observed) != current.kind.key_of(current.observed.existing)
        if not gives_key or not isinstance(current, PassInProject) or current.claim is None:
            return True
        return self.owners.reserve(current.resource, current.claim)

    async def act(
        self, current: Pass, step: Step, shown: Verdict, secrets: SecretsRead, memory: Memory, priority: Priority
    ) -> Facts:
        """Do the step; return the facts of the frame that changed by it, to be written with the status.

        `shown` is what the status says while it is under way.
        """
        match step:
            case Create():
                return await self._create(in_project(current), shown, secrets, memory, priority)
            case Record():
                return await self._record(current, memory, step)
            case Change():
                return await self._change(in_project(current), step, shown, memory, priority)
            case Credentials():
                return await self._credentials(in_project(current), step, shown, secrets, memory, priority)
            case Arrange():
                await self._arrange(current, step)
                return NOTHING
            case Delete():
                await self._delete(in_project(current), priority)
                return NOTHING
            case LetGo():
                await self._release(current, step)
                return NOTHING

    async def _create(
        self, current: PassInProject, shown: Verdict, secrets: SecretsRead, memory: Memory, priority: Priority
    ) -> Facts:
        """Finalizer, intent, Secret, POST, id: in this order, so that nothing made is ever forgotten."""
        await self._hold(current)
        await self._prove_first_secret(current, shown, secrets)
        old = current.observed.status.intent
        attempt = 1 if old is None else old.attempt + 1
        intent = Intent(
            attempt=attempt,
            others=(*(namesake.id for namesake in current.observed.namesakes), *current.observed.unreadable)[
                :MAX_OTHERS
            ],
            wait_seconds=self.settings.call_limit_seconds * self.clock.speed + self.settings.settle_margin_seconds,
            expected=dict(current.kind.expected(current.observed)),
            endpoint=current.project.endpoint,
        )
        facts = Facts(
            identity=pinned(current), intent=intent, managed=(), applying=current.kind.wanted_values(current.observed)
        )
        await self.writer.write(current, shown, facts)
        memory.creation.attempt_is_written(attempt, self.clock.monotonic(), intent.again_seconds)
        password = await self._first_password(current, secrets, memory)
        call = current.kind.collection.create(current.kind.body(current.observed, password))
        memory.creation.attempt_is_sent(attempt, self.clock.monotonic())
        try:
            made = await self._send(current, call, priority)
        finally:
            memory.creation.call_has_ended(self.clock.monotonic())
        if made is None:  # an empty answer: the list will tell
            return facts
        memory.creation.created_id = made.id
        return facts | Facts(id=made.id, intent=None, phase=made.status)

    async def _prove_first_secret(self, current: Pass, shown: Verdict, secrets: SecretsRead) -> None:
        """A value that the cloud makes may be told once only: by then its Secret must be possible. A password of ours is in
        its Secret before it is sent; after a refusal it is proven before anything is written for another try.
        """
        view, credential = current.observed.credential, current.kind.credential
        if view is None or credential is None:
            return
        if credential.value_of is not None:
            await self._prove(current, passwords.generate(), secrets)
        elif shown.reason is Reason.KUBERNETES_REFUSES:
            await self._prove(current, view.given or view.password or view.pending or passwords.generate(), secrets)

    async def _first_password(self, current: Pass, secrets: SecretsRead, memory: Memory) -> SecretStr | None:
        """The password is in its Secret before the cloud has it."""
        view, credential = current.observed.credential, current.kind.credential
        if view is None or credential is None or credential.value_of is not None:
            return None
        password = view.given or view.password or view.pending or passwords.generate()
        wanted = credentials.desired(current, password)
        if secrets.credentials is None:
            try:
                written = await self.kube.create_secret(wanted)
            except AlreadyThere:
                memory.password.is_name_taken = True  # the next pass reads it, whosever it is
                raise
        else:
            written = await self.kube.replace_secret(secrets.credentials, wanted)
        credentials.remember_fine(current, memory, written)
        return written.data[credential.key]

    async def _create_own_pending(self, current: Pass, wanted: NewSecret) -> SecretContent:
        """A Secret that is there already is used when it is ours (a pass before this one made it)."""
        try:
            return await self.kube.create_secret(wanted)
        except AlreadyThere:
            there = await self.kube.read_secret(wanted.namespace, wanted.name)
            key = credentials.PENDING_KEY
            if there is None or self.ownership.problem(current.resource, there, current.observed, key):
                raise
            return there

    async def _record(self, current: Pass, memory: Memory, step: Record) -> Facts:
        if step.changes.seal is not None:
            return step.changes
        memory.password.forget_pending()
        if not step.changes.id:
            memory.creation.created_id = None  # what is gone is not found again in what we once made
            return step.changes
        if not current.observed.deleting:
            await self._hold(current)
        adopted = Facts(identity=pinned(in_project(current))) if step.changes.adopted else NOTHING
        return step.changes | adopted

    async def _change(
        self, current: PassInProject, step: Change, shown: Verdict, memory: Memory, priority: Priority
    ) -> Facts:
        facts = NOTHING
        if step.manages:  # known before the cloud changes
            wanted = current.kind.wanted_values(current.observed)
            applying = {**current.observed.status.applying, **{name: wanted[name] for name in step.manages}}
            facts = Facts(applying=dict(sorted(applying.items())))
        await self.writer.write(current, shown, facts)
        await self._send(current, step.call, priority)
        if not step.unmanages:
            return step.facts
        told = current.resource.told
        applying = {name: each for name, each in told.applying.items() if name not in step.unmanages}
        managed = sorted({*told.managed} - {*step.unmanages})
        return step.facts | Facts(managed=tuple(managed), applying=applying)

    async def _credentials(
        self,
        current: PassInProject,
        step: Credentials,
        shown: Verdict,
        secrets: SecretsRead,
        memory: Memory,
        priority: Priority,
    ) -> Facts:
        view = current.observed.credential
        assert view is not None
        assert current.kind.credential is not None
        match step.step:
            case PasswordStep.PREPARE:
                facts = _doubt(view)
                password = view.given or passwords.generate()
                await self._prove(current, password, secrets)
                await self.writer.write(current, shown, facts)
                wanted = credentials.pending_secret(current, password)
                if secrets.pending is None:
                    pending = await self._create_own_pending(current, wanted)
                else:  # ours: without a usable password, or with one that nobody means any more
                    pending = await self.kube.replace_secret(secrets.pending, wanted)
                memory.password.forget_pending()
                if pending.data.get(credentials.PENDING_KEY) == password:
                    memory.password.is_prepared(password)
                if step.reason is Reason.PASSWORD_RESET:
                    memory.password.repairs.append((self.clock.monotonic(), credentials.RESET))
                return facts
            case PasswordStep.ABANDON:
                facts = _doubt(view)
                await self.writer.write(current, shown, facts)
                assert secrets.pending is not None
                await self.kube.delete_secret(secrets.pending)
                memory.password.forget_pending()
                return facts
            case PasswordStep.SEND:
                assert view.pending is not None
                await self._prove(current, view.pending, secrets)
                await self.writer.write(current, shown)
                await self._send_pending(current, view.pending, memory, priority)
            case PasswordStep.SWITCH:
                assert view.pending is not None
                await self._write_secret(current, view.pending, secrets, memory)
                if secrets.pending is not None:
                    await self.kube.delete_secret(secrets.pending)
                memory.password.forget_pending()
                return Facts(password_unconfirmed=None)
            case PasswordStep.CONFIRM:
                await self.writer.write(current, shown)
                await self._send_password(current, view.password, priority)
                memory.password.is_confirmed = True
            case PasswordStep.CONFIRMED:
                memory.password.is_confirmed = False
                return Facts(password_unconfirmed=None)
            case PasswordStep.WRITE:
                value = view.password if current.kind.credential.value_of is None else view.given
                assert value is not None
                await self._write_secret(current, value, secrets, memory, is_known=False)
                memory.password.repairs.append((self.clock.monotonic(), credentials.content_hash(current, value)))
                if secrets.credentials is not None and credentials.has_lost_marks(secrets.credentials):
                    told = f"the Secret {secrets.credentials.name} had lost labels or annotations by which it is known to be "
                    told += "this resource's: they are put back"
                    marks = Announcement("Warning", SECRET_MARKS_RESTORED, told)
                    self.writer.event_recorder.tell(current.resource, marks)
        return NOTHING

    async def _write_secret(
        self, current: Pass, password: SecretStr, secrets: SecretsRead, memory: Memory, *, is_known: bool = True
    ) -> None:
        """`is_known`: the cloud has this password, for certain."""
        wanted = credentials.desired(current, password)
        if not is_known:
            wanted = credentials.keeping_check(current, secrets.credentials, wanted, password)
        if secrets.credentials is None:
            written = await self.kube.create_secret(wanted)
        else:
            written = await self.kube.replace_secret(secrets.credentials, wanted)
        credentials.remember_fine(current, memory, written)

    async def _send_pending(
        self, current: PassInProject, pending: SecretStr | None, memory: Memory, priority: Priority
    ) -> None:
        """From the send on the cloud may have it; after a refusal it has not, unless it may have had it before."""
        was_untried = memory.password.is_sending(pending)
        try:
            await self._send_password(current, pending, priority)
        except ApiError as error:
            if is_refusal(error) and was_untried:
                memory.password.was_not_taken(pending)
            if isinstance(error, Invalid):
                memory.password.was_refused(pending)
            raise
        memory.password.was_sent(pending)

    async def _prove(self, current: Pass, password: SecretStr, secrets: SecretsRead) -> None:
        """Before the cloud gets a password it is certain that its Secret can. Raises WriteRefused."""
        await self.kube.prove_secret(secrets.credentials, credentials.desired(current, password))

    async def _send_password(self, current: PassInProject, password: SecretStr | None, priority: Priority) -> None:
        assert current.kind.credential is not None
        assert password is not None
        set_password = current.kind.credential.set_password
        assert set_password is not None
        call = set_password(current.observed.existing.id, password)
        if await self._send(current, call, priority) is None:  # whoever says so little may not be the API
            raise OutcomeUnknown(call.operation, "an empty answer does not tell whether the password is set")

    async def _arrange(self, current: Pass, step: Arrange) -> None:
        owned = step.owned
        key = ResourceKey(owned.kind, current.resource.key.namespace, owned.name)
        there, marks = self.cache.get(key), {OWNED_BY: current.resource.uid}
        if there is None:
            if step.if_there or step.doomed:
                return
            spec = {field: value for field, value in owned.spec.items() if value is not None}
            there = await self.kube.create_owned(current.resource, key, spec, marks)
        elif step.doomed:
            if there.spec.get("deletionProtection") is not False:  # the way out that people have
                there = await self.kube.change_spec(there, {"deletionProtection": False})
            await self.kube.delete_owned(there)
            return
        else:
            there = await self.kube.change_owned(current.resource, there, owned.spec, marks)
        self.arranged(there.key)

    async def _delete(self, current: PassInProject, priority: Priority) -> None:
        id_ = current.observed.existing.id
        await self._send(current, current.kind.collection.delete(id_), priority)
        current.snapshot.deleted(id_)

    async def _release(self, current: Pass, step: LetGo) -> None:
        if current.kind.credential is not None:
            name = secret_name(current.kind, current.observed)
            is_forced = current.observed.annotations.get(FORCE_DELETE) == "true"
            for name_ in (name, credentials.pending_name(name)):
                try:
                    await self._let_go(current, name_, retain=step.retain)
                except KubeError as error:
                    if not is_forced:
                        raise
                    log.warning("a Secret is left as it is", secret=name_, error=str(error))
        if step.retain:
            await self._retain_owned(current.resource)
        if current.resource.finalizers:
            left = tuple(finalizer for finalizer in current.resource.finalizers if finalizer != FINALIZER)
            try:
                current.resource = await self.kube.set_finalizers(current.resource, left)
            except NotThere:
                return

    async def _retain_owned(self, owner: Resource) -> None:
        """The garbage collection takes owned resources with their owner; what they stand for stays, as the owner's does."""
        for key in self.owners.owned_by(owner.uid):
            owned = self.cache.get(key)
            if owned is not None and owned.spec.get("deletionPolicy") != "Retain":
                try:
                    await self.kube.change_spec(owned, {"deletionPolicy": "Retain"})
                except NotThere:
                    continue

    async def _let_go(self, current: Pass, name: str, *, retain: bool) -> None:
        secret = await self.kube.read_secret(current.resource.key.namespace, name) if is_object_name(name) else None
        if secret is None or not self.ownership.is_ours(current.resource, secret):
            return
        if retain:
            await self.kube.replace_secret(
                secret,
                credentials.retained(
                    secret, current.resource, current.observed.status.id or current.observed.created_id
                ),
            )
        else:
            await self.kube.delete_secret(secret)

    async def _hold(self, current: Pass) -> None:
        if FINALIZER not in current.resource.finalizers:
            current.resource = await self.kube.set_finalizers(
                current.resource, (*current.resource.finalizers, FINALIZER)
            )

    async def _send(
        self, current: PassInProject, call: Call[CloudObject | None], priority: Priority
    ) -> CloudObject | None:
        """Send; what the API answers is in the snapshot before anything else happens."""
        target = None if call.method == "POST" and current.observed.external is None else current.observed.external
        try:
            reply = await current.session.send(call, priority, current.resource.key)
            if reply.value is not None and (other := self._why_another(current, target, reply.value)):
                raise OutcomeUnknown(call.operation, other, status=reply.status, request_id=reply.request_id)
        except ApiError as error:
            if target is not None and not is_refusal(error):
                current.snapshot.outcome_unknown(target.id)
            raise
        if reply.value is not None:
            current.snapshot.answered(reply.value)
            current.session.tell(current.kind, (target, reply.value), priority)
        elif target is not None:
            current.snapshot.outcome_unknown(target.id)
        return reply.value

    def _why_another(self, current: PassInProject, target: CloudObject | None, answered: CloudObject) -> str | None:
        """Say why an answer is not about what was asked for: something on the way may have mixed it up. None when it is.

        What is new has an id that was not known under another name, nor held by another resource.
        """
        if target is not None:
            return None if answered.id == target.id else f"the answer is about {answered.id}, not {target.id}"
        known = current.snapshot.get(answered.id)
        holder = self.owners.holder(ObjectName(current.project.place, current.kind.collection.name, answered.id))
        is_old = (
            holder not in (None, current.resource.key)
            or answered.id in (*(namesake.id for namesake in current.observed.namesakes), *current.observed.unreadable)
            or (known is not None and known.is_whole and current.kind.key_of(known) != current.key.key)
        )
        return f"the answer is about {answered.id}, which was there before" if is_old else None


def _doubt(view: PasswordView) -> Facts:
    """What is to be known when a pending password is given up that the cloud may have after all."""
    return Facts(password_unconfirmed=True) if view.pending is not None and view.pending_unclear else NOTHING


def pinned(current: PassInProject) -> Identity:
    """What the object that this pass makes or takes over is, for good."""
    project = current.project
    return Identity(
        project=project.name,
        project_id=project.project_id,
        region=project.region,
        datastore_id=current.datastore_id,
        name_prefix=None if current.kind.is_inside else current.observed.name_prefix,
        key=current.key.key,
    )
