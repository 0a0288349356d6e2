"""What conditions of those who work beside the passes are made from."""

from dataclasses import replace
from typing import Any

from kinds.builders import seen_of
from managed_databases.kinds.database_user import KIND
from managed_databases.kinds.keeper_views import KeptViews
from managed_databases.kinds.kind import any_kind
from managed_databases.kinds.observed import Observed
from managed_databases.reconcile.told import Told


def kept(views: KeptViews, *, deleting: bool = False, **spec: Any) -> Observed:
    """A user of whom those who work beside the passes know this much."""
    seen: Observed = seen_of(any_kind(KIND), {"datastoreRef": {"name": "main"}} | spec)
    return replace(seen, kept=views, deleting=deleting)


def told(type_: str, reason: str, message: str = "as it was", **status: Any) -> Told:
    """A status with this condition."""
    condition = {"type": type_, "status": "True", "reason": reason, "message": message}
    return Told({"conditions": [condition], **status})


SAYS_NOTHING = Told({})
