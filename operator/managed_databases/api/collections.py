"""The API's sections, one value each, and a datastore's own operations (API reference, v1)."""

from managed_databases.api.calls import Call, Collection
from managed_databases.api.models import (
    Action,
    BackupsChange,
    ConfigChange,
    ConfigurationParameter,
    Database,
    Datastore,
    DatastoreName,
    DatastoreType,
    FirewallChange,
    Flavor,
    NewPooler,
    ProtectionChange,
    Quota,
    RedisPasswordChange,
    Resize,
    SecurityGroupsChange,
    User,
)

ACTIONS = Collection(
    "actions", "action", Action, frozenset({"id", "name", "status", "project_id", "request_id", "datastore_id"})
)
CONFIGURATION_PARAMETERS = Collection(
    "configuration-parameters",
    "configuration-parameter",
    ConfigurationParameter,
    frozenset({"id", "datastore_type_id", "name", "ram", "vcpus", "disk"}),
)
DATABASES = Collection(
    "databases", "database", Database, frozenset({"id", "project_id", "name", "datastore_id", "status"})
)
DATASTORE_TYPES = Collection("datastore-types", "datastore-type", DatastoreType)
FLAVORS = Collection("flavors", "flavor", Flavor, frozenset({"id", "name", "fl_size"}))
USERS = Collection("users", "user", User, frozenset({"id", "project_id", "name", "datastore_id", "status"}))
DATASTORES = Collection(
    "datastores",
    "datastore",
    Datastore,
    frozenset(
        {
            "id", "project_id", "name", "status", "enabled", "type_id", "flavor_id", "subnet_id",
            "allow_restore", "is_maintenance", "is_protected", "deleted",
        }
    ),
)  # fmt: skip

QUOTAS: Call[tuple[Quota, ...]] = Call("quotas.get", "GET", "/quotas", Quota, "quotas", many=True)


def rename(id_: str, name: str) -> Call[Datastore]:
    return DATASTORES.change("rename", "PUT", DATASTORES.path(id_), DatastoreName(name=name))


def resize(id_: str, change: Resize) -> Call[Datastore]:
    return DATASTORES.operate(id_, "resize", "POST", "resize", change, "resize")


def configure(id_: str, change: ConfigChange) -> Call[Datastore]:
    return DATASTORES.operate(id_, "config", "PUT", "config", change, None)


def set_pooler(id_: str, change: NewPooler) -> Call[Datastore]:
    return DATASTORES.operate(id_, "pooler", "PUT", "pooler", change, "pooler")


def set_firewall(id_: str, change: FirewallChange) -> Call[Datastore]:
    return DATASTORES.operate(id_, "firewall", "PUT", "firewall", change, "firewall")


def set_security_groups(id_: str, change: SecurityGroupsChange) -> Call[Datastore]:
    return DATASTORES.operate(id_, "security-groups", "PUT", "security-groups", change, None)


def set_backups(id_: str, change: BackupsChange) -> Call[Datastore]:
    return DATASTORES.operate(id_, "backups", "PUT", "backups", change, "backups")


def set_protection(id_: str, change: ProtectionChange) -> Call[Datastore]:
    """The verb is an assumption: the reference names the operation only."""
    return DATASTORES.operate(id_, "protection", "PUT", "protection", change, None)


def set_redis_password(id_: str, change: RedisPasswordChange) -> Call[Datastore]:
    return DATASTORES.operate(id_, "password", "PUT", "password", change, "password")
