"""The printer columns that every kind with a cloud object has, so that `kubectl get` tells the same story everywhere."""

from typing import Final

from managed_databases.kinds.schema import Column

STATE: Final = (
    Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
    Column("Synced", ".status.conditions[?(@.type=='Synced')].status"),
    Column("Status", ".status.reason", description="The reason of the worst condition; Ready if all is well."),
)
"""Whether the object serves, whether the spec is carried out, and what is wrong: the columns that every kind begins with."""
MESSAGE: Final = Column("Message", ".status.message", wide=True)


def columns(*own: Column, shows_phase: bool = False) -> tuple[Column, ...]:
    """Return the state, then the kind's own columns, then age; message and id are wide.

    The phase is wide too, unless `shows_phase`: lines of usual names shall fit 120 characters.
    """
    phase = Column("Phase", ".status.phase", wide=not shows_phase, description="The API's own status.")
    return (
        *STATE,
        *((phase,) if shows_phase else ()),
        *own,
        Column("Age", ".metadata.creationTimestamp", "date"),
        *(() if shows_phase else (phase,)),
        MESSAGE,
        Column("ID", ".status.id", wide=True),
    )
