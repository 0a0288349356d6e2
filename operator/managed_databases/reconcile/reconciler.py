"""One pass over one resource: observe, decide, act, report, until there is nothing more to do now."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import structlog

from managed_databases.api.errors import ApiError, Busy
from managed_databases.kinds.kind import Kind
from managed_databases.kinds.verdicts import Create, Release, Stall, Step, Verdict, Wait
from managed_databases.reconcile.act import Actor
from managed_databases.reconcile.annotations import sync_request
from managed_databases.reconcile.attempts import Attempts, is_look_before_creation
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.credentials import CredentialReader
from managed_databases.reconcile.decision.decide import decide
from managed_databases.reconcile.failures import is_refusal
from managed_databases.reconcile.memory import Memory, SecretsRead
from managed_databases.reconcile.observe import Observation, Observer
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
from managed_databases.reconcile.report.unreadable import unreadable_status
from managed_databases.reconcile.report.writing import Writer
from managed_databases.reconcile.topics import Topic

STEPS_A_PASS = 12
"""More steps than any resource needs in one go; a pass that reaches it lets others run first."""

log = structlog.get_logger()


class Interest(Protocol):
    """Told by a pass what it has seen, what it depends on, and which datastore it works in."""

    def observed(self, resource: Resource) -> None:
        """The pass has seen all that there is now; this is the resource as the pass knows it.

        What wanted another pass until now wants none any more: mostly that was the pass itself, by its own calls and
        writes.
        """

    def depends_on(self, key: ResourceKey, topics: Collection[Topic]) -> None: ...

    def works_in(self, key: ResourceKey, datastore_id: str | None) -> None: ...


@dataclass(frozen=True)
class Reconciler:
    kinds: Mapping[str, Kind]
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
        try:
            return await self._steps(resource, memory, lane)
        except KubeError as error:
            return after_kube_error(resource.key, error)
        except UnreadableSpec as error:
            return await self._report_unreadable(resource, error)
        except Exception:
            # A defect in one kind must not stop the others: it is logged whole, and tried again slowly.
            log.exception("a pass failed", **_named(resource.key))
            return self.attempts.after_defect(memory)

    async def _steps(self, resource: Resource, memory: Memory, lane: Lane) -> float | None:
        facts: Mapping[str, Any] = {}
        is_sync_requested = self._is_sync_requested(resource, memory)
        for _ in range(STEPS_A_PASS):
            found = self._observe(resource, memory, facts)
            if is_sync_requested and found.session is not None:
                found.session.request_list(found.cloud.collection.name)
                is_sync_requested = False
            found, secrets = await self._look_closer(found, memory, facts, lane)
            verdict = self.attempts.hold_back(found, memory, decide(found.kind, found.seen))
            self.interest.works_in(resource.key, found.datastore_id)
            if _knows_less_than_the_status(found, memory, verdict):
                return self._again_seconds(found, memory, verdict)
            if not isinstance(verdict, Step):
                _look_before_creation(found, memory, verdict)
                await self.writer.write(found, self.attempts.shown_at_rest(found, memory, verdict), facts)
                memory.has_spoken = True
                return self._again_seconds(found, memory, verdict)
            if facts:  # a step that fails must not lose what was learned before it
                await self.writer.write(found, verdict, facts)
                facts = {}
            try:
                shown = self.attempts.shown_while(found, memory, verdict)
                facts = await self.actor.act(found, verdict, shown, secrets, memory, lane)
            except ApiError as error:
                held = await self._after_api_error(found, memory, verdict, error, lane)
                nothing_made = isinstance(verdict, Create) and is_refusal(error)
                await self.writer.write(found, held, {"intent": None} if nothing_made else {})
                return self._again_seconds(found, memory, held)
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

    def _observe(self, resource: Resource, memory: Memory, facts: Mapping[str, Any]) -> Observation:
        found = self.observer.observe(resource, memory, facts)
        self.interest.observed(resource)
        self.interest.depends_on(resource.key, found.topics)
        return found

    def _is_sync_requested(self, resource: Resource, memory: Memory) -> bool:
        """Whether a sync is asked for that this process has not begun: it starts anew, with nothing held back."""
        request = sync_request(resource.annotations)
        handled = resource.status.get("lastHandledSyncRequest")
        is_new = request is not None and request not in (handled, memory.sync_request)
        if is_new:
            memory.held = None
            memory.secret_seen_fine = None
        memory.sync_request = request
        return is_new

    async def _look_closer(
        self, found: Observation, memory: Memory, facts: Mapping[str, Any], lane: Lane
    ) -> tuple[Observation, SecretsRead]:
        """What memory cannot tell: an object that no list shows, and the Secrets."""
        if await self._ask_by_id(found, memory, lane):
            found = self._observe(found.resource, memory, facts)
        if not _needs_secrets(found):
            return found, SecretsRead()
        view, secrets = await self.reader.read(found, memory)
        self.interest.depends_on(found.resource.key, found.topics)
        if view is not None:
            found.seen = replace(found.seen, credential=view)
        return found, secrets

    async def _ask_by_id(self, found: Observation, memory: Memory, lane: Lane) -> bool:
        """GET an object that is unsure, or that the first list did not show; return whether something was learned."""
        seen, session = found.seen, found.session
        if session is None or found.snapshot is None or seen.status.id is None or seen.mine_gone:
            return False
        is_unlisted = seen.mine is None and seen.listed
        if not (is_unlisted or seen.mine_unsure) or not self.attempts.may_look(memory):
            return False
        try:
            await session.get_object(found.cloud, seen.status.id, lane)
        except ApiError:
            self.attempts.looked_in_vain(memory)
            return False
        self.attempts.looked(memory)
        return True

    async def _after_api_error(
        self, found: Observation, memory: Memory, verdict: Step, error: ApiError, lane: Lane
    ) -> Wait | Stall:
        log.warning(
            "step refused",
            step=type(verdict).__name__,
            error=type(error).__name__,
            operation=error.operation,
            request_id=error.request_id,
            **_named(found.resource.key),
        )
        busy = await self._what_is_busy(found, memory, lane) if isinstance(error, Busy) else None
        # What the failed step had done and learned is in the cache; the verdict is judged on the new ground.
        return self.attempts.failed(found, memory, verdict, error, busy)

    async def _what_is_busy(self, found: Observation, memory: Memory, lane: Lane) -> Any:
        """The pending one of the object and its datastore: "busy" is believed when one of them is."""
        assert found.session is not None
        tries = memory.held.busy_tries if memory.held else 0
        try:
            if found.seen.mine is not None:
                mine = await found.session.get_object(found.cloud, found.seen.mine.id, lane)
                if mine is not None and self.attempts.is_pending(mine):
                    return mine
            if found.datastore_id is not None and (tries == 0 or found.seen.mine is None):
                parent = next(reference for reference in found.cloud.references if reference.parent)
                cloud = self.kinds[parent.kind].cloud
                assert cloud is not None
                datastore = await found.session.get_object(cloud, found.datastore_id, lane)
                if datastore is not None and self.attempts.is_pending(datastore):
                    return datastore
        except ApiError:
            return None
        return None

    def _again_seconds(self, found: Observation, memory: Memory, verdict: Verdict) -> float | None:
        again = self.attempts.again_seconds(memory, verdict)
        if isinstance(verdict, Wait) and verdict.seconds is not None:
            again = verdict.seconds if again is None else min(again, verdict.seconds)
        if found.session is not None and (found.seen.mine_unsure or (found.seen.mine is None and found.seen.status.id)):
            look = self.attempts.look_seconds(memory)
            again = look if again is None else min(again, look)
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


def _knows_less_than_the_status(found: Observation, memory: Memory, verdict: Verdict) -> bool:
    """A process that has only started, and what it would wait for, is no news; what follows upon its own words is."""
    if found.resource.status.get("observedGeneration") != found.resource.generation:
        return False
    if memory.has_spoken and found.seen.status.id is None:
        return False
    waits_at_first = isinstance(verdict, Wait) and found.session is not None and not found.session.was_catalogue_read
    return waits_at_first or not found.is_oriented


def _look_before_creation(found: Observation, memory: Memory, verdict: Verdict) -> None:
    """Ask for the list that a creation waits for; what a person must mend first may take long, and be wanted anew."""
    if isinstance(verdict, Stall):
        memory.absent_since = None
    elif found.session is not None and is_look_before_creation(found, verdict):
        found.session.request_list(found.cloud.collection.name)


def _needs_secrets(found: Observation) -> bool:
    """Only a pass that may create, or that sees its object, reads Secrets."""
    seen = found.seen
    if found.session is None or seen.deleting:
        return False
    if seen.status.id is not None:
        return seen.mine is not None
    waits = any(
        reference.waited
        and not reference.at_creation_only
        and (referred := seen.refs.get(reference.field)) is not None
        and referred.problem is not None
        for reference in found.cloud.references
    )
    return seen.listed and seen.settle_seconds is None and not waits


def after_kube_error(key: ResourceKey, error: KubeError) -> float:
    """Return the seconds until the next look: our view was old, or Kubernetes is away."""
    if isinstance(error, WriteConflict | AlreadyThere):
        return 0.2
    if isinstance(error, NotThere):
        return 1.0
    log.warning("Kubernetes refused a write", error=str(error), **_named(key))
    return 30.0 if isinstance(error, WriteRefused) else 5.0


def _named(key: ResourceKey) -> dict[str, str]:
    return {"kind": key.kind, "namespace": key.namespace, "name": key.name}
