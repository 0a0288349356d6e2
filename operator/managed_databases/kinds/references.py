"""How specs refer to other resources and cloud objects: by name or by id, exactly one of the two."""

from typing import TYPE_CHECKING, cast

from pydantic import Field

from managed_databases.kinds.kind import NameOrId, Reference, S
from managed_databases.kinds.observed import O_co, Observed, Referred, S_co, SpecRefused
from managed_databases.kinds.schema import Rule, Spec, rules
from managed_databases.kinds.shared_fields import EXACTLY_ONE, NamespaceName, ObjectName, Uuid
from managed_databases.kinds.verdicts import Reason, Stall

if TYPE_CHECKING:
    from managed_databases.api.models import Datastore
    from managed_databases.kinds.managed_datastore_spec import ManagedDatastoreSpec
    from managed_databases.kinds.protection import ProtectedSpec


class ObjectRef(Spec):
    """Names a resource in the same namespace, or a cloud object by its id."""

    model_config = rules(EXACTLY_ONE)

    name: ObjectName | None = Field(default=None, description="The resource's name.")
    id: Uuid | None = Field(default=None, description="The cloud object's id.")


class DatastoreRef(Spec):
    """Names a ManagedDatastore by its name, or a datastore without such a resource by its id in the cloud."""

    model_config = rules(
        EXACTLY_ONE,
        Rule("!has(self.__namespace__) || has(self.name)", "a namespace goes with a name: an id has none"),
    )

    name: ObjectName | None = Field(default=None, description="The ManagedDatastore's name.")
    namespace: NamespaceName | None = Field(
        default=None,
        description="The namespace of the ManagedDatastore, if that is another one than this resource's: the allowedNamespaces "
        "of the ManagedDatastore must name this resource's namespace.",
    )
    id: Uuid | None = Field(default=None, description="The id of a datastore in the cloud.")


PROJECT_ONLY_WITH_ID = Rule(
    "!has(self.projectRef) || has(self.datastoreRef.id)",
    "a ManagedDatastore named in datastoreRef tells the project itself: give projectRef only with datastoreRef.id",
)


def stated(reference: ObjectRef | DatastoreRef | None) -> NameOrId | None:
    """Return a reference as a tuple: by name or by id, that name or id, and the namespace (None: the same); None for None."""
    if reference is None:
        return None
    if reference.id is not None:
        return ("id", reference.id, None)
    return ("name", reference.name or "", getattr(reference, "namespace", None))


def _datastore_of(spec: "ProtectedSpec") -> NameOrId | None:
    return stated(spec.datastore_ref)


DATASTORE: "Reference[ProtectedSpec, ManagedDatastoreSpec, Datastore]" = Reference(
    "datastoreRef", "ManagedDatastore", _datastore_of, parent=True
)


def referred(observed: Observed[S], reference: Reference[S, S_co, O_co]) -> Referred[S_co, O_co] | None:
    """Return what is known of the resource and object that a reference names; None if the spec names nothing, or if the
    reference does not matter now (`at_creation_only`).

    The controller keeps references by field name, without their types: the cast gives `reference.kind` its types again.
    """
    return cast(Referred[S_co, O_co] | None, observed.refs.get(reference.field))


def datastore_of(observed: Observed) -> "Referred[ManagedDatastoreSpec, Datastore]":
    """Return what is known of the parent datastore; an empty value if nothing is known, or for a kind in no datastore."""
    parent = cast("Referred[ManagedDatastoreSpec, Datastore] | None", observed.refs.get(DATASTORE.field))
    return parent or Referred(label="the datastore")


def require_same_datastore(observed: Observed, reference: Reference[S]) -> None:
    """Raise SpecRefused (InvalidSpec) if the object that `reference` names is known to be in another datastore."""
    other, parent = observed.refs.get(reference.field), datastore_of(observed)
    if other is not None and not in_same_datastore(other, parent):
        message = f"{reference.field}: {other.label} is not in {parent.label}: name one that is"
        raise SpecRefused(Stall(Reason.INVALID_SPEC, message))


def in_same_datastore(other: Referred, parent: Referred) -> bool:
    """Return False only if `other`, an object in a datastore, is known to be in another datastore than `parent`."""
    return other.object is None or parent.id is None or other.object.in_datastore == parent.id


def require_unmoved(observed: Observed, reference: Reference[S], made_for: str) -> None:
    """Raise SpecRefused (InvalidSpec) if the reference now leads to another object than `made_for`.

    `made_for` is the id that the existing cloud object tells, for example the user's id in a grant.
    """
    referred = observed.refs.get(reference.field)
    if referred is not None and referred.id not in (None, made_for):
        message = (
            f"{observed.existing.id} is for {made_for}, and {reference.field} now means {referred.id} ({referred.label}): "
            "delete this resource and make it again"
        )
        raise SpecRefused(Stall(Reason.INVALID_SPEC, message))


def id_of(observed: Observed, reference: Reference[S]) -> str:
    """Return the id of the cloud object that the reference leads to; "" while the id is not known."""
    referred = observed.refs.get(reference.field)
    return (referred.id if referred is not None else None) or ""
