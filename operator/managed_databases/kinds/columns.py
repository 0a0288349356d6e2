"""The printer columns that every kind with a cloud object has, so that `kubectl get` tells the same story everywhere."""

from dataclasses import replace
from typing import Final

from managed_databases.kinds.schema import Column

STATE: Final = (
    Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
    Column("Synced", ".status.conditions[?(@.type=='Synced')].status"),
    Column("Status", ".status.reason", description="The reason of the worst condition; Ready if all is well."),
)
"""Whether the object serves, whether the spec is carried out, and what is wrong: the columns that every kind begins with."""
MESSAGE: Final = Column("Message", ".status.message", wide=True)


def columns(*own: Column) -> tuple[Column, ...]:
    """Return the state; all else is wide: the kind's own columns, the age, the phase, the message and the id.

    The lines of all kinds of all namespaces shall fit 120 characters, with names of 24 and namespaces of 12, and with the longest
    reason that a kind can have. kubectl begins each with the namespace and such as `logicalreplicationslot.manageddatabases.io/`,
    so there is room for the state and for nothing else.
    """
    return (
        *STATE,
        *(replace(column, wide=True) for column in own),
        Column("Age", ".metadata.creationTimestamp", "date", wide=True),
        Column("Phase", ".status.phase", wide=True, description="The API's own status."),
        MESSAGE,
        Column("ID", ".status.id", wide=True),
    )
