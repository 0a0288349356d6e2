"""A fight: the operator makes the same correction again and again. A fight is about one aim: many corrections of one sort with
different aims are none.
"""

from managed_databases.api.calls import Call
from managed_databases.api.models import CloudObject
from managed_databases.kinds.verdicts import Change, Reason, Stall

FIGHT_CORRECTIONS = 3
"""After so many corrections with one aim within FIGHT_SECONDS the operator stops correcting for a while."""
FIGHT_SECONDS = 600.0


def drift_fight(change: Change) -> Stall:
    """Return the stall for a change that was needed `FIGHT_CORRECTIONS` times in `FIGHT_SECONDS`."""
    return Stall(
        Reason.DRIFT_FIGHT,
        f"{change.call.operation} was needed {FIGHT_CORRECTIONS} times in ten minutes: something else changes the same, "
        "the API accepts it and does not do it, or its lists are old; the operator stops correcting for a while",
    )


def aim(call: Call[CloudObject | None]) -> object:
    """Return a value that names what the call would change: the object, the fields, and the ids in fields that refer to objects.

    Other values do not count, because somebody who changes the field may choose another value each time.
    """
    body = {} if call.body is None else call.body.model_dump(mode="json", exclude_unset=True)
    fields = sorted((name, value if name.endswith("_id") else None) for name, value in body.items())
    return call.operation, call.path, tuple(fields)
