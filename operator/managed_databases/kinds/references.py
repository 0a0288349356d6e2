"""How specs refer to other resources and cloud objects: by name or by id, exactly one of the two."""

from pydantic import Field

from managed_databases.kinds.frame import EXACTLY_ONE, NamespaceName, ObjectName, Uuid
from managed_databases.kinds.kind import NameOrId, Reference
from managed_databases.kinds.schema import Rule, Spec, rules
from managed_databases.kinds.seen import Referred, Refused, Seen
from managed_databases.kinds.verdicts import Reason, Stall


class ObjectRef(Spec):
    """Names a resource in the same namespace, or a cloud object by its id."""

    model_config = rules(EXACTLY_ONE)

    name: ObjectName | None = Field(default=None, description="The resource's name.")
    id: Uuid | None = Field(default=None, description="The cloud object's id.")


class DatastoreRef(Spec):
    """Names a ManagedDatastore, or a datastore made elsewhere by its id."""

    model_config = rules(
        EXACTLY_ONE,
        Rule("!has(self.__namespace__) || has(self.name)", "a namespace goes with a name: an id has none"),
    )

    name: ObjectName | None = Field(default=None, description="The ManagedDatastore's name.")
    namespace: NamespaceName | None = Field(
        default=None,
        description="The ManagedDatastore's namespace, if it is another one: its allowedNamespaces must name this one.",
    )
    id: Uuid | None = Field(default=None, description="The id of a datastore in the cloud.")


PROJECT_ONLY_WITH_ID = Rule(
    "!has(self.projectRef) || has(self.datastoreRef.id)",
    "a ManagedDatastore named in datastoreRef tells the project itself: give projectRef only with datastoreRef.id",
)


def stated(reference: ObjectRef | DatastoreRef | None) -> NameOrId | None:
    """Return what a reference says; None when there is none."""
    if reference is None:
        return None
    if reference.id is not None:
        return ("id", reference.id, None)
    return ("name", reference.name or "", getattr(reference, "namespace", None))


def _datastore_of(spec: object) -> NameOrId | None:
    return stated(getattr(spec, "datastore_ref", None))


DATASTORE = Reference("datastoreRef", "ManagedDatastore", _datastore_of, parent=True)


def datastore_of(seen: Seen) -> Referred:
    """Return the parent, or one that nothing is known of."""
    return seen.refs.get(DATASTORE.field) or Referred(label="the datastore")


def require_same_datastore(seen: Seen, reference: Reference) -> None:
    """Raise Refused when what is referred to is known to be in another datastore."""
    other, parent = seen.refs.get(reference.field), datastore_of(seen)
    if other is not None and not in_same_datastore(other, parent):
        message = f"{reference.field}: {other.label} is not in {parent.label}: name one that is"
        raise Refused(Stall(Reason.INVALID_SPEC, message))


def in_same_datastore(other: Referred, parent: Referred) -> bool:
    """Whether nothing says that `other`, an object inside a datastore, is in another one than `parent`."""
    return other.object is None or parent.id is None or other.object.datastore_id == parent.id


def require_unmoved(seen: Seen, reference: Reference, made_for: str) -> None:
    """Raise Refused when a name now stands for another object than the one, `made_for`, that the cloud object is for."""
    referred = seen.refs.get(reference.field)
    if referred is not None and referred.id not in (None, made_for):
        message = (
            f"{seen.mine.id} is for {made_for}, and {reference.field} now means {referred.id} ({referred.label}): "
            "delete this resource and make it again"
        )
        raise Refused(Stall(Reason.INVALID_SPEC, message))


def id_of(seen: Seen, reference: Reference) -> str:
    """Return the id of what is referred to; empty while it is not known."""
    referred = seen.refs.get(reference.field)
    return (referred.id if referred is not None else None) or ""
