"""A project as the kinds see it, and what it offers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from managed_databases.api.models import (
    AvailableExtension,
    Capability,
    ConfigurationParameter,
    DatastoreType,
    Flavor,
    Limit,
    Quota,
    Role,
    UserSettingParameter,
)
from managed_databases.kinds.database_ports import PortNumbers

Power = Literal["adopt", "metrics"]
"""What a project may let a namespace do, beyond having objects of its own."""
ADOPT: Final[Power] = "adopt"
METRICS: Final[Power] = "metrics"


class ParametersFor(NamedTuple):
    """A datastore type and a size: `ram` in MB, `disk` in GB. The limits of configuration parameters depend on both."""

    type_id: str
    vcpus: int
    ram: int
    disk: int | None


@dataclass(frozen=True)
class Catalogue:
    """What a project offers.

    `limits`, `quotas` and `capabilities` are as the API tells them: their fields are not documented. They are empty if they
    cannot be read.
    """

    types: tuple[DatastoreType, ...] = ()
    flavors: tuple[Flavor, ...] = ()
    parameters: Mapping[str, tuple[ConfigurationParameter, ...]] = field(default_factory=dict)
    """The configuration parameters by the id of the datastore type, with limits for no flavor in particular."""
    limited: Mapping[ParametersFor, tuple[ConfigurationParameter, ...]] = field(default_factory=dict)
    """The configuration parameters with the limits for a size, for those sizes that somebody needs."""
    limits: tuple[Limit, ...] = ()
    quotas: tuple[Quota, ...] = ()
    capabilities: tuple[Capability, ...] = ()
    extensions: tuple[AvailableExtension, ...] | None = None
    """The extensions on offer; None until they were read. `known` does not wait for them."""
    roles: tuple[Role, ...] | None = None
    """The roles that users can have; None until they were read, which is done once a spec needs them. Empty if the API offers
    none, as older clouds do. `known` does not wait for them.
    """
    user_settings: tuple[UserSettingParameter, ...] | None = None
    """The settings that users can have, as `roles`."""
    known: bool = False
    """Whether the catalogue was read at least once."""
    version: int = 0
    """Counts the changes of the catalogue; a change of the quotas does not count."""
    why_unread: str = ""
    """Why the last reading failed, while some part was never read; else empty."""

    @property
    def not_read_yet(self) -> str:
        """Return the end of a message about a part that was never read."""
        return f"is not read yet: {self.why_unread}" if self.why_unread else "is not read yet"

    def type_of(self, type_id: str | None) -> DatastoreType | None:
        """Return the datastore type with this id; None if the project offers none."""
        return next((type_ for type_ in self.types if type_.id == type_id), None)


@dataclass(frozen=True)
class ProjectView:
    """A project as the kinds see it, for a resource of one namespace."""

    name: str
    project_id: str
    region: str
    catalogue: Catalogue = Catalogue()
    name_prefix: str = ""
    ca_certificate: str | None = None
    ports: PortNumbers = field(default_factory=PortNumbers)
    granted_powers: frozenset[Power] = frozenset()
    """The powers that the project gives that namespace."""
    endpoint: str | None = None
    """The API's address."""
    probes: bool = False
    """Whether the operator logs in to what is in the project before that counts as usable, if a spec does not say otherwise."""
    name_prefixes: tuple[str, ...] = ()
    """The prefixes with one of which new names of that namespace have to begin; empty if new names may begin as they like."""

    @property
    def may_adopt(self) -> bool:
        """Whether the namespace may take over what no resource holds."""
        return ADOPT in self.granted_powers

    @property
    def may_read_metrics(self) -> bool:
        """Whether the namespace may have metrics tokens, which are valid for the whole project."""
        return METRICS in self.granted_powers

    @property
    def place(self) -> str:
        return place(self.project_id, self.region)


def place(project_id: str, region: str) -> str:
    """Return where in the cloud objects are: the same text for every `DatabaseProject` with this project and region."""
    return f"{project_id}/{region}"
