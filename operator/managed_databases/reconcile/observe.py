"""Puts together what one pass sees, and on which topics it depends. Reads memory only; Secrets are read elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Final

from managed_databases.api.models import CloudObject
from managed_databases.kinds.database_project import KIND as PROJECT
from managed_databases.kinds.facts import Facts
from managed_databases.kinds.kind import CloudKind, Reference
from managed_databases.kinds.seen import ProjectView, Referred, Seen
from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.reconcile import topics as topic
from managed_databases.reconcile.annotations import FORCE_DELETE
from managed_databases.reconcile.claims import Claims, KeyName, ObjectName
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.decision.decide import PENDING
from managed_databases.reconcile.inside import Inside
from managed_databases.reconcile.memory import Memory
from managed_databases.reconcile.owned import owned_by
from managed_databases.reconcile.passwords import PasswordChecks
from managed_databases.reconcile.ports import Resource, ResourceCache, ResourceKey
from managed_databases.reconcile.project.collection_snapshot import CollectionSnapshot
from managed_databases.reconcile.project.projects import Projects
from managed_databases.reconcile.project.session import ProjectSession
from managed_databases.reconcile.reading import Specs, read_status
from managed_databases.reconcile.references import References, allowed_namespaces
from managed_databases.reconcile.report.status import without_absent
from managed_databases.reconcile.seals import Seals, decides_ownership, why_unproven
from managed_databases.reconcile.topics import Topic

NO_CLAIM: Final = {"id": None, "identity": None, "intent": None, "lost_ids": ()}
"""What a status says that says to have nothing."""

MAY_BE_GONE_FOR_GOOD: Final = (Reason.CREDENTIALS_INVALID, Reason.SECRET_MISSING, Reason.ADDRESS_REFUSED)
"""What may be wrong with a project's credentials: a deletion says how to go on without them."""

UNREADABLE_SECONDS: Final = 600.0
"""How long a first attempt waits for objects that do not tell their name. One that never does holds up no others."""


@dataclass(kw_only=True)
class Observation:
    """What a pass works on. One whose project can be used is an `InProject`.

    `is_oriented` is False while this process has not yet seen the project, or one of the lists that matter here, for
    the first time: what an earlier process wrote is then worth more than what this one could say. But that a list
    cannot be had is news for what is not made yet.
    """

    resource: Resource
    kind: CloudKind
    seen: Seen
    checks: PasswordChecks
    topics: set[Topic] = field(default_factory=set)
    is_oriented: bool = True
    datastore_id: str | None = None
    collections: set[str] = field(default_factory=set)
    """Those that what is seen here depends on."""


@dataclass(kw_only=True)
class InProject(Observation):
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


def in_project(found: Observation) -> InProject:
    """The same, for what only a pass does that may call the API. Raises LookupError: `decide` has let through too much."""
    if not isinstance(found, InProject):
        raise LookupError("there is no project to call")  # noqa: TRY004
    return found


@dataclass(frozen=True)
class Observer:
    cache: ResourceCache
    claims: Claims
    projects: Projects
    references: References
    clock: Clock
    specs: Specs
    kind_of: Callable[[str], CloudKind]
    pending_limit_seconds: float
    seals: Seals

    def observe(self, resource: Resource, memory: Memory, facts: Facts) -> Observation:
        """`facts` is what this pass has learned and not written yet. Raises UnreadableSpec."""
        kind = self.kind_of(resource.key.kind)
        status = without_absent({**resource.status, **facts.written()}) if facts else resource.status
        seen: Seen = Seen(
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
        found = Observation(resource=resource, kind=kind, seen=seen, checks=PasswordChecks(self.seals))
        if seen.deleting:  # what it owns is sent the same way, with or without its project
            found.seen = replace(seen, owned=owned_by(resource, (), self.claims, self.cache, found.topics))
        problem: Wait | Stall | None = None if decides_ownership(facts) else self._unproven(found)
        if problem is None:
            name = self._project_name(found)
            opened = self._open_project(found, name) if isinstance(name, str) else name
            if isinstance(opened, InProject):
                self._see_cloud(opened, memory)
                return opened
            problem = opened
        found.seen = replace(found.seen, problem=problem)
        return found

    def _unproven(self, found: Observation) -> Stall | None:
        """What to say when nothing proves what the status says to have. What can happen all the same is decided without it:
        a person's word that an object of this name is to be taken over; or that what was there may be believed.
        """
        resource, seen = found.resource, found.seen
        if self.seals.proof(resource).holds:
            return None
        if (other := self.claims.disputed_by(resource.key)) is not None:
            found.topics.add(topic.resource(*other))
            found.seen = replace(seen, unproven=True)
            return Stall(
                Reason.CONFLICT,
                f"{_named(resource, other)} says to have the same, and nothing proves that it is this resource's: remove one "
                f"of the two; to let this one go: {FORCE_DELETE}: true, and delete it",
            )
        if self.seals.is_listed(resource):
            found.seen = replace(seen, by_trust=True)
            return None
        found.seen = replace(seen, unproven=True)
        if not seen.deleting and seen.spec.adoption != "Never":
            found.seen = replace(found.seen, status=seen.status.model_copy(update=NO_CLAIM))
            return None
        return why_unproven(self.seals.proof(resource), resource, adopts=not seen.deleting)

    def _project_name(self, found: Observation) -> str | Wait | Stall:
        """Pinned, stated, the parent's, or the default one."""
        seen, status = found.seen, found.seen.status
        if status.identity is not None and (status.pinned or seen.deleting):
            return status.identity.project
        stated = getattr(seen.spec, "project_ref", None)
        if stated is not None:
            return str(stated.name)
        for reference in found.kind.references:
            to = reference.of(seen.spec)
            if not reference.parent or to is None or to[0] != "name":
                continue
            parent = self.references.parent_by_name(found.resource, reference, to, found.topics)
            if isinstance(parent, Wait):
                return parent
            if (project := parent.told.project) is not None:
                return str(project)
            return Wait(Reason.PARENT_NOT_READY, f"waits for {parent.key}, which is not created yet")
        found.topics.add(topic.default_project())
        return self.projects.default_name()

    def _open_project(self, found: Observation, name: str) -> InProject | Wait | Stall:
        """The same in the project of this name; or what keeps it from being used."""
        found.topics.add(topic.project(name))
        session, namespace = self.projects.session(name), found.resource.key.namespace
        exists = self.cache.get(ResourceKey(PROJECT.name, "", name)) is not None
        found.is_oriented = not exists or (session is not None and session.is_opened)
        way_out = f", or annotate {FORCE_DELETE}: true to let go of the cloud object" if found.seen.deleting else ""
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
        pinned = found.seen.status.pinned
        actual = (session.view.project_id, session.view.region)
        if pinned is not None and (pinned.project_id, pinned.region) != actual:
            return Stall(
                Reason.PROJECT_CHANGED,
                f"this object is in project {pinned.project_id}, region {pinned.region}; the DatabaseProject "
                f"{name} is now {session.view.project_id}, {session.view.region}: put that back",
            )
        snapshot = session.need(found.kind)
        session.wish(found.kind.collection.name, found.resource.key, found.seen.spec.poll_seconds)
        return InProject(
            resource=found.resource,
            kind=found.kind,
            seen=found.seen,
            checks=found.checks,
            topics=found.topics,
            is_oriented=found.is_oriented,
            session=session,
            view=_with_powers(session.view, powers, self.projects.name_prefixes(session.view.name, namespace)),
            snapshot=snapshot,
        )

    def _see_cloud(self, found: InProject, memory: Memory) -> None:
        view = found.view
        found.topics.add(topic.catalogue(view.name))
        if not found.kind.is_inside:
            found.topics.add(topic.quotas(view.name))
        refs, moved = self._references(found)
        found.seen = replace(found.seen, project=view, refs=refs, moved=moved, listed=found.snapshot.has_listed)
        if found.seen.status.id is not None:
            self._see_object(found, found.seen.status.id, memory)
        unlisted = self._orient(found)
        found.seen = replace(found.seen, unlisted=unlisted, returned=self._returned(found))
        parents = [referred for ref in found.kind.references if ref.parent and (referred := refs.get(ref.field))]
        found.datastore_id = parents[0].id if parents else None
        if not parents or found.datastore_id is not None:
            self._see_key(found, memory)
        self.claims.want(found.resource.key, found.claim)
        if (wanted := found.kind.parameters_for(found.seen)) is not None:
            found.topics.add(topic.parameters(view.name, wanted))
            found.session.need_parameters(wanted, found.resource.key.namespace)
        self._see_others(found)

    def _see_object(self, found: InProject, id_: str, memory: Memory) -> None:
        project, collection = found.view.name, found.kind.collection.name
        mine = found.snapshot.get(id_)
        is_unreadable = mine is not None and not mine.is_whole
        found.topics.add(topic.cloud_object(project, collection, id_))
        holder = self.claims.holder(ObjectName(found.view.place, collection, id_))
        other = None if holder in (None, found.resource.key) else holder
        if other is not None:
            found.topics.add(topic.resource(*other))
        found.seen = replace(
            found.seen,
            mine=mine,
            pending_seconds=self._pending_seconds(found, mine, memory),
            mine_gone=found.snapshot.is_gone(id_),
            mine_unsure=is_unreadable or found.snapshot.is_dirty(id_),
            holder=None if other is None else _named(found.resource, other),
        )

    def _returned(self, found: InProject) -> tuple[str, ...]:
        """What the API said is gone, and shows all the same: it was ours, and nobody else holds it."""
        view, collection, status = found.view, found.kind.collection.name, found.seen.status
        if status.id is not None:
            return ()
        found.topics.update(topic.cloud_object(view.name, collection, id_) for id_ in status.lost_ids)
        return tuple(
            id_
            for id_ in status.lost_ids
            if found.snapshot.get(id_) is not None
            and not found.snapshot.is_gone(id_)
            and not found.snapshot.is_dirty(id_)
            and self.claims.holder(ObjectName(view.place, collection, id_)) is None
        )

    def _orient(self, found: InProject) -> Wait | Stall | None:
        """Every list that matters here is waited for, or nobody would come back to what was left alone. Return why the
        kind's own cannot be had, as far as that is known.

        What this spec does not refer to does not matter; nor does, once it cannot be listed, what the object need not
        wait for: its name says enough. The object itself can be asked for by its id then.
        """
        seen, unlisted = found.seen, None
        referring = [reference for reference in found.kind.references if _refers(reference, seen)]
        waited = {reference.kind for reference in referring if reference.waited}
        others = {reference.kind: self.kind_of(reference.kind) for reference in referring}
        for kind in {found.kind.name: found.kind, **others}.values():
            collection = kind.collection.name
            found.collections.add(collection)
            if found.session.need(kind).has_listed:
                continue
            found.topics.add(topic.listed(found.view.name, collection))
            why = found.session.why_unlisted(collection)
            is_known = seen.mine is not None or seen.mine_gone
            is_told = seen.status.id is None or (is_known if kind is found.kind else kind.name not in waited)
            if why is None or not is_told:
                found.is_oriented = False
            if kind is found.kind:
                unlisted = why
        return unlisted

    def _pending_seconds(self, found: Observation, mine: CloudObject | None, memory: Memory) -> float | None:
        """What is left of the time that the cloud's work may take; what an earlier process has said of it holds."""
        if mine is None or mine.status is None or mine.status not in PENDING:
            memory.work = None
            return None
        now = self.clock.monotonic()
        if memory.work is None or memory.work[0] != (mine.id, mine.status):
            memory.work = (mine.id, mine.status), now
        told = found.resource.told
        was_told = told.phase == mine.status and told.has_reason(Reason.PENDING_TOO_LONG)
        return 0.0 if was_told else max(memory.work[1] + self.pending_limit_seconds - now, 0.0)

    def _references(self, found: InProject) -> tuple[dict[str, Referred], Stall | None]:
        """What each reference stands for; and what to say when the parent's name stands for another object by now."""
        seen, view = found.seen, found.view
        identity, pinned, moved = seen.status.identity, seen.status.pinned, None
        refs: dict[str, Referred] = {}
        for reference in found.kind.references:
            if not _refers(reference, seen):
                continue
            kind = self.kind_of(reference.kind)
            snapshot = found.session.need(kind)
            inside = None if identity is None or not reference.parent else identity.datastore_id
            if seen.deleting:
                if inside is not None:
                    refs[reference.field] = self.references.of_object(kind, inside, view, snapshot, found.topics)
            elif (stated := reference.of(seen.spec)) is not None:
                referred = self.references.resolve(found.resource, reference, stated, view, snapshot, found.topics)
                if reference.parent and pinned is not None and referred.id not in (None, pinned.datastore_id):
                    made_in = pinned.datastore_id or ""
                    moved = _moved(reference, referred, made_in)
                    referred = self.references.of_object(kind, made_in, view, snapshot, found.topics)
                elif inside is not None and pinned is not None and referred.id is None and seen.status.id is None:
                    # What an attempt has made is where it was made.
                    there = self.references.of_object(kind, inside, view, snapshot, found.topics)
                    referred = replace(there, problem=referred.problem)
                refs[reference.field] = referred
        return refs, moved

    def _see_key(self, found: InProject, memory: Memory) -> None:
        seen, view, collection = found.seen, found.view, found.kind.collection.name
        claim = found.claim = KeyName(view.place, collection, _pinned_key(seen) or found.kind.key(seen))
        found.topics.add(topic.key(view.name, collection, claim.key))
        created_id = None if seen.unproven else memory.creation.created_id  # what was made once is no claim of now
        namesakes: list[CloudObject] = []
        held: dict[str, str] = {}
        for other in found.snapshot.of_key(claim.key):
            if other.id in (seen.status.id, created_id) or found.snapshot.is_gone(other.id):
                continue
            holder = self.claims.holder(ObjectName(view.place, collection, other.id))
            if holder is None or (holder == found.resource.key and seen.unproven):
                namesakes.append(other)
            elif holder != found.resource.key:
                held[other.id] = _named(found.resource, holder)
                found.topics.add(topic.resource(*holder))
        is_to_get_another = seen.mine is not None and not seen.deleting and found.kind.key_of(seen.mine) != claim.key
        rival = self.claims.claimant(claim)
        if rival == found.resource.key:
            rival = None
        if rival is not None:
            found.topics.add(topic.resource(*rival))
        found.seen = replace(
            seen,
            namesakes=tuple(namesakes),
            held_namesakes=held,
            unreadable=self._unreadable(found, claim) if seen.status.id is None or is_to_get_another else (),
            needed={} if seen.deleting else self._needed(found),
            rival=None if rival is None else _named(found.resource, rival),
            created_id=created_id if seen.status.id is None else None,
        )
        self._see_waits(found, claim, memory, is_to_get_another=is_to_get_another)

    def _see_waits(self, found: InProject, claim: KeyName, memory: Memory, *, is_to_get_another: bool) -> None:
        """What is to be waited for before the key's object is made, or given another name."""
        seen = found.seen
        intent = seen.status.intent
        if (intent is None and seen.status.id is None) or is_to_get_another:
            looked, unreadable_seconds = self._has_looked(found, claim, memory), None
            if seen.unreadable and (since := memory.creation.wanted_since) is not None:
                left = since + UNREADABLE_SECONDS - self.clock.monotonic()
                unreadable_seconds = left if left > 0 else None
            found.seen = replace(seen, looked=looked, unreadable_seconds=unreadable_seconds)
        elif seen.mine is not None:  # it has its name
            memory.creation.want_no_more()
        if intent is not None and seen.status.id is None:
            found.seen = replace(
                found.seen,
                settle_seconds=self._seconds_left(found, memory, intent.attempt, intent.wait_seconds),
                again_seconds=self._seconds_left(found, memory, intent.attempt, intent.again_seconds),
            )

    def _unreadable(self, found: InProject, claim: KeyName) -> tuple[str, ...]:
        """The objects that may have the key, as they do not tell all of it, and that nobody holds."""
        masks = product((False, True), repeat=len(claim.key))
        keys = [tuple("" if hidden else part for part, hidden in zip(claim.key, mask, strict=True)) for mask in masks]
        found.topics.update(topic.key(found.view.name, claim.collection, key) for key in keys[1:])
        return tuple(
            other.id
            for key in keys[1:]
            for other in found.snapshot.of_key(key)
            if not other.is_whole and self.claims.holder(ObjectName(claim.place, claim.collection, other.id)) is None
        )

    def _has_looked(self, found: InProject, claim: KeyName, memory: Memory) -> bool:
        """Whether a list was begun since this is wanted: a datastore refuses a name that is taken, a project does not."""
        if found.kind.is_inside:
            return True
        since = memory.creation.want(claim.key, self.clock.monotonic())
        found.topics.add(topic.listed(found.view.name, found.kind.collection.name))
        begun = found.snapshot.last_list_begun
        return begun is not None and begun >= since

    def _needed(self, found: InProject) -> dict[tuple[str, ...], CloudObject]:
        needed: dict[tuple[str, ...], CloudObject] = {}
        for key in found.kind.needs(found.seen):
            found.topics.add(topic.key(found.view.name, found.kind.collection.name, key))
            for other in found.snapshot.of_key(key):
                if not found.snapshot.is_gone(other.id):
                    needed[key] = other
        return needed

    def _seconds_left(self, found: InProject, memory: Memory, attempt: int, wait: float) -> float | None:
        """What is left of a wait after an attempt that we did not see end: by our own clock only. 0: a list begun since is missing."""
        over = memory.creation.settles_at(attempt, wait, self.clock.monotonic())
        if (left := over - self.clock.monotonic()) > 0:
            return left
        if found.snapshot.last_list_begun is not None and found.snapshot.last_list_begun >= over:
            return None
        found.topics.add(topic.listed(found.view.name, found.kind.collection.name))
        found.session.request_list(found.kind.collection.name)
        return 0.0

    def _see_others(self, found: InProject) -> None:
        seen, id_ = found.seen, found.seen.status.id
        children, owned, actions = seen.children, seen.owned, seen.actions
        if seen.deleting and id_ is not None and not found.kind.is_inside:
            allowed = allowed_namespaces(seen.spec)
            inside = Inside(self.cache, self.claims, self.kind_of, self.projects.permits)
            children = inside.staying(found.resource, id_, allowed, found.session, found.topics)
        if not seen.deleting:
            owned = owned_by(found.resource, found.kind.owned(seen), self.claims, self.cache, found.topics)
        if found.kind.shows_actions and id_ is not None:
            found.session.show_actions(id_)
            actions = found.session.actions.get(id_, ())
            found.topics.add(topic.actions(found.view.name, id_))
        found.seen = replace(seen, children=children, owned=owned, actions=actions)


def _refers(reference: Reference, seen: Seen) -> bool:
    """Whether this resource depends on the reference now."""
    if seen.deleting:
        identity = seen.status.identity
        return reference.parent and identity is not None and identity.datastore_id is not None
    if reference.at_creation_only and seen.status.id is not None:
        return False
    return reference.of(seen.spec) is not None


def _pinned_key(seen: Seen) -> tuple[str, ...] | None:
    """The key under which an open attempt is looked for, and what is deleted: nothing that the spec says now."""
    status = seen.status
    if status.identity is not None and (seen.deleting or (status.id is None and status.intent is not None)):
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
