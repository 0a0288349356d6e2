"""What a status says of workloads that are restarted for a new login."""

from collections.abc import Mapping
from typing import Final

from managed_databases.kinds.observed import Observed
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.statuses.conditions import Saying
from managed_databases.reconcile.told import Told

CONDITION: Final = "RestartIncomplete"
"""Is there while not all workloads have the login of the Secret. It stands beside Ready, and decides nothing."""
_REASONS: Final = (Reason.RESTARTING, Reason.RESTART_INCOMPLETE)


def restarted(observed: Observed, old: Told) -> Mapping[str, Saying]:
    """Return that condition, or none. As long as this process has not looked, it stays as it is."""
    view = observed.kept.restart
    if not observed.spec.restarts or observed.deleting:
        return {}
    if view is not None and view.is_known:
        return {} if view.told is None else {CONDITION: (True, *view.told)}
    before = old.condition(CONDITION)
    if before is None or before.reason not in _REASONS:
        return {}
    return {CONDITION: (True, Reason(before.reason), before.message)}


def restarted_for(observed: Observed, old: Told) -> str | None:
    """Return the hash of the login that the workloads have; None if nobody asks for restarts."""
    view = observed.kept.restart
    if not observed.spec.restarts:
        return None
    return view.settled if view is not None and view.settled is not None else old.restarted_for
