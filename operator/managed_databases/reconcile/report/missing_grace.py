"""How long a resource waits for what does not exist before it says that a person must act."""

from dataclasses import dataclass
from typing import Final

from managed_databases.kinds.verdicts import Reason, Stall, Verdict, Wait
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.observe.current_pass import Pass

GRACE_SECONDS: Final = 120.0
"""Manifests of one change are applied in any order; after so many seconds a wait for what is missing is a stall."""
MISSING: Final = frozenset({Reason.PARENT_MISSING, Reason.SECRET_MISSING, Reason.PROJECT_MISSING})


@dataclass(frozen=True)
class MissingGrace:
    """Shows a wait for what is missing as a stall once the grace is over, so that whoever waits for the resource (CI, Flux,
    Argo CD) fails early. The resource goes on at once when what it waits for appears.
    """

    clock: Clock

    def shown(self, current: Pass, verdict: Verdict) -> tuple[Verdict, float | None]:
        """Return what to show for this verdict, and the seconds until something else is to be shown; None if nothing is."""
        if not isinstance(verdict, Wait) or verdict.reason not in MISSING or current.observed.deleting:
            current.memory.misses_nothing()
            return verdict, None
        now = self.clock.monotonic()
        left = current.memory.missed_since(verdict.reason, verdict.message, now) + GRACE_SECONDS - now
        if left > 0 and not self._was_told(current, verdict):
            return verdict, left
        return Stall(verdict.reason, verdict.message), None

    @staticmethod
    def _was_told(current: Pass, verdict: Wait) -> bool:
        """Return whether an earlier process has waited that long already."""
        told = current.resource.told.condition("Stalled")
        return told is not None and told.is_true and (told.reason, told.message) == (verdict.reason, verdict.message)
