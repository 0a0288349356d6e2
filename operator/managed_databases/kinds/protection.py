"""The protection of what lives in a datastore: as the spec says, or else as its datastore has it.

A prune, or `kubectl delete -k`, that a protected datastore stops halfway must not have taken the logins before.
"""

from typing import Final

from pydantic import Field

from managed_databases.kinds.frame import CloudSpec, CloudStatus
from managed_databases.kinds.references import datastore_of
from managed_databases.kinds.seen import Seen

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
    """What every kind inside a datastore accepts."""

    deletion_protection: bool | None = Field(
        default=None, description="Refuses to delete this. Absent: as its datastore has it."
    )


class ProtectedStatus(CloudStatus):
    protected: bool | None = Field(
        default=None,
        description="Whether its deletion is refused: as the spec says, or else as its datastore has it.",
    )


def protected(seen: Seen) -> bool:
    """For a `ProtectedSpec`. While nothing is known, what is visible in the cloud is protected."""
    datastore = datastore_of(seen)
    if seen.cloud_spec.deletion_policy != "Delete" or datastore.going:
        return False
    own: bool | None = seen.spec.deletion_protection
    if own is not None:
        return own
    if datastore.spec is not None:
        return bool(datastore.spec.deletion_protection)
    if datastore.object is not None:
        return bool(datastore.object.is_protected)
    return seen.mine is not None and not seen.mine_gone


def protection_report(seen: Seen) -> dict[str, bool]:
    """For the status: nothing while there is nothing to lose, so that a resource that never worked can be deleted.

    While nothing is known of the datastore it stays as it was.
    """
    holds = seen.status.id is not None or seen.status.intent is not None or seen.created_id is not None
    if not holds:
        return {}
    if seen.mine_gone:
        return {"protected": False}
    assert isinstance(seen.status, ProtectedStatus)
    datastore, before = datastore_of(seen), seen.status.protected
    if seen.spec.deletion_protection is None and datastore.spec is None and datastore.object is None:
        return {} if before is None else {"protected": before}
    return {"protected": protected(seen)}
