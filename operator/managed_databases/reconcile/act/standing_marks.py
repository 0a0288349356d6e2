"""What stands in the metadata of a resource, and is looked at in every pass: the finalizer, and annotations of people."""

from dataclasses import dataclass, replace

import structlog

from managed_databases.kinds.registry import FINALIZER
from managed_databases.reconcile.annotations import APPROVE
from managed_databases.reconcile.decide.differences import awaited_approvals
from managed_databases.reconcile.observe.current_pass import Pass
from managed_databases.reconcile.ports import Kube, Resource
from managed_databases.reconcile.report.event_recorder import FINALIZER_RESTORED, Announcement, EventRecorder
from managed_databases.reconcile.report.odd_annotations import (
    ODD_ANNOTATION,
    is_approval_odd,
    odd_annotations,
    told_approval,
)
from managed_databases.reconcile.statuses.conditions import as_message

log = structlog.get_logger()


@dataclass(frozen=True)
class StandingMarks:
    kube: Kube
    event_recorder: EventRecorder

    def look(self, current: Pass) -> None:
        """Enter into `current` what is to be said of annotations without effect, and post an Event when that is news."""
        observed, memory = current.observed, current.memory
        approval, before = observed.annotations.get(APPROVE, ""), current.resource.told.condition(ODD_ANNOTATION)
        was_told = before is not None and f"{told_approval(approval)} " in before.message
        is_odd = is_approval_odd(current.kind, observed, memory.approval, was_told=was_told)
        if not approval or awaited_approvals(current.kind, observed) is not None:
            memory.approval = approval, is_odd
        told = odd_annotations(current.kind, observed, is_approval_odd=is_odd)
        if told is not None:
            current.observed = replace(observed, odd_annotations=told)
        if memory.is_news(told) and told is not None and (before is None or before.message != as_message(told)):
            self.event_recorder.tell(current.resource, Announcement("Warning", ODD_ANNOTATION, told))

    async def keep_finalizer(self, resource: Resource) -> Resource:
        """Put the finalizer back if the resource has an object, or an open attempt: whoever replaced the resource may have left
        it out. Return the resource as it is then. Raises KubeError.
        """
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
