"""The printer columns that every kind with a cloud object has, so that `kubectl get` tells the same story everywhere."""

from managed_databases.kinds.schema import Column

_READY = ".status.conditions[?(@.type=='Ready')]"


def columns(*own: Column, shows_phase: bool = False) -> tuple[Column, ...]:
    """Return ready and reason, then the kind's own columns, then age; message and id are wide.

    The phase is wide too, unless `shows_phase`: lines of usual names shall fit 120 characters.
    """
    phase = Column("Phase", ".status.phase", wide=not shows_phase, description="The API's own status.")
    return (
        Column("Ready", f"{_READY}.status"),
        Column("Reason", f"{_READY}.reason"),
        *((phase,) if shows_phase else ()),
        *own,
        Column("Age", ".metadata.creationTimestamp", "date"),
        *(() if shows_phase else (phase,)),
        Column("Message", f"{_READY}.message", wide=True),
        Column("ID", ".status.id", wide=True),
    )
