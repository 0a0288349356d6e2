"""Looks at the cloud object whose id the status has."""

from dataclasses import dataclass

from managed_databases.api.models import CloudObject
from managed_databases.kinds.observed import Presence
from managed_databases.kinds.phases import PENDING
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.observe.current_pass import Pass, PassInProject
from managed_databases.reconcile.observe.ownership_index import ObjectName, OwnershipIndex, named_to
from managed_databases.reconcile.scheduling import dependencies as dependency


@dataclass(frozen=True)
class ExternalLook:
    owners: OwnershipIndex
    clock: Clock
    pending_limit_seconds: float

    def look(self, current: PassInProject) -> tuple[CloudObject | None, Presence]:
        """Return the object as the snapshot shows it, None if it does not, and whether the object is there and whose it is."""
        id_ = current.observed.status.id
        if id_ is None:
            return None, Presence(returned=self._returned(current))
        view, collection = current.view, current.kind.collection.name
        external = current.snapshot.get(id_)
        is_unreadable = external is not None and not external.is_whole
        current.dependencies.add(dependency.cloud_object(view.name, collection, id_))
        holder = self.owners.holder(ObjectName(view.place, collection, id_))
        other = None if holder in (None, current.resource.key) else holder
        if other is not None:
            current.dependencies.add(dependency.resource(*other))
        return external, Presence(
            is_gone=current.snapshot.is_gone(id_),
            is_unsure=is_unreadable or current.snapshot.is_dirty(id_),
            holder=None if other is None else named_to(current.resource, other),
            pending_seconds=self._pending_seconds(current, external),
        )

    def _returned(self, current: PassInProject) -> tuple[str, ...]:
        """Return the ids of objects that the resource has lost, that the API shows all the same, and that nobody holds."""
        view, collection, lost = current.view, current.kind.collection.name, current.observed.status.lost_ids
        current.dependencies.update(dependency.cloud_object(view.name, collection, id_) for id_ in lost)
        return tuple(
            id_
            for id_ in lost
            if current.snapshot.get(id_) is not None
            and not current.snapshot.is_dirty(id_)
            and self.owners.holder(ObjectName(view.place, collection, id_)) is None
        )

    def _pending_seconds(self, current: Pass, external: CloudObject | None) -> float | None:
        """Return the seconds that are left of the time that the cloud's work on the object may take; None if it is not at work.

        0 if the status already says PendingTooLong for this work: then an earlier process has waited that long.
        """
        memory = current.memory
        if external is None or external.status is None or external.status not in PENDING:
            memory.work_has_ended()
            return None
        now = self.clock.monotonic()
        since = memory.work_since(external.id, external.status, now)
        told = current.resource.told
        was_told = told.phase == external.status and told.has_reason(Reason.PENDING_TOO_LONG)
        return 0.0 if was_told else max(since + self.pending_limit_seconds - now, 0.0)
