"""What a pass reports in the shared fields of a status, whatever its kind."""

from dataclasses import dataclass
from typing import ClassVar

from managed_databases.kinds.shared_fields import CloudStatus, Status
from managed_databases.kinds.written import Written, names
from managed_databases.reconcile.statuses.conditions import summary


@dataclass(kw_only=True)
class Reported:
    """The shared fields that a pass reports for every resource. They are fields of `STATUS`, which knows their names in JSON."""

    STATUS: ClassVar[type[Status]] = Status

    observed_generation: int
    conditions: list[Written]

    def written(self) -> Written:
        """Return all fields, and the summary of the conditions, by their names in the status; None for a field that is absent."""
        known = names(self.STATUS)
        return {known[name]: value for name, value in (vars(self) | summary(self.conditions)._asdict()).items()}


@dataclass(kw_only=True)
class CloudReported(Reported):
    """The shared fields that a pass reports for a resource with a cloud object."""

    STATUS: ClassVar[type[Status]] = CloudStatus

    last_handled_sync_request: str | None
    synced_generation: int | None
    managed: list[str]
    applying: dict[str, str] | None
    binding: Written | None
