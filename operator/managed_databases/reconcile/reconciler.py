"""One pass over one resource: observe, decide, act, report, until there is nothing more to do now."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from managed_databases.api.errors import ApiError, Busy
from managed_databases.api.models import CloudObject
from managed_databases.kinds.facts import NOTHING, Facts
from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.observed import PasswordView
from managed_databases.kinds.registry import FINALIZER
from managed_databases.kinds.verdicts import Change, Create, Done, LetGo, Reason, Stall, Step, Verdict, Wait
from managed_databases.reconcile.act.actor import Actor
from managed_databases.reconcile.act.credentials import CredentialReader, after_a_call
from managed_databases.reconcile.act.retry_policy import NOT_SEEN, NotSeen, RetryPolicy, is_look_before_creation
from managed_databases.reconcile.act.turn import Turn, makes_a_call, priority_of_calls
from managed_databases.reconcile.annotations import sync_request
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.decide.decide import decide
from managed_databases.reconcile.decide.failures import KUBERNETES_SECONDS, defect, is_refusal, kubernetes_refusal
from managed_databases.reconcile.memory import Memory, SecretsRead
from managed_databases.reconcile.observe.letting_go import LOOK_AGAIN_SECONDS, goes_with_its_definition
from managed_databases.reconcile.observe.observer import Observer, Pass, PassInProject, in_project
from managed_databases.reconcile.observe.reading import UnreadableSpec
from managed_databases.reconcile.ports import (
    AlreadyThere,
    Kube,
    KubeError,
    NotThere,
    Resource,
    ResourceKey,
    WriteConflict,
    WriteRefused,
)
from managed_databases.reconcile.project.projects import Projects
from managed_databases.reconcile.report.event_recorder import FINALIZER_RESTORED, Announcement
from managed_databases.reconcile.report.status_writer import StatusWriter
from managed_databases.reconcile.report.unreadable import unreadable_status
from managed_databases.reconcile.scheduling.dependencies import Dependency
from managed_databases.reconcile.scheduling.work_queue import Priority

STEPS_A_PASS = 12
"""More steps than any resource needs in one go; a pass that reaches it lets others run first."""

OLD_VIEW = (WriteConflict, AlreadyThere, NotThere)
MAX_OLD_VIEW_SECONDS = 60.0
"""The longest pause while what Kubernetes has is not what we know, over and over."""
LATE_SECONDS = 1.0
"""The pause of a pass that was late for a name twice: whatever keeps it from seeing why, it must not spin."""

log = structlog.get_logger()


class Interest(Protocol):
    """Told by a pass what it has seen, what it depends on, and which datastore it works in."""

    def observed(self, resource: Resource) -> None:
        """The pass has read all that there is now; `resource` is as the pass knows it.

        Clears the key's dirty mark: events that arrived before this read are already included. Most of them come from
        the pass's own calls and writes.
        """

    def depends_on(self, key: ResourceKey, dependencies: Collection[Dependency]) -> None: ...

    def works_in(self, key: ResourceKey, project: str | None, datastore_id: str | None) -> None: ...


@dataclass(frozen=True)
class Reconciler:
    kinds: Mapping[str, CloudKind]
    kube: Kube
    clock: Clock
    projects: Projects
    observer: Observer
    reader: CredentialReader
    actor: Actor
    retry_policy: RetryPolicy
    writer: StatusWriter
    interest: Interest

    async def reconcile(self, resource: Resource, memory: Memory, priority: Priority) -> float | None:
        """Run one pass; return the seconds until it wants to run again by itself, None when it waits to be woken."""
        turn = Turn()
        try:
            resource = await self._keep_hold(resource)
            again = await self._steps(resource, memory, priority, turn)
            memory.old_views = 0
            return again
        except KubeError as error:
            if isinstance(error, WriteRefused):
                await self._tell(resource, kubernetes_refusal(error))
            memory.old_views = memory.old_views + 1 if isinstance(error, OLD_VIEW) else 0
            return after_kube_error(resource.key, error, memory.old_views)
        except UnreadableSpec as error:
            return await self._report_unreadable(resource, error)
        except Exception as error:
            # A defect in one kind must not stop the others: it is logged whole, and tried again slowly.
            incident, trouble = defect(error, resource.uid)
            log.exception("a pass failed", incident=incident, **_named(resource.key))
            await self._tell(resource, trouble)
            return self.retry_policy.after_defect(memory)
        finally:
            turn.end(resource.key)

    async def _keep_hold(self, resource: Resource) -> Resource:
        """The finalizer stands whenever there is something to lose: whoever replaced the resource may have left it out."""
        holds = resource.told.holds_something
        if not holds or resource.deleting_since is not None or FINALIZER in resource.finalizers:
            return resource
        held = await self.kube.set_finalizers(resource, (*resource.finalizers, FINALIZER))
        log.warning("the finalizer was gone, and is put back", **_named(resource.key))
        told = "the finalizer was taken away, by whoever replaced this resource: it is put back, or the next deletion "
        told += "would leave the cloud object behind"
        self.writer.event_recorder.tell(held, Announcement("Warning", FINALIZER_RESTORED, told))
        return held

    async def _tell(self, resource: Resource, trouble: Stall) -> None:
        newest = self.observer.cache.get(resource.key)
        if newest is not None and newest.uid == resource.uid:
            await self.writer.tell(newest, trouble)

    async def _steps(self, resource: Resource, memory: Memory, priority: Priority, turn: Turn) -> float | None:
        facts = NOTHING
        is_sync_requested, was_late = self._is_sync_requested(resource, memory), False
        for _ in range(STEPS_A_PASS):
            current = self._observe(resource, memory, facts)
            if is_sync_requested and isinstance(current, PassInProject):
                current.session.lists.sync(current.kind.collection.name, resource.key.namespace)
                is_sync_requested = False
            turn.joins(current)
            current, secrets = await self._look_closer(current, memory, facts, priority, turn)
            verdict = await self._decide(current, memory)
            calls_priority = priority_of_calls(current, memory, priority)
            _expect(current, verdict, calls_priority)
            project = current.session.name if isinstance(current, PassInProject) else None
            self.interest.works_in(resource.key, project, current.datastore_id)
            # What was learned is written whatever else the pass decides.
            if not facts and _knows_less_than_the_status(current, memory, verdict):
                return self._again_seconds(current, memory, verdict, turn)
            if not isinstance(verdict, Step):
                _look_before_creation(current, memory, verdict)
                shown = turn.why_not(calls_priority) or self.retry_policy.shown_at_rest(current, memory, verdict)
                await self.writer.write(current, shown, facts)
                memory.has_spoken = True
                memory.retry.was_told(current.observed.generation, shown)
                return self._again_seconds(current, memory, verdict, turn)
            if makes_a_call(verdict) and not turn.comes(in_project(current), calls_priority):
                shown = self.retry_policy.shown_while(current, memory, verdict)
                why = turn.why_not(calls_priority) if shown is verdict else None
                if facts or why is not None:
                    await self.writer.write(current, why or shown, facts)
                return None
            if not self.actor.claim(current, verdict):
                if was_late:
                    return LATE_SECONDS
                was_late, resource = True, current.resource
                continue  # somebody was faster since this pass has looked
            if facts:  # a step that fails must not lose what was learned before it
                await self.writer.write(current, verdict, facts)
                facts = NOTHING
            try:
                shown = self.retry_policy.shown_while(current, memory, verdict)
                facts = await self.actor.act(current, verdict, shown, secrets, memory, calls_priority)
            except WriteRefused as error:
                log.warning("Kubernetes refused a write", error=str(error), **_named(resource.key))
                refused = self.retry_policy.kubernetes_refused(current, memory, verdict, error)
                undone = Facts(intent=None, applying=None) if isinstance(verdict, Create) else NOTHING
                await self.writer.write(current, refused, undone)
                return self._again_seconds(current, memory, refused, turn)
            except ApiError as error:
                held = await self._after_api_error(current, memory, verdict, error, calls_priority, turn)
                nothing_made = isinstance(verdict, Create) and is_refusal(error)
                if isinstance(verdict, Change) and is_refusal(error):
                    resource = current.resource  # what is refused holds up none of the other changes
                    continue
                await self.writer.write(current, held, Facts(intent=None) if nothing_made else NOTHING)
                return self._again_seconds(current, memory, held, turn)
            log.info(
                "step taken",
                step=type(verdict).__name__,
                reason=str(verdict.reason),
                **_named(resource.key),
            )
            self.retry_policy.succeeded(current, memory, verdict)
            if isinstance(verdict, LetGo):
                return None
            resource = current.resource
        return 0.0

    async def _decide(self, current: Pass, memory: Memory) -> Verdict:
        """What goes only because its whole kind goes is let go, before anything is done or waited for."""
        self.retry_policy.effects.forget_what_shows(current, memory)
        rests = self.retry_policy.rests(current, memory)
        verdict = decide(current.kind, current.observed, rests)
        if current.observed.deleting and not isinstance(verdict, LetGo):
            going = await goes_with_its_definition(self.kube, current.resource)
            current.observed = replace(current.observed, definition_going=going)
            verdict = decide(current.kind, current.observed, rests)
        return self.retry_policy.hold_back(current, memory, verdict)

    def _observe(self, resource: Resource, memory: Memory, facts: Facts) -> Pass:
        current = self.observer.observe(resource, memory, facts)
        self.interest.observed(resource)
        # Before anything else is read: what changes while that is on its way is not missed.
        self.interest.depends_on(resource.key, current.dependencies | self.reader.dependencies(current))
        return current

    def _is_sync_requested(self, resource: Resource, memory: Memory) -> bool:
        """Whether a sync is asked for that this process has not begun: it starts anew, with nothing held back."""
        request = sync_request(resource.annotations)
        handled = resource.told.handled_sync_request
        is_new = request is not None and request not in (handled, memory.sync_request)
        if is_new:
            memory.retry.begin_anew()
            memory.password.fine = None
        memory.sync_request = request
        return is_new

    async def _look_closer(
        self, current: Pass, memory: Memory, facts: Facts, priority: Priority, turn: Turn
    ) -> tuple[Pass, SecretsRead]:
        """What memory cannot tell: an object that no list shows, and the Secrets."""
        if await self._ask_by_id(current, memory, priority, turn):
            current = self._observe(current.resource, memory, facts)
        if not _needs_secrets(current):
            return current, SecretsRead()
        try:
            view, secrets = await self.reader.read(current, memory)
        except WriteRefused as error:  # told, and no guard waits for it
            return replace_credential(current, PasswordView(problem=kubernetes_refusal(error))), SecretsRead()
        return current if view is None else replace_credential(current, view), secrets

    async def _ask_by_id(self, current: Pass, memory: Memory, priority: Priority, turn: Turn) -> bool:
        """GET an object that is unsure, or that the first list did not show; return whether something was learned."""
        observed = current.observed
        if not isinstance(current, PassInProject) or observed.status.id is None or observed.external_gone:
            return False
        is_unlisted = observed.external is None and (observed.listed or observed.unlisted is not None)
        stays = self._is_followed_by_id(current)
        if not (is_unlisted or observed.external_unsure or stays):
            self.retry_policy.looked(memory)
            return False
        if not self.retry_policy.may_look(memory):
            return False
        calls_priority = priority_of_calls(current, memory, priority)
        if not turn.comes(current, calls_priority):
            return False
        try:
            await current.session.get_object(current.kind, observed.status.id, calls_priority, current.resource.key)
        except ApiError:
            self.retry_policy.looked_in_vain(memory)
            return False
        told = current.snapshot.get(observed.status.id)
        if stays or (told is not None and not told.is_whole):  # as often as one that is asked for in vain
            self.retry_policy.looked_in_vain(memory)
        else:
            self.retry_policy.looked(memory)
        return True

    def _is_followed_by_id(self, current: Pass) -> bool:
        """Whether nothing but a GET would tell that the cloud has ended its work on the object."""
        mine = current.observed.external
        if not isinstance(current, PassInProject) or mine is None or not self.retry_policy.is_pending(mine):
            return False
        return current.session.lists.why_unlisted(current.kind.collection.name) is not None

    async def _after_api_error(
        self, current: Pass, memory: Memory, verdict: Step, error: ApiError, priority: Priority, turn: Turn
    ) -> Wait | Stall:
        log.warning(
            "step refused",
            step=type(verdict).__name__,
            error=type(error).__name__,
            operation=error.operation,
            request_id=error.request_id,
            **_named(current.resource.key),
        )
        current.observed = replace(current.observed, credential=after_a_call(current.observed.credential, memory))
        busy = (
            await self._what_is_busy(in_project(current), memory, priority, turn) if isinstance(error, Busy) else None
        )
        # What the failed step had done and learned is in the cache; the verdict is judged on the new ground.
        return self.retry_policy.failed(current, memory, verdict, error, busy)

    async def _what_is_busy(
        self, current: PassInProject, memory: Memory, priority: Priority, turn: Turn
    ) -> CloudObject | NotSeen | None:
        """The pending one of the object and its datastore: "busy" is believed when one of them is. NOT_SEEN when it is not
        the pass's turn to look.
        """
        key, tries = current.resource.key, memory.retry.busy_tries
        try:
            if current.observed.external is not None:
                if not turn.comes(current, priority):
                    return NOT_SEEN
                mine = await current.session.get_object(current.kind, current.observed.external.id, priority, key)
                if mine is not None and self.retry_policy.is_pending(mine):
                    return mine
            if current.datastore_id is not None and (tries == 0 or current.observed.external is None):
                parent = next(reference for reference in current.kind.references if reference.parent)
                kind = self.kinds[parent.kind]
                if not turn.comes(current, priority):
                    return NOT_SEEN
                datastore = await current.session.get_object(kind, current.datastore_id, priority, key)
                if datastore is not None and self.retry_policy.is_pending(datastore):
                    return datastore
        except ApiError:
            return None
        return None

    def _again_seconds(self, current: Pass, memory: Memory, verdict: Verdict, turn: Turn) -> float | None:
        again = self.retry_policy.again_seconds(memory, verdict)
        by_time = (
            verdict.seconds
            if isinstance(verdict, Wait)
            else verdict.retry_seconds
            if isinstance(verdict, Stall)
            else None
        )
        if by_time is not None:
            again = by_time if again is None else min(again, by_time)
        if again is None and verdict.reason is Reason.KUBERNETES_REFUSES:
            again = KUBERNETES_SECONDS
        is_unsure = current.observed.external_unsure or (
            current.observed.external is None and current.observed.status.id
        )
        is_unsure = is_unsure or self._is_followed_by_id(current)
        if isinstance(current, PassInProject) and is_unsure and not turn.waits:
            look = self.retry_policy.look_seconds(memory)
            again = look if again is None else min(again, look)
        if current.observed.deleting:
            again = LOOK_AGAIN_SECONDS if again is None else min(again, LOOK_AGAIN_SECONDS)
        return again

    async def _report_unreadable(self, resource: Resource, error: UnreadableSpec) -> float | None:
        wanted = unreadable_status(resource, str(error), self.clock.now())
        try:
            if wanted != resource.status:
                written = await self.kube.write_status(resource, wanted)
                self.writer.event_recorder.status_written(resource.status, written)
        except KubeError as refused:
            return after_kube_error(resource.key, refused)
        return None


def replace_credential(current: Pass, view: PasswordView) -> Pass:
    current.observed = replace(current.observed, credential=view)
    return current


def _knows_less_than_the_status(current: Pass, memory: Memory, verdict: Verdict) -> bool:
    """A process that has only started, and what it would wait for, is no news; what follows upon its own words is."""
    if isinstance(verdict, LetGo) or current.resource.told.observed_generation != current.resource.generation:
        return False
    if memory.has_spoken and current.observed.status.id is None:
        return False
    waits_at_first = (
        isinstance(verdict, Wait) and isinstance(current, PassInProject) and not current.session.was_catalogue_read
    )
    return waits_at_first or not current.is_oriented


def _expect(current: Pass, verdict: Verdict, priority: Priority) -> None:
    """Have the collections that a person's wish depends on listed, whatever priority LOW has to wait for."""
    if isinstance(current, PassInProject):
        is_awaited = priority is Priority.HIGH and not isinstance(verdict, Stall | Done)
        current.session.lists.expect(current.resource.key, current.collections if is_awaited else ())


def _look_before_creation(current: Pass, memory: Memory, verdict: Verdict) -> None:
    """Ask for the list that a creation waits for; what a person must mend first may take long, and be wanted anew."""
    if isinstance(verdict, Stall):
        memory.creation.want_no_more()
    elif isinstance(current, PassInProject) and is_look_before_creation(current, verdict):
        current.session.lists.request(current.kind.collection.name)


def _needs_secrets(current: Pass) -> bool:
    """Only a pass that may create, or that sees its object, reads Secrets."""
    observed = current.observed
    if not isinstance(current, PassInProject) or observed.deleting:
        return False
    if observed.status.id is not None:
        return observed.external is not None
    waits = any(
        reference.waited
        and not reference.at_creation_only
        and (referred := observed.refs.get(reference.field)) is not None
        and referred.problem is not None
        for reference in current.kind.references
    )
    return observed.listed and observed.settle_seconds is None and not waits


def after_kube_error(key: ResourceKey, error: KubeError, times: int = 1) -> float:
    """Return the seconds until the next look: our view was old, or Kubernetes is away. `times` in a row it was so.

    What makes a view old for long, such as a watch that is told nothing, ends with a resync at the latest.
    """
    if isinstance(error, OLD_VIEW):
        first = 1.0 if isinstance(error, NotThere) else 0.2
        return float(min(first * 2 ** (min(times, 16) - 1), MAX_OLD_VIEW_SECONDS))
    log.warning("Kubernetes refused a write", error=str(error), **_named(key))
    return 30.0 if isinstance(error, WriteRefused) else 5.0


def _named(key: ResourceKey) -> dict[str, str]:
    return {"kind": key.kind, "namespace": key.namespace, "name": key.name}
