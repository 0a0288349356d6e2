"""Statuses of cloud objects that the operator acts upon."""

PENDING = frozenset({"PENDING_CREATE", "PENDING_UPDATE", "PENDING_DELETE", "RESIZING"})
"""The API's statuses in which an object takes no change (docs/api-facts.md, Life cycle)."""
