"""What a raw status says, by name: the one place that knows how the fields of a status are read.

A status is read as it stands, not into its kind's model: another version of the operator, or anybody with the right to write
statuses, may have written it. So a property may return a value of any type, and may raise where something is missing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from managed_databases.kinds.project_view import place
from managed_databases.kinds.shared_fields import Rotated
from managed_databases.kinds.written import Written

CLAIMS: Final = ("id", "intent", "lostIDs")
"""The fields of a status by any of which the resource claims a cloud object."""
SEALED: Final = ("identity", *CLAIMS)
"""The fields of a status that decide who holds a cloud object; the seal covers them."""
SEAL: Final = "seal"
KEPT: Final = (
    *SEALED,
    SEAL,
    "adopted",
    "passwordUnconfirmed",
    "passwordCheck",
    "passwordChangedAt",
    "syncedGeneration",
)
"""The fields of a status that the next pass keeps: only steps change them."""
KEPT_OF_PROJECT: Final = ("projectID", "region", "endpoint", "reached", "engines", "capabilities", "limits", "quotas")
"""The fields of a project's status that are kept when a look at the project tells nothing of them."""


@dataclass(frozen=True, slots=True)
class ToldIdentity:
    """What `status.identity` says; the properties are the fields of `Identity`."""

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
        """Return where in the cloud the object is, as `place()` writes it. Raises KeyError if project id or region is missing."""
        return place(self.raw["projectID"], self.raw["region"])

    @property
    def key(self) -> tuple[str, ...]:
        """Return the key of the object. Raises KeyError if the identity has none."""
        return tuple(self.raw["key"])


@dataclass(slots=True)  # a frozen instance takes twice as long to make, and each pass makes one for each condition
class ToldCondition:
    """One entry of `status.conditions`; the properties are the fields of `Condition`. A text that is missing is empty."""

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
    """What a status says; the properties are the fields of `CloudStatus`. A field that is missing is None or empty."""

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
        """Return the id of the datastore that the resource's object is in; None if the status names none."""
        return None if self.identity is None else self.identity.datastore_id

    @property
    def project(self) -> str | None:
        """Return the name of the DatabaseProject that the resource's object is in; None if the status names none."""
        return None if self.identity is None else self.identity.project

    @property
    def binding_name(self) -> str | None:
        """Return the name of the credentials Secret; None if the status names none."""
        return (self.raw.get("binding") or {}).get("name")

    @property
    def password_changed_at(self) -> str | None:
        moment = self.raw.get("passwordChangedAt")
        return moment if isinstance(moment, str) else None

    @property
    def services(self) -> tuple[str, ...]:
        """Return the names of the Services that there may be."""
        told = self.raw.get("services")
        return tuple(name for name in told if isinstance(name, str)) if isinstance(told, list) else ()

    @property
    def copies(self) -> tuple[str, ...]:
        """Return the copies of the credentials Secret that there may be: namespace/name."""
        told = self.raw.get("copies")
        return tuple(name for name in told if isinstance(name, str)) if isinstance(told, list) else ()

    @property
    def restarted_for(self) -> str | None:
        return self.raw.get("restartedFor")

    @property
    def rotation(self) -> Rotated | None:
        """Return what the status says of changes of the password; None if that is nothing, or cannot be read."""
        try:
            return Rotated.model_validate(self.raw["rotation"]) if self.raw.get("rotation") else None
        except ValidationError:
            return None

    @property
    def intent(self) -> Mapping[str, object] | None:
        return self.raw.get("intent")

    @property
    def has_intent(self) -> bool:
        return bool(self.intent)

    @property
    def begun_at(self) -> str | None:
        """Return the API's address at which the open attempt to create was begun; None if the status names none."""
        return (self.raw.get("intent") or {}).get("endpoint")

    @property
    def holds_something(self) -> bool:
        """Return whether the status says that the resource has an object, or an open attempt to create one."""
        return bool(self.id) or self.has_intent

    @property
    def claims_something(self) -> bool:
        """Return whether the status claims an object: one that the resource has, attempts to create, or has lost."""
        return any(self.raw.get(field) for field in CLAIMS)

    @property
    def sealed(self) -> Written:
        """Return the fields of SEALED by name, with their raw values; None for a field that is missing."""
        return {field: self.raw.get(field) for field in SEALED}

    @property
    def seal(self) -> str:
        return str(self.raw.get(SEAL) or "")

    @property
    def kept(self) -> Written:
        """Return the fields of KEPT that the status has, by name, with their raw values."""
        return {field: self.raw[field] for field in KEPT if field in self.raw}

    def kept_with_key(self, key: list[str]) -> Written:
        """Return `kept` with this key in the identity, if the status has an identity."""
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
        """Return the first condition of this type; None if there is none."""
        return next((condition for condition in self.conditions if condition.type == type_), None)

    def has_reason(self, reason: str) -> bool:
        """Return whether any condition has this reason."""
        return any(condition.reason == reason for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class ToldUse:
    """One entry of a project's `status.inUse`; the properties are fields of `UseStatus`."""

    raw: Mapping[str, Any]

    @property
    def operator_namespace(self) -> str:
        return str(self.raw.get("operatorNamespace", ""))

    @property
    def seal_key(self) -> str | None:
        return self.raw.get("sealKey")


@dataclass(frozen=True, slots=True)
class ToldProject(Told):
    """What the status of a DatabaseProject says; the properties are fields of `DatabaseProjectStatus`."""

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
        """Return the API's address at which the project was last reached, as the status says; None if it does not say."""
        return (self.raw.get("reached") or {}).get("endpoint")

    @property
    def kept(self) -> Written:
        """Return the fields of KEPT_OF_PROJECT that the status has, by name, with their raw values."""
        return {field: self.raw[field] for field in KEPT_OF_PROJECT if field in self.raw}

    @property
    def uses(self) -> Iterable[ToldUse]:
        return map(ToldUse, self.raw.get("inUse") or ())


def without_absent(value: Mapping[str, object]) -> Written:
    """Return the fields without nulls and empty lists.

    The API server drops nulls, so a status that had some would always differ from the stored one. Shared fields that are empty
    lists are left out, too.
    """
    return {field: item for field, item in value.items() if item is not None and item != () and item != []}
