"""The protection of what holds data inside a datastore: as the spec says, or else as its datastore has it."""

from typing import Final

from managed_databases.kinds.references import datastore_of
from managed_databases.kinds.seen import Seen

PROTECTION: Final = (
    "has(oldObject.spec.deletionProtection) && oldObject.spec.deletionProtection && "
    "(!has(oldObject.spec.deletionPolicy) || oldObject.spec.deletionPolicy == 'Delete')"
)
"""For the admission policy, which sees one object only: a protection of its own."""


def protected(seen: Seen) -> bool:
    """For a spec with `deletion_protection`. While nothing is known, what is visible in the cloud is protected."""
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
