"""What a status says of the copies of a credentials Secret."""

from collections.abc import Mapping
from typing import Final

from managed_databases.kinds.observed import Observed
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.statuses.conditions import Saying
from managed_databases.reconcile.told import Told

CONDITION: Final = "CopiesIncomplete"
"""Is there while not all copies are as the spec asks for. It stands beside Ready. With the reason CopyRefused a person must act:
the resource is Stalled and not Synced, and the credentials Secret itself goes on working.
"""
_REASONS: Final = (Reason.COPY_REFUSED, Reason.COPY_INCOMPLETE)


def copied(observed: Observed, old: Told) -> Mapping[str, Saying]:
    """Return that condition, or none. As long as this process has not looked, it stays as it is."""
    view = observed.kept.copies
    if view is None or observed.deleting:
        return {}
    if view.is_known:
        return {} if view.told is None else {CONDITION: (True, *view.told)}
    before = old.condition(CONDITION)
    if before is None or before.reason not in _REASONS:
        return {}
    return {CONDITION: (True, Reason(before.reason), before.message)}


def refused(says: Mapping[str, Saying]) -> Saying | None:
    """Return what to say as Stalled; None if no copy waits for a person."""
    said = says.get(CONDITION)
    return said if said is not None and said[1] is Reason.COPY_REFUSED else None


def copies(observed: Observed, old: Told) -> list[str]:
    """Return the copies that there may be."""
    return list(old.copies if observed.kept.copies is None else observed.kept.copies.names)
