"""Carries out one step. Each method does its writes in the only order that survives a kill between any two lines."""

from collections.abc import Callable
from dataclasses import dataclass

from managed_databases.kinds.facts import NOTHING, Facts
from managed_databases.kinds.registry import FINALIZER
from managed_databases.kinds.shared_fields import Identity, Intent
from managed_databases.kinds.verdicts import (
    Arrange,
    Change,
    Create,
    Credentials,
    Delete,
    LetGo,
    Reason,
    Record,
    Step,
    Verdict,
)
from managed_databases.reconcile.act.letting_go import LettingGo
from managed_databases.reconcile.act.password_change import PasswordChange
from managed_databases.reconcile.act.sender import Sender
from managed_databases.reconcile.annotations import OWNED_BY
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.controller_settings import ControllerSettings
from managed_databases.reconcile.observe.current_pass import Pass, PassInProject, in_project
from managed_databases.reconcile.observe.ownership_index import OwnershipIndex, owner_of
from managed_databases.reconcile.ports import Kube, ResourceCache, ResourceKey
from managed_databases.reconcile.report.status_writer import StatusWriter
from managed_databases.reconcile.stated import UNPROTECTED

MAX_OTHERS = 1000
"""The most ids in `Intent.others`: the schema of the status takes no more."""


@dataclass(frozen=True)
class Actor:
    """Carries out steps. Every step may raise ApiError and KubeError; what was done until then stays right."""

    cache: ResourceCache
    kube: Kube
    writer: StatusWriter
    owners: OwnershipIndex
    clock: Clock
    settings: ControllerSettings
    sender: Sender
    passwords: PasswordChange
    letting_go: LettingGo
    arranged: Callable[[ResourceKey], None]
    """Called with the key of each owned resource that was made or changed, because the watch may not report it once more."""

    def reserve_key(self, current: Pass, step: Step) -> bool:
        """Reserve the key that the step would give to a cloud object; return False if another resource has the key.

        Passes over other resources may have looked at the same time: the first one to reserve the key goes on, the others look
        again.
        """
        gives_key = isinstance(step, Create) or (isinstance(step, Record) and step.changes.adopted is True)
        if isinstance(step, Change) and step.reason is Reason.RENAMING and not current.observed.deleting:
            gives_key = current.kind.key(current.observed) != current.kind.key_of(current.observed.existing)
        if not gives_key or not isinstance(current, PassInProject) or current.interests.wanted_key is None:
            return True
        return self.owners.reserve(current.resource, current.interests.wanted_key)

    async def act(self, current: Pass, step: Step, shown: Verdict) -> Facts:
        """Do the step; return the facts that it has changed, which the status has to tell.

        `shown` is the verdict that the status shows while the step is under way.
        """
        match step:
            case Create():
                return await self._create(in_project(current), shown)
            case Record():
                return await self._record(current, step)
            case Change():
                return await self._change(in_project(current), step, shown)
            case Credentials():
                return await self.passwords.act(in_project(current), step, shown)
            case Arrange():
                await self._arrange(current, step)
            case Delete():
                await self._delete(in_project(current))
            case LetGo():
                await self.letting_go.act(current, step)
        return NOTHING

    async def _create(self, current: PassInProject, shown: Verdict) -> Facts:
        """Make the object: finalizer, intent, Secret, POST, id, in this order, so that no object that was made is ever
        forgotten.
        """
        await self._add_finalizer(current)
        await self.passwords.prove_first(current, shown)
        old, same_key = current.observed.status.intent, current.observed.same_key
        intent = Intent(
            attempt=1 if old is None else old.attempt + 1,
            others=(*(namesake.id for namesake in same_key.namesakes), *same_key.unreadable)[:MAX_OTHERS],
            wait_seconds=self.settings.call_limit_seconds * self.clock.speed + self.settings.settle_margin_seconds,
            expected=dict(current.kind.expected(current.observed)),
            endpoint=current.project.endpoint,
        )
        facts = Facts(
            identity=pinned(current), intent=intent, managed=(), applying=current.kind.wanted_values(current.observed)
        )
        await self.writer.write(current, shown, facts)
        memory = current.memory.creation
        memory.attempt_is_written(intent.attempt, self.clock.monotonic(), intent.again_seconds)
        password = await self.passwords.first(current)
        call = current.kind.collection.create(current.kind.body(current.observed, password))
        memory.attempt_is_sent(intent.attempt, self.clock.monotonic())
        try:
            made = await self.sender.send(current, call)
        finally:
            memory.call_has_ended(self.clock.monotonic())
        if made is None:  # an empty answer: a list will show the object
            return facts
        memory.was_made(made.id, self.clock.monotonic())
        facts |= Facts(id=made.id, intent=None)
        return facts if password is None else facts | self.passwords.was_made_with(current, password)

    async def _record(self, current: Pass, step: Record) -> Facts:
        if step.changes.seal is not None:
            return step.changes
        current.memory.password.forget_pending()
        if not step.changes.id:
            current.memory.creation.is_gone()
            return step.changes
        if not current.observed.deleting:
            await self._add_finalizer(current)
        adopted = Facts(identity=pinned(in_project(current))) if step.changes.adopted else NOTHING
        return step.changes | adopted

    async def _change(self, current: PassInProject, step: Change, shown: Verdict) -> Facts:
        facts = NOTHING
        if step.manages:  # written before the cloud changes
            wanted = current.kind.wanted_values(current.observed)
            applying = {**current.observed.status.applying, **{name: wanted[name] for name in step.manages}}
            facts = Facts(applying=dict(sorted(applying.items())))
        await self.writer.write(current, shown, facts)
        await self.sender.send(current, step.call)
        if not step.unmanages:
            return step.facts
        told = current.resource.told
        applying = {name: each for name, each in told.applying.items() if name not in step.unmanages}
        managed = sorted({*told.managed} - {*step.unmanages})
        return step.facts | Facts(managed=tuple(managed), applying=applying)

    async def _arrange(self, current: Pass, step: Arrange) -> None:
        owned = step.owned
        key = ResourceKey(owned.kind, current.resource.key.namespace, owned.name)
        there, marks = self.cache.get(key), {**owned.annotations, OWNED_BY: current.resource.uid}
        is_for_those_of_ours = step.if_there or step.doomed
        if is_for_those_of_ours and (there is None or owner_of(there) != current.resource.uid):
            return  # gone, or not ours any more, since the pass has looked
        if there is None:
            spec = {field: value for field, value in owned.spec.items() if value is not None}
            there = await self.kube.create_owned(current.resource, key, spec, marks)
        elif step.doomed:
            if not there.stated.is_unprotected:  # as people have to do before a deletion
                there = await self.kube.change_spec(there, UNPROTECTED)
            await self.kube.delete_owned(there)
            return
        else:
            there = await self.kube.change_owned(current.resource, there, owned.spec, marks)
        self.arranged(there.key)

    async def _delete(self, current: PassInProject) -> None:
        id_ = current.observed.existing.id
        await self.sender.send(current, current.kind.collection.delete(id_))
        current.snapshot.deleted(id_)

    async def _add_finalizer(self, current: Pass) -> None:
        if FINALIZER not in current.resource.finalizers:
            held = (*current.resource.finalizers, FINALIZER)
            current.resource = await self.kube.set_finalizers(current.resource, held)


def pinned(current: PassInProject) -> Identity:
    """Return the identity of the object that this pass makes or takes over; it never changes afterwards."""
    project = current.project
    return Identity(
        project=project.name,
        project_id=project.project_id,
        region=project.region,
        datastore_id=current.datastore_id,
        name_prefix=None if current.kind.is_inside else current.observed.name_prefix,
        key=current.key.key,
    )
