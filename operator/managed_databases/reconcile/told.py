"""What a raw status says, by name: the one place that knows how its fields are read.

It is read as it stands, not into the kind's model: it may be another version's, or anybody's who may write a status. So a
property may hold anything, and may raise where something is missing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from managed_databases.kinds.project_view import place
from managed_databases.kinds.written import Written

CLAIMS: Final = ("id", "intent", "lostIDs")
"""The fields of a status each of which lets the resource have an object."""
SEALED: Final = ("identity", *CLAIMS)
"""All that decides whose an object is."""
SEAL: Final = "seal"
KEPT: Final = (*SEALED, SEAL, "adopted", "passwordUnconfirmed", "syncedGeneration")
"""What outlives a pass: only steps change it."""
KEPT_OF_PROJECT: Final = ("projectID", "region", "endpoint", "reached", "engines", "capabilities", "limits", "quotas")
"""What outlives a look at a project that tells nothing of it."""


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


@dataclass(slots=True)  # a frozen one takes twice as long to make, and each pass makes one for each condition
class ToldCondition:
    """As `Condition`; a text that is missing is empty."""

    raw: Mapping[str, Any]

    @property
    def type(self) -> str:
        return self.raw.get("type") or ""

    @property
    def status(self) -> str:
        return self.raw.get("status") or ""

    @property
    def is_true(self) -> bool:
        return self.status == "True"

    @property
    def reason(self) -> str:
        return self.raw.get("reason") or ""

    @property
    def message(self) -> str:
        return self.raw.get("message") or ""

    @property
    def observed_generation(self) -> int | None:
        return self.raw.get("observedGeneration")

    @property
    def last_transition_time(self) -> str:
        return self.raw.get("lastTransitionTime") or ""


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
    def intent(self) -> Mapping[str, object] | None:
        return self.raw.get("intent")

    @property
    def has_intent(self) -> bool:
        return bool(self.intent)

    @property
    def begun_at(self) -> str | None:
        """The API's address where the open attempt was begun."""
        return (self.raw.get("intent") or {}).get("endpoint")

    @property
    def holds_something(self) -> bool:
        """Whether it says to have an object, or an attempt to make one."""
        return bool(self.id) or self.has_intent

    @property
    def claims_something(self) -> bool:
        """Whether it lets the resource have an object: by having one, by an attempt to make one, or as one that was lost."""
        return any(self.raw.get(field) for field in CLAIMS)

    @property
    def sealed(self) -> Written:
        """All that decides whose an object is, as it stands there, by name; what is missing is None."""
        return {field: self.raw.get(field) for field in SEALED}

    @property
    def seal(self) -> str:
        return str(self.raw.get(SEAL) or "")

    @property
    def kept(self) -> Written:
        """What outlives a pass, as it stands there, by name."""
        return {field: self.raw[field] for field in KEPT if field in self.raw}

    def kept_with_key(self, key: list[str]) -> Written:
        """The same, with this key in its identity, if it has one."""
        kept = self.kept
        if identity := self.raw.get("identity"):
            kept["identity"] = {**identity, "key": key}
        return kept

    @property
    def synced_generation(self) -> int | None:
        return self.raw.get("syncedGeneration")

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
    def conditions(self) -> Iterator[ToldCondition]:
        return map(ToldCondition, self.raw.get("conditions") or ())

    def condition(self, type_: str) -> ToldCondition | None:
        """The first condition of this type."""
        return next((condition for condition in self.conditions if condition.type == type_), None)

    def has_reason(self, reason: str) -> bool:
        """Whether a condition gives this reason."""
        return any(condition.reason == reason for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class ToldUse:
    """As `UseStatus`."""

    raw: Mapping[str, Any]

    @property
    def operator_namespace(self) -> str:
        return str(self.raw.get("operatorNamespace", ""))

    @property
    def seal_key(self) -> str | None:
        return self.raw.get("sealKey")


@dataclass(frozen=True, slots=True)
class ToldProject(Told):
    """As `DatabaseProjectStatus`."""

    @property
    def project_id(self) -> str | None:
        return self.raw.get("projectID")

    @property
    def region(self) -> str | None:
        return self.raw.get("region")

    @property
    def reached(self) -> Mapping[str, object]:
        return self.raw.get("reached") or {}

    @property
    def endpoint_reached(self) -> str | None:
        """Where it says that the project was last found."""
        return (self.raw.get("reached") or {}).get("endpoint")

    @property
    def kept(self) -> Written:
        """What outlives a look that tells nothing of it, as it stands there, by name."""
        return {field: self.raw[field] for field in KEPT_OF_PROJECT if field in self.raw}

    @property
    def uses(self) -> Iterable[ToldUse]:
        return map(ToldUse, self.raw.get("inUse") or ())


def without_absent(value: Mapping[str, object]) -> Written:
    """The API server drops nulls; so do we, or each comparison would differ. Empty lists of the frame go, too."""
    return {field: item for field, item in value.items() if item is not None and item != () and item != []}
