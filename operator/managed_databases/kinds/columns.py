"""The printer columns that every kind with a cloud object has, so that `kubectl get` tells the same story everywhere."""

from managed_databases.kinds.schema import Column

_READY = ".status.conditions[?(@.type=='Ready')]"


def columns(*own: Column) -> tuple[Column, ...]:
    """Return ready, reason and phase, then the kind's own columns, then age; message and id are wide."""
    return (
        Column("Ready", f"{_READY}.status"),
        Column("Reason", f"{_READY}.reason"),
        Column("Phase", ".status.phase", description="The API's own status."),
        *own,
        Column("Age", ".metadata.creationTimestamp", "date"),
        Column("Message", f"{_READY}.message", wide=True),
        Column("ID", ".status.id", wide=True),
    )
