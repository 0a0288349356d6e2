"""The words in which answers are described, in OpenAPI 3, and the objects that are not in a section of `sections.py`.

Objects may have further fields, in later versions or by `POST /sandbox/edit`, so the schemas do not forbid others.
"""

from typing import Any, Final

from managed_databases.sandbox.validation import Schema


def nullable(schema: Schema) -> Schema:
    return schema | {"nullable": True}


def shape(*optional: str, **properties: Schema) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def list_of(items: Schema) -> Schema:
    return {"type": "array", "items": items}


TEXT: Final[Schema] = {"type": "string"}
UUID: Final[Schema] = {"type": "string", "format": "uuid"}
WHOLE: Final[Schema] = {"type": "integer"}
FLAG: Final[Schema] = {"type": "boolean"}
MAP: Final[Schema] = {"type": "object", "additionalProperties": True}
_ANY: Final[Schema] = {"nullable": True}
_TIME: Final[Schema] = {"type": "string", "description": "UTC without a zone, 1970-01-01T00:00:00.000000"}
_STATUS: Final[Schema] = {
    "type": "string",
    "description": "PENDING_CREATE, ACTIVE, PENDING_UPDATE, RESIZING, PENDING_DELETE, DELETED, ERROR, DEGRADED,"
    " DISK_FULL, DOWN",
}
FRAME: Final[dict[str, Schema]] = {"id": UUID, "project_id": TEXT, "created_at": _TIME, "updated_at": _TIME}
IN_A_DATASTORE: Final[dict[str, Schema]] = {**FRAME, "status": _STATUS, "datastore_id": UUID}
UUIDS: Final = list_of(UUID)
_READINGS: Final = list_of(list_of(_ANY))

_INSTANCE: Final = shape(
    id=UUID,
    ip=TEXT,
    floating_ip=nullable(TEXT),
    role={"type": "string", "enum": ["MASTER", "REPLICA"]},
    role_name=TEXT,
    status=_STATUS,
    hostname=TEXT,
    availability_zone=TEXT,
    flavor_id=UUID,
)

DATASTORE: Final = shape(
    "log_platform",
    **FRAME,
    status=_STATUS,
    creation_finished_at=nullable(_TIME),
    name=TEXT,
    enabled=FLAG,
    type_id=UUID,
    subnet_id=UUID,
    flavor_id=UUID,
    flavor=shape(vcpus=WHOLE, ram=WHOLE, disk=WHOLE, disk_type=TEXT),
    disk=nullable(shape(type=TEXT, size=WHOLE)),
    node_count=WHOLE,
    connection=MAP,
    instances=list_of(_INSTANCE),
    pooler=nullable(shape(mode=TEXT, size=WHOLE)),
    firewall=list_of(shape(ip=TEXT)),
    config=MAP,
    backup_retention_days=nullable(WHOLE),
    is_protected=FLAG,
    is_maintenance=FLAG,
    allow_restore=FLAG,
    disk_used=WHOLE,
    security_groups=UUIDS,
    log_platform=nullable(shape(log_group=nullable(TEXT))),
    databases_count=WHOLE,
    topics_count=WHOLE,
)

FLAVOR: Final = shape(
    id=UUID,
    name=TEXT,
    description=TEXT,
    vcpus=WHOLE,
    ram=WHOLE,
    disk=WHOLE,
    fl_size={"type": "string", "enum": ["standard", "high_freq", "dedicated_host"]},
    datastore_type_ids=UUIDS,
    host=nullable(shape(line=TEXT, processor=TEXT, available_count=WHOLE)),
)

PARAMETER: Final = shape(
    id=UUID,
    datastore_type_id=UUID,
    name=TEXT,
    type={"type": "string", "enum": ["int", "float", "str", "bool"]},
    unit=nullable(TEXT),
    min=_ANY,
    max=_ANY,
    default_value=_ANY,
    choices=nullable(list_of(_ANY)),
    invalid_values=nullable(list_of(_ANY)),
    is_restart_required=FLAG,
    is_changeable=FLAG,
)

ACTION: Final = shape(
    **FRAME,
    name=TEXT,
    status={"type": "string", "enum": ["PENDING", "DONE", "ERROR"]},
    datastore_id=nullable(UUID),
    request_id=TEXT,
    started_at=_TIME,
    finished_at=nullable(_TIME),
)

AVAILABLE_EXTENSION: Final = shape(id=UUID, name=TEXT, datastore_type_ids=UUIDS, dependency_ids=UUIDS)

_RANGE: Final = shape(min=WHOLE, max=WHOLE, multiplier=WHOLE)

OBJECTS: Final[dict[str, Schema]] = {
    "roles": shape(id=UUID, datastore_type_id=UUID, name=TEXT),
    "user-setting-parameters": shape(
        id=UUID,
        datastore_type_id=UUID,
        name=TEXT,
        type={"type": "string", "enum": ["int", "str", "bool"]},
        unit=TEXT,
        min=nullable(WHOLE),
        max=nullable(WHOLE),
        default_value=TEXT,
        choices=nullable(list_of(TEXT)),
        apply_mechanism={"type": "string", "enum": ["guc", "role_attr"]},
        is_available_for_customer=FLAG,
        is_changeable=FLAG,
        can_be_empty=FLAG,
    ),
    "quotas": shape(name=TEXT, used=WHOLE, limit=WHOLE),
    "limits": shape(engine=TEXT, vcpus=_RANGE, ram=_RANGE, disk=_RANGE),
    "capabilities": shape(name=TEXT, is_supported=FLAG),
    "logs": shape(timestamp=_TIME, job=TEXT, ip=TEXT, database=nullable(TEXT), message=TEXT),
    "metrics": shape(name=TEXT, values=_READINGS),
    "databases-metrics": shape(name=TEXT, database=TEXT, values=_READINGS),
}
"""By the name of what is read, one object each."""

COUNT: Final[Schema] = {"type": "object", "additionalProperties": WHOLE}

ERROR: Final = shape(error=shape(code=WHOLE, title=TEXT, message=TEXT))


def enveloped(envelope: str, schema: Schema) -> Schema:
    return shape(**{envelope: schema})


def listed(envelope: str, schema: dict[str, Any]) -> Schema:
    return enveloped(envelope, list_of(schema))
