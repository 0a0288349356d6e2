"""Writes `.status` when it differs, with a seal where it says whose an object is, and enters the answer into the cache."""

from collections.abc import Callable
from dataclasses import dataclass

from managed_databases.kinds.facts import NOTHING, Facts
from managed_databases.kinds.verdicts import Stall, Verdict
from managed_databases.kinds.written import Written
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.observe.current_pass import Pass
from managed_databases.reconcile.observe.seals import Seals, decides_ownership
from managed_databases.reconcile.ports import Kube, KubeError, KubeRefused, Resource
from managed_databases.reconcile.report.event_recorder import Announcement, EventRecorder
from managed_databases.reconcile.report.status import status
from managed_databases.reconcile.report.unreadable import troubled_status


@dataclass(frozen=True)
class StatusWriter:
    """`written` is told of each resource as it is after our write: the watch may not tell again."""

    kube: Kube
    clock: Clock
    written: Callable[[Resource], None]
    event_recorder: EventRecorder
    seals: Seals

    async def write(self, current: Pass, verdict: Verdict, facts: Facts = NOTHING) -> bool:
        """Make `.status` what it shall be; return whether that was a write. Raises KubeError."""
        wanted = status(current.kind, current.observed, verdict, current.resource.told, self.clock.now(), facts)
        # What is only carried along is worth what it was: of a forged status our report makes no true one.
        if self.seals.proof(current.resource).holds or decides_ownership(facts):
            wanted = self.seals.sealed(current.resource, wanted)
        if wanted == current.resource.status:
            return False
        current.resource = await self._write(current.resource, wanted)
        return True

    async def tell(self, resource: Resource, trouble: Stall) -> None:
        """Say what kept a pass from its end; as an Event, where not even the status can be written."""
        wanted = troubled_status(resource, trouble, self.clock.now())
        if wanted == resource.status:
            return
        try:
            await self._write(resource, wanted)
        except KubeRefused:
            self.event_recorder.tell(resource, Announcement("Warning", trouble.reason, trouble.message))
        except KubeError:
            return

    async def _write(self, resource: Resource, wanted: Written) -> Resource:
        written = await self.kube.write_status(resource, wanted)
        self.event_recorder.status_written(resource.status, written)
        self.written(written)
        return written
