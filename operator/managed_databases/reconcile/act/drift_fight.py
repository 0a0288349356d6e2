"""A fight: the same thing is corrected again and again. It is about one aim, not about many things of one sort."""

from managed_databases.api.calls import Call
from managed_databases.api.models import CloudObject
from managed_databases.kinds.verdicts import Change, Reason, Stall

FIGHT_CORRECTIONS = 3
FIGHT_SECONDS = 600.0


def drift_fight(change: Change) -> Stall:
    """Return the stall for a change that was needed `FIGHT_CORRECTIONS` times in `FIGHT_SECONDS`."""
    return Stall(
        Reason.DRIFT_FIGHT,
        f"{change.call.operation} was needed {FIGHT_CORRECTIONS} times in ten minutes: something else changes the same, "
        "the API accepts it and does not do it, or its lists are old; the operator stops correcting for a while",
    )


def aim(call: Call[CloudObject | None]) -> object:
    """Names what a call would change: the object, the fields, and what these point to. Values do not count: whoever fights
    may ask for another one each time.
    """
    body = {} if call.body is None else call.body.model_dump(mode="json", exclude_unset=True)
    fields = sorted((name, value if name.endswith("_id") else None) for name, value in body.items())
    return call.operation, call.path, tuple(fields)
