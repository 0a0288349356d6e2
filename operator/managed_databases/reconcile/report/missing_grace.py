"""How long a resource waits for what does not exist before it says that a person must act."""

from dataclasses import dataclass
from typing import Final

from managed_databases.kinds.verdicts import Done, Reason, Stall, Verdict, Wait
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.observe.current_pass import Pass, PassInProject

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
        """Return what to show for this verdict, and the seconds until something else is to be shown; None if nothing is.

        A verdict that does not tell of what is missing (the datastore is at work, the API does not answer) ends no grace: only
        what shows that the missing thing is there does.
        """
        if isinstance(verdict, Done) or current.observed.deleting:
            current.memory.misses_nothing()
            return verdict, None
        told = (str(verdict.reason), verdict.message)
        current.memory.misses_only(lambda *thing: thing == told or not _is_there(current, *thing))
        if not isinstance(verdict, Wait) or verdict.reason not in MISSING:
            return verdict, None
        now = self.clock.monotonic()
        left = current.memory.missed_since(*told, now) + GRACE_SECONDS - now
        if left > 0 and not self._was_told(current, verdict):
            return verdict, left
        return Stall(verdict.reason, verdict.message), None

    @staticmethod
    def _was_told(current: Pass, verdict: Wait) -> bool:
        """Return whether an earlier process has waited that long already."""
        told = current.resource.told.condition("Stalled")
        return told is not None and told.is_true and (told.reason, told.message) == (verdict.reason, verdict.message)


def _is_there(current: Pass, reason: str, message: str) -> bool:
    """Return whether this pass shows that what was missing, by reason and message, is there; False if it cannot tell."""
    observed, kind = current.observed, current.kind
    if not isinstance(current, PassInProject):
        return False
    if reason == Reason.PROJECT_MISSING:
        return True
    if reason == Reason.SECRET_MISSING:
        if observed.credential is None:  # the project's own Secret is there; those of the resource were not read
            return kind.credential is None
        problem = observed.credential.problem
        return problem is None or (problem.reason, problem.message) != (reason, message)
    problems = [each.problem for each in observed.refs.values() if each.problem is not None]
    if any((each.reason, each.message) == (reason, message) for each in problems):
        return False
    return all(key in observed.needed for key in kind.needs(observed))
