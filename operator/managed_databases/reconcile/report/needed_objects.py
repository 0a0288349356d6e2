"""Says which objects that a resource refers to keep the resource's own object from being usable."""

from typing import Final

from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.observed import Observed, Referred
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.statuses.conditions import Saying
from managed_databases.reconcile.told import ToldCondition

SERVES_NOT: Final = {"DISK_FULL": Reason.DISK_FULL, "DOWN": Reason.DOWN, "ERROR": Reason.ERROR}
"""The statuses of an object in which it is not usable, nor what is in it or needs it, with the reason of the condition. No step
of the operator would mend such an object: a person must.
"""


def broken_reference(kind: CloudKind, observed: Observed, before: ToldCondition | None) -> Saying | None:
    """Return the condition Ready of an object that is not usable because of an object that it needs: its datastore, or the
    database or user that it is for. None if the needed objects are there and serve.

    While nothing is seen of a needed object, for example after a restart, the condition `before` stays if it said that the object
    was gone or going.
    """
    for reference in kind.references:
        referred = observed.refs.get(reference.field)
        if referred is not None and not reference.serves_without and (broken := _broken(referred, before)) is not None:
            return broken
    return None


def _broken(referred: Referred, before: ToldCondition | None) -> Saying | None:
    going = f"{referred.label} is not usable: the cloud is deleting it"
    gone = f"{referred.label} is not usable: it is gone from the cloud"
    phase = None if referred.object is None else referred.object.status
    if phase in SERVES_NOT:
        told = f"{referred.label} does not serve: the cloud says {phase}; look in the cloud's console"
        return False, SERVES_NOT[phase], told
    if phase == "PENDING_DELETE":
        return False, Reason.PARENT_NOT_READY, going
    if referred.object is None and referred.is_gone:
        return False, Reason.PARENT_NOT_READY, gone
    if referred.object is None and before is not None and not before.is_true and before.message in (going, gone):
        return False, Reason.PARENT_NOT_READY, before.message
    return None
