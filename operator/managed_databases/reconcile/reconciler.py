"""One pass over one resource: observe, decide, act, report, until there is nothing more to do now."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from managed_databases.api.errors import ApiError, Busy
from managed_databases.api.models import CloudObject
from managed_databases.kinds.facts import NOTHING, Facts
from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.registry import FINALIZER
from managed_databases.kinds.seen import PasswordView
from managed_databases.kinds.verdicts import Change, Create, Done, Reason, Release, Stall, Step, Verdict, Wait
from managed_databases.reconcile.act import Actor
from managed_databases.reconcile.annotations import sync_request
from managed_databases.reconcile.attempts import NOT_SEEN, Attempts, NotSeen, is_look_before_creation
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.credentials import CredentialReader, after_a_call
from managed_databases.reconcile.decision.decide import decide
from managed_databases.reconcile.failures import KUBERNETES_SECONDS, defect, is_refusal, kubernetes_refusal
from managed_databases.reconcile.letting_go import LOOK_AGAIN_SECONDS, goes_with_its_definition
from managed_databases.reconcile.memory import Memory, SecretsRead
from managed_databases.reconcile.observe import InProject, Observation, Observer, in_project
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
from managed_databases.reconcile.queue import Lane
from managed_databases.reconcile.reading import UnreadableSpec
from managed_databases.reconcile.report.announcing import FINALIZER_RESTORED, Announcement
from managed_databases.reconcile.report.unreadable import unreadable_status
from managed_databases.reconcile.report.writing import Writer
from managed_databases.reconcile.topics import Topic
from managed_databases.reconcile.turn import Turn, lane_of_calls, makes_a_call

STEPS_A_PASS = 12
"""More steps than any resource needs in one go; a pass that reaches it lets others run first."""

OLD_VIEW = (WriteConflict, AlreadyThere, NotThere)
OLD_VIEW_MOST_SECONDS = 60.0
"""The longest pause while what Kubernetes has is not what we know, over and over."""
LATE_SECONDS = 1.0
"""The pause of a pass that was late for a name twice: whatever keeps it from seeing why, it must not spin."""

log = structlog.get_logger()


class Interest(Protocol):
    """Told by a pass what it has seen, what it depends on, and which datastore it works in."""

    def observed(self, resource: Resource) -> None:
        """The pass has seen all that there is now; this is the resource as the pass knows it.

        What wanted another pass until now wants none any more: mostly that was the pass itself, by its own calls and
        writes.
        """

    def depends_on(self, key: ResourceKey, topics: Collection[Topic]) -> None: ...

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
    attempts: Attempts
    writer: Writer
    interest: Interest

    async def reconcile(self, resource: Resource, memory: Memory, lane: Lane) -> float | None:
        """Run one pass; return the seconds until it wants to run again by itself, None when it waits to be woken."""
        turn = Turn()
        try:
            resource = await self._keep_hold(resource)
            again = await self._steps(resource, memory, lane, turn)
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
            return self.attempts.after_defect(memory)
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
        self.writer.announcer.tell(held, Announcement("Warning", FINALIZER_RESTORED, told))
        return held

    async def _tell(self, resource: Resource, trouble: Stall) -> None:
        newest = self.observer.cache.get(resource.key)
        if newest is not None and newest.uid == resource.uid:
            await self.writer.tell(newest, trouble)

    async def _steps(self, resource: Resource, memory: Memory, lane: Lane, turn: Turn) -> float | None:
        facts = NOTHING
        is_sync_requested, was_late = self._is_sync_requested(resource, memory), False
        for _ in range(STEPS_A_PASS):
            found = self._observe(resource, memory, facts)
            if is_sync_requested and isinstance(found, InProject):
                found.session.sync_list(found.kind.collection.name, resource.key.namespace)
                is_sync_requested = False
            turn.joins(found)
            found, secrets = await self._look_closer(found, memory, facts, lane, turn)
            verdict = await self._decide(found, memory)
            calls_lane = lane_of_calls(found, memory, lane)
            _expect(found, verdict, calls_lane)
            project = found.session.name if isinstance(found, InProject) else None
            self.interest.works_in(resource.key, project, found.datastore_id)
            # What was learned is written whatever else the pass decides.
            if not facts and _knows_less_than_the_status(found, memory, verdict):
                return self._again_seconds(found, memory, verdict, turn)
            if not isinstance(verdict, Step):
                _look_before_creation(found, memory, verdict)
                shown = turn.why_not(calls_lane) or self.attempts.shown_at_rest(found, memory, verdict)
                await self.writer.write(found, shown, facts)
                memory.has_spoken = True
                memory.retry.was_told(found.seen.generation, shown)
                return self._again_seconds(found, memory, verdict, turn)
            if makes_a_call(verdict) and not turn.comes(in_project(found), calls_lane):
                shown = self.attempts.shown_while(found, memory, verdict)
                why = turn.why_not(calls_lane) if shown is verdict else None
                if facts or why is not None:
                    await self.writer.write(found, why or shown, facts)
                return None
            if not self.actor.claim(found, verdict):
                if was_late:
                    return LATE_SECONDS
                was_late, resource = True, found.resource
                continue  # somebody was faster since this pass has looked
            if facts:  # a step that fails must not lose what was learned before it
                await self.writer.write(found, verdict, facts)
                facts = NOTHING
            try:
                shown = self.attempts.shown_while(found, memory, verdict)
                facts = await self.actor.act(found, verdict, shown, secrets, memory, calls_lane)
            except WriteRefused as error:
                log.warning("Kubernetes refused a write", error=str(error), **_named(resource.key))
                refused = self.attempts.kubernetes_refused(found, memory, verdict, error)
                undone = Facts(intent=None, applying=None) if isinstance(verdict, Create) else NOTHING
                await self.writer.write(found, refused, undone)
                return self._again_seconds(found, memory, refused, turn)
            except ApiError as error:
                held = await self._after_api_error(found, memory, verdict, error, calls_lane, turn)
                nothing_made = isinstance(verdict, Create) and is_refusal(error)
                if isinstance(verdict, Change) and is_refusal(error):
                    resource = found.resource  # what is refused holds up none of the other changes
                    continue
                await self.writer.write(found, held, Facts(intent=None) if nothing_made else NOTHING)
                return self._again_seconds(found, memory, held, turn)
            log.info(
                "step taken",
                step=type(verdict).__name__,
                reason=str(verdict.reason),
                **_named(resource.key),
            )
            self.attempts.succeeded(found, memory, verdict)
            if isinstance(verdict, Release):
                return None
            resource = found.resource
        return 0.0

    async def _decide(self, found: Observation, memory: Memory) -> Verdict:
        """What goes only because its whole kind goes is let go, before anything is done or waited for."""
        self.attempts.effects.forget_what_shows(found, memory)
        rests = self.attempts.rests(found, memory)
        verdict = decide(found.kind, found.seen, rests)
        if found.seen.deleting and not isinstance(verdict, Release):
            going = await goes_with_its_definition(self.kube, found.resource)
            found.seen = replace(found.seen, definition_going=going)
            verdict = decide(found.kind, found.seen, rests)
        return self.attempts.hold_back(found, memory, verdict)

    def _observe(self, resource: Resource, memory: Memory, facts: Facts) -> Observation:
        found = self.observer.observe(resource, memory, facts)
        self.interest.observed(resource)
        # Before anything else is read: what changes while that is on its way is not missed.
        self.interest.depends_on(resource.key, found.topics | self.reader.topics(found))
        return found

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
        self, found: Observation, memory: Memory, facts: Facts, lane: Lane, turn: Turn
    ) -> tuple[Observation, SecretsRead]:
        """What memory cannot tell: an object that no list shows, and the Secrets."""
        if await self._ask_by_id(found, memory, lane, turn):
            found = self._observe(found.resource, memory, facts)
        if not _needs_secrets(found):
            return found, SecretsRead()
        try:
            view, secrets = await self.reader.read(found, memory)
        except WriteRefused as error:  # told, and no guard waits for it
            return replace_credential(found, PasswordView(problem=kubernetes_refusal(error))), SecretsRead()
        return found if view is None else replace_credential(found, view), secrets

    async def _ask_by_id(self, found: Observation, memory: Memory, lane: Lane, turn: Turn) -> bool:
        """GET an object that is unsure, or that the first list did not show; return whether something was learned."""
        seen = found.seen
        if not isinstance(found, InProject) or seen.status.id is None or seen.mine_gone:
            return False
        is_unlisted = seen.mine is None and (seen.listed or seen.unlisted is not None)
        stays = self._is_followed_by_id(found)
        if not (is_unlisted or seen.mine_unsure or stays):
            self.attempts.looked(memory)
            return False
        if not self.attempts.may_look(memory):
            return False
        calls_lane = lane_of_calls(found, memory, lane)
        if not turn.comes(found, calls_lane):
            return False
        try:
            await found.session.get_object(found.kind, seen.status.id, calls_lane, found.resource.key)
        except ApiError:
            self.attempts.looked_in_vain(memory)
            return False
        told = found.snapshot.get(seen.status.id)
        if stays or (told is not None and not told.is_whole):  # as often as one that is asked for in vain
            self.attempts.looked_in_vain(memory)
        else:
            self.attempts.looked(memory)
        return True

    def _is_followed_by_id(self, found: Observation) -> bool:
        """Whether nothing but a GET would tell that the cloud has ended its work on the object."""
        mine = found.seen.mine
        if not isinstance(found, InProject) or mine is None or not self.attempts.is_pending(mine):
            return False
        return found.session.why_unlisted(found.kind.collection.name) is not None

    async def _after_api_error(
        self, found: Observation, memory: Memory, verdict: Step, error: ApiError, lane: Lane, turn: Turn
    ) -> Wait | Stall:
        log.warning(
            "step refused",
            step=type(verdict).__name__,
            error=type(error).__name__,
            operation=error.operation,
            request_id=error.request_id,
            **_named(found.resource.key),
        )
        found.seen = replace(found.seen, credential=after_a_call(found.seen.credential, memory))
        busy = await self._what_is_busy(in_project(found), memory, lane, turn) if isinstance(error, Busy) else None
        # What the failed step had done and learned is in the cache; the verdict is judged on the new ground.
        return self.attempts.failed(found, memory, verdict, error, busy)

    async def _what_is_busy(
        self, found: InProject, memory: Memory, lane: Lane, turn: Turn
    ) -> CloudObject | NotSeen | None:
        """The pending one of the object and its datastore: "busy" is believed when one of them is. NOT_SEEN when it is not
        the pass's turn to look.
        """
        key, tries = found.resource.key, memory.retry.busy_tries
        try:
            if found.seen.mine is not None:
                if not turn.comes(found, lane):
                    return NOT_SEEN
                mine = await found.session.get_object(found.kind, found.seen.mine.id, lane, key)
                if mine is not None and self.attempts.is_pending(mine):
                    return mine
            if found.datastore_id is not None and (tries == 0 or found.seen.mine is None):
                parent = next(reference for reference in found.kind.references if reference.parent)
                kind = self.kinds[parent.kind]
                if not turn.comes(found, lane):
                    return NOT_SEEN
                datastore = await found.session.get_object(kind, found.datastore_id, lane, key)
                if datastore is not None and self.attempts.is_pending(datastore):
                    return datastore
        except ApiError:
            return None
        return None

    def _again_seconds(self, found: Observation, memory: Memory, verdict: Verdict, turn: Turn) -> float | None:
        again = self.attempts.again_seconds(memory, verdict)
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
        is_unsure = found.seen.mine_unsure or (found.seen.mine is None and found.seen.status.id)
        is_unsure = is_unsure or self._is_followed_by_id(found)
        if isinstance(found, InProject) and is_unsure and not turn.waits:
            look = self.attempts.look_seconds(memory)
            again = look if again is None else min(again, look)
        if found.seen.deleting:
            again = LOOK_AGAIN_SECONDS if again is None else min(again, LOOK_AGAIN_SECONDS)
        return again

    async def _report_unreadable(self, resource: Resource, error: UnreadableSpec) -> float | None:
        wanted = unreadable_status(resource, str(error), self.clock.now())
        try:
            if wanted != resource.status:
                written = await self.kube.write_status(resource, wanted)
                self.writer.announcer.status_written(resource.status, written)
        except KubeError as refused:
            return after_kube_error(resource.key, refused)
        return None


def replace_credential(found: Observation, view: PasswordView) -> Observation:
    found.seen = replace(found.seen, credential=view)
    return found


def _knows_less_than_the_status(found: Observation, memory: Memory, verdict: Verdict) -> bool:
    """A process that has only started, and what it would wait for, is no news; what follows upon its own words is."""
    if isinstance(verdict, Release) or found.resource.told.observed_generation != found.resource.generation:
        return False
    if memory.has_spoken and found.seen.status.id is None:
        return False
    waits_at_first = isinstance(verdict, Wait) and isinstance(found, InProject) and not found.session.was_catalogue_read
    return waits_at_first or not found.is_oriented


def _expect(found: Observation, verdict: Verdict, lane: Lane) -> None:
    """Have the collections that a person's wish depends on listed, whatever the lane of TIME has to wait for."""
    if isinstance(found, InProject):
        is_awaited = lane is Lane.PEOPLE and not isinstance(verdict, Stall | Done)
        found.session.expect(found.resource.key, found.collections if is_awaited else ())


def _look_before_creation(found: Observation, memory: Memory, verdict: Verdict) -> None:
    """Ask for the list that a creation waits for; what a person must mend first may take long, and be wanted anew."""
    if isinstance(verdict, Stall):
        memory.creation.want_no_more()
    elif isinstance(found, InProject) and is_look_before_creation(found, verdict):
        found.session.request_list(found.kind.collection.name)


def _needs_secrets(found: Observation) -> bool:
    """Only a pass that may create, or that sees its object, reads Secrets."""
    seen = found.seen
    if not isinstance(found, InProject) or seen.deleting:
        return False
    if seen.status.id is not None:
        return seen.mine is not None
    waits = any(
        reference.waited
        and not reference.at_creation_only
        and (referred := seen.refs.get(reference.field)) is not None
        and referred.problem is not None
        for reference in found.kind.references
    )
    return seen.listed and seen.settle_seconds is None and not waits


def after_kube_error(key: ResourceKey, error: KubeError, times: int = 1) -> float:
    """Return the seconds until the next look: our view was old, or Kubernetes is away. `times` in a row it was so.

    What makes a view old for long, such as a watch that is told nothing, ends with a resync at the latest.
    """
    if isinstance(error, OLD_VIEW):
        first = 1.0 if isinstance(error, NotThere) else 0.2
        return float(min(first * 2 ** (min(times, 16) - 1), OLD_VIEW_MOST_SECONDS))
    log.warning("Kubernetes refused a write", error=str(error), **_named(key))
    return 30.0 if isinstance(error, WriteRefused) else 5.0


def _named(key: ResourceKey) -> dict[str, str]:
    return {"kind": key.kind, "namespace": key.namespace, "name": key.name}
