"""What a pass reports in the fields that all statuses share, whatever their kind."""

from dataclasses import dataclass
from typing import ClassVar

from managed_databases.kinds.shared_fields import CloudStatus, Status
from managed_databases.kinds.written import Written, names


@dataclass(kw_only=True)
class Reported:
    """The fields are those of a status, which knows how they are written."""

    STATUS: ClassVar[type[Status]] = Status

    observed_generation: int
    conditions: list[Written]

    def written(self) -> Written:
        """All of them, by their names in the status; None for what is absent."""
        known = names(self.STATUS)
        return {known[name]: value for name, value in vars(self).items()}


@dataclass(kw_only=True)
class CloudReported(Reported):
    """Of a resource with a cloud object."""

    STATUS: ClassVar[type[Status]] = CloudStatus

    last_handled_sync_request: str | None
    synced_generation: int | None
    managed: list[str]
    applying: dict[str, str] | None
    binding: Written | None
