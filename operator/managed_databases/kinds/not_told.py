"""Fields of a spec that the API never tells: the operator reports them, and does not set them again and again."""

from collections.abc import Mapping

from managed_databases.kinds.kind import Conditions
from managed_databases.kinds.observed import Observed
from managed_databases.kinds.verdicts import Reason

SETTLED = ("ACTIVE", "DEGRADED")


def not_told(observed: Observed, told_as: Mapping[str, tuple[str, str]]) -> Conditions:
    """Return the condition `NotTold`, or none. `told_as` has for each field of a spec its names in the spec's model and in the
    model of the API's answer.
    """
    if observed.external is None or observed.external.status not in SETTLED:
        return {}
    untold = [
        field
        for field, (said, told) in told_as.items()
        if getattr(observed.spec, said) is not None and not observed.external.tells(told)
    ]
    if not untold:
        return {}
    message = (
        f"the API does not tell {', '.join(untold)}: whether that is as the spec says cannot be seen, and nothing is done "
        "about it meanwhile"
    )
    return {"NotTold": (True, Reason.NOT_TOLD, message)}
