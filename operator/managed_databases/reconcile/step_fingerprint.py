"""What a step that has failed would do, and on what it is based."""

from dataclasses import dataclass
from typing import NamedTuple


class SeenReference(NamedTuple):
    """What a reference of the spec stands for. `status` is None where the cloud's statuses are no ground."""

    field: str
    id: str | None
    status: str | None


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """When any of it changes, the step is worth another try."""

    what: tuple[object, ...]
    """What the step would do: the same for the same call, whatever its message."""
    generation: int
    sync_request: str | None
    given_password: int | None
    """A hash of the password that was given; None without one."""
    secret_versions: tuple[str | None, ...] | None
    """Counts only for what Kubernetes refused to write; else None."""
    catalogue_version: int | None
    """Counts for every step but a Delete, which asks for nothing of what a project offers: there None."""
    times_closed: int | None
    """How often the API came back. None for what has failed often, and without a project."""
    status: str | None
    """The object's in the cloud; None where it may have changed by the step's own effect."""
    references: tuple[SeenReference, ...]
    needed: tuple[tuple[str, str | None], ...] = ()
    """Ids and statuses of the objects of the same kind that the kind needs first."""
