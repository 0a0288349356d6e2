"""What a spec says and the API does not tell: it is reported, and not fought over."""

from collections.abc import Mapping

from managed_databases.kinds.kind import Conditions
from managed_databases.kinds.seen import Seen
from managed_databases.kinds.verdicts import Reason

SETTLED = ("ACTIVE", "DEGRADED")


def not_told(seen: Seen, told_as: Mapping[str, tuple[str, str]]) -> Conditions:
    """Return the condition `NotTold`, or none. `told_as` has each field of the spec in our model and in the answer's."""
    if seen.mine is None or seen.mine.status not in SETTLED:
        return {}
    untold = [
        field
        for field, (said, told) in told_as.items()
        if getattr(seen.spec, said) is not None and not seen.mine.tells(told)
    ]
    if not untold:
        return {}
    message = (
        f"the API does not tell {', '.join(untold)}: whether that is as the spec says cannot be seen, and nothing is done "
        "about it meanwhile"
    )
    return {"NotTold": (True, Reason.NOT_TOLD, message)}
