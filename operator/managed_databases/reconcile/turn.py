"""When a pass may call the API: now, or in another pass, once it is its turn."""

from dataclasses import dataclass

from managed_databases.kinds.verdicts import Change, Create, Credentials, Delete, PasswordStep, Reason, Verdict, Wait
from managed_databases.reconcile.memory import Memory
from managed_databases.reconcile.observe import InProject, Observation
from managed_databases.reconcile.ports import ResourceKey
from managed_databases.reconcile.project.session import ProjectSession
from managed_databases.reconcile.queue import Lane

_FEW_FAILURES = 2
"""So often what a person wished for may have failed until it is tried for its own sake only."""


def makes_a_call(verdict: Verdict) -> bool:
    if isinstance(verdict, Credentials):
        return verdict.step in (PasswordStep.SEND, PasswordStep.CONFIRM)
    return isinstance(verdict, Create | Change | Delete)


def lane_of_calls(found: Observation, memory: Memory, lane: Lane) -> Lane:
    """Return PEOPLE while a person's change is not carried out, whatever woke the pass, but not after several failures."""
    seen, held = found.seen, memory.retry.held
    is_wished = seen.deleting or seen.status.synced_generation != seen.generation
    in_vain = held is not None and held.failures > _FEW_FAILURES and held.verdict.reason is not Reason.RATE_LIMITED
    return Lane.PEOPLE if lane is Lane.PEOPLE or (is_wished and not in_vain) else Lane.TIME


@dataclass
class Turn:
    """One pass's place in its project's line of calls. `waits`: it stands there, and is told when it may call."""

    session: ProjectSession | None = None
    waits: bool = False

    def joins(self, found: Observation) -> None:
        """The pass sees this project now."""
        self.session, self.waits = found.session if isinstance(found, InProject) else None, False

    def comes(self, found: InProject, lane: Lane) -> bool:
        """Whether the pass may make one call now."""
        self.session = found.session
        self.waits = not found.session.claim(found.resource.key, lane, found.datastore_id)
        return not self.waits

    def why_not(self, lane: Lane) -> Wait | None:
        """Return the wait for the turn; None when it is not worth telling."""
        return self.session.why_not_now(lane) if self.waits and self.session is not None else None

    def end(self, key: ResourceKey) -> None:
        """The pass is over: it keeps its place, or wants none."""
        if not self.waits and self.session is not None:
            self.session.leave(key)
