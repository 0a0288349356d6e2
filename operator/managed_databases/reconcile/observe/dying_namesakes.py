"""Looks how long a resource waits for a name whose object the cloud is deleting."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from managed_databases.api.models import CloudObject
from managed_databases.kinds.observed import SameKey
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.observe.current_pass import Pass


@dataclass(frozen=True)
class DyingNamesakes:
    clock: Clock
    pending_limit_seconds: float

    def look(self, current: Pass, same_key: SameKey[CloudObject]) -> SameKey[CloudObject]:
        """Return `same_key` with the seconds that are left of the time that the deletion of the namesakes may take."""
        dying = sorted(
            (each for each in same_key.namesakes if each.status == "PENDING_DELETE"), key=lambda each: each.id
        )
        if not dying or current.observed.status.id is not None:
            return same_key
        return replace(same_key, dying_seconds=self._seconds_left(current, dying))

    def _seconds_left(self, current: Pass, dying: Sequence[CloudObject]) -> float:
        """Return what is left by this process's own clock, or by the times in status and cloud if these say less.

        A process that is ended again and again would wait for ever by its own clock. The other times only decide what is told.
        """
        told, now, first = current.resource.told, self.clock.monotonic(), dying[0]
        stalled = told.condition("Stalled")
        if stalled is not None and stalled.is_true and stalled.reason == Reason.PENDING_TOO_LONG:
            return 0.0
        own = current.memory.work_since(first.id, str(first.status), now) + self.pending_limit_seconds - now
        if (begun := _waits_since(current, dying)) is None:
            return max(own, 0.0)
        return max(min(own, self.pending_limit_seconds - (self.clock.now() - begun).total_seconds()), 0.0)


def _waits_since(current: Pass, dying: Sequence[CloudObject]) -> datetime | None:
    """Return since when the resource waits for its name, as the status and the cloud tell; None if the status does not say that
    it waits for that.

    It may have waited for other things before: what was changed in the cloud since then was not waited for before that.
    """
    waits = current.resource.told.condition("Reconciling")
    if waits is None or not waits.is_true or waits.reason != Reason.PENDING:
        return None
    try:
        begun = datetime.fromisoformat(waits.last_transition_time)
    except (ValueError, TypeError):  # by another hand
        return None
    begun = begun if begun.tzinfo is not None else begun.replace(tzinfo=UTC)
    return max([begun, *(each.updated_at for each in dying if each.updated_at is not None)])
