"""What a status says of the Services that a spec asks for."""

from collections.abc import Mapping
from typing import Final

from managed_databases.kinds.observed import Observed
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.statuses.conditions import Saying
from managed_databases.reconcile.told import Told

CONDITION: Final = "ServiceIncomplete"
"""Is there while not all Services are as the spec asks for. It stands beside Ready. A person must act: the resource is Stalled
and not Synced, and the datastore itself goes on working.
"""


def served(observed: Observed, old: Told) -> Mapping[str, Saying]:
    """Return that condition, or none. As long as this process has not looked, it stays as it is."""
    view = observed.kept.services
    if view is None or observed.deleting:
        return {}
    if view.is_known:
        return {} if view.told is None else {CONDITION: (True, Reason.SERVICE_INCOMPLETE, view.told)}
    before = old.condition(CONDITION)
    return {} if before is None else {CONDITION: (True, Reason.SERVICE_INCOMPLETE, before.message)}
