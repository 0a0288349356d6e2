"""The schemas of requests, as one table from operations to the schema of the whole body (API reference, v1).

Unknown fields are refused everywhere.
"""

from typing import Any, Final

from managed_databases.sandbox.validation import Schema


def _fields(required: str = "", /, **properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def _text(least: int, most: int, pattern: str | None = None) -> Schema:
    schema: Schema = {"type": "string", "minLength": least, "maxLength": most}
    return schema | {"pattern": pattern} if pattern else schema


def _whole(least: int, most: int | None = None) -> Schema:
    schema: Schema = {"type": "integer", "minimum": least}
    return schema | {"maximum": most} if most is not None else schema


def _choice(*choices: str) -> Schema:
    return {"type": "string", "enum": list(choices)}


def _list(items: Schema, **rules: Any) -> Schema:
    return {"type": "array", "items": items, **rules}


def _in(envelope: str, body: Schema) -> Schema:
    return _fields(envelope, **{envelope: body})


_UUID: Final[Schema] = {"type": "string", "format": "UUID"}
_TEXT: Final[Schema] = {"type": "string"}
_FLAG: Final[Schema] = {"type": "boolean"}
_PASSWORD: Final = _text(1, 255)
_DATASTORE_NAME: Final = _text(1, 255, "^[A-Za-z0-9_-]*$")
USER_NAME_LENGTH: Final = 32
"""The most characters of a user's name (API reference); `Settings.long_user_names` allows as many as PostgreSQL can have."""
_OBJECT_NAME: Final = "^[A-Za-z_][A-Za-z0-9_]*$"
_SECURITY_GROUPS: Final = _list(_UUID, minItems=1, uniqueItems=True)
_LOG_PLATFORM: Final = _fields("log_group", log_group=_text(1, 512, r"^s/dbaas/[A-Za-z0-9_\-/.#]*$"))
_LOCALE: Final = _choice("C", "ru_RU.utf8")  # [assumed: that the list has no others]
_PARTITIONS: Final = _whole(1, 4000)
_CONFIG: Final[Schema] = {"type": "object"}
_ROLES: Final = _list(_UUID, uniqueItems=True)
_SETTINGS: Final[Schema] = {"type": "object"}
_POOLER_MODE: Final = _choice("session", "transaction", "statement")
_DISK_TYPE: Final = _choice("local", "network-ultra")
_TOKEN: Final = _in("prometheus-metrics-token", _fields("name", name=_text(1, 255)))

_NEW_DATASTORE: Final = _fields(
    "name type_id subnet_id node_count",
    name=_DATASTORE_NAME,
    type_id=_UUID,
    subnet_id=_UUID,
    node_count=_whole(1),
    project_id=_TEXT,
    flavor_id=_UUID,
    flavor=_fields("vcpus ram", vcpus=_whole(1), ram=_whole(1), disk=_whole(1), disk_type=_DISK_TYPE),
    disk=_fields("type size", type=_DISK_TYPE, size=_whole(1)),
    config=_CONFIG,
    pooler=_fields(mode=_POOLER_MODE, size=_whole(1, 500)),
    redis_password=_PASSWORD,
    restore=_fields("datastore_id", datastore_id=_UUID, target_time=_TEXT),
    floating_ips=_fields(master=_whole(0, 1), replica=_whole(0)),
    security_groups=_SECURITY_GROUPS,
    log_platform=_LOG_PLATFORM,
    backup_retention_days=_whole(1),
)

_RESIZE: Final = _fields(
    node_count=_whole(1),
    flavor_id=_UUID,
    flavor=_fields("vcpus ram", vcpus=_whole(1), ram=_whole(1), disk=_whole(1)),
    disk=_fields("size", size=_whole(1)),
)

SCHEMAS: Final[dict[str, Schema]] = {
    "datastores.create": _in("datastore", _NEW_DATASTORE),
    "datastores.rename": _in("datastore", _fields("name", name=_DATASTORE_NAME)),
    "datastores.resize": _in("resize", _RESIZE | {"minProperties": 1}),
    "datastores.config": _in("config", _CONFIG),
    "datastores.pooler": _in("pooler", _fields(mode=_POOLER_MODE, size=_whole(1, 500), datastore_id=_UUID)),
    "datastores.firewall": _in("firewall", _fields("ips", ips=_list(_TEXT))),
    "datastores.security-groups": _in("security_groups", _SECURITY_GROUPS),
    "datastores.password": _in("password", _fields("redis_password", redis_password=_PASSWORD)),
    "datastores.backups": _in("backups", _fields("backup_retention_days", backup_retention_days=_whole(1))),
    "datastores.protection": _in("protection", _FLAG),
    "datastores.log-platform": _in("log_platform", _LOG_PLATFORM),
    "databases.create": _in(
        "database",
        _fields(
            "name datastore_id",
            name=_text(1, 63, _OBJECT_NAME),
            datastore_id=_UUID,
            owner_id=_UUID,
            lc_collate=_LOCALE,
            lc_ctype=_LOCALE,
        ),
    ),
    "databases.update": _in("database", _fields("owner_id", owner_id=_UUID)),
    "users.create": _in(
        "user",
        _fields(
            "name password datastore_id",
            name=_text(1, 63, _OBJECT_NAME),
            password=_PASSWORD,
            datastore_id=_UUID,
            roles=_ROLES,
            settings=_SETTINGS,
        ),
    ),
    "users.roles": _fields("roles", roles=_ROLES),
    "users.settings": _fields("settings", settings=_SETTINGS | {"minProperties": 1}),
    "users.update": _in("user", _fields("password", password=_PASSWORD)),
    "grants.create": _in(
        "grant",
        _fields("datastore_id database_id user_id", datastore_id=_UUID, database_id=_UUID, user_id=_UUID),
    ),
    "extensions.create": _in(
        "extension",
        _fields(
            "available_extension_id datastore_id database_id",
            available_extension_id=_UUID,
            datastore_id=_UUID,
            database_id=_UUID,
        ),
    ),
    "logical-replication-slots.create": _in(
        "logical-replication-slot",
        _fields(
            "name datastore_id database_id",
            name=_text(1, 255, "^[a-z0-9_]+$"),
            datastore_id=_UUID,
            database_id=_UUID,
        ),
    ),
    "topics.create": _in(
        "topic",
        _fields(
            "name datastore_id",
            name=_text(1, 249, "^[a-zA-Z0-9._-]+$"),
            datastore_id=_UUID,
            partitions=_PARTITIONS,
        ),
    ),
    "topics.update": _in("topic", _fields("partitions", partitions=_PARTITIONS)),
    "acls.create": _in(
        "acl",
        _fields(
            "datastore_id user_id pattern_type allow_read allow_write",
            datastore_id=_UUID,
            user_id=_UUID,
            pattern_type=_choice("literal", "prefixed", "all"),
            pattern=_text(1, 249, r"^[a-zA-Z0-9\._\-]+$"),
            allow_read=_FLAG,
            allow_write=_FLAG,
        ),
    ),
    "acls.update": _in("acl", _fields(allow_read=_FLAG, allow_write=_FLAG)),
    "prometheus-metrics-tokens.create": _TOKEN,
    "prometheus-metrics-tokens.update": _TOKEN,
    "floating-ips.create": _in("floating_ip", _fields("instance_id", instance_id=_UUID)),
    "floating-ips.delete": _in("floating_ip", _fields("instance_id", instance_id=_UUID)),
}
