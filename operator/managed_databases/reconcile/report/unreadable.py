"""The status of a resource that this operator cannot read: all else is kept as it is."""

from datetime import datetime
from typing import Any

from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.ports import Resource
from managed_databases.reconcile.report.conditions import Saying, conditions


def unreadable_status(resource: Resource, why: str, now: datetime) -> dict[str, Any]:
    says: dict[str, Saying] = {
        "Ready": (None, Reason.INVALID_SPEC, why),
        "Synced": (False, Reason.INVALID_SPEC, why),
        "Reconciling": (False, Reason.INVALID_SPEC, why),
        "Stalled": (True, Reason.INVALID_SPEC, why),
    }
    stamped = conditions(resource.status.get("conditions", ()), resource.generation, says, now)
    return {**resource.status, "observedGeneration": resource.generation, "conditions": stamped}
