"""When a password is changed by itself: what a spec says of that, and the dates that follow. All dates are in UTC."""

import hashlib
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Final

from cronsim import CronSim, CronSimError
from pydantic import Field

from managed_databases.kinds.schema import Rule, Spec, rules
from managed_databases.kinds.shared_fields import Rotated

_FIELD: Final = "[0-9A-Za-z*/,#-]+"
SPREAD_SECONDS: Final = 3600
"""A change begins at a second of the hour that is the resource's own, so that what has one date does not change at one moment."""
LATE_SECONDS: Final = 600
"""So long after that second a change may still begin; later it waits for the same second of the next hour."""
KEEP_OLD_FOR: Final = timedelta(hours=1)
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


class Rotation(Spec):
    """When the operator changes a password by itself."""

    model_config = rules(Rule("has(self.schedule) != has(self.everyDays)", "say exactly one of schedule and everyDays"))

    schedule: (
        Annotated[
            str,
            Field(max_length=100, json_schema_extra={"pattern": f"^{_FIELD}( {_FIELD}){{4}}$"}),
        ]
        | None
    ) = Field(
        default=None,
        description="The dates as a cron expression with five fields (minute, hour, day of month, month, day of week), in UTC. A "
        "change begins within the hour after its date. Of dates that have passed meanwhile only one is made up for.",
    )
    every_days: Annotated[int, Field(ge=1, le=3650)] | None = Field(
        default=None,
        description="The days between two changes, counted from the last change, whoever asked for it, and at first from when "
        "this field was set.",
    )

    @property
    def takes_turns(self) -> bool:
        """Whether two users take turns."""
        return False

    @property
    def keeps_old(self) -> timedelta:
        """How long the login before stays valid where two users take turns."""
        return KEEP_OLD_FOR

    @property
    def plan(self) -> str | None:
        """What the dates follow from, as the status has it: with another plan the date is computed anew. None without dates."""
        if self.every_days is not None:
            return f"every {self.every_days} days"
        return None if self.schedule is None else f"schedule {self.schedule}"

    def date_after(self, moment: datetime) -> datetime | None:
        """Return the first date after this moment; None if there is none, as with a schedule that cannot be read."""
        if self.every_days is not None:
            return moment + timedelta(days=self.every_days)
        return None if self.schedule is None else _scheduled(self.schedule, moment)

    def problem(self) -> str | None:
        """Return why there are no dates; None if there are some."""
        return None if self.schedule is None else _schedule_problem(self.schedule)


@lru_cache(maxsize=256)
def _schedule_problem(schedule: str) -> str | None:
    try:
        dates = CronSim(schedule, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        return (
            f"rotation.schedule is no cron expression ({error}): give minute, hour, day of month, month and day of week"
        )
    return None if next(dates, None) is not None else "rotation.schedule has no date in fifty years: give another one"


def _scheduled(schedule: str, moment: datetime) -> datetime | None:
    return None if _schedule_problem(schedule) is not None else next(CronSim(schedule, moment), None)


def written(moment: datetime) -> str:
    return moment.strftime(_TIME)


def read(moment: str | None) -> datetime | None:
    """Return the moment that a status has; None for what the operator does not write."""
    try:
        return None if moment is None else datetime.strptime(moment, _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None


def due_at(rotation: Rotation | None, status: Rotated | None) -> datetime | None:
    """Return the date of the next change; None if there is none, or if the status does not have the date of this plan yet."""
    if rotation is None or status is None or status.plan != rotation.plan:
        return None
    return read(status.due_at)


def begins_at(due: datetime, now: datetime, uid: str) -> datetime:
    """Return when a change with this date begins: the first moment at or after its date that is the resource's own, or, if that
    is over for LATE_SECONDS, the next one.
    """
    own = int.from_bytes(hashlib.sha256(uid.encode()).digest()[:4]) % SPREAD_SECONDS
    first = max(due, now - timedelta(seconds=LATE_SECONDS)).timestamp() - own
    return datetime.fromtimestamp(-(-first // SPREAD_SECONDS) * SPREAD_SECONDS + own, UTC)


def rotated(
    rotation: Rotation | None, before: Rotated | None, *, asked: str | None, has_changed: bool, now: datetime
) -> Rotated | None:
    """Return what the status says of changes of the password; None if there is nothing to say.

    `before` is what it says so far, `asked` the request that the resource carries, `has_changed` whether the status is about
    to tell of a change. A change answers every request that was there before its end.
    """
    if rotation is None and before is None and not has_changed:
        return None  # of most resources, in each pass
    old = before or Rotated()
    handled = asked if has_changed else old.handled_request
    plan = due = None
    if rotation is not None and rotation.plan is not None:
        plan, due = rotation.plan, old.due_at
        if has_changed or old.plan != plan or read(due) is None:
            date = rotation.date_after(now)
            due = None if date is None else written(date)
    new = old.model_copy(update={"plan": plan, "due_at": due, "handled_request": handled})
    if new.lock_at is not None and (switched := read(new.switched_at)) is not None and switched > now:
        new = new.model_copy(update={"switched_at": written(now)})  # a clock was set back: the time counts from now
    if new.lock_at is not None and (lock := lock_date(rotation, new)) is not None:
        new = new.model_copy(update={"lock_at": written(lock)})
    return None if new == Rotated() else new


def lock_date(rotation: Rotation | None, status: Rotated) -> datetime | None:
    """Return when the password before is over, by what the spec says now; None if none is to be over."""
    switched = None if status.lock_at is None else read(status.switched_at)
    keep = KEEP_OLD_FOR if rotation is None else rotation.keeps_old
    return None if switched is None else switched + keep
