"""Puts together what one pass observes, and on what it depends. Reads memory only; Secrets are read elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Final

from managed_databases.api.models import CloudObject
from managed_databases.kinds.database_project import KIND as PROJECT
from managed_databases.kinds.facts import Facts
from managed_databases.kinds.kind import CloudKind, Reference
from managed_databases.kinds.observed import Observed, ProjectView, Referred
from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.reconcile.annotations import FORCE_DELETE
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.decide.decide import PENDING
from managed_databases.reconcile.memory import Memory
from managed_databases.reconcile.observe.inside import Inside
from managed_databases.reconcile.observe.owned import owned_by
from managed_databases.reconcile.observe.ownership_index import KeyName, ObjectName, OwnershipIndex
from managed_databases.reconcile.observe.passwords import PasswordChecks
from managed_databases.reconcile.observe.reading import Specs, read_status
from managed_databases.reconcile.observe.references import References, allowed_namespaces
from managed_databases.reconcile.observe.seals import Seals, decides_ownership, why_unproven
from managed_databases.reconcile.ports import Resource, ResourceCache, ResourceKey
from managed_databases.reconcile.project.collection_snapshot import CollectionSnapshot
from managed_databases.reconcile.project.projects import Projects
from managed_databases.reconcile.project.session import ProjectSession
from managed_databases.reconcile.scheduling import dependencies as dependency
from managed_databases.reconcile.scheduling.dependencies import Dependency
from managed_databases.reconcile.told import without_absent

NO_CLAIM: Final = {"id": None, "identity": None, "intent": None, "lost_ids": ()}
"""What a status says that says to have nothing."""

MAY_BE_GONE_FOR_GOOD: Final = (Reason.CREDENTIALS_INVALID, Reason.SECRET_MISSING, Reason.ADDRESS_REFUSED)
"""What may be wrong with a project's credentials: a deletion says how to go on without them."""

UNREADABLE_SECONDS: Final = 600.0
"""How long a first attempt waits for objects that do not tell their name. One that never does holds up no others."""


@dataclass(kw_only=True)
class Pass:
    """What a pass works on. One whose project can be used is a `PassInProject`.

    `is_oriented` is False while this process has not yet seen the project, or one of the lists that matter here, for
    the first time: what an earlier process wrote is then worth more than what this one could say. But that a list
    cannot be had is news for what is not made yet.
    """

    resource: Resource
    kind: CloudKind
    observed: Observed
    checks: PasswordChecks
    dependencies: set[Dependency] = field(default_factory=set)
    is_oriented: bool = True
    datastore_id: str | None = None
    collections: set[str] = field(default_factory=set)
    """Those that what is seen here depends on."""


@dataclass(kw_only=True)
class PassInProject(Pass):
    """What a pass works on that may call the API. `claim` is the key of the object; None while its datastore is not known."""

    session: ProjectSession
    view: ProjectView
    snapshot: CollectionSnapshot[CloudObject]
    claim: KeyName | None = None

    @property
    def project(self) -> ProjectView:
        """The project as it is by now."""
        return self.session.view or self.view

    @property
    def key(self) -> KeyName:
        """The key of what is made or taken over. Raises LookupError while it is not known: nothing is then."""
        if self.claim is None:
            raise LookupError("the key of the cloud object is not known")
        return self.claim


def in_project(current: Pass) -> PassInProject:
    """The same, for what only a pass does that may call the API. Raises LookupError: `decide` has let through too much."""
    if not isinstance(current, PassInProject):
        raise LookupError("there is no project to call")  # noqa: TRY004
    return current


@dataclass(frozen=True)
class Observer:
    cache: ResourceCache
    owners: OwnershipIndex
    projects: Projects
    references: References
    clock: Clock
    specs: Specs
    kind_of: Callable[[str], CloudKind]
    pending_limit_seconds: float
    seals: Seals

    def observe(self, resource: Resource, memory: Memory, facts: Facts) -> Pass:
        """`facts` is what this pass has learned and not written yet. Raises UnreadableSpec."""
        kind = self.kind_of(resource.key.kind)
        status = without_absent({**resource.status, **facts.written()}) if facts else resource.status
        observed: Observed = Observed(
            namespace=resource.key.namespace,
            name=resource.key.name,
            uid=resource.uid,
            generation=resource.generation,
            annotations=resource.annotations,
            deleting=resource.deleting_since is not None,
            spec=self.specs.of(kind, resource),
            status=read_status(kind, status),
            listed=False,
        )
        current = Pass(resource=resource, kind=kind, observed=observed, checks=PasswordChecks(self.seals))
        if observed.deleting:  # what it owns is sent the same way, with or without its project
            current.observed = replace(
                observed, owned=owned_by(resource, (), self.owners, self.cache, current.dependencies)
            )
        problem: Wait | Stall | None = None if decides_ownership(facts) else self._unproven(current)
        if problem is None:
            name = self._project_name(current)
            opened = self._open_project(current, name) if isinstance(name, str) else name
            if isinstance(opened, PassInProject):
                self._see_cloud(opened, memory)
                return opened
            problem = opened
        current.observed = replace(current.observed, problem=problem)
        return current

    def _unproven(self, current: Pass) -> Stall | None:
        """What to say when nothing proves what the status says to have. What can happen all the same is decided without it:
        a person's word that an object of this name is to be taken over; or that what was there may be believed.
        """
        resource, observed = current.resource, current.observed
        if self.seals.proof(resource).holds:
            return None
        if (other := self.owners.disputed_by(resource.key)) is not None:
            current.dependencies.add(dependency.resource(*other))
            current.observed = replace(observed, unproven=True)
            return Stall(
                Reason.CONFLICT,
                f"{_named(resource, other)} says to have the same, and nothing proves that it is this resource's: remove one "
                f"of the two; to let this one go: {FORCE_DELETE}: true, and delete it",
            )
        if self.seals.is_listed(resource):
            current.observed = replace(observed, by_trust=True)
            return None
        current.observed = replace(observed, unproven=True)
        if not observed.deleting and observed.spec.adoption != "Never":
            current.observed = replace(current.observed, status=observed.status.model_copy(update=NO_CLAIM))
            return None
        return why_unproven(self.seals.proof(resource), resource, adopts=not observed.deleting)

    def _project_name(self, current: Pass) -> str | Wait | Stall:
        """Pinned, stated, the parent's, or the default one."""
        observed, status = current.observed, current.observed.status
        if status.identity is not None and (status.pinned or observed.deleting):
            return status.identity.project
        stated = getattr(observed.spec, "project_ref", None)
        if stated is not None:
            return str(stated.name)
        for reference in current.kind.references:
            to = reference.of(observed.spec)
            if not reference.parent or to is None or to[0] != "name":
                continue
            parent = self.references.parent_by_name(current.resource, reference, to, current.dependencies)
            if isinstance(parent, Wait):
                return parent
            if (project := parent.told.project) is not None:
                return str(project)
            return Wait(Reason.PARENT_NOT_READY, f"waits for {parent.key}, which is not created yet")
        current.dependencies.add(dependency.default_project())
        return self.projects.default_name()

    def _open_project(self, current: Pass, name: str) -> PassInProject | Wait | Stall:
        """The same in the project of this name; or what keeps it from being used."""
        current.dependencies.add(dependency.project(name))
        session, namespace = self.projects.session(name), current.resource.key.namespace
        exists = self.cache.get(ResourceKey(PROJECT.name, "", name)) is not None
        current.is_oriented = not exists or (session is not None and session.is_opened)
        way_out = (
            f", or annotate {FORCE_DELETE}: true to let go of the cloud object" if current.observed.deleting else ""
        )
        if session is None:
            return Wait(Reason.PROJECT_MISSING, f"there is no DatabaseProject {name}: create it{way_out}")
        powers = self.projects.permits(name, namespace)
        if powers is None:
            return Stall(
                Reason.FORBIDDEN,
                f"the DatabaseProject {name} does not allow the namespace {namespace}: its "
                f"spec.allowedNamespaces must name it{way_out}",
            )
        if (problem := session.problem) is not None:
            told = (
                problem if problem.reason is Reason.PROJECT_NOT_READY else replace(problem, message=_why(name, problem))
            )
            return replace(told, message=told.message + way_out) if problem.reason in MAY_BE_GONE_FOR_GOOD else told
        if session.view is None:
            return Wait(Reason.PROJECT_NOT_READY, f"waits for the DatabaseProject {name}")
        pinned = current.observed.status.pinned
        actual = (session.view.project_id, session.view.region)
        if pinned is not None and (pinned.project_id, pinned.region) != actual:
            return Stall(
                Reason.PROJECT_CHANGED,
                f"this object is in project {pinned.project_id}, region {pinned.region}; the DatabaseProject "
                f"{name} is now {session.view.project_id}, {session.view.region}: put that back",
            )
        snapshot = session.lists.need(current.kind)
        session.lists.wish(current.kind.collection.name, current.resource.key, current.observed.spec.poll_seconds)
        return PassInProject(
            resource=current.resource,
            kind=current.kind,
            observed=current.observed,
            checks=current.checks,
            dependencies=current.dependencies,
            is_oriented=current.is_oriented,
            session=session,
            view=_with_powers(session.view, powers, self.projects.name_prefixes(session.view.name, namespace)),
            snapshot=snapshot,
        )

    def _see_cloud(self, current: PassInProject, memory: Memory) -> None:
        view = current.view
        current.dependencies.add(dependency.catalogue(view.name))
        if not current.kind.is_inside:
            current.dependencies.add(dependency.quotas(view.name))
        refs, moved = self._references(current)
        current.observed = replace(
            current.observed, project=view, refs=refs, moved=moved, listed=current.snapshot.has_listed
        )
        if current.observed.status.id is not None:
            self._see_object(current, current.observed.status.id, memory)
        unlisted = self._orient(current)
        current.observed = replace(current.observed, unlisted=unlisted, returned=self._returned(current))
        parents = [referred for ref in current.kind.references if ref.parent and (referred := refs.get(ref.field))]
        current.datastore_id = parents[0].id if parents else None
        if not parents or current.datastore_id is not None:
            self._see_key(current, memory)
        self.owners.want(current.resource.key, current.claim)
        if (wanted := current.kind.parameters_for(current.observed)) is not None:
            current.dependencies.add(dependency.parameters(view.name, wanted))
            current.session.need_parameters(wanted, current.resource.key.namespace)
        self._see_others(current)

    def _see_object(self, current: PassInProject, id_: str, memory: Memory) -> None:
        project, collection = current.view.name, current.kind.collection.name
        mine = current.snapshot.get(id_)
        is_unreadable = mine is not None and not mine.is_whole
        current.dependencies.add(dependency.cloud_object(project, collection, id_))
        holder = self.owners.holder(ObjectName(current.view.place, collection, id_))
        other = None if holder in (None, current.resource.key) else holder
        if other is not None:
            current.dependencies.add(dependency.resource(*other))
        current.observed = replace(
            current.observed,
            external=mine,
            pending_seconds=self._pending_seconds(current, mine, memory),
            external_gone=current.snapshot.is_gone(id_),
            external_unsure=is_unreadable or current.snapshot.is_dirty(id_),
            holder=None if other is None else _named(current.resource, other),
        )

    def _returned(self, current: PassInProject) -> tuple[str, ...]:
        """What the API said is gone, and shows all the same: it was ours, and nobody else holds it."""
        view, collection, status = current.view, current.kind.collection.name, current.observed.status
        if status.id is not None:
            return ()
        current.dependencies.update(dependency.cloud_object(view.name, collection, id_) for id_ in status.lost_ids)
        return tuple(
            id_
            for id_ in status.lost_ids
            if current.snapshot.get(id_) is not None
            and not current.snapshot.is_gone(id_)
            and not current.snapshot.is_dirty(id_)
            and self.owners.holder(ObjectName(view.place, collection, id_)) is None
        )

    def _orient(self, current: PassInProject) -> Wait | Stall | None:
        """Every list that matters here is waited for, or nobody would come back to what was left alone. Return why the
        kind's own cannot be had, as far as that is known.

        What this spec does not refer to does not matter; nor does, once it cannot be listed, what the object need not
        wait for: its name says enough. The object itself can be asked for by its id then.
        """
        observed, unlisted = current.observed, None
        referring = [reference for reference in current.kind.references if _refers(reference, observed)]
        waited = {reference.kind for reference in referring if reference.waited}
        others = {reference.kind: self.kind_of(reference.kind) for reference in referring}
        for kind in {current.kind.name: current.kind, **others}.values():
            collection = kind.collection.name
            current.collections.add(collection)
            if current.session.lists.need(kind).has_listed:
                continue
            current.dependencies.add(dependency.listed(current.view.name, collection))
            why = current.session.lists.why_unlisted(collection)
            is_known = observed.external is not None or observed.external_gone
            is_told = observed.status.id is None or (is_known if kind is current.kind else kind.name not in waited)
            if why is None or not is_told:
                current.is_oriented = False
            if kind is current.kind:
                unlisted = why
        return unlisted

    def _pending_seconds(self, current: Pass, mine: CloudObject | None, memory: Memory) -> float | None:
        """What is left of the time that the cloud's work may take; what an earlier process has said of it holds."""
        if mine is None or mine.status is None or mine.status not in PENDING:
            memory.work = None
            return None
        now = self.clock.monotonic()
        if memory.work is None or memory.work[0] != (mine.id, mine.status):
            memory.work = (mine.id, mine.status), now
        told = current.resource.told
        was_told = told.phase == mine.status and told.has_reason(Reason.PENDING_TOO_LONG)
        return 0.0 if was_told else max(memory.work[1] + self.pending_limit_seconds - now, 0.0)

    def _references(self, current: PassInProject) -> tuple[dict[str, Referred], Stall | None]:
        """What each reference stands for; and what to say when the parent's name stands for another object by now."""
        observed, view = current.observed, current.view
        identity, pinned, moved = observed.status.identity, observed.status.pinned, None
        refs: dict[str, Referred] = {}
        for reference in current.kind.references:
            if not _refers(reference, observed):
                continue
            kind = self.kind_of(reference.kind)
            snapshot = current.session.lists.need(kind)
            inside = None if identity is None or not reference.parent else identity.datastore_id
            if observed.deleting:
                if inside is not None:
                    refs[reference.field] = self.references.of_object(
                        kind, inside, view, snapshot, current.dependencies
                    )
            elif (stated := reference.of(observed.spec)) is not None:
                referred = self.references.resolve(
                    current.resource, reference, stated, view, snapshot, current.dependencies
                )
                if reference.parent and pinned is not None and referred.id not in (None, pinned.datastore_id):
                    made_in = pinned.datastore_id or ""
                    moved = _moved(reference, referred, made_in)
                    referred = self.references.of_object(kind, made_in, view, snapshot, current.dependencies)
                elif inside is not None and pinned is not None and referred.id is None and observed.status.id is None:
                    # What an attempt has made is where it was made.
                    there = self.references.of_object(kind, inside, view, snapshot, current.dependencies)
                    referred = replace(there, problem=referred.problem)
                refs[reference.field] = referred
        return refs, moved

    def _see_key(self, current: PassInProject, memory: Memory) -> None:
        observed, view, collection = current.observed, current.view, current.kind.collection.name
        claim = current.claim = KeyName(view.place, collection, _pinned_key(observed) or current.kind.key(observed))
        current.dependencies.add(dependency.key(view.name, collection, claim.key))
        created_id = None if observed.unproven else memory.creation.created_id  # what was made once is no claim of now
        namesakes: list[CloudObject] = []
        held: dict[str, str] = {}
        for other in current.snapshot.of_key(claim.key):
            if other.id in (observed.status.id, created_id) or current.snapshot.is_gone(other.id):
                continue
            holder = self.owners.holder(ObjectName(view.place, collection, other.id))
            if holder is None or (holder == current.resource.key and observed.unproven):
                namesakes.append(other)
            elif holder != current.resource.key:
                held[other.id] = _named(current.resource, holder)
                current.dependencies.add(dependency.resource(*holder))
        is_to_get_another = (
            observed.external is not None
            and not observed.deleting
            and current.kind.key_of(observed.external) != claim.key
        )
        rival = self.owners.claimant(claim)
        if rival == current.resource.key:
            rival = None
        if rival is not None:
            current.dependencies.add(dependency.resource(*rival))
        current.observed = replace(
            observed,
            namesakes=tuple(namesakes),
            held_namesakes=held,
            unreadable=self._unreadable(current, claim) if observed.status.id is None or is_to_get_another else (),
            needed={} if observed.deleting else self._needed(current),
            rival=None if rival is None else _named(current.resource, rival),
            created_id=created_id if observed.status.id is None else None,
        )
        self._see_waits(current, claim, memory, is_to_get_another=is_to_get_another)

    def _see_waits(self, current: PassInProject, claim: KeyName, memory: Memory, *, is_to_get_another: bool) -> None:
        """What is to be waited for before the key's object is made, or given another name."""
        observed = current.observed
        intent = observed.status.intent
        if (intent is None and observed.status.id is None) or is_to_get_another:
            looked, unreadable_seconds = self._has_looked(current, claim, memory), None
            if observed.unreadable and (since := memory.creation.wanted_since) is not None:
                left = since + UNREADABLE_SECONDS - self.clock.monotonic()
                unreadable_seconds = left if left > 0 else None
            current.observed = replace(observed, looked=looked, unreadable_seconds=unreadable_seconds)
        elif observed.external is not None:  # it has its name
            memory.creation.want_no_more()
        if intent is not None and observed.status.id is None:
            current.observed = replace(
                current.observed,
                settle_seconds=self._seconds_left(current, memory, intent.attempt, intent.wait_seconds),
                again_seconds=self._seconds_left(current, memory, intent.attempt, intent.again_seconds),
            )

    def _unreadable(self, current: PassInProject, claim: KeyName) -> tuple[str, ...]:
        """The objects that may have the key, as they do not tell all of it, and that nobody holds."""
        masks = product((False, True), repeat=len(claim.key))
        keys = [tuple("" if hidden else part for part, hidden in zip(claim.key, mask, strict=True)) for mask in masks]
        current.dependencies.update(dependency.key(current.view.name, claim.collection, key) for key in keys[1:])
        return tuple(
            other.id
            for key in keys[1:]
            for other in current.snapshot.of_key(key)
            if not other.is_whole and self.owners.holder(ObjectName(claim.place, claim.collection, other.id)) is None
        )

    def _has_looked(self, current: PassInProject, claim: KeyName, memory: Memory) -> bool:
        """Whether a list was begun since this is wanted: a datastore refuses a name that is taken, a project does not."""
        if current.kind.is_inside:
            return True
        since = memory.creation.want(claim.key, self.clock.monotonic())
        current.dependencies.add(dependency.listed(current.view.name, current.kind.collection.name))
        begun = current.snapshot.last_list_begun
        return begun is not None and begun >= since

    def _needed(self, current: PassInProject) -> dict[tuple[str, ...], CloudObject]:
        needed: dict[tuple[str, ...], CloudObject] = {}
        for key in current.kind.needs(current.observed):
            current.dependencies.add(dependency.key(current.view.name, current.kind.collection.name, key))
            for other in current.snapshot.of_key(key):
                if not current.snapshot.is_gone(other.id):
                    needed[key] = other
        return needed

    def _seconds_left(self, current: PassInProject, memory: Memory, attempt: int, wait: float) -> float | None:
        """What is left of a wait after an attempt that we did not see end: by our own clock only. 0: a list begun since is
        missing.
        """
        over = memory.creation.settles_at(attempt, wait, self.clock.monotonic())
        if (left := over - self.clock.monotonic()) > 0:
            return left
        if current.snapshot.last_list_begun is not None and current.snapshot.last_list_begun >= over:
            return None
        current.dependencies.add(dependency.listed(current.view.name, current.kind.collection.name))
        current.session.lists.request(current.kind.collection.name)
        return 0.0

    def _see_others(self, current: PassInProject) -> None:
        observed, id_ = current.observed, current.observed.status.id
        children, owned, actions = observed.children, observed.owned, observed.actions
        if observed.deleting and id_ is not None and not current.kind.is_inside:
            allowed = allowed_namespaces(observed.spec)
            inside = Inside(self.cache, self.owners, self.kind_of, self.projects.permits)
            children = inside.staying(current.resource, id_, allowed, current.session, current.dependencies)
        if not observed.deleting:
            owned = owned_by(
                current.resource, current.kind.owned(observed), self.owners, self.cache, current.dependencies
            )
        if current.kind.shows_actions and id_ is not None:
            current.session.show_actions(id_)
            actions = current.session.actions.get(id_, ())
            current.dependencies.add(dependency.actions(current.view.name, id_))
        current.observed = replace(observed, children=children, owned=owned, actions=actions)


def _refers(reference: Reference, observed: Observed) -> bool:
    """Whether this resource depends on the reference now."""
    if observed.deleting:
        identity = observed.status.identity
        return reference.parent and identity is not None and identity.datastore_id is not None
    if reference.at_creation_only and observed.status.id is not None:
        return False
    return reference.of(observed.spec) is not None


def _pinned_key(observed: Observed) -> tuple[str, ...] | None:
    """The key under which an open attempt is looked for, and what is deleted: nothing that the spec says now."""
    status = observed.status
    if status.identity is not None and (observed.deleting or (status.id is None and status.intent is not None)):
        return tuple(status.identity.key)
    return None


def _moved(reference: Reference, referred: Referred, pinned: str) -> Stall:
    return Stall(
        Reason.PARENT_CHANGED,
        f"this was made in the datastore {pinned}, and {reference.field} now means {referred.id} ({referred.label}): "
        "nothing is changed in either. To have it in the new one, delete this resource (with deletionPolicy Retain what "
        "is in the old one stays) and make it again; to go on with the old one, let a resource of that name hold it again",
    )


def _why(project: str, problem: Wait | Stall) -> str:
    """Where the details are: they name Secrets, addresses and other namespaces' objects, which is for who may read them."""
    return (
        f"the DatabaseProject {project} cannot be used ({problem.reason}): its own conditions say why, and what to do"
    )


def _named(asker: Resource, other: ResourceKey) -> str:
    """What the asker may read of another resource: nobody learns the names of another namespace's."""
    return str(other) if other.namespace == asker.key.namespace else "a resource of another namespace"


def _with_powers(view: ProjectView, powers: frozenset[str], prefixes: tuple[str, ...]) -> ProjectView:
    is_so = (view.powers, view.name_prefixes) == (powers, prefixes)
    return view if is_so else replace(view, powers=powers, name_prefixes=prefixes)
