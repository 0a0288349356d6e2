"""The protection of what lives in a datastore: as the spec says, or else as its datastore has it.

A prune, or `kubectl delete -k`, that a protected datastore stops halfway must not have taken the logins before.
"""

from dataclasses import dataclass
from typing import Final

from pydantic import Field
from typing_extensions import TypeVar

from managed_databases.api.models import CloudObject
from managed_databases.kinds.kind import CloudKind, O, Reference
from managed_databases.kinds.observed import Observed
from managed_databases.kinds.references import DATASTORE, DatastoreRef, datastore_of
from managed_databases.kinds.shared_fields import CloudSpec, CloudStatus

DELETES: Final = (
    "(!has(oldObject.spec.deletionPolicy) || oldObject.spec.deletionPolicy == null || "
    "oldObject.spec.deletionPolicy == 'Delete')"
)
"""For the admission policy: what is let go loses nothing. There, unlike in a CRD's rules, a null is a value."""

_OWN: Final = "has(oldObject.spec.deletionProtection) && oldObject.spec.deletionProtection != null"
OWN_PROTECTION: Final = f"({_OWN} && oldObject.spec.deletionProtection) && {DELETES}"
PROTECTION: Final = (
    f"({_OWN} ? oldObject.spec.deletionProtection : has(oldObject.status) && "
    "(has(oldObject.status.protected) ? oldObject.status.protected : has(oldObject.status.id))) && "
    f"{DELETES}"
)
"""For the admission policy, which sees one object only: its own protection, or its datastore's as the status tells.

What was made by an operator that did not tell yet is protected until one does.
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
    """What every kind inside a datastore accepts. Each says why its `datastore_ref` cannot change."""

    deletion_protection: bool | None = Field(
        default=None, description="Refuses to delete this. Absent: as its datastore has it."
    )
    datastore_ref: DatastoreRef


class ProtectedStatus(CloudStatus):
    protected: bool | None = Field(
        default=None,
        description="Whether its deletion is refused: as the spec says, or else as its datastore has it.",
    )


SP = TypeVar("SP", bound=ProtectedSpec)
TP = TypeVar("TP", bound=ProtectedStatus, default=ProtectedStatus)


@dataclass(frozen=True, kw_only=True)
class KindInDatastore(CloudKind[SP, O, TP]):
    """A kind whose objects are in a datastore, and go with it."""

    protection: str = PROTECTION
    references: tuple[Reference[SP], ...] = (DATASTORE,)

    def protected(self, observed: Observed[SP, O, TP]) -> bool:
        return protected(observed)

    def report(self, observed: Observed[SP, O, TP]) -> TP:
        return self.status(protected=shown_protection(observed))


def protected(observed: Observed[ProtectedSpec]) -> bool:
    """While nothing is known, what is visible in the cloud is protected."""
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
    """For the status: nothing while there is nothing to lose, so that a resource that never worked can be deleted.

    While nothing is known of the datastore it stays as it was.
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
