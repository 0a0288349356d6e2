"""Resolves what a spec refers to, and whether its namespace may refer to it (docs/security.md)."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from managed_databases.api.models import CloudObject
from managed_databases.kinds.kind import CloudKind, Reference
from managed_databases.kinds.managed_datastore_spec import GuestRights, ManagedDatastoreSpec
from managed_databases.kinds.observed import Referred
from managed_databases.kinds.project_view import ProjectView
from managed_databases.kinds.shared_fields import CloudSpec
from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.reconcile.observe.ownership_index import ObjectName, OwnershipIndex
from managed_databases.reconcile.ports import Resource, ResourceCache, ResourceKey
from managed_databases.reconcile.project.collection_snapshot import CollectionSnapshot
from managed_databases.reconcile.scheduling import dependencies as dependency
from managed_databases.reconcile.scheduling.dependencies import Dependency

TAKES_CHANGES = frozenset({"ACTIVE", "DEGRADED", None})


@dataclass(frozen=True)
class References:
    """Resolves references of resources; `dependencies` given to the calls receives what the answer depends on."""

    cache: ResourceCache
    owners: OwnershipIndex
    kind_of: Callable[[str], CloudKind]
    spec_of: Callable[[CloudKind, Resource], CloudSpec]

    def holder_by_name(self, asker: Resource, reference: Reference, stated: tuple[str, str, str | None]) -> ResourceKey:
        _, name, namespace = stated
        return ResourceKey(reference.kind, namespace or asker.key.namespace, name)

    def parent_by_name(
        self, asker: Resource, reference: Reference, stated: tuple[str, str, str | None], dependencies: set[Dependency]
    ) -> Resource | Wait:
        """The resource of that name, or what to say when there is none that the asker may know of."""
        key = self.holder_by_name(asker, reference, stated)
        dependencies.add(dependency.resource(*key))
        holder = self.cache.get(key)
        if holder is None or not self._may_use(asker, self.kind_of(reference.kind), holder):
            return _missing(asker, key)
        if not self.owners.counts(key):
            return _unproven(key)
        return holder

    def resolve(
        self,
        asker: Resource,
        reference: Reference,
        stated: tuple[str, str, str | None],
        project: ProjectView,
        snapshot: CollectionSnapshot[CloudObject],
        dependencies: set[Dependency],
    ) -> Referred:
        """Return what the reference stands for in this project."""
        referred = self._resolve(asker, reference, stated, project, snapshot, dependencies)
        there = referred.object
        if reference.at_creation_only and there is not None and not _is_going_away(referred.problem, there):
            return replace(referred, problem=None)  # a backup can be had of what is down, or at work
        return referred

    def _resolve(
        self,
        asker: Resource,
        reference: Reference,
        stated: tuple[str, str, str | None],
        project: ProjectView,
        snapshot: CollectionSnapshot[CloudObject],
        dependencies: set[Dependency],
    ) -> Referred:
        kind = self.kind_of(reference.kind)
        if stated[0] == "id":
            return self._by_id(asker, reference, kind, stated[1], project, snapshot, dependencies)
        holder = self.parent_by_name(asker, reference, stated, dependencies)
        if isinstance(holder, Wait):
            return Referred(str(self.holder_by_name(asker, reference, stated)), problem=holder)
        key = holder.key
        if (refusal := self._guest_refusal(asker, reference, kind, holder)) is not None:
            return Referred(str(key), problem=refusal)
        if (elsewhere := _project_of(holder, project)) != project.name:
            return Referred(
                str(key), problem=Stall(Reason.FORBIDDEN, f"{key} is in another DatabaseProject ({elsewhere})")
            )
        id_ = holder.told.id
        if id_ is None:
            return Referred(str(key), spec=self.spec_of(kind, holder), problem=_waits(key, "is not created yet"))
        return self._held(kind, holder, id_, project, snapshot, dependencies, asker)

    def of_object(
        self,
        kind: CloudKind,
        id_: str,
        project: ProjectView,
        snapshot: CollectionSnapshot[CloudObject],
        dependencies: set[Dependency],
    ) -> Referred:
        """Return a pinned parent, without asking whether it may be used: for deletions."""
        key = self.owners.proven_holder(ObjectName(project.place, kind.collection.name, id_))
        holder = None if key is None else self.cache.get(key)
        if holder is not None:
            dependencies.add(dependency.resource(*holder.key))
            return self._held(kind, holder, id_, project, snapshot, dependencies)
        dependencies.add(dependency.cloud_object(project.name, kind.collection.name, id_))
        return Referred(f"{kind.singular} {id_}", id_, snapshot.get(id_))

    def _by_id(
        self,
        asker: Resource,
        reference: Reference,
        kind: CloudKind,
        id_: str,
        project: ProjectView,
        snapshot: CollectionSnapshot[CloudObject],
        dependencies: set[Dependency],
    ) -> Referred:
        collection = kind.collection
        dependencies.add(dependency.cloud_object(project.name, collection.name, id_))
        dependencies.add(dependency.holder(project.place, collection.name, id_))
        # Whoever only says to hold it says the truth mostly, as when a key was lost: nobody else gets in meanwhile.
        key = self.owners.holder(ObjectName(project.place, collection.name, id_))
        holder = None if key is None else self.cache.get(key)
        if holder is not None:  # its allowedNamespaces count
            dependencies.add(dependency.resource(*holder.key))
        allowed = (
            "adopt" in project.powers if holder is None else self._may_use(asker, kind, holder, project, dependencies)
        )
        if not allowed:
            return Referred(
                f"{collection.one} {id_}",
                problem=Stall(
                    Reason.FORBIDDEN,
                    f"this namespace may not use the {collection.one} {id_}: the resource that holds it must name the "
                    "namespace in allowedNamespaces, or, when none does, the DatabaseProject must give it the power adopt",
                ),
            )
        if holder is not None:
            if not self.owners.counts(holder.key):
                return Referred(f"{collection.one} {id_}", problem=_unproven(holder.key))
            if _project_of(holder, project) != project.name:
                why = f"the {collection.one} {id_} is held in another DatabaseProject: what refers to it has to be in that one"
                return Referred(f"{collection.one} {id_}", problem=Stall(Reason.FORBIDDEN, why))
            if (refusal := self._guest_refusal(asker, reference, kind, holder)) is not None:
                return Referred(f"{collection.one} {id_}", problem=refusal)
            return self._held(kind, holder, id_, project, snapshot, dependencies, asker)
        found = snapshot.get(id_)
        label = f"{collection.one} {id_}"
        if found is None:
            return Referred(label, id_, problem=Wait(Reason.PARENT_MISSING, f"the project shows no {label}"))
        return Referred(label, id_, found, problem=_state_problem(label, found.status))

    def _held(
        self,
        kind: CloudKind,
        holder: Resource,
        id_: str,
        project: ProjectView,
        snapshot: CollectionSnapshot[CloudObject],
        dependencies: set[Dependency],
        asker: Resource | None = None,
    ) -> Referred:
        dependencies.add(dependency.cloud_object(project.name, kind.collection.name, id_))
        found = snapshot.get(id_)
        spec = self.spec_of(kind, holder)
        problem: Wait | Stall | None
        if holder.deleting_since is not None:
            problem = _waits(holder.key, "is being deleted")
        elif found is None:
            problem = _waits(holder.key, "is not in the cloud" if snapshot.is_gone(id_) else "is not listed yet")
        else:
            problem = _state_problem(str(holder.key), found.status)
        return Referred(
            str(holder.key),
            id_,
            found,
            problem,
            spec=spec,
            going=_is_going(holder, spec),
            guest=None if asker is None else self._guest(asker, kind, holder),
        )

    def _may_use(
        self,
        asker: Resource,
        kind: CloudKind,
        holder: Resource,
        project: ProjectView | None = None,
        dependencies: set[Dependency] | None = None,
    ) -> bool:
        if holder.key.namespace == asker.key.namespace:
            return True
        if asker.key.namespace in allowed_namespaces(self.spec_of(kind, holder)):
            return True
        return (
            project is not None
            and dependencies is not None
            and self._is_shared(asker, kind, holder, project, dependencies)
        )

    def _is_shared(
        self, asker: Resource, kind: CloudKind, holder: Resource, project: ProjectView, dependencies: set[Dependency]
    ) -> bool:
        """Whether the datastore that this database is in lets the namespace refer to it."""
        datastore_id = holder.told.datastore_id
        if kind.name != "ManagedDatabase" or not datastore_id:
            return False
        datastores = self.kind_of("ManagedDatastore")
        collection = datastores.collection.name
        dependencies.add(dependency.holder(project.place, collection, datastore_id))
        key = self.owners.holder(ObjectName(project.place, collection, datastore_id))
        datastore = None if key is None else self.cache.get(key)
        if datastore is None or datastore.key.namespace != holder.key.namespace:
            return False
        dependencies.add(dependency.resource(*datastore.key))
        spec, namespace = self.spec_of(datastores, datastore), asker.key.namespace
        if not isinstance(spec, ManagedDatastoreSpec):
            return False
        return namespace in spec.allowed_namespaces and holder.key.name in spec.rights_of(namespace).databases

    def _guest(self, asker: Resource, kind: CloudKind, holder: Resource) -> GuestRights | None:
        """What the asker's namespace may do in a datastore; None where it is the datastore's own, and of other kinds."""
        if asker.key.namespace == holder.key.namespace:
            return None
        spec = self.spec_of(kind, holder)
        return spec.rights_of(asker.key.namespace) if isinstance(spec, ManagedDatastoreSpec) else None

    def _guest_refusal(self, asker: Resource, reference: Reference, kind: CloudKind, holder: Resource) -> Stall | None:
        rights = self._guest(asker, kind, holder)
        if rights is None or reference.guest_may(rights):
            return None
        return Stall(
            Reason.FORBIDDEN,
            f"{reference.field}: {holder.key} lets {asker.key.namespace} have objects of its own, and no more: its "
            "spec.guestRights have to allow this",
        )


def _project_of(holder: Resource, project: ProjectView) -> str:
    """The name of the `DatabaseProject` that the resource is in: this one, as far as it says nothing else."""
    told = holder.told.project
    return project.name if told is None else str(told)


def allowed_namespaces(spec: CloudSpec) -> tuple[str, ...]:
    """The other namespaces that a resource lets in: only a datastore does."""
    return spec.allowed_namespaces if isinstance(spec, ManagedDatastoreSpec) else ()


def _missing(asker: Resource, key: ResourceKey) -> Wait:
    """One text for what is not there and for what may not be seen: nobody learns of another's resources."""
    if key.namespace == asker.key.namespace:
        return Wait(Reason.PARENT_MISSING, f"there is no {key}")
    return Wait(
        Reason.PARENT_MISSING,
        f"there is no {key}, or its allowedNamespaces do not name {asker.key.namespace}",
    )


def _waits(key: ResourceKey, why: str) -> Wait:
    return Wait(Reason.PARENT_NOT_READY, f"waits for {key}, which {why}")


def _unproven(key: ResourceKey) -> Wait:
    return _waits(key, "says that it holds an object, and nothing proves that")


def _state_problem(label: str, phase: str | None) -> Wait | None:
    if phase in TAKES_CHANGES:
        return None
    return Wait(Reason.PARENT_NOT_READY, f"waits for {label}, which is {phase}")


def _is_going_away(problem: Wait | Stall | None, there: CloudObject) -> bool:
    return isinstance(problem, Stall) or there.status == "PENDING_DELETE"


def _is_going(holder: Resource, spec: CloudSpec) -> bool:
    """Deleted with its cloud object and all that is in it, as nothing protects it."""
    return (
        holder.deleting_since is not None
        and spec.deletion_policy == "Delete"
        and not getattr(spec, "deletion_protection", False)
    )
