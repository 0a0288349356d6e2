"""What the condition Ready says where two users take turns: whether the mounted Secret opens."""

from typing import Final

from managed_databases.kinds.observed import Observed
from managed_databases.kinds.two_users import TWIN
from managed_databases.kinds.verdicts import Reason, Verdict
from managed_databases.reconcile.statuses.conditions import Saying

_SERVES: Final = ("ACTIVE", "DEGRADED", "PENDING_UPDATE", "RESIZING", None)
"""Statuses of the own user in which the mounted Secret may open: the second user works on, whatever the own one waits for."""


def paired_ready(observed: Observed, verdict: Verdict, *, was_ready: bool) -> Saying | None:
    """Return the condition Ready of two users who take turns; None if it follows from the own user alone."""
    view, rotation = observed.credential, observed.status.rotation
    turns = None if view is None else view.turns
    if turns is None or rotation is None or rotation.active is None or observed.presence.holder is not None:
        return None
    if observed.external is None or observed.external.status not in _SERVES:
        return None
    usable: Saying = (True, Reason.READY, "usable")
    if turns.problem is not None:
        return False, turns.problem.reason, turns.problem.message
    if turns.leads_to != rotation.active:  # the mounted Secret has, or has had until now, a login that opens
        return usable if was_ready or turns.has_active else (False, verdict.reason, verdict.message)
    if turns.opens and not turns.is_mounted:
        return False, verdict.reason, verdict.message
    if turns.leads_to != TWIN:
        return None
    can_be_used = turns.opens and observed.pair.twin is not None and observed.pair.twin.is_ready
    return usable if can_be_used else (False, verdict.reason, verdict.message)


def probes_next(observed: Observed) -> bool:
    """Return whether the operator logs in as the user whose turn is next: that says nothing of the mounted Secret."""
    view, rotation = observed.credential, observed.status.rotation
    turns = None if view is None else view.turns
    return turns is not None and rotation is not None and turns.leads_to != rotation.active
