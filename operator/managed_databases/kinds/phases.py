"""Statuses of cloud objects that the operator acts upon."""

from managed_databases.api.models import CloudObject

PENDING = frozenset({"PENDING_CREATE", "PENDING_UPDATE", "PENDING_DELETE", "RESIZING"})
"""The API's statuses in which an object takes no change (docs/api-facts.md, Life cycle)."""

AT_WORK = frozenset({"PENDING_UPDATE", "RESIZING"})
"""Those in which the object is there, and serves: it takes changes again once the cloud's work has ended."""


def is_pending(obj: CloudObject) -> bool:
    return obj.status in PENDING
