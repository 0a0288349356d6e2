"""Puts together what one pass observes, and what the pass depends on and wants. Only memory is read here;
`act/credentials.py` reads the Secrets.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from managed_databases.api.models import CloudObject
from managed_databases.kinds.facts import Facts
from managed_databases.kinds.kind import CloudKind, Reference
from managed_databases.kinds.observed import (
    CreationView,
    DeletionView,
    Observed,
    ObservedOwned,
    Referred,
    SameKey,
    Standing,
)
from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.reconcile.annotations import FORCE_DELETE
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.observe.creation import CreationLook
from managed_databases.reconcile.observe.current_pass import Pass, PassContext, PassInProject
from managed_databases.reconcile.observe.dying_namesakes import DyingNamesakes
from managed_databases.reconcile.observe.external import ExternalLook
from managed_databases.reconcile.observe.going_along import GoingAlong
from managed_databases.reconcile.observe.inside import Inside
from managed_databases.reconcile.observe.owned import owned_by
from managed_databases.reconcile.observe.ownership_index import OwnershipIndex, named_to
from managed_databases.reconcile.observe.passwords import PasswordChecks
from managed_databases.reconcile.observe.project_access import ProjectAccess
from managed_databases.reconcile.observe.reading import Specs, read_status
from managed_databases.reconcile.observe.resolved_references import Lookup, References, allowed_namespaces
from managed_databases.reconcile.observe.seals import Seals, decides_ownership, why_unproven
from managed_databases.reconcile.observe.twin import TwinLook
from managed_databases.reconcile.ports import Resource, ResourceCache
from managed_databases.reconcile.project.projects import Projects
from managed_databases.reconcile.scheduling import dependencies as dependency
from managed_databases.reconcile.told import without_absent

NO_CLAIM: Final = Facts(id=None, identity=None, intent=None, lost_ids=())
"""The fields of a status that claims no object."""


class Observer:
    """Looks at resources. What a look wants of others stands in `Pass.interests`; the reconciler orders it."""

    def __init__(
        self,
        *,
        cache: ResourceCache,
        owners: OwnershipIndex,
        projects: Projects,
        references: References,
        clock: Clock,
        specs: Specs,
        kind_of: Callable[[str], CloudKind],
        pending_limit_seconds: float,
        seals: Seals,
    ) -> None:
        self.cache = cache
        self._owners = owners
        self._references = references
        self._specs = specs
        self._kind_of = kind_of
        self._seals = seals
        self._checks = PasswordChecks(seals)
        self._access = ProjectAccess(cache, projects, references)
        self._external = ExternalLook(owners, clock, pending_limit_seconds)
        self._creation = CreationLook(owners, clock)
        self._dying = DyingNamesakes(clock, pending_limit_seconds)
        self._going_along = GoingAlong(clock)
        self._twin = TwinLook(cache, owners, seals)
        self._inside = Inside(cache, owners, kind_of, projects.granted_powers)

    def observe(self, resource: Resource, context: PassContext) -> Pass:
        """Return what there is to see of the resource: a PassInProject if its project can be used, else a Pass.

        The facts that the pass has learned and not written yet count as part of the status. Raises UnreadableSpec.
        """
        kind, facts = self._kind_of(resource.key.kind), context.facts
        status = without_absent({**resource.status, **facts.written()}) if facts else resource.status
        observed: Observed = Observed(
            namespace=resource.key.namespace,
            name=resource.key.name,
            uid=resource.uid,
            generation=resource.generation,
            annotations=resource.annotations,
            deleting=resource.deleting_since is not None,
            spec=self._specs.of(kind, resource),
            status=read_status(kind, status),
            creation=CreationView(is_listed=False),
        )
        current = Pass(resource=resource, kind=kind, observed=observed, context=context, checks=self._checks)
        current.observed = self._twin.led(current)
        problem: Wait | Stall | None = None if decides_ownership(facts) else self._unproven(current)
        if problem is None:
            opened = self._access.opened(current)
            if isinstance(opened, PassInProject):
                self._see_cloud(opened)
                return opened
            problem = opened
        owned = self._owned(current) if observed.deleting else ()  # owned resources are deleted without a project, too
        current.observed = replace(current.observed, problem=problem, owned=owned)
        return current

    def _unproven(self, current: Pass) -> Stall | None:
        """Return the stall for a status whose claim nothing proves; None if the claim is proven or the pass may go on without
        proof.

        The pass may go on if the claim is listed as one to be believed, and, without the claim, if the spec says that an existing
        object is to be adopted. The standing of the claim is noted in `current.observed`.
        """
        resource, observed = current.resource, current.observed
        if self._seals.proof(resource).holds:
            return None
        if (other := self._owners.disputed_by(resource.key)) is not None:
            current.dependencies.add(dependency.resource(*other))
            current.observed = replace(observed, standing=Standing.UNPROVEN)
            return Stall(
                Reason.CONFLICT,
                f"{named_to(resource, other)} says to have the same, and nothing proves that it is this resource's: remove one "
                f"of the two; to let this one go: {FORCE_DELETE}: true, and delete it",
            )
        if self._seals.is_listed(resource):
            current.observed = replace(observed, standing=Standing.TRUSTED)
            return None
        if not observed.deleting and observed.spec.adoption != "Never":
            status = NO_CLAIM.applied_to(observed.status)
            current.observed = replace(observed, standing=Standing.UNPROVEN, status=status)
            return None
        current.observed = replace(observed, standing=Standing.UNPROVEN)
        return why_unproven(self._seals.proof(resource), resource, adopts=not observed.deleting)

    def _see_cloud(self, current: PassInProject) -> None:
        kind, view = current.kind, current.view
        current.dependencies.add(dependency.catalogue(view.name))
        if not kind.is_inside:
            current.dependencies.add(dependency.quotas(view.name))
        refs, moved = self._references_of(current)
        patience_seconds: float | None = None
        if current.observed.deleting:
            refs, patience_seconds = self._going_along.look(current, refs)
        external, presence = self._external.look(current)
        current.observed = replace(
            current.observed, project=view, refs=refs, moved=moved, external=external, presence=presence
        )
        unlisted = self._orient(current)
        parents = [referred for ref in kind.references if ref.parent and (referred := refs.get(ref.field))]
        current.datastore_id = parents[0].id if parents else None
        same_key: SameKey[CloudObject] = SameKey()
        creation = CreationView(is_listed=current.snapshot.has_listed, unlisted=unlisted)
        needed: dict[tuple[str, ...], CloudObject] = {}
        if not parents or current.datastore_id is not None:
            same_key, creation = self._creation.look(current, unlisted)
            same_key = self._dying.look(current, same_key)
            needed = self._needed(current)
        if (wanted := kind.parameters_for(current.observed)) is not None:
            current.dependencies.add(dependency.parameters(view.name, wanted))
            current.interests.parameters = wanted
        current.interests.user_offers = kind.needs_user_offers(current.observed)
        current.observed = replace(
            current.observed,
            same_key=same_key,
            creation=creation,
            needed=needed,
            deletion=DeletionView(self._children(current), patience_seconds),
        )
        current.observed = self._twin.seen(current)
        if owned := self._owned(current):
            current.observed = replace(current.observed, owned=owned)
        if kind.shows_actions and (id_ := current.observed.status.id) is not None:
            self._see_actions(current, id_)

    def _references_of(self, current: PassInProject) -> tuple[dict[str, Referred], Stall | None]:
        """Return what each reference stands for, by its field; and the stall if the parent's name stands for another object
        than the one that this resource's object is in.
        """
        observed, view = current.observed, current.view
        identity, pinned, moved = observed.status.identity, observed.status.pinned, None
        refs: dict[str, Referred] = {}
        for reference in current.kind.references:
            if not _refers(reference, observed):
                continue
            kind = self._kind_of(reference.kind)
            lookup = Lookup(current.resource, kind, view, current.snapshot_of(kind), current.dependencies)
            inside = None if identity is None or not reference.parent else identity.datastore_id
            if observed.deleting:
                if inside is not None:
                    refs[reference.field] = self._references.of_object(lookup, inside)
            elif (stated := reference.of(observed.spec)) is not None:
                referred = self._references.resolve(lookup, reference, stated)
                if reference.parent and pinned is not None and referred.id not in (None, pinned.datastore_id):
                    made_in = pinned.datastore_id or ""
                    moved = _moved(reference, referred, made_in)
                    referred = self._references.of_object(lookup, made_in)
                elif inside is not None and pinned is not None and referred.id is None and observed.status.id is None:
                    # An object that an attempt has made is in the datastore of that attempt.
                    there = self._references.of_object(lookup, inside)
                    referred = replace(there, problem=referred.problem)
                refs[reference.field] = referred
        return refs, moved

    def _orient(self, current: PassInProject) -> Wait | Stall | None:
        """Note in the pass which collections matter to this resource, and depend on their first lists. Return why the
        collection of the resource's own kind cannot be listed at present; None if it can be, as far as is known.

        The collections of the kind itself, and of the kinds that the spec refers to, matter. A pass is not oriented before they
        were listed, and depends on the lists, or nobody would come back to a resource that was left alone. A collection that
        cannot be listed counts like a listed one if the status has no id, or if the pass need not wait for the list: a GET by
        id has told of the object (for the kind's own collection), or no reference to the other kind has to be waited for.
        """
        observed, unlisted = current.observed, None
        referring = [reference for reference in current.kind.references if _refers(reference, observed)]
        waited = {reference.kind for reference in referring if reference.waited}
        others = {reference.kind: self._kind_of(reference.kind) for reference in referring}
        for kind in {current.kind.name: current.kind, **others}.values():
            collection = kind.collection.name
            current.collections.add(collection)
            why = current.session.lists.why_unlisted(collection)
            if kind is current.kind:
                unlisted = why
            if current.snapshot_of(kind).has_listed:
                continue
            current.dependencies.add(dependency.listed(current.view.name, collection))
            is_known = observed.external is not None or observed.presence.is_gone
            is_told = observed.status.id is None or (is_known if kind is current.kind else kind.name not in waited)
            if why is None or not is_told:
                current.is_oriented = False
        return unlisted

    @staticmethod
    def _needed(current: PassInProject) -> dict[tuple[str, ...], CloudObject]:
        needed: dict[tuple[str, ...], CloudObject] = {}
        for key in () if current.observed.deleting else current.kind.needs(current.observed):
            current.dependencies.add(dependency.key(current.view.name, current.kind.collection.name, key))
            for other in current.snapshot.of_key(key):
                if not current.snapshot.is_gone(other.id):
                    needed[key] = other
        return needed

    def _children(self, current: PassInProject) -> tuple[str, ...]:
        observed, id_ = current.observed, current.observed.status.id
        if not observed.deleting or id_ is None or current.kind.is_inside:
            return ()
        allowed = allowed_namespaces(observed.spec)
        return self._inside.staying(current, id_, allowed)

    def _owned(self, current: Pass) -> tuple[ObservedOwned, ...]:
        wanted = () if current.observed.deleting else current.kind.owned(current.observed)
        return owned_by(current.resource, wanted, self._owners, self.cache, current.dependencies)

    @staticmethod
    def _see_actions(current: PassInProject, datastore_id: str) -> None:
        current.interests.actions_of = datastore_id
        current.dependencies.add(dependency.actions(current.view.name, datastore_id))
        if actions := current.session.actions.get(datastore_id):
            current.observed = replace(current.observed, actions=actions)


def _refers(reference: Reference, observed: Observed) -> bool:
    """Return whether this resource depends on the reference now."""
    if observed.deleting:
        identity = observed.status.identity
        return reference.parent and identity is not None and identity.datastore_id is not None
    if reference.at_creation_only and observed.status.id is not None:
        return False
    return reference.of(observed.spec) is not None


def _moved(reference: Reference, referred: Referred, pinned: str) -> Stall:
    return Stall(
        Reason.PARENT_CHANGED,
        f"this was made in the datastore {pinned}, and {reference.field} now means {referred.id} ({referred.label}): "
        "nothing is changed in either. To have it in the new one, delete this resource (with deletionPolicy Retain what "
        "is in the old one stays) and make it again; to go on with the old one, let a resource of that name hold it again",
    )
