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


def columns(*own: Column) -> tuple[Column, ...]:
    """Return the state, then the kind's own columns, then age; phase, message and id are wide.

    Lines of usual names shall fit 120 characters with the longest reason that the kind can have, also among those of all
    kinds of a namespace: there kubectl writes `databasegrant.manageddatabases.io/` before each name. So of its own a kind
    shows one or two short columns, and the others are wide. With `-A` each line has its namespace too: then those of all
    kinds have up to 124 characters at rest, and 136 in trouble.
    """
    return (
        *STATE,
        *own,
        Column("Age", ".metadata.creationTimestamp", "date"),
        Column("Phase", ".status.phase", wide=True, description="The API's own status."),
        MESSAGE,
        Column("ID", ".status.id", wide=True),
    )
