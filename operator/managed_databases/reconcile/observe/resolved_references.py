"""Resolves what a spec refers to, and checks whether the resource's namespace may refer to it (docs/security.md)."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from managed_databases.api.models import CloudObject
from managed_databases.kinds.kind import CloudKind, NameOrId, Reference
from managed_databases.kinds.managed_datastore_spec import GuestRights, ManagedDatastoreSpec
from managed_databases.kinds.observed import Referred
from managed_databases.kinds.phases import AT_WORK
from managed_databases.kinds.project_view import ProjectView
from managed_databases.kinds.shared_fields import CloudSpec
from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.reconcile.observe.ownership_index import ObjectName, OwnershipIndex
from managed_databases.reconcile.observe.reading import UnreadableSpec
from managed_databases.reconcile.ports import Resource, ResourceCache, ResourceKey
from managed_databases.reconcile.project.collection_snapshot import CollectionSnapshot
from managed_databases.reconcile.scheduling import dependencies as dependency
from managed_databases.reconcile.scheduling.dependencies import Dependency

_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TAKES_CHANGES = frozenset({"ACTIVE", "DEGRADED", None})


@dataclass(frozen=True)
class Lookup:
    """A question of a resource (`asker`) for an object of a kind in a project; `snapshot` is the kind's collection there.

    `dependencies` receives what the answer depends on.
    """

    asker: Resource
    kind: CloudKind
    project: ProjectView
    snapshot: CollectionSnapshot[CloudObject]
    dependencies: set[Dependency]

    def object(self, id_: str) -> CloudObject | None:
        """Return the object with this id as the snapshot shows it, None if it does not; the dependency on it is noted."""
        self.dependencies.add(dependency.cloud_object(self.project.name, self.kind.collection.name, id_))
        return self.snapshot.get(id_)

    def name_of(self, kind: CloudKind, id_: str) -> ObjectName:
        return ObjectName(self.project.place, kind.collection.name, id_)


@dataclass(frozen=True)
class References:
    """Resolves references of resources.

    If the spec of another resource cannot be read (`UnreadableSpec`), it says nothing: it lets in nobody who is not there, and
    whoever refers to that resource waits for it. Only the resource itself says `InvalidSpec`.
    """

    cache: ResourceCache
    owners: OwnershipIndex
    kind_of: Callable[[str], CloudKind]
    spec_of: Callable[[CloudKind, Resource], CloudSpec]

    def parent_by_name(
        self, asker: Resource, reference: Reference, stated: NameOrId, dependencies: set[Dependency]
    ) -> Resource | Wait:
        """Return the resource that `stated` names; a Wait if the asker may know of none, or if nothing proves its claim.

        `dependencies` receives what the answer depends on. The question needs no project.
        """
        key = _key_of(asker, reference, stated)
        dependencies.add(dependency.resource(*key))
        holder = self.cache.get(key)
        if holder is None or not self._lets_in(asker, self.kind_of(reference.kind), holder):
            return _missing(asker, key, reference)
        if not self.owners.counts(key):
            return _unproven(key)
        return holder

    def resolve(self, lookup: Lookup, reference: Reference, stated: NameOrId) -> Referred:
        """Return what the reference stands for in the project. `lookup` is for the kind that the reference is to."""
        by = self._by_id if stated[0] == "id" else self._by_name
        referred = by(lookup, reference, stated)
        there = referred.object
        if reference.at_creation_only and there is not None and there.status != "PENDING_DELETE":
            return replace(referred, problem=None)  # a datastore that is down, or at work, can still be restored from
        return referred

    def of_object(self, lookup: Lookup, id_: str) -> Referred:
        """Return the object with this id as a parent, without a check whether the asker may use it: for a parent that is
        pinned.
        """
        key = self.owners.proven_holder(lookup.name_of(lookup.kind, id_))
        holder = None if key is None else self.cache.get(key)
        if holder is not None:
            lookup.dependencies.add(dependency.resource(*holder.key))
            return self._held(lookup, holder, id_)
        is_gone = lookup.snapshot.is_gone(id_)
        return Referred(f"{lookup.kind.singular} {id_}", id_, lookup.object(id_), is_gone=is_gone)

    def _by_name(self, lookup: Lookup, reference: Reference, stated: NameOrId) -> Referred:
        label = str(_key_of(lookup.asker, reference, stated))
        holder = self.parent_by_name(lookup.asker, reference, stated, lookup.dependencies)
        if isinstance(holder, Wait):
            return Referred(label, problem=holder)
        if (refusal := self._guest_refusal(lookup, reference, holder)) is not None:
            return Referred(label, problem=refusal)
        if (elsewhere := _project_of(holder, lookup.project)) != lookup.project.name:
            return Referred(
                label, problem=Stall(Reason.FORBIDDEN, f"{label} is in another DatabaseProject ({elsewhere})")
            )
        id_ = holder.told.id
        if id_ is None:
            spec = self._spec(lookup.kind, holder)
            return Referred(label, spec=spec, problem=_waits(holder.key, "is not created yet"))
        return self._held(lookup, holder, id_, guest=self._guest(lookup, holder))

    def _by_id(self, lookup: Lookup, reference: Reference, stated: NameOrId) -> Referred:
        id_ = stated[1]
        label = f"{lookup.kind.collection.one} {id_}"
        found = lookup.object(id_)
        # An unproven holder counts, too: mostly it tells the truth, as when the key was lost, and until then nobody else gets in.
        holder = self._holder(lookup, lookup.kind, id_)
        if holder is None:
            if not lookup.project.may_adopt:
                return Referred(label, problem=_may_not_use(label))
            if found is None:
                missing = Wait(Reason.PARENT_MISSING, f"the project shows no {label}")
                return Referred(label, id_, problem=missing, is_gone=lookup.snapshot.is_gone(id_))
            problem = _state_problem(label, found.status)
            return Referred(label, id_, found, problem, is_at_work=found.status in AT_WORK)
        lookup.dependencies.add(dependency.resource(*holder.key))  # its allowedNamespaces count
        if not self._lets_in(lookup.asker, lookup.kind, holder) and not self._is_shared(lookup, holder):
            return Referred(label, problem=_may_not_use(label))
        if not self.owners.counts(holder.key):
            return Referred(label, problem=_unproven(holder.key))
        if _project_of(holder, lookup.project) != lookup.project.name:
            why = f"the {label} is held in another DatabaseProject: what refers to it has to be in that one"
            return Referred(label, problem=Stall(Reason.FORBIDDEN, why))
        if (refusal := self._guest_refusal(lookup, reference, holder)) is not None:
            return Referred(label, problem=refusal)
        return self._held(lookup, holder, id_, guest=self._guest(lookup, holder))

    def _holder(self, lookup: Lookup, kind: CloudKind, id_: str) -> Resource | None:
        lookup.dependencies.add(dependency.holder(*lookup.name_of(kind, id_)))
        key = self.owners.holder(lookup.name_of(kind, id_))
        return None if key is None else self.cache.get(key)

    def _held(self, lookup: Lookup, holder: Resource, id_: str, *, guest: GuestRights | None = None) -> Referred:
        found, spec = lookup.object(id_), self._spec(lookup.kind, holder)
        problem: Wait | Stall | None
        is_at_work = False
        if holder.deleting_since is not None:
            problem = _waits(holder.key, "is being deleted")
        elif found is None:
            why = "is not in the cloud" if lookup.snapshot.is_gone(id_) else "is not listed yet"
            problem = _waits(holder.key, why)
        else:
            problem, is_at_work = _state_problem(str(holder.key), found.status), found.status in AT_WORK
            if problem is None and spec is None:
                problem = Wait(Reason.PARENT_NOT_READY, f"waits for {holder.key}, whose spec this operator cannot read")
        return Referred(
            str(holder.key),
            id_,
            found,
            problem,
            is_at_work=is_at_work,
            is_gone=lookup.snapshot.is_gone(id_),
            spec=spec,
            going=_is_going(holder, spec),
            held_up=_is_held_up(holder),
            guest=guest,
        )

    def _spec(self, kind: CloudKind, holder: Resource) -> CloudSpec | None:
        """Return the holder's spec; None if it cannot be read."""
        try:
            return self.spec_of(kind, holder)
        except UnreadableSpec:
            return None

    def _lets_in(self, asker: Resource, kind: CloudKind, holder: Resource) -> bool:
        if holder.key.namespace == asker.key.namespace:
            return True
        spec = self._spec(kind, holder)
        return self._is_in(asker, holder) if spec is None else asker.key.namespace in allowed_namespaces(spec)

    def _is_in(self, asker: Resource, holder: Resource) -> bool:
        """Return whether the asker's object is proven to be in this datastore: it was let in, and serves on while nothing tells
        whether it still is. The reference has a problem then, so no step is taken.
        """
        told = asker.told
        return told.id is not None and told.datastore_id == holder.told.id and self.owners.counts(asker.key)

    def _is_shared(self, lookup: Lookup, holder: Resource) -> bool:
        """Return whether the datastore that this database is in lets the asker's namespace refer to the database."""
        datastore_id = holder.told.datastore_id
        if lookup.kind.name != "ManagedDatabase" or not datastore_id:
            return False
        datastores = self.kind_of("ManagedDatastore")
        datastore = self._holder(lookup, datastores, datastore_id)
        if datastore is None or datastore.key.namespace != holder.key.namespace:
            return False
        lookup.dependencies.add(dependency.resource(*datastore.key))
        spec, namespace = self._spec(datastores, datastore), lookup.asker.key.namespace
        if not isinstance(spec, ManagedDatastoreSpec):
            return False
        return namespace in spec.allowed_namespaces and holder.key.name in spec.rights_of(namespace).databases

    def _guest(self, lookup: Lookup, holder: Resource) -> GuestRights | None:
        """Return what the asker's namespace may do in the datastore of `holder`; None if it is the datastore's own namespace,
        which may do everything, or if `holder` is of another kind.
        """
        namespace = lookup.asker.key.namespace
        if namespace == holder.key.namespace:
            return None
        spec = self._spec(lookup.kind, holder)
        return spec.rights_of(namespace) if isinstance(spec, ManagedDatastoreSpec) else None

    def _guest_refusal(self, lookup: Lookup, reference: Reference, holder: Resource) -> Stall | None:
        rights = self._guest(lookup, holder)
        if rights is None or reference.guest_may(rights):
            return None
        return Stall(
            Reason.FORBIDDEN,
            f"{reference.field}: {holder.key} lets {lookup.asker.key.namespace} have objects of its own, and no more: its "
            "spec.guestRights have to allow this",
        )


def _key_of(asker: Resource, reference: Reference, stated: NameOrId) -> ResourceKey:
    """Return the key of the resource that a name means."""
    _, name, namespace = stated
    return ResourceKey(reference.kind, namespace or asker.key.namespace, name)


def _project_of(holder: Resource, project: ProjectView) -> str:
    """Return the name of the `DatabaseProject` that the resource is in: `project`, unless its status names another one."""
    told = holder.told.project
    return project.name if told is None else str(told)


def allowed_namespaces(spec: CloudSpec) -> tuple[str, ...]:
    """Return the other namespaces that a resource lets in: only a datastore lets any in."""
    return spec.allowed_namespaces if isinstance(spec, ManagedDatastoreSpec) else ()


def _missing(asker: Resource, key: ResourceKey, reference: Reference) -> Wait:
    """Return the wait for a missing resource. Its text is the same for a resource that the asker may not see, so that nobody
    learns of resources in other namespaces.
    """
    if key.namespace == asker.key.namespace:
        hint = f"; one in another namespace is named with {reference.field}.namespace" if reference.parent else ""
        if _UUID.fullmatch(key.name):
            hint = "; to name what has this id in the cloud, say id instead of name"
        return Wait(Reason.PARENT_MISSING, f"there is no {key}{hint}")
    return Wait(
        Reason.PARENT_MISSING,
        f"there is no {key}, or its allowedNamespaces do not name {asker.key.namespace}",
    )


def _may_not_use(label: str) -> Stall:
    """Return the stall for an object that may not be used. Its text is the same whether there is such an object or not, so that
    nobody learns of objects of others.
    """
    return Stall(
        Reason.FORBIDDEN,
        f"this namespace may not use the {label}: the resource that holds it must name the namespace in "
        "allowedNamespaces, or, when none does, the DatabaseProject must give it the power adopt",
    )


def _waits(key: ResourceKey, why: str) -> Wait:
    return Wait(Reason.PARENT_NOT_READY, f"waits for {key}, which {why}")


def _unproven(key: ResourceKey) -> Wait:
    return _waits(key, "says that it holds an object, and nothing proves that")


def _state_problem(label: str, phase: str | None) -> Wait | None:
    if phase in TAKES_CHANGES:
        return None
    return Wait(Reason.PARENT_NOT_READY, f"waits for {label}, which is {phase}")


def _is_going(holder: Resource, spec: CloudSpec | None) -> bool:
    """Return whether the resource is being deleted together with its cloud object and all that is in it: that takes a spec that
    can be read.
    """
    if spec is None:
        return False
    return holder.deleting_since is not None and spec.deletion_policy == "Delete" and not spec.protects_itself


def _is_held_up(holder: Resource) -> bool:
    """Return whether the resource's status says that something holds up its deletion: anything but the deletion itself.

    A status that was written before the deletion says nothing of it: the API server counts a deletion as a new generation.
    """
    synced = holder.told.condition("Synced")
    is_told = holder.deleting_since is not None and holder.told.observed_generation == holder.generation
    return is_told and synced is not None and synced.reason != Reason.DELETING
