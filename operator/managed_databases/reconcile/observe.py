"""Puts together what one pass sees, and on which topics it depends. Reads memory only; Secrets are read elsewhere."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, Final

from managed_databases.kinds.database_project import KIND as PROJECT
from managed_databases.kinds.facts import Facts
from managed_databases.kinds.frame import CloudStatus
from managed_databases.kinds.kind import CloudSide, Kind, Reference
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
from managed_databases.reconcile.references import References
from managed_databases.reconcile.report.status import without_absent
from managed_databases.reconcile.seals import Seals, decides_ownership, why_unproven
from managed_databases.reconcile.topics import Topic

NO_CLAIM: Final = {"id": None, "identity": None, "intent": None, "lost_ids": ()}
"""What a status says that says to have nothing."""

MAY_BE_GONE_FOR_GOOD: Final = (Reason.CREDENTIALS_INVALID, Reason.SECRET_MISSING, Reason.ADDRESS_REFUSED)
"""What may be wrong with a project's credentials: a deletion says how to go on without them."""

UNREADABLE_SECONDS: Final = 600.0
"""How long a first attempt waits for objects that do not tell their name. One that never does holds up no others."""


@dataclass
class Observation:
    """What a pass works on. `session` and `snapshot` are None when the project cannot be used.

    `is_oriented` is False while this process has not yet seen the project, or one of the lists that matter here, for
    the first time: what an earlier process wrote is then worth more than what this one could say. But that a list
    cannot be had is news for what is not made yet.
    """

    resource: Resource
    kind: Kind
    cloud: CloudSide
    seen: Seen
    checks: PasswordChecks
    topics: set[Topic] = field(default_factory=set)
    session: ProjectSession | None = None
    snapshot: CollectionSnapshot[Any] | None = None
    claim: KeyName | None = None
    is_oriented: bool = True
    datastore_id: str | None = None
    collections: set[str] = field(default_factory=set)
    """Those that what is seen here depends on."""

    @property
    def project(self) -> ProjectView:
        assert self.session is not None
        assert self.session.view is not None
        return self.session.view


@dataclass(frozen=True)
class Observer:
    cache: ResourceCache
    claims: Claims
    projects: Projects
    references: References
    clock: Clock
    specs: Specs
    kind_of: Callable[[str], Kind]
    pending_limit_seconds: float
    seals: Seals

    def observe(self, resource: Resource, memory: Memory, facts: Facts) -> Observation:
        """`facts` is what this pass has learned and not written yet. Raises UnreadableSpec."""
        kind = self.kind_of(resource.key.kind)
        cloud = kind.cloud
        assert cloud is not None
        status = read_status(kind, without_absent({**resource.status, **facts.written()}) if facts else resource.status)
        seen: dict[str, Any] = {
            "namespace": resource.key.namespace,
            "name": resource.key.name,
            "uid": resource.uid,
            "generation": resource.generation,
            "annotations": resource.annotations,
            "deleting": resource.deleting_since is not None,
            "spec": self.specs.of(kind, resource),
            "status": status,
            "listed": False,
        }
        found = Observation(resource, kind, cloud, Seen(**seen), PasswordChecks(self.seals))
        if found.seen.deleting:  # what it owns is sent the same way, with or without its project
            seen["owned"] = owned_by(resource, (), self.claims, self.cache, found.topics)
            found.seen = Seen(**seen)
        problem: Wait | Stall | None = None if decides_ownership(facts) else self._unproven(found, seen)
        status = seen["status"]
        if problem is None:
            name = self._project_name(found, status)
            problem = self._open_project(found, name, status) if isinstance(name, str) else name
        if problem is None:
            self._see_cloud(found, seen, memory)
        else:
            seen["problem"] = problem
        found.seen = Seen(**seen)
        return found

    def _unproven(self, found: Observation, seen: dict[str, Any]) -> Stall | None:
        """What to say when nothing proves what the status says to have. What can happen all the same is decided without it:
        a person's word that an object of this name is to be taken over; or that what was there may be believed.
        """
        resource = found.resource
        if self.seals.proof(resource).holds:
            return None
        if (other := self.claims.disputed_by(resource.key)) is not None:
            found.topics.add(topic.resource(*other))
            seen["unproven"] = True
            return Stall(
                Reason.CONFLICT,
                f"{_named(resource, other)} says to have the same, and nothing proves that it is this resource's: remove one "
                f"of the two; to let this one go: {FORCE_DELETE}: true, and delete it",
            )
        if self.seals.is_listed(resource):
            seen["by_trust"] = True
            return None
        seen["unproven"] = True
        if not found.seen.deleting and found.seen.cloud_spec.adoption != "Never":
            seen["status"] = seen["status"].model_copy(update=NO_CLAIM)
            found.seen = Seen(**seen)
            return None
        return why_unproven(self.seals.proof(resource), resource, adopts=not found.seen.deleting)

    def _project_name(self, found: Observation, status: CloudStatus) -> str | Wait | Stall:
        """Pinned, stated, the parent's, or the default one."""
        if status.identity is not None and (status.pinned or found.seen.deleting):
            return status.identity.project
        stated = getattr(found.seen.spec, "project_ref", None)
        if stated is not None:
            return str(stated.name)
        for reference in found.cloud.references:
            to = reference.of(found.seen.spec)
            if not reference.parent or to is None or to[0] != "name":
                continue
            parent = self.references.parent_by_name(found.resource, reference, to, found.topics)
            if isinstance(parent, Wait):
                return parent
            if identity := parent.status.get("identity"):
                return str(identity["project"])
            return Wait(Reason.PARENT_NOT_READY, f"waits for {parent.key}, which is not created yet")
        found.topics.add(topic.default_project())
        return self.projects.default_name()

    def _open_project(self, found: Observation, name: str, status: CloudStatus) -> Wait | Stall | None:
        found.topics.add(topic.project(name))
        session = self.projects.session(name)
        exists = self.cache.get(ResourceKey(PROJECT.name, "", name)) is not None
        found.is_oriented = not exists or (session is not None and session.is_opened)
        way_out = f", or annotate {FORCE_DELETE}: true to let go of the cloud object" if found.seen.deleting else ""
        if session is None:
            return Wait(Reason.PROJECT_MISSING, f"there is no DatabaseProject {name}: create it{way_out}")
        powers = self.projects.permits(name, found.resource.key.namespace)
        if powers is None:
            return Stall(
                Reason.FORBIDDEN,
                f"the DatabaseProject {name} does not allow the namespace {found.resource.key.namespace}: its "
                f"spec.allowedNamespaces must name it{way_out}",
            )
        if (problem := session.problem) is not None:
            told = (
                problem if problem.reason is Reason.PROJECT_NOT_READY else replace(problem, message=_why(name, problem))
            )
            return replace(told, message=told.message + way_out) if problem.reason in MAY_BE_GONE_FOR_GOOD else told
        if session.view is None:
            return Wait(Reason.PROJECT_NOT_READY, f"waits for the DatabaseProject {name}")
        pinned = status.pinned
        actual = (session.view.project_id, session.view.region)
        if pinned is not None and (pinned.project_id, pinned.region) != actual:
            return Stall(
                Reason.PROJECT_CHANGED,
                f"this object is in project {pinned.project_id}, region {pinned.region}; the DatabaseProject "
                f"{name} is now {session.view.project_id}, {session.view.region}: put that back",
            )
        found.session = session
        found.snapshot = session.need(found.cloud)
        session.wish(found.cloud.collection.name, found.resource.key, found.seen.cloud_spec.poll_seconds)
        return None

    def _see_cloud(self, found: Observation, seen: dict[str, Any], memory: Memory) -> None:
        assert found.session is not None
        assert found.snapshot is not None
        view = found.session.view
        assert view is not None
        powers = self.projects.permits(view.name, found.resource.key.namespace) or frozenset()
        prefixes = self.projects.name_prefixes(view.name, found.resource.key.namespace)
        view = seen["project"] = _with_powers(view, powers, prefixes)
        collection = found.cloud.collection.name
        status: CloudStatus = seen["status"]
        found.topics.add(topic.catalogue(view.name))
        if not any(reference.parent for reference in found.cloud.references):
            found.topics.add(topic.quotas(view.name))
        seen["refs"] = self._references(found, seen, view)
        seen["listed"] = found.snapshot.has_listed
        if status.id is not None:
            seen["mine"] = found.snapshot.get(status.id)
            seen["pending_seconds"] = self._pending_seconds(found, seen["mine"], memory)
            seen["mine_gone"] = found.snapshot.is_gone(status.id)
            is_unreadable = seen["mine"] is not None and not seen["mine"].is_whole
            seen["mine_unsure"] = is_unreadable or found.snapshot.is_dirty(status.id)
            found.topics.add(topic.cloud_object(view.name, collection, status.id))
            holder = self.claims.holder(ObjectName(view.place, collection, status.id))
            if holder is not None and holder != found.resource.key:
                seen["holder"] = _named(found.resource, holder)
                found.topics.add(topic.resource(*holder))
        self._orient(found, seen, view.name)
        seen["returned"] = self._returned(found, status)
        found.seen = Seen(**seen)
        parents = [
            referred for ref in found.cloud.references if ref.parent and (referred := seen["refs"].get(ref.field))
        ]
        found.datastore_id = parents[0].id if parents else None
        if not parents or found.datastore_id is not None:
            self._see_key(found, seen, memory)
        self.claims.want(found.resource.key, found.claim)
        if (wanted := found.cloud.parameters_for(found.seen)) is not None:
            found.topics.add(topic.parameters(view.name, wanted))
            found.session.need_parameters(wanted, found.resource.key.namespace)
        self._see_others(found, seen)

    def _returned(self, found: Observation, status: CloudStatus) -> tuple[str, ...]:
        """What the API said is gone, and shows all the same: it was ours, and nobody else holds it."""
        assert found.snapshot is not None
        project, collection = found.project, found.cloud.collection.name
        if status.id is not None:
            return ()
        found.topics.update(topic.cloud_object(project.name, collection, id_) for id_ in status.lost_ids)
        return tuple(
            id_
            for id_ in status.lost_ids
            if found.snapshot.get(id_) is not None
            and not found.snapshot.is_gone(id_)
            and not found.snapshot.is_dirty(id_)
            and self.claims.holder(ObjectName(project.place, collection, id_)) is None
        )

    def _orient(self, found: Observation, seen: dict[str, Any], project: str) -> None:
        """Every list that matters here is waited for, or nobody would come back to what was left alone.

        What this spec does not refer to does not matter; nor does, once it cannot be listed, what the object need not
        wait for: its name says enough. The object itself can be asked for by its id then.
        """
        assert found.session is not None
        referring = [reference for reference in found.cloud.references if _refers(reference, seen)]
        waited = {reference.kind for reference in referring if reference.waited}
        others = {reference.kind: self.kind_of(reference.kind).cloud for reference in referring}
        for kind, cloud in {found.kind.name: found.cloud, **others}.items():
            assert cloud is not None
            collection = cloud.collection.name
            found.collections.add(collection)
            if found.session.need(cloud).has_listed:
                continue
            found.topics.add(topic.listed(project, collection))
            why = found.session.why_unlisted(collection)
            is_known = seen.get("mine") is not None or seen.get("mine_gone", False)
            is_told = seen["status"].id is None or (is_known if cloud is found.cloud else kind not in waited)
            if why is None or not is_told:
                found.is_oriented = False
            if cloud is found.cloud:
                seen["unlisted"] = why

    def _pending_seconds(self, found: Observation, mine: Any, memory: Memory) -> float | None:
        """What is left of the time that the cloud's work may take; what an earlier process has said of it holds."""
        if mine is None or mine.status not in PENDING:
            memory.work = None
            return None
        now = self.clock.monotonic()
        if memory.work is None or memory.work[0] != (mine.id, mine.status):
            memory.work = (mine.id, mine.status), now
        status = found.resource.status
        was_told = status.get("phase") == mine.status and any(
            condition.get("reason") == Reason.PENDING_TOO_LONG for condition in status.get("conditions", ())
        )
        return 0.0 if was_told else max(memory.work[1] + self.pending_limit_seconds - now, 0.0)

    def _references(self, found: Observation, seen: dict[str, Any], view: ProjectView) -> dict[str, Referred]:
        assert found.session is not None
        identity, pinned = seen["status"].identity, seen["status"].pinned
        refs: dict[str, Referred] = {}
        for reference in found.cloud.references:
            if not _refers(reference, seen):
                continue
            kind = self.kind_of(reference.kind)
            assert kind.cloud is not None
            snapshot = found.session.need(kind.cloud)
            if seen["deleting"]:
                refs[reference.field] = self.references.of_object(
                    kind, identity.datastore_id, view, snapshot, found.topics
                )
            elif (stated := reference.of(seen["spec"])) is not None:
                referred = self.references.resolve(found.resource, reference, stated, view, snapshot, found.topics)
                if reference.parent and pinned is not None and referred.id not in (None, pinned.datastore_id):
                    assert pinned.datastore_id is not None
                    seen["moved"] = _moved(reference, referred, pinned.datastore_id)
                    referred = self.references.of_object(kind, pinned.datastore_id, view, snapshot, found.topics)
                elif reference.parent and pinned is not None and referred.id is None and seen["status"].id is None:
                    assert pinned.datastore_id is not None  # what an attempt has made is where it was made
                    there = self.references.of_object(kind, pinned.datastore_id, view, snapshot, found.topics)
                    referred = replace(there, problem=referred.problem)
                refs[reference.field] = referred
        return refs

    def _see_key(self, found: Observation, seen: dict[str, Any], memory: Memory) -> None:
        assert found.snapshot is not None
        project, place, collection = found.project.name, found.project.place, found.cloud.collection.name
        found.claim = KeyName(place, collection, _pinned_key(found.seen) or found.cloud.key(found.seen))
        found.topics.add(topic.key(project, collection, found.claim.key))
        created_id = (
            None if found.seen.unproven else memory.creation.created_id
        )  # what was made once is no claim of now
        namesakes, held = [], {}
        for other in found.snapshot.of_key(found.claim.key):
            if other.id in (found.seen.status.id, created_id) or found.snapshot.is_gone(other.id):
                continue
            holder = self.claims.holder(ObjectName(place, collection, other.id))
            if holder is None or (holder == found.resource.key and found.seen.unproven):
                namesakes.append(other)
            elif holder != found.resource.key:
                held[other.id] = _named(found.resource, holder)
                found.topics.add(topic.resource(*holder))
        seen["namesakes"], seen["held_namesakes"] = tuple(namesakes), held
        mine = found.seen.mine
        is_to_get_another = mine is not None and not found.seen.deleting and found.cloud.key_of(mine) != found.claim.key
        if found.seen.status.id is None or is_to_get_another:
            seen["unreadable"] = self._unreadable(found, found.claim)
        if not found.seen.deleting:
            seen["needed"] = self._needed(found)
        claimant = self.claims.claimant(found.claim)
        if claimant is not None and claimant != found.resource.key:
            seen["rival"] = _named(found.resource, claimant)
            found.topics.add(topic.resource(*claimant))
        intent = found.seen.status.intent
        if (intent is None and found.seen.status.id is None) or is_to_get_another:
            seen["looked"] = self._has_looked(found, memory)
            if seen["unreadable"] and (since := memory.creation.wanted_since) is not None:
                left = since + UNREADABLE_SECONDS - self.clock.monotonic()
                seen["unreadable_seconds"] = left if left > 0 else None
        elif mine is not None:  # it has its name
            memory.creation.want_no_more()
        if intent is not None and found.seen.status.id is None:
            seen["settle_seconds"] = self._seconds_left(found, memory, intent.attempt, intent.wait_seconds)
            seen["again_seconds"] = self._seconds_left(found, memory, intent.attempt, intent.again_seconds)
        seen["created_id"] = created_id if found.seen.status.id is None else None

    def _unreadable(self, found: Observation, claim: KeyName) -> tuple[str, ...]:
        """The objects that may have the key, as they do not tell all of it, and that nobody holds."""
        assert found.snapshot is not None
        masks = product((False, True), repeat=len(claim.key))
        keys = [tuple("" if hidden else part for part, hidden in zip(claim.key, mask, strict=True)) for mask in masks]
        found.topics.update(topic.key(found.project.name, claim.collection, key) for key in keys[1:])
        return tuple(
            other.id
            for key in keys[1:]
            for other in found.snapshot.of_key(key)
            if not other.is_whole and self.claims.holder(ObjectName(claim.place, claim.collection, other.id)) is None
        )

    def _has_looked(self, found: Observation, memory: Memory) -> bool:
        """Whether a list was begun since this is wanted: a datastore refuses a name that is taken, a project does not."""
        assert found.snapshot is not None
        if any(reference.parent for reference in found.cloud.references):
            return True
        key = found.claim.key if found.claim else None
        since = memory.creation.want(key, self.clock.monotonic())
        found.topics.add(topic.listed(found.project.name, found.cloud.collection.name))
        begun = found.snapshot.last_list_begun
        return begun is not None and begun >= since

    def _needed(self, found: Observation) -> dict[tuple[str, ...], Any]:
        assert found.snapshot is not None
        needed: dict[tuple[str, ...], Any] = {}
        for key in found.cloud.needs(found.seen):
            found.topics.add(topic.key(found.project.name, found.cloud.collection.name, key))
            for other in found.snapshot.of_key(key):
                if not found.snapshot.is_gone(other.id):
                    needed[key] = other
        return needed

    def _seconds_left(self, found: Observation, memory: Memory, attempt: int, wait: float) -> float | None:
        """What is left of a wait after an attempt that we did not see end: by our own clock only. 0: a list begun since is missing."""
        assert found.session is not None
        assert found.snapshot is not None
        over = memory.creation.settles_at(attempt, wait, self.clock.monotonic())
        if (left := over - self.clock.monotonic()) > 0:
            return left
        if found.snapshot.last_list_begun is not None and found.snapshot.last_list_begun >= over:
            return None
        found.topics.add(topic.listed(found.project.name, found.cloud.collection.name))
        found.session.request_list(found.cloud.collection.name)
        return 0.0

    def _see_others(self, found: Observation, seen: dict[str, Any]) -> None:
        assert found.session is not None
        id_ = seen["status"].id
        if seen["deleting"] and id_ is not None and not any(ref.parent for ref in found.cloud.references):
            allowed = getattr(seen["spec"], "allowed_namespaces", ())
            inside = Inside(self.cache, self.claims, self.kind_of, self.projects.permits)
            seen["children"] = inside.staying(found.resource, id_, allowed, found.session, found.topics)
        if not seen["deleting"]:
            wanted = found.cloud.owned(found.seen)
            seen["owned"] = owned_by(found.resource, wanted, self.claims, self.cache, found.topics)
        if found.cloud.shows_actions and id_ is not None:
            found.session.show_actions(id_)
            seen["actions"] = found.session.actions.get(id_, ())
            found.topics.add(topic.actions(found.project.name, id_))


def _refers(reference: Reference, seen: Mapping[str, Any]) -> bool:
    """Whether this resource depends on the reference now."""
    if seen["deleting"]:
        identity = seen["status"].identity
        return reference.parent and identity is not None and identity.datastore_id is not None
    if reference.at_creation_only and seen["status"].id is not None:
        return False
    return reference.of(seen["spec"]) is not None


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
