"""Makes the status of a resource of which nothing could be observed or decided: only conditions and generation change."""

from datetime import datetime

from managed_databases.kinds.verdicts import Reason, Stall
from managed_databases.kinds.written import Written
from managed_databases.reconcile.ports import Resource
from managed_databases.reconcile.statuses.conditions import Saying, conditions
from managed_databases.reconcile.statuses.reported import Reported


def unreadable_status(resource: Resource, why: str, now: datetime) -> Written:
    """Return the status of a resource whose spec or status cannot be read. `why` is the message of its conditions."""
    says: dict[str, Saying] = {
        "Ready": (None, Reason.INVALID_SPEC, why),
        "Synced": (False, Reason.INVALID_SPEC, why),
        "Reconciling": (False, Reason.INVALID_SPEC, why),
        "Stalled": (True, Reason.INVALID_SPEC, why),
    }
    return _with(resource, says, now)


def troubled_status(resource: Resource, trouble: Stall, now: datetime) -> Written:
    """Return the status of a resource whose pass could not end: if it was Ready and is not being deleted, it stays Ready."""
    why = (trouble.reason, trouble.message)
    before = resource.told.condition("Ready")
    is_ready = before is not None and before.is_true and resource.deleting_since is None
    says: dict[str, Saying] = {
        "Ready": (True, Reason.READY, "usable") if is_ready else (False, *why),
        "Synced": (False, *why),
        "Reconciling": (False, *why),
        "Stalled": (True, *why),
    }
    return _with(resource, says, now)


def _with(resource: Resource, says: dict[str, Saying], now: datetime) -> Written:
    stamped = conditions(resource.told.conditions, resource.generation, says, now)
    return {**resource.status, **Reported(observed_generation=resource.generation, conditions=stamped).written()}
