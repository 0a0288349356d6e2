"""What the API sends and takes, as it stands on the wire.

Answers ignore unknown fields, missing ones are None, and statuses stay text: the API may grow. Requests say exactly
what was set (`exclude_unset`); `None` in a request means JSON null.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from managed_databases.api.secrets import Password


class Answer(BaseModel):
    """The base of all that the API answers."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class Request(BaseModel):
    """The base of all request bodies, without their envelope."""

    # "constants": a NaN stays one and is refused when the body is written; as null it would reset a parameter.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, ser_json_inf_nan="constants")


def _in_utc(moment: datetime) -> datetime:
    """The API's times have no zone and are UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


Time = Annotated[datetime, AfterValidator(_in_utc)]


class CloudObject(Answer):
    """What every object has. Only the id is certain."""

    id: str
    project_id: str | None = None
    status: str | None = None
    created_at: Time | None = None
    updated_at: Time | None = None


# --- datastores ------------------------------------------------------------------------------------------------------


class FlavorSize(Answer):
    """A flavor's numbers: `ram` in MB, `disk` in GB."""

    vcpus: int | None = None
    ram: int | None = None
    disk: int | None = None
    disk_type: str | None = None


def _none_text(value: object) -> object:
    return None if value == "None" else value


class Instance(Answer):
    """One node of a datastore."""

    id: str | None = None
    ip: str | None = None
    floating_ip: Annotated[str | None, BeforeValidator(_none_text)] = None
    role: str | None = None
    role_name: str | None = None
    status: str | None = None
    hostname: str | None = None
    availability_zone: str | None = None
    flavor_id: str | None = None


class Pooler(Answer):
    mode: str | None = None
    size: int | None = None


class FirewallEntry(Answer):
    ip: str


class LogPlatform(Answer):
    log_group: str | None = None


class Disk(Answer):
    """A network disk beside a flavor that has none of its own: `size` in GB."""

    type: str | None = None
    size: int | None = None


class Datastore(CloudObject):
    """A cluster. `disk_used` is in percent [assumed: its unit is not documented]."""

    name: str
    creation_finished_at: Time | None = None
    enabled: bool | None = None
    type_id: str | None = None
    subnet_id: str | None = None
    flavor_id: str | None = None
    flavor: FlavorSize | None = None
    disk: Disk | None = None
    node_count: int | None = None
    connection: dict[str, str] | None = None
    instances: tuple[Instance, ...] | None = None
    pooler: Pooler | None = None
    firewall: tuple[FirewallEntry, ...] | None = None
    config: dict[str, Any] | None = None
    backup_retention_days: int | None = None
    is_protected: bool | None = None
    is_maintenance: bool | None = None
    allow_restore: bool | None = None
    disk_used: float | None = None
    databases_count: int | None = None
    topics_count: int | None = None
    security_groups: tuple[str, ...] | None = None
    log_platform: LogPlatform | None = None


class NewFlavor(Request):
    """`ram` in MB, `disk` in GB; `disk_type` is local or network-ultra."""

    vcpus: int
    ram: int
    disk: int | None = None
    disk_type: str | None = None


class NewDisk(Request):
    type: str
    size: int


class NewPooler(Request):
    mode: str | None = None
    size: int | None = None


class NewRestore(Request):
    datastore_id: str
    target_time: str | None = None


class NewFloatingIPs(Request):
    master: int | None = None
    replica: int | None = None


class NewLogPlatform(Request):
    log_group: str


class NewDatastore(Request):
    name: str
    type_id: str
    subnet_id: str
    node_count: int
    project_id: str | None = None
    flavor_id: str | None = None
    flavor: NewFlavor | None = None
    disk: NewDisk | None = None
    config: dict[str, Any] | None = None
    pooler: NewPooler | None = None
    redis_password: Password | None = None
    restore: NewRestore | None = None
    floating_ips: NewFloatingIPs | None = None
    security_groups: tuple[str, ...] | None = None
    log_platform: NewLogPlatform | None = None
    backup_retention_days: int | None = None


class DatastoreName(Request):
    name: str


class NewSize(Request):
    """A resize's flavor never has a `disk_type`: it can never change."""

    vcpus: int
    ram: int
    disk: int | None = None


class NewDiskSize(Request):
    size: int


class Resize(Request):
    node_count: int | None = None
    flavor_id: str | None = None
    flavor: NewSize | None = None
    disk: NewDiskSize | None = None


class ConfigChange(Request):
    """Values typed as the catalogue says; None resets a parameter."""

    config: dict[str, Any]


class FirewallChange(Request):
    ips: tuple[str, ...]


class SecurityGroupsChange(Request):
    security_groups: tuple[str, ...]


class BackupsChange(Request):
    backup_retention_days: int


class ProtectionChange(Request):
    protection: bool


class RedisPasswordChange(Request):
    redis_password: Password


# --- in a datastore --------------------------------------------------------------------------------------------------


class Database(CloudObject):
    name: str
    datastore_id: str
    owner_id: str | None = None
    lc_collate: str | None = None
    lc_ctype: str | None = None


class NewDatabase(Request):
    name: str
    datastore_id: str
    owner_id: str | None = None
    lc_collate: str | None = None
    lc_ctype: str | None = None


class DatabaseOwner(Request):
    owner_id: str


class User(CloudObject):
    name: str
    datastore_id: str


class NewUser(Request):
    name: str
    datastore_id: str
    password: Password


class UserPassword(Request):
    password: Password


class Action(CloudObject):
    """What happens to a datastore. Its fields are assumed from the reference's filters."""

    name: str | None = None
    datastore_id: str | None = None
    request_id: str | None = None
    started_at: Time | None = None
    finished_at: Time | None = None


# --- catalogues and limits -------------------------------------------------------------------------------------------


class DatastoreType(Answer):
    id: str
    engine: str
    version: str


class FlavorHost(Answer):
    line: str | None = None
    processor: str | None = None
    available_count: int | None = None


class Flavor(Answer):
    """A size on offer: `ram` in MB, `disk` in GB."""

    id: str
    name: str | None = None
    description: str | None = None
    vcpus: int | None = None
    ram: int | None = None
    disk: int | None = None
    fl_size: str | None = None
    datastore_type_ids: tuple[str, ...] | None = None
    host: FlavorHost | None = None


class ConfigurationParameter(Answer):
    id: str
    datastore_type_id: str | None = None
    name: str
    type: str | None = None
    unit: str | None = None
    min: float | None = None
    max: float | None = None
    default_value: Any = None
    choices: tuple[Any, ...] | None = None
    invalid_values: tuple[Any, ...] | None = None
    is_restart_required: bool | None = None
    is_changeable: bool | None = None


class Quota(Answer):
    """Field names are assumed; unknown ones are kept."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)


# --- the identity service --------------------------------------------------------------------------------------------


class Endpoint(Answer):
    interface: str
    url: str
    region: str | None = None
    region_id: str | None = None


class CatalogueService(Answer):
    type: str
    name: str | None = None
    endpoints: tuple[Endpoint, ...] = ()


class TokenProject(Answer):
    id: str
    name: str | None = None


class Token(Answer):
    """The `token` of the identity service's answer; its value stands in a header."""

    expires_at: Time
    catalog: tuple[CatalogueService, ...] = ()
    project: TokenProject | None = None
