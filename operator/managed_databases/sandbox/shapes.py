"""The schemas of answers, as one table from sections to the schema of one object, in OpenAPI 3.

Objects may have further fields, in later versions or by `POST /sandbox/edit`, so the schemas do not forbid others.
"""

from typing import Any, Final

from managed_databases.sandbox.validation import Schema


def _nullable(schema: Schema) -> Schema:
    return schema | {"nullable": True}


def _object(*optional: str, **properties: Schema) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


_TEXT: Final[Schema] = {"type": "string"}
_UUID: Final[Schema] = {"type": "string", "format": "uuid"}
_WHOLE: Final[Schema] = {"type": "integer"}
_FLAG: Final[Schema] = {"type": "boolean"}
_MAP: Final[Schema] = {"type": "object", "additionalProperties": True}
_ANY: Final[Schema] = {"nullable": True}
_TIME: Final[Schema] = {"type": "string", "description": "UTC without a zone, 1970-01-01T00:00:00.000000"}
_STATUS: Final[Schema] = {
    "type": "string",
    "description": "PENDING_CREATE, ACTIVE, PENDING_UPDATE, RESIZING, PENDING_DELETE, DELETED, ERROR, DEGRADED,"
    " DISK_FULL, DOWN",
}
_FRAME: Final[dict[str, Schema]] = {"id": _UUID, "project_id": _TEXT, "created_at": _TIME, "updated_at": _TIME}
_CHILD: Final[dict[str, Schema]] = {**_FRAME, "status": _STATUS, "datastore_id": _UUID}
_READINGS: Final = _list(_list(_ANY))

_INSTANCE: Final = _object(
    id=_UUID,
    ip=_TEXT,
    floating_ip=_nullable(_TEXT),
    role={"type": "string", "enum": ["MASTER", "REPLICA"]},
    role_name=_TEXT,
    status=_STATUS,
    hostname=_TEXT,
    availability_zone=_TEXT,
    flavor_id=_UUID,
)

_DATASTORE: Final = _object(
    "log_platform",
    **_FRAME,
    status=_STATUS,
    creation_finished_at=_nullable(_TIME),
    name=_TEXT,
    enabled=_FLAG,
    type_id=_UUID,
    subnet_id=_UUID,
    flavor_id=_UUID,
    flavor=_object(vcpus=_WHOLE, ram=_WHOLE, disk=_WHOLE, disk_type=_TEXT),
    disk=_nullable(_object(type=_TEXT, size=_WHOLE)),
    node_count=_WHOLE,
    connection=_MAP,
    instances=_list(_INSTANCE),
    pooler=_nullable(_object(mode=_TEXT, size=_WHOLE)),
    firewall=_list(_object(ip=_TEXT)),
    config=_MAP,
    backup_retention_days=_nullable(_WHOLE),
    is_protected=_FLAG,
    is_maintenance=_FLAG,
    allow_restore=_FLAG,
    disk_used=_WHOLE,
    security_groups=_list(_UUID),
    log_platform=_nullable(_object(log_group=_nullable(_TEXT))),
    databases_count=_WHOLE,
    topics_count=_WHOLE,
)

_FLAVOR: Final = _object(
    id=_UUID,
    name=_TEXT,
    description=_TEXT,
    vcpus=_WHOLE,
    ram=_WHOLE,
    disk=_WHOLE,
    fl_size={"type": "string", "enum": ["standard", "high_freq", "dedicated_host"]},
    datastore_type_ids=_list(_UUID),
    host=_nullable(_object(line=_TEXT, processor=_TEXT, available_count=_WHOLE)),
)

_PARAMETER: Final = _object(
    id=_UUID,
    datastore_type_id=_UUID,
    name=_TEXT,
    type={"type": "string", "enum": ["int", "float", "str", "bool"]},
    unit=_nullable(_TEXT),
    min=_ANY,
    max=_ANY,
    default_value=_ANY,
    choices=_nullable(_list(_ANY)),
    invalid_values=_nullable(_list(_ANY)),
    is_restart_required=_FLAG,
    is_changeable=_FLAG,
)

_ACTION: Final = _object(
    **_FRAME,
    name=_TEXT,
    status={"type": "string", "enum": ["PENDING", "DONE", "ERROR"]},
    datastore_id=_nullable(_UUID),
    request_id=_TEXT,
    started_at=_TIME,
    finished_at=_nullable(_TIME),
)

_RANGE: Final = _object(min=_WHOLE, max=_WHOLE, multiplier=_WHOLE)

OBJECTS: Final[dict[str, Schema]] = {
    "datastores": _DATASTORE,
    "datastore-types": _object(id=_UUID, engine=_TEXT, version=_TEXT),
    "flavors": _FLAVOR,
    "available-extensions": _object(id=_UUID, name=_TEXT, datastore_type_ids=_list(_UUID), dependency_ids=_list(_UUID)),
    "configuration-parameters": _PARAMETER,
    "actions": _ACTION,
    "users": _object("roles", "settings", **_CHILD, name=_TEXT, roles=_list(_UUID), settings=_MAP),
    "roles": _object(id=_UUID, datastore_type_id=_UUID, name=_TEXT),
    "user-setting-parameters": _object(
        id=_UUID,
        datastore_type_id=_UUID,
        name=_TEXT,
        type={"type": "string", "enum": ["int", "str", "bool"]},
        unit=_TEXT,
        min=_nullable(_WHOLE),
        max=_nullable(_WHOLE),
        default_value=_TEXT,
        choices=_nullable(_list(_TEXT)),
        apply_mechanism={"type": "string", "enum": ["guc", "role_attr"]},
        is_available_for_customer=_FLAG,
        is_changeable=_FLAG,
        can_be_empty=_FLAG,
    ),
    "databases": _object(
        "owner_id",
        "lc_collate",
        "lc_ctype",
        **_CHILD,
        name=_TEXT,
        owner_id=_nullable(_UUID),
        lc_collate=_TEXT,
        lc_ctype=_TEXT,
    ),
    "grants": _object(**_CHILD, database_id=_UUID, user_id=_UUID),
    "extensions": _object(**_CHILD, available_extension_id=_UUID, database_id=_UUID),
    "logical-replication-slots": _object(**_CHILD, name=_TEXT, database_id=_UUID, in_use=_FLAG),
    "topics": _object(**_CHILD, name=_TEXT, partitions=_WHOLE),
    "acls": _object(
        **_CHILD, user_id=_UUID, pattern_type=_TEXT, pattern=_nullable(_TEXT), allow_read=_FLAG, allow_write=_FLAG
    ),
    "prometheus-metrics-tokens": _object(**_FRAME, name=_TEXT, value=_TEXT),
    "quotas": _object(name=_TEXT, used=_WHOLE, limit=_WHOLE),
    "limits": _object(engine=_TEXT, vcpus=_RANGE, ram=_RANGE, disk=_RANGE),
    "capabilities": _object(name=_TEXT, is_supported=_FLAG),
    "logs": _object(timestamp=_TIME, job=_TEXT, ip=_TEXT, database=_nullable(_TEXT), message=_TEXT),
    "metrics": _object(name=_TEXT, values=_READINGS),
    "databases-metrics": _object(name=_TEXT, database=_TEXT, values=_READINGS),
}

COUNT: Final[Schema] = {"type": "object", "additionalProperties": _WHOLE}

ERROR: Final = _object(error=_object(code=_WHOLE, title=_TEXT, message=_TEXT))


def enveloped(envelope: str, schema: Schema) -> Schema:
    return _object(**{envelope: schema})


def listed(envelope: str, schema: dict[str, Any]) -> Schema:
    return enveloped(envelope, _list(schema))
