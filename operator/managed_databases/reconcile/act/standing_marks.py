"""What stands in the metadata of a resource, and is looked at in every pass: the finalizer, and annotations of people."""

from dataclasses import dataclass

import structlog

from managed_databases.kinds.registry import FINALIZER
from managed_databases.reconcile.memory import Memory
from managed_databases.reconcile.ports import Kube, Resource
from managed_databases.reconcile.report.event_recorder import FINALIZER_RESTORED, Announcement, EventRecorder
from managed_databases.reconcile.report.odd_annotations import ODD_ANNOTATION, odd_annotations

log = structlog.get_logger()


@dataclass(frozen=True)
class StandingMarks:
    kube: Kube
    event_recorder: EventRecorder

    async def keep(self, resource: Resource, memory: Memory) -> Resource:
        """Put the finalizer back if the resource has an object, or an open attempt, and tell of annotations without effect.
        Return the resource as it is then. Raises KubeError.
        """
        kept = await self._with_finalizer(resource)
        told = odd_annotations(kept.annotations)
        if memory.is_news(told) and told is not None:
            self.event_recorder.tell(kept, Announcement("Warning", ODD_ANNOTATION, told))
        return kept

    async def _with_finalizer(self, resource: Resource) -> Resource:
        """Whoever replaced the resource may have left the finalizer out."""
        holds = resource.told.holds_something
        if not holds or resource.deleting_since is not None or FINALIZER in resource.finalizers:
            return resource
        held = await self.kube.set_finalizers(resource, (*resource.finalizers, FINALIZER))
        key = resource.key
        log.warning("the finalizer was gone, and is put back", kind=key.kind, namespace=key.namespace, name=key.name)
        told = "the finalizer was taken away, by whoever replaced this resource: it is put back, or the next deletion "
        told += "would leave the cloud object behind"
        self.event_recorder.tell(held, Announcement("Warning", FINALIZER_RESTORED, told))
        return held
