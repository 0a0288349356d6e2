"""What a pass works on: one resource as it is now, and what the pass carries from one step to the next."""

from dataclasses import dataclass, field, replace

from managed_databases.api.models import CloudObject
from managed_databases.kinds.credential_views import HeldSecret, PasswordView
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
"""After more failures in a row than this, a person's change is tried again with priority LOW."""


@dataclass(kw_only=True)
class PassContext:
    """What a pass carries along while it looks at its resource again after each step."""

    memory: Memory
    woken_by: Priority
    facts: Facts = NOTHING
    """What the pass has learned and not written to the status yet."""
    session: ProjectSession | None = None
    """The session of the project in whose line of calls the resource may stand."""
    waits_for_turn: bool = False
    """Whether the pass ends because its resource stands in that line: the resource gets another pass when it may make one call.
    """

    def looks_into(self, session: ProjectSession | None) -> None:
        """Note that the pass looks at its resource anew, in this project or in none, and waits for no turn yet."""
        self.session, self.waits_for_turn = session, False

    def has_asked_for_turn(self, session: ProjectSession, *, is_given: bool) -> None:
        """Note whether the pass may make one call; if not, it waits for its turn in this project's line of calls."""
        self.session, self.waits_for_turn = session, not is_given

    def end(self, resource: Resource) -> None:
        """Let the resource leave the project's line of calls, unless it waits there for its turn."""
        if not self.waits_for_turn and self.session is not None:
            self.session.leave(resource.key)

    def why_not_now(self, priority: Priority) -> Wait | None:
        """Return the wait for the resource's turn in the project's line of calls; None if there is none, or if it is not worth
        telling.
        """
        return self.session.why_not_now(priority) if self.waits_for_turn and self.session is not None else None


@dataclass(kw_only=True)
class Pass:
    """What a pass works on until its next step. If the resource's project can be used, it is a `PassInProject`."""

    resource: Resource
    """The resource as it is after the pass's own writes."""
    kind: CloudKind
    observed: Observed
    context: PassContext
    checks: PasswordChecks
    secrets: SecretsRead = field(default_factory=SecretsRead)
    """The Secrets that the pass has read; it replaces or deletes exactly these versions."""
    interests: Interests = field(default_factory=Interests)
    is_oriented: bool = True
    """False while this process has not yet seen the project, or one of the lists that matter to this resource. What an earlier
    process wrote into the status is then worth more than what this process could say. An exception: that a list cannot be had is
    news for a resource whose object is not made yet.
    """
    datastore_id: str | None = None
    """The id of the datastore that the object is in, or is to be made in; None if there is none, or if it is not known."""
    collections: set[str] = field(default_factory=set)
    """The names of the collections whose lists this look depends on."""

    @property
    def memory(self) -> Memory:
        return self.context.memory

    def has_read(self, credential: PasswordView, secrets: SecretsRead, held: HeldSecret) -> None:
        """Note what the Secrets say. `held` is what the credentials Secret says beside its password."""
        self.secrets = secrets
        self.observed = replace(self.observed, credential=credential, held_secret=held)

    @property
    def dependencies(self) -> set[Dependency]:
        return self.interests.dependencies

    @property
    def priority(self) -> Priority:
        """Return the priority of the pass's calls. Whatever woke the pass, it is HIGH while a person's change is not carried out,
        unless that has failed several times.
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
    """The project as it was when the pass looked."""
    snapshot: CollectionSnapshot[CloudObject]
    """The snapshot of the kind's collection."""

    @property
    def project(self) -> ProjectView:
        """Return the project as it is by now."""
        return self.session.view or self.view

    @property
    def key(self) -> KeyName:
        """Return the key of the object that the pass makes or takes over. Raises LookupError while it is not known: then no
        object may be made or taken over.
        """
        if self.interests.wanted_key is None:
            raise LookupError("the key of the cloud object is not known")
        return self.interests.wanted_key

    def snapshot_of(self, kind: CloudKind) -> CollectionSnapshot[CloudObject]:
        """Return the snapshot of a kind's collection, and have the collection listed from now on."""
        self.interests.polled[kind.collection.name] = kind
        return self.session.lists.snapshot(kind)

    def may_call(self) -> bool:
        """Return whether the pass may make one call now. If not, the resource stands in the project's line of calls from now
        on, and the pass has to end.
        """
        may = self.session.take_turn(self.resource.key, self.priority, self.datastore_id)
        self.context.has_asked_for_turn(self.session, is_given=may)
        return may


def in_project(current: Pass) -> PassInProject:
    """Return the same pass as a PassInProject, for steps that call the API.

    Raises LookupError if it is none: then `decide` has let through a step that it should not have.
    """
    if not isinstance(current, PassInProject):
        raise LookupError("there is no project to call")  # noqa: TRY004
    return current
