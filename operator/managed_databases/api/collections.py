"""The API's sections, one value for each, and the operations that do not follow the pattern of a section (API reference, v1).

`reference.py` lists all operations. Deprecated operations are here, too, and marked; the operator never uses them.
"""

from typing import TypeVar

from managed_databases.api.calls import Call, ChangeOperation, Collection, Counting, Mark, Order, Plain, Reading
from managed_databases.api.models import (
    ACL,
    ACLChange,
    Action,
    AvailableExtension,
    AvailableExtensionChange,
    BackupsChange,
    Capability,
    ConfigChange,
    ConfigurationParameter,
    Database,
    DatabaseOwner,
    Datastore,
    DatastoreCounts,
    DatastoreName,
    DatastoreType,
    Extension,
    FirewallChange,
    Flavor,
    FlavorChange,
    FlavorHostChange,
    FloatingIPChange,
    Grant,
    Limit,
    LogicalReplicationSlot,
    LogPlatformChange,
    Logs,
    Metrics,
    MetricsToken,
    MetricsTokenName,
    NewACL,
    NewConfigurationParameter,
    NewDatabase,
    NewDatastore,
    NewExtension,
    NewGrant,
    NewLogicalReplicationSlot,
    NewMetricsToken,
    NewPooler,
    NewTopic,
    NewUser,
    ProtectionChange,
    Quota,
    RedisPasswordChange,
    RequestModel,
    Resize,
    Role,
    SecurityGroupsChange,
    Topic,
    TopicChange,
    User,
    UserPassword,
    UserRoles,
    UserSettingParameter,
    UserSettings,
)

R = TypeVar("R", bound=RequestModel)


def _filters(names: str) -> frozenset[str]:
    return frozenset(names.split())


# --- sections --------------------------------------------------------------------------------------------------------

ACLS = Collection(
    "acls",
    "acl",
    ACL,
    _filters("id project_id datastore_id pattern pattern_type status user_id"),
    creates=NewACL,
    updates=ACLChange,
    deletes=True,
)
ACTIONS = Collection("actions", "action", Action, _filters("id name status project_id request_id datastore_id"))
AVAILABLE_EXTENSIONS = Collection(
    "available-extensions",
    "available-extension",
    AvailableExtension,
    _filters("id name datastore_type_id"),
    creates=AvailableExtensionChange,
    updates=AvailableExtensionChange,
    deletes=True,
    deprecated=_filters("create update delete"),
)
CONFIGURATION_PARAMETERS = Collection(
    "configuration-parameters",
    "configuration-parameter",
    ConfigurationParameter,
    _filters("id datastore_type_id name ram vcpus disk"),
    creates=NewConfigurationParameter,
    deletes=True,
    deprecated=_filters("create delete"),
)
DATABASES = Collection(
    "databases",
    "database",
    Database,
    _filters("id project_id name datastore_id status"),
    creates=NewDatabase,
    updates=DatabaseOwner,
    deletes=True,
)
DATASTORES = Collection(
    "datastores",
    "datastore",
    Datastore,
    _filters(
        "id project_id name status enabled type_id flavor_id subnet_id allow_restore is_maintenance is_protected deleted"
    ),
    creates=NewDatastore,
    updates=DatastoreName,
    update_name="rename",
    deletes=True,
)
DATASTORE_TYPES = Collection("datastore-types", "datastore-type", DatastoreType)
EXTENSIONS = Collection(
    "extensions",
    "extension",
    Extension,
    _filters("id project_id available_extension_id datastore_id database_id status"),
    creates=NewExtension,
    deletes=True,
)
FLAVORS = Collection(
    "flavors",
    "flavor",
    Flavor,
    _filters("id name fl_size"),
    creates=FlavorChange,
    updates=FlavorChange,
    deletes=True,
    deprecated=_filters("create update delete"),
)
GRANTS = Collection(
    "grants",
    "grant",
    Grant,
    _filters("id project_id datastore_id database_id user_id status"),
    creates=NewGrant,
    deletes=True,
)
LOGICAL_REPLICATION_SLOTS = Collection(
    "logical-replication-slots",
    "logical-replication-slot",
    LogicalReplicationSlot,
    _filters("id project_id name datastore_id database_id status in_use"),
    creates=NewLogicalReplicationSlot,
    deletes=True,
)
# Never filter by `value`: httpx logs whole addresses at INFO.
PROMETHEUS_METRICS_TOKENS = Collection(
    "prometheus-metrics-tokens",
    "prometheus-metrics-token",
    MetricsToken,
    _filters("id project_id name value"),
    creates=NewMetricsToken,
    updates=MetricsTokenName,
    deletes=True,
)
ROLES = Collection("roles", "role", Role, _filters("id datastore_type_id name datastore_id"), has_get=False, mark="N")
TOPICS = Collection(
    "topics",
    "topic",
    Topic,
    _filters("id project_id name datastore_id status"),
    creates=NewTopic,
    updates=TopicChange,
    deletes=True,
)
USERS = Collection(
    "users",
    "user",
    User,
    _filters("id project_id name datastore_id status"),
    creates=NewUser,
    updates=UserPassword,
    deletes=True,
)

USER_SETTING_PARAMETERS = Collection(
    "user-setting-parameters",
    "user-setting-parameter",
    UserSettingParameter,
    _filters("id name datastore_type_id datastore_id"),
    mark="N",
)

CAPABILITIES: Call[tuple[Capability, ...]] = Call(
    "capabilities.list", "GET", "/capabilities", Capability, "capabilities", many=True
)
LIMITS: Call[tuple[Limit, ...]] = Call("limits.list", "GET", "/limits", Limit, "limits", many=True)
QUOTAS: Call[tuple[Quota, ...]] = Call("quotas.get", "GET", "/quotas", Quota, "quotas", many=True)

# --- a datastore's own operations ------------------------------------------------------------------------------------


def rename(id_: str, name: str) -> Call[Datastore]:
    """Return the call that renames a datastore: the reference's name for `DATASTORES.update`."""
    return DATASTORES.update(id_, DatastoreName(name=name))


def _on_datastore(
    name: str, request: type[R], envelope: str | None, *, method: str = "PUT", path: str = "", mark: Mark = "R"
) -> ChangeOperation[R, Datastore]:
    return ChangeOperation(
        name=f"datastores.{name}",
        method=method,
        path=f"/datastores/{{id}}/{path or name}",
        request=request,
        request_envelope=envelope,
        answer=Datastore,
        answer_envelope="datastore",
        mark=mark,
    )


resize = _on_datastore("resize", Resize, "resize", method="POST")
configure = _on_datastore("config", ConfigChange, None)
set_pooler = _on_datastore("pooler", NewPooler, "pooler")
set_firewall = _on_datastore("firewall", FirewallChange, "firewall")
set_security_groups = _on_datastore("security-groups", SecurityGroupsChange, None)
set_redis_password = _on_datastore("password", RedisPasswordChange, "password")
set_backups = _on_datastore("backups", BackupsChange, "backups", mark="C")  # not in the reference
set_protection = _on_datastore("protection", ProtectionChange, None, mark="A")  # the verb is [assumed]
export_logs = _on_datastore("export-logs", LogPlatformChange, "log_platform", path="log-platform")
stop_exporting_logs: Plain[Datastore] = Plain(
    name="datastores.stop-exporting-logs",
    method="DELETE",
    path="/datastores/{id}/log-platform",
    answer=Datastore,
    answer_envelope="datastore",
)

# The paths of these four are [assumed]: the reference names the operations only.
logs: Reading[Logs] = Reading(
    name="datastores.logs",
    method="GET",
    path="/datastores/{id}/logs",
    answer=Logs,
    answer_envelope="logs",
    filters=_filters("job start end limit ips databases"),
    mark="A",
)
metrics: Reading[Metrics] = Reading(
    name="datastores.metrics",
    method="GET",
    path="/datastores/{id}/metrics",
    answer=Metrics,
    answer_envelope="metrics",
    filters=_filters("start end"),
    mark="A",
)
databases_metrics: Reading[Metrics] = Reading(
    name="datastores.databases-metrics",
    method="GET",
    path="/datastores/{id}/databases-metrics",
    answer=Metrics,
    answer_envelope="metrics",
    filters=_filters("start end"),
    mark="A",
)
count_datastores: Counting[DatastoreCounts] = Counting(
    name="datastores.count",
    method="GET",
    path="/datastores/count",
    answer=DatastoreCounts,
    filters=DATASTORES.filters,
    mark="A",
)

# --- a user's own operations -----------------------------------------------------------------------------------------

set_user_roles: ChangeOperation[UserRoles, User] = ChangeOperation(
    name="users.roles",
    method="PUT",
    path="/users/{id}/roles",
    request=UserRoles,
    answer=User,
    answer_envelope="user",
    mark="N",
)
set_user_settings: ChangeOperation[UserSettings, User] = ChangeOperation(
    name="users.settings",
    method="PUT",
    path="/users/{id}/settings",
    request=UserSettings,
    answer=User,
    answer_envelope="user",
    mark="N",
)

# --- floating IPs and dedicated hosts --------------------------------------------------------------------------------

add_floating_ip: Order[FloatingIPChange, None] = Order(
    name="floating-ips.create",
    method="POST",
    path="/floating-ips",
    request=FloatingIPChange,
    request_envelope="floating_ip",
)
remove_floating_ip: Order[FloatingIPChange, None] = Order(
    name="floating-ips.delete",
    method="DELETE",
    path="/floating-ips",
    request=FloatingIPChange,
    request_envelope="floating_ip",
)

# Deprecated; the path is [assumed], and the answers are unknown: they are not read.
set_flavor_host: ChangeOperation[FlavorHostChange, None] = ChangeOperation(
    name="flavors.update-host",
    method="PUT",
    path="/flavors/{id}/host",
    request=FlavorHostChange,
    request_envelope="host",
    deprecated=True,
    mark="A",
)
delete_flavor_host: Plain[None] = Plain(
    name="flavors.delete-host", method="DELETE", path="/flavors/{id}/host", deprecated=True, mark="A"
)
