"""`rotation` of a user: when its password is changed, and whether two users take turns for that."""

import re
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import Field
from typing_extensions import override

from managed_databases.kinds.password_rotation import KEEP_OLD_FOR, Rotation
from managed_databases.kinds.schema import Rule, rules

_TAKES_TURNS: Final = "has(self.strategy) && self.strategy == 'TwoUsers'"
_UNITS: Final = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_DURATION: Final = "^(0|([0-9]{1,5}[dhms]){1,4})$"
MAX_KEEP: Final = timedelta(days=365)


class UserRotation(Rotation):
    """When the operator changes the password by itself, and how."""

    model_config = rules(
        Rule("!(has(self.schedule) && has(self.everyDays))", "say one of schedule and everyDays, not both"),
        Rule(
            f"has(self.schedule) || has(self.everyDays) || ({_TAKES_TURNS})",
            "say one of schedule and everyDays; only with the strategy TwoUsers both may be left out",
        ),
        Rule(
            f"!has(self.keepOldFor) || ({_TAKES_TURNS})",
            "keepOldFor goes with the strategy TwoUsers: in place there is one password only",
        ),
    )

    strategy: Literal["InPlace", "TwoUsers"] = Field(
        default="InPlace",
        description="How the password changes. InPlace: the user gets another password, and from then on the one before opens "
        "nothing. TwoUsers: two users of the datastore with the same rights take turns. The one that nobody uses gets a new "
        "password, the credentials Secret gets its login, and the login before stays valid for keepOldFor. Without schedule and "
        "everyDays the password changes on request only.",
    )
    keep_old_for: (
        Annotated[str, Field(min_length=1, max_length=24, json_schema_extra={"pattern": _DURATION})] | None
    ) = Field(
        default=None,
        description="How long the login before stays valid after the credentials Secret has got another one (TwoUsers), such as "
        "1h, 30m, 1d12h, or 0s for not at all; 365 days at most, by default 1h.",
    )

    @property
    @override
    def takes_turns(self) -> bool:
        return self.strategy == "TwoUsers"

    @property
    @override
    def keeps_old(self) -> timedelta:
        if self.keep_old_for is None:
            return KEEP_OLD_FOR
        parts = re.findall("([0-9]+)([dhms])", self.keep_old_for)
        return min(timedelta(seconds=sum(int(count) * _UNITS[unit] for count, unit in parts)), MAX_KEEP)
