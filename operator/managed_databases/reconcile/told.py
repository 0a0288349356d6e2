"""What a raw status says, by name: the one place that knows how its fields are written.

It is read as it stands, not into the kind's model: it may be another version's, or anybody's who may write a status. So a
property may hold anything, and may raise where something is missing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from managed_databases.kinds.project_view import place


@dataclass(frozen=True, slots=True)
class ToldIdentity:
    """As `Identity`."""

    raw: Mapping[str, Any]

    @property
    def project(self) -> str | None:
        return self.raw.get("project")

    @property
    def project_id(self) -> str | None:
        return self.raw.get("projectID")

    @property
    def region(self) -> str | None:
        return self.raw.get("region")

    @property
    def datastore_id(self) -> str | None:
        return self.raw.get("datastoreID")

    @property
    def place(self) -> str:
        """Where in the cloud it is. Raises KeyError where that is not told."""
        return place(self.raw["projectID"], self.raw["region"])

    @property
    def key(self) -> tuple[str, ...]:
        """Raises KeyError."""
        return tuple(self.raw["key"])


@dataclass(frozen=True, slots=True)
class Told:
    """As `CloudStatus`; what is not told is None or empty."""

    raw: Mapping[str, Any]

    @property
    def id(self) -> str | None:
        return self.raw.get("id")

    @property
    def identity(self) -> ToldIdentity | None:
        identity = self.raw.get("identity")
        return ToldIdentity(identity) if identity else None

    @property
    def datastore_id(self) -> str | None:
        """The datastore that its object is in."""
        return None if self.identity is None else self.identity.datastore_id

    @property
    def project(self) -> str | None:
        """The DatabaseProject that its object is in."""
        return None if self.identity is None else self.identity.project

    @property
    def has_intent(self) -> bool:
        return bool(self.raw.get("intent"))

    @property
    def begun_at(self) -> str | None:
        """The API's address where the open attempt was begun."""
        return (self.raw.get("intent") or {}).get("endpoint")

    @property
    def holds_something(self) -> bool:
        """Whether it says to have an object, or an attempt to make one."""
        return bool(self.id) or self.has_intent

    @property
    def phase(self) -> str | None:
        return self.raw.get("phase")

    @property
    def managed(self) -> tuple[str, ...]:
        return tuple(self.raw.get("managed") or ())

    @property
    def applying(self) -> Mapping[str, str]:
        return self.raw.get("applying") or {}

    @property
    def observed_generation(self) -> int:
        generation: int = self.raw.get("observedGeneration", -1)
        return generation

    @property
    def handled_sync_request(self) -> str | None:
        return self.raw.get("lastHandledSyncRequest")

    @property
    def conditions(self) -> Iterable[Mapping[str, Any]]:
        return self.raw.get("conditions") or ()

    def has_reason(self, reason: str) -> bool:
        """Whether a condition gives this reason."""
        return any(condition.get("reason") == reason for condition in self.conditions)


def without_absent(value: Mapping[str, Any]) -> dict[str, Any]:
    """The API server drops nulls; so do we, or each comparison would differ. Empty lists of the frame go, too."""
    return {field: item for field, item in value.items() if item is not None and item != () and item != []}
