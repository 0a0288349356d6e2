"""A project as the kinds see it, and what it offers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from managed_databases.api.models import (
    AvailableExtension,
    Capability,
    ConfigurationParameter,
    DatastoreType,
    Flavor,
    Limit,
    Quota,
)
from managed_databases.kinds.database_ports import PortNumbers


class ParametersFor(NamedTuple):
    """A datastore type and a size: `ram` in MB, `disk` in GB. Configuration limits depend on it."""

    type_id: str
    vcpus: int
    ram: int
    disk: int | None


@dataclass(frozen=True)
class Catalogue:
    """What a project offers. `known` is False until it was read once; `version` counts its changes.

    `parameters` are those of each type, with limits for no flavor in particular; `limited` those for a flavor, as far
    as somebody needed them. `limits`, `quotas` and `capabilities` are as the API tells them: their fields are not
    documented. They are empty when they cannot be read, and a change of the quotas is no new version.
    """

    types: tuple[DatastoreType, ...] = ()
    flavors: tuple[Flavor, ...] = ()
    parameters: Mapping[str, tuple[ConfigurationParameter, ...]] = field(default_factory=dict)
    limited: Mapping[ParametersFor, tuple[ConfigurationParameter, ...]] = field(default_factory=dict)
    limits: tuple[Limit, ...] = ()
    quotas: tuple[Quota, ...] = ()
    capabilities: tuple[Capability, ...] = ()
    extensions: tuple[AvailableExtension, ...] | None = None
    """None until they were read; `known` does not wait for them."""
    known: bool = False
    version: int = 0

    def type_of(self, type_id: str | None) -> DatastoreType | None:
        return next((type_ for type_ in self.types if type_.id == type_id), None)


@dataclass(frozen=True)
class ProjectView:
    """A project as the kinds see it. `endpoint` is the API's address."""

    name: str
    project_id: str
    region: str
    catalogue: Catalogue = Catalogue()
    name_prefix: str = ""
    ca_certificate: str | None = None
    ports: PortNumbers = field(default_factory=PortNumbers)
    granted_powers: frozenset[str] = frozenset()
    """Those of the namespace that looks."""
    endpoint: str | None = None
    name_prefixes: tuple[str, ...] = ()
    """How new names in the project may begin, for the namespace that looks; none: as they like."""

    @property
    def place(self) -> str:
        return place(self.project_id, self.region)


def place(project_id: str, region: str) -> str:
    """Where in the cloud objects are: the same for each `DatabaseProject` that leads there, whatever its name."""
    return f"{project_id}/{region}"
