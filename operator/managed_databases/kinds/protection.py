"""The protection of objects in a datastore: as their own spec says, or else as their datastore is protected.

If a protected datastore stops a prune or a `kubectl delete -k` halfway, the users of that datastore must still be there.
"""

from dataclasses import dataclass
from typing import Final

from pydantic import Field
from typing_extensions import TypeVar, override

from managed_databases.api.models import CloudObject
from managed_databases.kinds.kind import CloudKind, O, Reference
from managed_databases.kinds.observed import Observed
from managed_databases.kinds.references import DATASTORE, DatastoreRef, datastore_of
from managed_databases.kinds.schema import BEGUN
from managed_databases.kinds.shared_fields import CloudSpec, CloudStatus

DELETES: Final = (
    "(!has(oldObject.spec.deletionPolicy) || oldObject.spec.deletionPolicy == null || "
    "oldObject.spec.deletionPolicy == 'Delete')"
)
"""CEL for the admission policies: whether the deletion deletes the cloud object; with `Retain` nothing is lost.

In an admission policy, unlike in the rules of a CRD, a field that is null is present.
"""

_OWN: Final = "has(oldObject.spec.deletionProtection) && oldObject.spec.deletionProtection != null"
BEGUN_AND_DELETES: Final = f"({BEGUN.format('oldObject')}) && {DELETES}"
"""Until the cloud may have an object there is nothing to protect: what was mistyped can be deleted."""
OWN_PROTECTION: Final = f"{BEGUN_AND_DELETES} && ({_OWN} && oldObject.spec.deletionProtection)"
PROTECTION: Final = (
    f"{BEGUN_AND_DELETES} && ({_OWN} ? oldObject.spec.deletionProtection : "
    "has(oldObject.status.protected) ? oldObject.status.protected : has(oldObject.status.id))"
)
"""CEL for the admission policies, which see one resource only: its own protection, or its datastore's, which the operator
copies into `status.protected`.

An object of an older operator, which did not write `status.protected`, is protected until a newer one writes it.
"""

WAYS_OUT: Final = (
    "set spec.deletionProtection: false to delete it together with what it holds in the cloud, or "
    "spec.deletionPolicy: Retain to let go of it and keep that"
)
WAYS_OUT_INSIDE: Final = (
    "set spec.deletionProtection: false, here or (where nothing is said here) at its datastore, to delete it together "
    "with what it holds in the cloud, or spec.deletionPolicy: Retain to let go of it and keep that"
)


class ProtectedSpec(CloudSpec):
    """The fields of every kind whose objects are in a datastore. Each kind adds the reason why `datastore_ref` cannot change."""

    deletion_protection: bool | None = Field(
        default=None,
        description="Whether Kubernetes refuses the deletion of this resource. Absent: it is protected as its datastore is.",
    )
    datastore_ref: DatastoreRef

    @property
    @override
    def protects_itself(self) -> bool:
        return bool(self.deletion_protection)


class ProtectedStatus(CloudStatus):
    protected: bool | None = Field(
        default=None,
        description="Whether the deletion of this resource is refused, by its own spec or by the protection of its datastore.",
    )


SP = TypeVar("SP", bound=ProtectedSpec)
TP = TypeVar("TP", bound=ProtectedStatus, default=ProtectedStatus)


@dataclass(frozen=True, kw_only=True)
class KindInDatastore(CloudKind[SP, O, TP]):
    """A kind whose objects are in a datastore, and are deleted with it."""

    protection: str = PROTECTION
    references: tuple[Reference[SP], ...] = (DATASTORE,)

    def protected(self, observed: Observed[SP, O, TP]) -> bool:
        return protected(observed)

    def report(self, observed: Observed[SP, O, TP]) -> TP:
        return self.status(protected=shown_protection(observed))


def protected(observed: Observed[ProtectedSpec]) -> bool:
    """Return whether the deletion of this resource is refused.

    While nothing is known of the datastore, an object that is visible in the cloud is protected.
    """
    datastore = datastore_of(observed)
    if observed.spec.deletion_policy != "Delete" or datastore.going:
        return False
    if observed.spec.deletion_protection is not None:
        return observed.spec.deletion_protection
    if datastore.spec is not None:
        return bool(datastore.spec.deletion_protection)
    if datastore.object is not None:
        return bool(datastore.object.is_protected)
    return observed.external is not None and not observed.presence.is_gone


def shown_protection(observed: Observed[ProtectedSpec, CloudObject, ProtectedStatus]) -> bool | None:
    """Return the value for `status.protected`; None while the resource holds nothing and has begun nothing.

    So a resource that never worked can be deleted. While nothing is known of the datastore the value stays as it was.
    """
    holds = (
        observed.status.id is not None or observed.status.intent is not None or observed.creation.created_id is not None
    )
    if not holds:
        return None
    if observed.presence.is_gone:
        return False
    datastore = datastore_of(observed)
    if observed.spec.deletion_protection is None and datastore.spec is None and datastore.object is None:
        return observed.status.protected
    return protected(observed)
