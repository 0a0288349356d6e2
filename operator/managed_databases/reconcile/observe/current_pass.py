"""What a pass works on: one resource as it is now, and what the pass carries from one step to the next."""

from dataclasses import dataclass, field

from managed_databases.api.models import CloudObject
from managed_databases.kinds.facts import NOTHING, Facts
from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.observed import Observed
from managed_databases.kinds.project_view import ProjectView
from managed_databases.kinds.verdicts import Reason, Wait
from managed_databases.reconcile.memory import Memory, SecretsRead
from managed_databases.reconcile.observe.interests import Interests
from managed_databases.reconcile.observe.ownership_index import KeyName
from managed_databases.reconcile.observe.passwords import PasswordChecks
from managed_databases.reconcile.ports import Resource
from managed_databases.reconcile.project.collection_snapshot import CollectionSnapshot
from managed_databases.reconcile.project.session import ProjectSession
from managed_databases.reconcile.scheduling.dependencies import Dependency
from managed_databases.reconcile.scheduling.work_queue import Priority

_FEW_FAILURES = 2
"""So often what a person wished for may have failed until it is tried for its own sake only."""


@dataclass(kw_only=True)
class PassContext:
    """What a pass carries along while it looks at its resource again after each step."""

    memory: Memory
    woken_by: Priority
    facts: Facts = NOTHING
    """What was learned and is not written to the status yet."""
    session: ProjectSession | None = None
    """The project whose line of calls the pass may stand in."""
    waits_for_turn: bool = False
    """The pass has ended in that line: its resource gets another pass when it may make one call."""

    def end(self, resource: Resource) -> None:
        """Keep the place in the line, or leave it."""
        if not self.waits_for_turn and self.session is not None:
            self.session.leave(resource.key)

    def why_not_now(self, priority: Priority) -> Wait | None:
        """Return the wait for the turn; None when it is not worth telling."""
        return self.session.why_not_now(priority) if self.waits_for_turn and self.session is not None else None


@dataclass(kw_only=True)
class Pass:
    """What a pass works on until its next step. One whose project can be used is a `PassInProject`."""

    resource: Resource
    """As it is after the pass's own writes."""
    kind: CloudKind
    observed: Observed
    context: PassContext
    checks: PasswordChecks
    secrets: SecretsRead = field(default_factory=SecretsRead)
    """Those that the pass has read: it replaces or deletes exactly these versions."""
    interests: Interests = field(default_factory=Interests)
    is_oriented: bool = True
    """False while this process has not yet seen the project, or one of the lists that matter here, for the first time: what
    an earlier process wrote is then worth more than what this one could say. But that a list cannot be had is news for what
    is not made yet.
    """
    datastore_id: str | None = None
    collections: set[str] = field(default_factory=set)
    """Those that what is seen here depends on."""

    @property
    def memory(self) -> Memory:
        return self.context.memory

    @property
    def dependencies(self) -> set[Dependency]:
        return self.interests.dependencies

    @property
    def priority(self) -> Priority:
        """That of the pass's calls: HIGH while a person's change is not carried out, whatever woke the pass, but not after
        several failures.
        """
        observed, held = self.observed, self.memory.retry.held
        is_wished = observed.deleting or observed.status.synced_generation != observed.generation
        in_vain = held is not None and held.failures > _FEW_FAILURES and held.verdict.reason is not Reason.RATE_LIMITED
        return Priority.HIGH if self.context.woken_by is Priority.HIGH or (is_wished and not in_vain) else Priority.LOW


@dataclass(kw_only=True)
class PassInProject(Pass):
    """A pass that may call the API of its project."""

    session: ProjectSession
    view: ProjectView
    """The project as it was when the pass began."""
    snapshot: CollectionSnapshot[CloudObject]
    """That of the kind's collection."""
    wanted_key: KeyName | None = None
    """The key of the object; None while its datastore is not known."""

    @property
    def project(self) -> ProjectView:
        """The project as it is by now."""
        return self.session.view or self.view

    @property
    def key(self) -> KeyName:
        """The key of what is made or taken over. Raises LookupError while it is not known: nothing is then."""
        if self.wanted_key is None:
            raise LookupError("the key of the cloud object is not known")
        return self.wanted_key

    def snapshot_of(self, kind: CloudKind) -> CollectionSnapshot[CloudObject]:
        """Return what is known of a kind's collection, which is listed from now on."""
        self.interests.polled[kind.collection.name] = kind
        return self.session.lists.snapshot(kind)

    def may_call(self) -> bool:
        """Whether the pass may make one call now. If not, it ends: it stands in the project's line of calls."""
        may = self.session.take_turn(self.resource.key, self.priority, self.datastore_id)
        self.context.session, self.context.waits_for_turn = self.session, not may
        return may


def in_project(current: Pass) -> PassInProject:
    """The same, for what only a pass does that may call the API. Raises LookupError: `decide` has let through too much."""
    if not isinstance(current, PassInProject):
        raise LookupError("there is no project to call")  # noqa: TRY004
    return current
