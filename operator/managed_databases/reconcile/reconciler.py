"""One pass over one resource: observe, decide, act, report, until there is nothing more to do now."""

import logging
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from managed_databases.api.errors import ApiError, Busy
from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.facts import NOTHING, Facts
from managed_databases.kinds.verdicts import (
    Change,
    Create,
    Done,
    LetGo,
    Reason,
    Stall,
    Step,
    Verdict,
    Wait,
    makes_a_call,
)
from managed_databases.reconcile.act.actor import Actor
from managed_databases.reconcile.act.credentials import CredentialRead, CredentialReader
from managed_databases.reconcile.act.looks_by_id import LooksById
from managed_databases.reconcile.act.password_view import after_a_call
from managed_databases.reconcile.act.repeated_password import mask_password
from managed_databases.reconcile.act.retry_policy import RetryPolicy
from managed_databases.reconcile.act.rotation_times import begins_in_seconds
from managed_databases.reconcile.act.standing_marks import StandingMarks
from managed_databases.reconcile.annotations import FORCE_DELETE, sync_request
from managed_databases.reconcile.decide.decide import decide
from managed_databases.reconcile.decide.failures import (
    KUBERNETES_SECONDS,
    OLD_VIEW,
    defect,
    is_refusal,
    kubernetes_refusal,
    pause_after_kube_error,
)
from managed_databases.reconcile.keepers.keepers import Keepers
from managed_databases.reconcile.memory import Memory
from managed_databases.reconcile.observe.current_pass import Pass, PassContext, PassInProject, in_project
from managed_databases.reconcile.observe.definition_deletion import LOOK_AGAIN_SECONDS, goes_with_its_definition
from managed_databases.reconcile.observe.observer import Observer
from managed_databases.reconcile.observe.ownership_index import OwnershipIndex
from managed_databases.reconcile.observe.reading import UnreadableSpec
from managed_databases.reconcile.pass_record import Failure, begins, failed
from managed_databases.reconcile.pass_rules import (
    expect_lists,
    knows_less_than_the_status,
    leaves_secret_in_doubt,
    look_before_creation,
    needs_secrets,
    taken_back,
)
from managed_databases.reconcile.ports import (
    Kube,
    KubeError,
    KubeRefused,
    Resource,
    ResourceKey,
)
from managed_databases.reconcile.report.deferred_write import DeferredWrite
from managed_databases.reconcile.report.missing_grace import MissingGrace
from managed_databases.reconcile.report.status_writer import StatusWriter
from managed_databases.reconcile.scheduling.dependencies import Dependency
from managed_databases.reconcile.scheduling.work_queue import Priority

STEPS_A_PASS = 12
"""The most steps of one pass, more than any resource needs in one go. A pass that reaches it ends, so that others run first."""

MAX_LATE = 2
"""How many times a pass may find that another resource has reserved its key since the look; then the pass ends."""
LATE_SECONDS = 1.0
"""Seconds until the next pass of a resource that was MAX_LATE times too late: it must not spin, whatever keeps it from seeing
the other resource.
"""

log = structlog.get_logger()
_IN_DETAIL = logging.getLogger()
"""Asked before lines that each pass at rest would have: to make one that is not written costs more than to ask."""


class Interest(Protocol):
    """What a pass tells the controller: what it has seen, what it depends on, and which datastore it works in."""

    def observed(self, resource: Resource) -> None:
        """Take note that the pass has read everything as it is now; `resource` is the resource as the pass knows it.

        Clears the key's dirty mark: events that arrived before this read are already included. Most of these events come from
        the pass's own calls and writes.
        """

    def depends_on(self, key: ResourceKey, dependencies: Collection[Dependency]) -> None: ...

    def works_in(self, key: ResourceKey, project: str | None, datastore_id: str | None) -> None: ...


@dataclass(frozen=True)
class End:
    """The end of a pass. `again_seconds` are the seconds until the resource wants another pass; None if it waits to be woken."""

    again_seconds: float | None


@dataclass(frozen=True)
class Reconciler:
    kube: Kube
    owners: OwnershipIndex
    observer: Observer
    reader: CredentialReader
    actor: Actor
    retry_policy: RetryPolicy
    looks: LooksById
    standing_marks: StandingMarks
    keepers: Keepers
    writer: StatusWriter
    deferred_write: DeferredWrite
    missing_grace: MissingGrace
    interest: Interest

    async def reconcile(self, resource: Resource, memory: Memory, priority: Priority) -> float | None:
        """Run one pass over the resource; return the seconds until it wants another pass, None if it waits to be woken."""
        context = PassContext(memory=memory, woken_by=priority, facts=memory.creation.unwritten)
        try:
            resource = await self.standing_marks.keep_finalizer(resource)
            again = await self._steps(resource, context)
            memory.pass_ended(by_old_view=False)
            return again
        except KubeError as error:
            if isinstance(error, KubeRefused):
                await self._tell(resource, kubernetes_refusal(error))
            return after_kube_error(resource.key, error, memory)
        except UnreadableSpec as error:
            failed(Failure.SPEC)
            return await self._after_unreadable(resource, error, memory)
        except Exception as error:
            # A defect in one kind must not stop the others: the error is logged whole, and the pass is tried again slowly.
            failed(Failure.DEFECT)
            incident, trouble = defect(error, resource.uid)
            log.exception("a pass failed", incident=incident, **_named(resource.key))
            await self._tell(resource, trouble)
            return self.retry_policy.after_defect(memory)
        finally:
            context.end(resource)

    async def _tell(self, resource: Resource, trouble: Stall) -> None:
        newest = self.observer.cache.get(resource.key)
        if newest is not None and newest.uid == resource.uid:
            await self.writer.tell(newest, trouble)

    async def _steps(self, resource: Resource, context: PassContext) -> float | None:
        request, handled = sync_request(resource.annotations), resource.told.handled_sync_request
        is_sync_requested, times_late = context.memory.is_sync_requested(request, handled), 0
        for _ in range(STEPS_A_PASS):
            current = self._observe(resource, context)
            is_asked_for = is_sync_requested
            if is_sync_requested and isinstance(current, PassInProject):
                current.session.lists.sync(current.kind.collection.name, resource.key.namespace)
                is_sync_requested = False
            current = await self._look_closer(current)
            self.keepers.look(current, is_asked_for=is_asked_for)
            self.standing_marks.look(current)
            verdict = self._decide(current)
            expect_lists(current, verdict)
            project = current.session.name if isinstance(current, PassInProject) else None
            self.interest.works_in(resource.key, project, current.datastore_id)
            # Facts are written whatever else the pass decides.
            if not context.facts and knows_less_than_the_status(current, verdict):
                return self._again_seconds(current, verdict)
            if not isinstance(verdict, Step):
                return await self._rest(current, verdict)
            if makes_a_call(verdict) and not in_project(current).may_call():
                await self._await_turn(current, verdict)
                return None
            if not self.actor.reserve_key(current, verdict):  # another one reserved the key since this pass looked
                times_late += 1
                if times_late == MAX_LATE:
                    return LATE_SECONDS
                resource = current.resource
                continue
            end = await self._act(current, verdict)
            if end is not None:
                return end.again_seconds
            resource = current.resource
        return 0.0

    async def _rest(self, current: Pass, verdict: Wait | Stall | Done) -> float | None:
        """Report a verdict that is no step; return the seconds until the next pass, None if the resource waits to be woken."""
        memory = current.memory
        look_before_creation(current, verdict)
        again_seconds = self._again_seconds(current, verdict)
        if (seconds := self.deferred_write.seconds_left(current, verdict)) > 0:
            return _sooner(seconds, again_seconds)
        told = current.context.why_not_now(current.priority) or self.retry_policy.shown_at_rest(current, verdict)
        if _IN_DETAIL.isEnabledFor(logging.DEBUG):
            log.debug("decided", verdict=type(told).__name__, reason=str(told.reason), message=told.message)
        shown, grace_seconds = self.missing_grace.shown(current, told)
        await self._write(current, shown)
        memory.has_said_something()
        memory.retry.was_told(current.observed.generation, told)
        return _sooner(again_seconds, grace_seconds)

    async def write_unwritten(self, resource: Resource, memory: Memory) -> None:
        """Write what the status does not say yet of an object that was just made. Nothing else is done. Raises KubeError."""
        context = PassContext(memory=memory, woken_by=Priority.LOW, facts=memory.creation.unwritten)
        current = self.observer.observe(resource, context)
        self.standing_marks.look(current)
        await self._write(current, Wait(Reason.PENDING, "it is made, and the cloud is at work on it"))

    async def _await_turn(self, current: Pass, step: Step) -> None:
        """Report that the step waits for the resource's turn to call the API: when the turn comes, the resource gets a pass."""
        shown = self.retry_policy.shown_while(current, step)
        why = current.context.why_not_now(current.priority) if shown is step else None
        if current.context.facts or why is not None:
            await self._write(current, why or shown)

    async def _write(self, current: Pass, shown: Verdict) -> None:
        """Write the status, with all facts that it does not have yet."""
        await self.writer.write(current, shown, current.context.facts)
        current.context.facts = NOTHING
        current.memory.creation.is_written()

    async def _act(self, current: Pass, step: Step) -> End | None:
        """Do the step; return how the pass ends, or None if it goes on with another look."""
        context = current.context
        begins(type(step).__name__, step.reason)
        if context.facts:  # a step that fails must not lose the facts that were learned before it
            await self._write(current, step)
        try:
            shown = self.retry_policy.shown_while(current, step)
            context.facts = await self.actor.act(current, step, shown)
            if isinstance(step, Create):
                current.memory.creation.keep_unwritten(context.facts)
        except KubeRefused as error:
            failed(Failure.KUBERNETES)
            log.warning("Kubernetes refused a write", error=str(error), **_named(current.resource.key))
            refused = self.retry_policy.kubernetes_refused(current, step, error)
            undone = Facts(intent=None, applying=None) if isinstance(step, Create) else NOTHING
            await self.writer.write(current, refused, undone)
            return End(self._again_seconds(current, refused))
        except ApiError as error:
            failed(Failure.API)
            held = await self._after_api_error(current, step, error)
            if isinstance(step, Change) and is_refusal(error):
                return None  # a change that is refused holds up none of the other changes
            undone = taken_back(current, step, error)
            await self.writer.write(current, held, undone)
            if leaves_secret_in_doubt(current, step, undone):
                return None
            return End(self._again_seconds(current, held))
        log.info("step taken", step=type(step).__name__, reason=str(step.reason), **_named(current.resource.key))
        self.retry_policy.succeeded(current, step)
        return End(None) if isinstance(step, LetGo) else None

    def _decide(self, current: Pass) -> Verdict:
        self.retry_policy.effects.forget_what_shows(current)
        verdict = decide(current.kind, current.observed, self.retry_policy.rests(current))
        return self.retry_policy.hold_back(current, verdict)

    def _observe(self, resource: Resource, context: PassContext) -> Pass:
        """Observe the resource, and order what the look wants. Nothing is awaited in between."""
        current = self.observer.observe(resource, context)
        context.looks_into(current.session if isinstance(current, PassInProject) else None)
        if isinstance(current, PassInProject):
            current.interests.order(resource.key, current.kind.collection.name, current.session, self.owners)
        self.interest.observed(resource)
        # Before anything else is read: a change that comes during that read is then not missed.
        self.interest.depends_on(resource.key, current.dependencies | self.reader.dependencies(current))
        return current

    async def _look_closer(self, current: Pass) -> Pass:
        """Read what memory cannot tell: an object that no list shows, by its id, the Secrets, and, for a deletion, whether the
        CustomResourceDefinition goes. Return the pass with all that.
        """
        if await self.looks.look(current):
            current = self._observe(current.resource, current.context)
        if needs_secrets(current):
            try:
                read = await self.reader.read(current)
            except KubeRefused as error:  # the verdict will tell, and no guard waits for the Secrets
                failed(Failure.KUBERNETES)
                read = CredentialRead(PasswordView(problem=kubernetes_refusal(error)))
            if read is not None:
                current.has_read(read.view, read.secrets, read.held)
        if current.observed.deleting and not isinstance(decide(current.kind, current.observed), LetGo):
            going = await goes_with_its_definition(self.kube, current.resource)
            deletion = replace(current.observed.deletion, is_definition_going=going)
            current.observed = replace(current.observed, deletion=deletion)
        return current

    async def _after_api_error(self, current: Pass, step: Step, error: ApiError) -> Wait | Stall:
        await mask_password(self.kube, current, error)
        log.warning(
            "step refused",
            step=type(step).__name__,
            error=type(error).__name__,
            operation=error.operation,
            request_id=error.request_id,
            **_named(current.resource.key),
        )
        current.observed = replace(current.observed, credential=after_a_call(current))
        busy = await self.looks.what_is_busy(in_project(current)) if isinstance(error, Busy) else None
        # `current` holds by now what the failed step has written and learned: the failure is judged on that.
        return self.retry_policy.failed(current, step, error, busy)

    def _again_seconds(self, current: Pass, verdict: Verdict) -> float | None:
        wanted = [self.retry_policy.again_seconds(current, verdict)]
        if isinstance(verdict, Wait):
            wanted.append(verdict.seconds)
        elif isinstance(verdict, Stall):
            wanted.append(verdict.retry_seconds)
        if verdict.reason is Reason.KUBERNETES_REFUSES and all(each is None for each in wanted):
            wanted.append(KUBERNETES_SECONDS)
        wanted.append(self.looks.seconds(current))
        wanted.append(begins_in_seconds(current, self.writer.clock.now()))
        if current.observed.deleting:
            wanted.append(LOOK_AGAIN_SECONDS)
        return _sooner(*wanted)

    async def _after_unreadable(self, resource: Resource, error: UnreadableSpec, memory: Memory) -> float | None:
        """Report that the spec or the status cannot be read. What is being deleted by force is let go: that needs neither."""
        try:
            if resource.deleting_since is not None and resource.annotations.get(FORCE_DELETE) == "true":
                await self.actor.letting_go.act_unread(resource)
                log.info("let go by force", why=str(error), **_named(resource.key))
            else:
                await self.writer.tell_unreadable(resource, str(error))
        except KubeError as refused:
            return after_kube_error(resource.key, refused, memory)
        memory.pass_ended(by_old_view=False)
        return None


def _sooner(*seconds: float | None) -> float | None:
    return min((each for each in seconds if each is not None), default=None)


def after_kube_error(key: ResourceKey, error: KubeError, memory: Memory) -> float:
    """Log the error and note the failure, unless it only shows that the operator's view of Kubernetes was old; return the seconds
    until the next pass: they grow while the view stays old.
    """
    is_old_view = isinstance(error, OLD_VIEW)
    memory.pass_ended(by_old_view=is_old_view)
    if not is_old_view:
        failed(Failure.KUBERNETES)
        log.warning("a request to Kubernetes failed", error=str(error), **_named(key))
    return pause_after_kube_error(error, memory.old_views)


def _named(key: ResourceKey) -> dict[str, str]:
    return {"kind": key.kind, "namespace": key.namespace, "name": key.name}
