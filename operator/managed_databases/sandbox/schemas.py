"""The words in which requests are described, and the bodies of all operations but the create and update of a section in
`sections.py`, which stand there (API reference, v1).

Unknown fields are refused everywhere.
"""

from typing import Any, Final

from managed_databases.sandbox.validation import Schema


def fields(required: str = "", /, **properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def text(least: int, most: int, pattern: str | None = None) -> Schema:
    schema: Schema = {"type": "string", "minLength": least, "maxLength": most}
    return schema | {"pattern": pattern} if pattern else schema


def whole(least: int, most: int | None = None) -> Schema:
    schema: Schema = {"type": "integer", "minimum": least}
    return schema | {"maximum": most} if most is not None else schema


def choice(*choices: str) -> Schema:
    return {"type": "string", "enum": list(choices)}


def list_of(items: Schema, **rules: Any) -> Schema:
    return {"type": "array", "items": items, **rules}


def enveloped_body(envelope: str, body: Schema) -> Schema:
    return fields(envelope, **{envelope: body})


UUID: Final[Schema] = {"type": "string", "format": "UUID"}
TEXT: Final[Schema] = {"type": "string"}
FLAG: Final[Schema] = {"type": "boolean"}
PASSWORD: Final = text(1, 255)
_DATASTORE_NAME: Final = text(1, 255, "^[A-Za-z0-9_-]*$")
USER_NAME_LENGTH: Final = 32
"""The most characters of a user's name (API reference); `Settings.long_user_names` allows as many as PostgreSQL can have."""
OBJECT_NAME: Final = "^[A-Za-z_][A-Za-z0-9_]*$"
_SECURITY_GROUPS: Final = list_of(UUID, minItems=1, uniqueItems=True)
_LOG_PLATFORM: Final = fields("log_group", log_group=text(1, 512, r"^s/dbaas/[A-Za-z0-9_\-/.#]*$"))
_CONFIG: Final[Schema] = {"type": "object"}
ROLES: Final = list_of(UUID, uniqueItems=True)
SETTINGS: Final[Schema] = {"type": "object"}
_POOLER_MODE: Final = choice("session", "transaction", "statement")
_DISK_TYPE: Final = choice("local", "network-ultra")

_NEW_DATASTORE: Final = fields(
    "name type_id subnet_id node_count",
    name=_DATASTORE_NAME,
    type_id=UUID,
    subnet_id=UUID,
    node_count=whole(1),
    project_id=TEXT,
    flavor_id=UUID,
    flavor=fields("vcpus ram", vcpus=whole(1), ram=whole(1), disk=whole(1), disk_type=_DISK_TYPE),
    disk=fields("type size", type=_DISK_TYPE, size=whole(1)),
    config=_CONFIG,
    pooler=fields(mode=_POOLER_MODE, size=whole(1, 500)),
    redis_password=PASSWORD,
    restore=fields("datastore_id", datastore_id=UUID, target_time=TEXT),
    floating_ips=fields(master=whole(0, 1), replica=whole(0)),
    security_groups=_SECURITY_GROUPS,
    log_platform=_LOG_PLATFORM,
    backup_retention_days=whole(1),
)

_RESIZE: Final = fields(
    node_count=whole(1),
    flavor_id=UUID,
    flavor=fields("vcpus ram", vcpus=whole(1), ram=whole(1), disk=whole(1)),
    disk=fields("size", size=whole(1)),
)

SCHEMAS: Final[dict[str, Schema]] = {
    "datastores.create": enveloped_body("datastore", _NEW_DATASTORE),
    "datastores.rename": enveloped_body("datastore", fields("name", name=_DATASTORE_NAME)),
    "datastores.resize": enveloped_body("resize", _RESIZE | {"minProperties": 1}),
    "datastores.config": enveloped_body("config", _CONFIG),
    "datastores.pooler": enveloped_body("pooler", fields(mode=_POOLER_MODE, size=whole(1, 500), datastore_id=UUID)),
    "datastores.firewall": enveloped_body("firewall", fields("ips", ips=list_of(TEXT))),
    "datastores.security-groups": enveloped_body("security_groups", _SECURITY_GROUPS),
    "datastores.password": enveloped_body("password", fields("redis_password", redis_password=PASSWORD)),
    "datastores.backups": enveloped_body("backups", fields("backup_retention_days", backup_retention_days=whole(1))),
    "datastores.protection": enveloped_body("protection", FLAG),
    "datastores.log-platform": enveloped_body("log_platform", _LOG_PLATFORM),
    "users.roles": fields("roles", roles=ROLES),
    "users.settings": fields("settings", settings=SETTINGS | {"minProperties": 1}),
    "floating-ips.create": enveloped_body("floating_ip", fields("instance_id", instance_id=UUID)),
    "floating-ips.delete": enveloped_body("floating_ip", fields("instance_id", instance_id=UUID)),
}
