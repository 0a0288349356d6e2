"""Datastores (clusters), and what can be done to one."""

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, Field

from managed_databases.api.models.base_models import (
    WHOLE_LIMIT,
    AnswerModel,
    CloudObject,
    RequestModel,
    Time,
    Undocumented,
    Whole,
)
from managed_databases.api.secrets import Password


class FlavorSize(AnswerModel):
    """A flavor's numbers: `ram` in MB, `disk` in GB."""

    vcpus: Whole | None = None
    ram: Whole | None = None
    disk: Whole | None = None
    disk_type: str | None = None


def _none_text(value: object) -> object:
    return None if value == "None" else value


class Instance(AnswerModel):
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

    def completed_by(self, older: Self) -> Self:
        untold = older.model_fields_set - self.model_fields_set
        return self.model_copy(update={field: getattr(older, field) for field in untold}) if untold else self


class Pooler(AnswerModel):
    mode: str | None = None
    size: Whole | None = None


class FirewallEntry(AnswerModel):
    ip: str


class LogPlatform(AnswerModel):
    log_group: str | None = None


class Disk(AnswerModel):
    """A network disk beside a flavor that has none of its own: `size` in GB."""

    type: str | None = None
    size: Whole | None = None


class Datastore(CloudObject):
    """A cluster. `disk_used` is in percent [assumed: its unit is not documented]."""

    NEVER_EMPTY = frozenset({"connection", "instances"})
    NEVER_NULL = CloudObject.NEVER_NULL | NEVER_EMPTY | {
        "backup_retention_days", "config", "firewall", "is_protected", "node_count", "pooler", "security_groups",
        "subnet_id", "type_id",
    }  # fmt: skip

    name: str
    creation_finished_at: Time | None = None
    enabled: bool | None = None
    type_id: str | None = None
    subnet_id: str | None = None
    flavor_id: str | None = None
    flavor: FlavorSize | None = None
    disk: Disk | None = None
    node_count: Whole | None = None
    connection: dict[str, str] | None = None
    instances: tuple[Instance, ...] | None = None
    pooler: Pooler | None = None
    firewall: tuple[FirewallEntry, ...] | None = None
    config: dict[str, Any] | None = None
    backup_retention_days: Whole | None = None
    is_protected: bool | None = None
    is_maintenance: bool | None = None
    allow_restore: bool | None = None
    disk_used: Annotated[float, Field(gt=-WHOLE_LIMIT, lt=WHOLE_LIMIT)] | None = None
    databases_count: Whole | None = None
    topics_count: Whole | None = None
    security_groups: tuple[str, ...] | None = None
    log_platform: LogPlatform | None = None

    def completed_by(self, older: Self) -> Self:
        """Take from `older` what this answer does not tell, of each node as well; null says that a node has no public address."""
        whole = super().completed_by(older)
        before = {one.id: one for one in older.instances or () if one.id is not None}
        nodes = tuple(one.completed_by(before[one.id]) if one.id in before else one for one in whole.instances or ())
        return whole if nodes == (whole.instances or ()) else whole.model_copy(update={"instances": nodes})


class NewFlavor(RequestModel):
    """`ram` in MB, `disk` in GB; `disk_type` is local or network-ultra."""

    vcpus: int
    ram: int
    disk: int | None = None
    disk_type: str | None = None


class NewDisk(RequestModel):
    """`type` is local or network-ultra; `size` in GB."""

    type: str
    size: int


class NewPooler(RequestModel):
    """`mode` is session, transaction or statement; `size` is 1 to 500. The API's default is transaction, 30."""

    mode: str | None = None
    size: int | None = None


class NewRestore(RequestModel):
    """`target_time` lies within the backups of the datastore that is restored."""

    datastore_id: str
    target_time: str | None = None


class NewFloatingIPs(RequestModel):
    """How many: at most one for the master, and at most one for each replica."""

    master: int | None = None
    replica: int | None = None


class NewLogPlatform(RequestModel):
    """`log_group` starts with `s/dbaas/`; up to 512 of letters, digits and `_-/.#`."""

    log_group: str


class NewDatastore(RequestModel):
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


class DatastoreName(RequestModel):
    name: str


class NewSize(RequestModel):
    """A resize's flavor never has a `disk_type`: it can never change."""

    vcpus: int
    ram: int
    disk: int | None = None


class NewDiskSize(RequestModel):
    """`size` in GB."""

    size: int


class Resize(RequestModel):
    node_count: int | None = None
    flavor_id: str | None = None
    flavor: NewSize | None = None
    disk: NewDiskSize | None = None


class ConfigChange(RequestModel):
    """Values typed as the catalogue says; None resets a parameter."""

    config: dict[str, Any]


class FirewallChange(RequestModel):
    ips: tuple[str, ...]


class SecurityGroupsChange(RequestModel):
    security_groups: tuple[str, ...]


class BackupsChange(RequestModel):
    backup_retention_days: int


class ProtectionChange(RequestModel):
    protection: bool


class RedisPasswordChange(RequestModel):
    redis_password: Password


class LogPlatformChange(NewLogPlatform):
    """Where logs go, in the same form as for a new datastore."""


class FloatingIPChange(RequestModel):
    """`instance_id` is the id of one of a datastore's instances."""

    instance_id: str


class DatastoreCounts(AnswerModel):
    """How many datastores there are of each engine; an engine that is not named here is in `model_extra`."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    __pydantic_extra__: dict[str, Whole]

    kafka: Whole | None = None
    mysql_semisync: Whole | None = None
    mysql_sync: Whole | None = None
    postgresql: Whole | None = None
    redis: Whole | None = None


class Logs(Undocumented):
    """A datastore's log lines."""


class Metrics(Undocumented):
    """Measured values of a datastore, or of its databases."""
