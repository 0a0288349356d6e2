"""What a raw spec says, by name: the one place that knows how the fields of a spec are read without their kind's model.

Only for what is asked of each resource as it comes in, before any pass: a pass reads the spec into its kind's model.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from managed_databases.kinds.written import Written

RETAIN: Final[Written] = {"deletionPolicy": "Retain"}
"""The fields of a spec whose deletion leaves the cloud object where it is."""
UNPROTECTED: Final[Written] = {"deletionProtection": False}
"""The fields of a spec whose deletion Kubernetes lets happen."""
PROTECTED: Final[Written] = {"deletionProtection": True}


@dataclass(frozen=True, slots=True)
class StatedReference:
    """As `DatastoreRef`, `ObjectRef` and `NameReference`; what is not said is None."""

    raw: Mapping[str, Any]

    @property
    def name(self) -> str | None:
        return self.raw.get("name")

    @property
    def id(self) -> str | None:
        return self.raw.get("id")

    @property
    def namespace(self) -> str | None:
        return self.raw.get("namespace")


@dataclass(frozen=True, slots=True)
class Stated:
    """As `CloudSpec` and `DatabaseProjectSpec`."""

    raw: Mapping[str, Any]

    def reference(self, field: str) -> StatedReference:
        """Return the reference in a field (`Reference.field`); an empty one if the spec does not have it."""
        return StatedReference(self.raw.get(field) or {})

    @property
    def project(self) -> str | None:
        """The name of the DatabaseProject."""
        return self.reference("projectRef").name

    @property
    def engine(self) -> tuple[str, str] | None:
        """The engine and the version of a ManagedDatastore; None of anything else, and where they are no texts."""
        said = self.raw.get("engine")
        if not isinstance(said, Mapping):
            return None
        type_, version = said.get("type"), said.get("version")
        return (type_, version) if isinstance(type_, str) and isinstance(version, str) else None

    @property
    def is_default(self) -> bool:
        """Whether a DatabaseProject is for all that name none."""
        return self.raw.get("default") is True

    @property
    def credentials_secret(self) -> str | None:
        """The name of the Secret with a DatabaseProject's credentials."""
        return self.reference("credentialsSecretRef").name

    @property
    def is_retained(self) -> bool:
        return self.says(RETAIN)

    @property
    def is_unprotected(self) -> bool:
        return self.says(UNPROTECTED)

    @property
    def is_protected(self) -> bool:
        """Whether the spec itself protects the resource, whatever the datastore's does."""
        return self.says(PROTECTED)

    def says(self, fields: Written) -> bool:
        """Return whether the spec has each of these fields with just this value."""
        return all(field in self.raw and self.raw[field] == value for field, value in fields.items())
