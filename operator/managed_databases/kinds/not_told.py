"""Fields of a spec that the API never tells: the operator reports them, and does not set them again and again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, cast

from managed_databases.kinds.kind import Conditions, O, S
from managed_databases.kinds.observed import Observed
from managed_databases.kinds.verdicts import Reason

SETTLED = ("ACTIVE", "DEGRADED")


class _Names:
    """Answers with the name of each field that is read."""

    def __getattr__(self, name: str) -> str:
        return name


@dataclass(frozen=True)
class ToldField(Generic[S, O]):
    """A field of a spec, under the name that users write, and the field of the API's answer that tells its value.

    `told` only names the field: it reads it and nothing else.
    """

    field: str
    said: Callable[[S], object]
    told: Callable[[O], object]

    @property
    def told_name(self) -> str:
        return cast(str, self.told(cast(O, _Names())))


def not_told(observed: Observed[S, O], fields: tuple[ToldField[S, O], ...]) -> Conditions:
    """Return the condition `NotTold`, or none."""
    if observed.external is None or observed.external.status not in SETTLED:
        return {}
    untold = [
        each.field
        for each in fields
        if each.said(observed.spec) is not None and not observed.external.tells(each.told_name)
    ]
    if not untold:
        return {}
    message = (
        f"the API does not tell {', '.join(untold)}: whether that is as the spec says cannot be seen, and nothing is done "
        "about it meanwhile"
    )
    return {"NotTold": (True, Reason.NOT_TOLD, message)}
