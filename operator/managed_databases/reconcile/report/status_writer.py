"""Writes every `.status`: if it differs from the stored one, and with a seal if it claims an object."""

from collections.abc import Callable
from dataclasses import dataclass

from managed_databases.kinds.facts import NOTHING, Facts
from managed_databases.kinds.verdicts import Stall, Verdict
from managed_databases.kinds.written import Written
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.observe.current_pass import Pass
from managed_databases.reconcile.observe.seals import Proof, Seals, decides_ownership
from managed_databases.reconcile.ports import Kube, KubeError, KubeRefused, Resource
from managed_databases.reconcile.report.event_recorder import Announcement, EventRecorder
from managed_databases.reconcile.report.status import status
from managed_databases.reconcile.report.unreadable import troubled_status, unreadable_status
from managed_databases.reconcile.told import SEAL


@dataclass(frozen=True)
class StatusWriter:
    """Writes statuses. `written` is called with each resource as it is after the write: the watch may not report it once more."""

    kube: Kube
    clock: Clock
    written: Callable[[Resource], None]
    event_recorder: EventRecorder
    seals: Seals

    async def write(self, current: Pass, verdict: Verdict, facts: Facts = NOTHING) -> bool:
        """Make `.status` what it shall be; return whether a write was needed. Raises KubeError.

        After a write `current.resource` is the resource as it is then. `facts` are the facts that the status does not have yet.
        """
        wanted = status(current.kind, current.observed, verdict, current.resource.told, self.clock.now(), facts)
        # A claim that is only carried along gets no seal if it had none that fits: a report must not make a forged status true.
        told, proof = current.resource.status, self.seals.proof(current.resource)
        if proof is Proof.FITS and {**wanted, SEAL: told[SEAL]} == told:
            return False  # a new seal would be the same one, and most passes write nothing
        if proof.holds or decides_ownership(facts):
            wanted = self.seals.sealed(current.resource, wanted)
        if wanted == told:
            return False
        current.resource = await self._write(current.resource, wanted)
        return True

    async def tell(self, resource: Resource, trouble: Stall) -> None:
        """Report why a pass could not end, in the status, or as an Event if Kubernetes refuses that write, too."""
        wanted = troubled_status(resource, trouble, self.clock.now())
        if wanted == resource.status:
            return
        try:
            await self._write(resource, wanted)
        except KubeRefused:
            self.event_recorder.tell(resource, Announcement("Warning", trouble.reason, trouble.message))
        except KubeError:
            return

    async def tell_unreadable(self, resource: Resource, why: str) -> None:
        """Say that the spec cannot be read. `written` is not told: whose objects are whose stays as it was. Raises KubeError."""
        await self._write_quietly(resource, unreadable_status(resource, why, self.clock.now()))

    async def write_project(self, resource: Resource, wanted: Written) -> None:
        """Make the status of a `DatabaseProject` what it shall be. `written` is not told: whoever works in the project is woken
        by what changes in it, before it is said. Raises KubeError.
        """
        await self._write_quietly(resource, wanted)

    async def _write_quietly(self, resource: Resource, wanted: Written) -> None:
        if wanted != resource.status:
            await self._replace(resource, wanted)

    async def _write(self, resource: Resource, wanted: Written) -> Resource:
        written = await self._replace(resource, wanted)
        self.written(written)
        return written

    async def _replace(self, resource: Resource, wanted: Written) -> Resource:
        written = await self.kube.write_status(resource, wanted)
        self.event_recorder.status_written(resource.status, written)
        return written
