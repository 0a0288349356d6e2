"""When a pass may call the API: now, or in another pass, once it is its turn."""

from dataclasses import dataclass

from managed_databases.kinds.verdicts import Change, Create, Credentials, Delete, PasswordStep, Reason, Verdict, Wait
from managed_databases.reconcile.memory import Memory
from managed_databases.reconcile.observe.observer import Pass, PassInProject
from managed_databases.reconcile.ports import ResourceKey
from managed_databases.reconcile.project.session import ProjectSession
from managed_databases.reconcile.scheduling.work_queue import Priority

_FEW_FAILURES = 2
"""So often what a person wished for may have failed until it is tried for its own sake only."""


def makes_a_call(verdict: Verdict) -> bool:
    if isinstance(verdict, Credentials):
        return verdict.step in (PasswordStep.SEND, PasswordStep.CONFIRM)
    return isinstance(verdict, Create | Change | Delete)


def priority_of_calls(current: Pass, memory: Memory, priority: Priority) -> Priority:
    """Return HIGH while a person's change is not carried out, whatever woke the pass, but not after several failures."""
    observed, held = current.observed, memory.retry.held
    is_wished = observed.deleting or observed.status.synced_generation != observed.generation
    in_vain = held is not None and held.failures > _FEW_FAILURES and held.verdict.reason is not Reason.RATE_LIMITED
    return Priority.HIGH if priority is Priority.HIGH or (is_wished and not in_vain) else Priority.LOW


@dataclass
class Turn:
    """One pass's place in its project's line of calls. `waits`: it stands there, and is told when it may call."""

    session: ProjectSession | None = None
    waits: bool = False

    def joins(self, current: Pass) -> None:
        """The pass sees this project now."""
        self.session, self.waits = current.session if isinstance(current, PassInProject) else None, False

    def comes(self, current: PassInProject, priority: Priority) -> bool:
        """Whether the pass may make one call now."""
        self.session = current.session
        self.waits = not current.session.claim(current.resource.key, priority, current.datastore_id)
        return not self.waits

    def why_not(self, priority: Priority) -> Wait | None:
        """Return the wait for the turn; None when it is not worth telling."""
        return self.session.why_not_now(priority) if self.waits and self.session is not None else None

    def end(self, key: ResourceKey) -> None:
        """The pass is over: it keeps its place, or wants none."""
        if not self.waits and self.session is not None:
            self.session.leave(key)
