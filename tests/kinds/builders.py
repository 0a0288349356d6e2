"""What a pass sees, for tests: a project with a small catalogue, a datastore, and resources in it."""

import dataclasses
from typing import Any

from managed_databases.api.models import (
    AvailableExtension,
    ConfigurationParameter,
    Database,
    Datastore,
    DatastoreType,
    Flavor,
    User,
)
from managed_databases.kinds.database_user import ObservedUser
from managed_databases.kinds.database_user_spec import DatabaseUserSpec, DatabaseUserStatus
from managed_databases.kinds.datastore_seen import ObservedDatastore
from managed_databases.kinds.kind import CloudKind, O, S, T
from managed_databases.kinds.managed_database import ManagedDatabaseSpec, ObservedDatabase
from managed_databases.kinds.managed_datastore_spec import ManagedDatastoreSpec
from managed_databases.kinds.managed_datastore_status import ManagedDatastoreStatus
from managed_databases.kinds.observed import CreationView, DeletionView, Observed, Presence, Referred, SameKey
from managed_databases.kinds.project_view import Catalogue, ProjectView
from managed_databases.kinds.protection import ProtectedStatus


def uuid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


SUBNET, MAIN, OTHER = uuid(1), uuid(2), uuid(3)
TYPES = {
    "postgresql 16": uuid(16),
    "postgresql 9": uuid(9),
    "mysql 8": uuid(8),
    "redis 7": uuid(7),
    "kafka 3": uuid(30),
}
SMALL, LARGE, REDIS_ONLY = uuid(41), uuid(42), uuid(43)
PGCRYPTO, CUBE, EARTHDISTANCE, OLD_ONLY = uuid(91), uuid(92), uuid(93), uuid(94)

PARAMETERS = (
    ConfigurationParameter(id="1", name="work_mem", type="int", min=64, max=1000),
    ConfigurationParameter(id="2", name="max_connections", type="int", min=10, is_restart_required=True),
    ConfigurationParameter(id="3", name="autovacuum", type="bool"),
    ConfigurationParameter(id="4", name="scale_factor", type="float", min=0),
    ConfigurationParameter(id="5", name="wal_level", type="str", choices=("replica", "logical"), is_changeable=False),
    ConfigurationParameter(id="6", name="synchronous_commit", type="str", choices=("on", "off", "local")),
    ConfigurationParameter(id="7", name="statement_timeout", type="int", min=0, invalid_values=(1,)),
)

CATALOGUE = Catalogue(
    types=tuple(DatastoreType(id=id_, engine=text.split()[0], version=text.split()[1]) for text, id_ in TYPES.items()),
    flavors=(
        Flavor(id=SMALL, name="small", vcpus=2, ram=4096, disk=32),
        Flavor(id=LARGE, name="large", vcpus=4, ram=8192, disk=64),
        Flavor(id=REDIS_ONLY, name="cache", vcpus=1, ram=1024, disk=8, datastore_type_ids=(TYPES["redis 7"],)),
    ),
    parameters={TYPES["postgresql 16"]: PARAMETERS},
    extensions=(
        AvailableExtension(id=PGCRYPTO, name="pgcrypto", datastore_type_ids=(TYPES["postgresql 16"],)),
        AvailableExtension(id=CUBE, name="cube"),
        AvailableExtension(id=EARTHDISTANCE, name="earthdistance", dependency_ids=(CUBE,)),
        AvailableExtension(id=OLD_ONLY, name="tsearch", datastore_type_ids=(TYPES["postgresql 9"],)),
    ),
    known=True,
)
_GROUPS: dict[str, type] = {
    "presence": Presence,
    "same_key": SameKey,
    "creation": CreationView,
    "deletion": DeletionView,
}
PROJECT = ProjectView("main", "0" * 32, "ru-3", catalogue=CATALOGUE)

DATASTORE_SPEC: dict[str, Any] = {
    "engine": {"type": "postgresql", "version": "16"},
    "flavor": {"vcpus": 2, "ramMB": 4096, "diskGB": 32},
    "subnetID": SUBNET,
}
DATASTORE: dict[str, Any] = {
    "id": MAIN,
    "name": "main",
    "status": "ACTIVE",
    "type_id": TYPES["postgresql 16"],
    "subnet_id": SUBNET,
    "flavor": {"vcpus": 2, "ram": 4096, "disk": 32, "disk_type": "local"},
    "node_count": 1,
    "connection": {"master": "master.example", "MASTER": "master.example"},
    "pooler": {"mode": "transaction", "size": 30},
    "firewall": [],
    "config": {},
    "backup_retention_days": 7,
    "is_protected": True,
    "security_groups": [uuid(51)],
}


def datastore(**fields: Any) -> Datastore:
    return Datastore.model_validate(DATASTORE | fields)


def seen_datastore(
    spec: dict[str, Any] | None = None,
    external: Datastore | None = None,
    status: dict[str, Any] | None = None,
    project: ProjectView | None = PROJECT,
    **fields: Any,
) -> ObservedDatastore:
    whole = ManagedDatastoreSpec.model_validate(DATASTORE_SPEC | (spec or {}))
    told = ManagedDatastoreStatus.model_validate({"id": external.id if external else None} | (status or {}))
    return _seen("main", whole, told, external=external, project=project, **fields)


def parent(engine: str = "postgresql 16", **fields: Any) -> Referred:
    return Referred("ManagedDatastore main", id=MAIN, object=datastore(type_id=TYPES[engine], **fields))


def seen_database(
    spec: dict[str, Any] | None = None, external: Database | None = None, **fields: Any
) -> ObservedDatabase:
    whole = ManagedDatabaseSpec.model_validate({"datastoreRef": {"name": "main"}} | (spec or {}))
    refs = {"datastoreRef": parent()} | fields.pop("refs", {})
    return _seen("orders", whole, ProtectedStatus(), external=external, refs=refs, **fields)


def seen_user(spec: dict[str, Any] | None = None, external: User | None = None, **fields: Any) -> ObservedUser:
    whole = DatabaseUserSpec.model_validate({"datastoreRef": {"name": "main"}} | (spec or {}))
    refs = {"datastoreRef": parent()} | fields.pop("refs", {})
    return _seen("app", whole, DatabaseUserStatus(), external=external, refs=refs, **fields)


def database_ref(**fields: Any) -> Referred:
    told = {"id": uuid(70), "name": "orders", "datastore_id": MAIN, "status": "ACTIVE"} | fields
    return Referred("ManagedDatabase orders", id=told["id"], object=Database.model_validate(told))


def user_ref(**fields: Any) -> Referred:
    told = {"id": uuid(60), "name": "app", "datastore_id": MAIN, "status": "ACTIVE"} | fields
    return Referred("DatabaseUser app", id=told["id"], object=User.model_validate(told))


def seen_of(
    kind: CloudKind[S, O, T],
    sample: dict[str, Any],
    spec: dict[str, Any] | None = None,
    *,
    engine: str = "postgresql 16",
    external: O | None = None,
    refs: dict[str, Referred] | None = None,
    **fields: Any,
) -> Observed[S, O, T]:
    """A resource of any kind, in a datastore of that engine if it has a datastoreRef, with all that it refers to."""
    whole = {name: value for name, value in (sample | (spec or {})).items() if value is not None}
    usual = {"datastoreRef": parent(engine), "databaseRef": database_ref(), "userRef": user_ref()}
    told = {field: referred for field, referred in usual.items() if field in whole} | (refs or {})
    status = kind.status.model_validate({"id": external.id if external is not None else None})
    return _seen("orders", kind.spec.model_validate(whole), status, external=external, refs=told, **fields)


def grouped(fields: dict[str, Any]) -> dict[str, Any]:
    """Put what belongs to a group of `Observed`, such as `namesakes`, into that group."""
    whole = dict(fields)
    for name, group in _GROUPS.items():
        if told := {field.name: whole.pop(field.name) for field in dataclasses.fields(group) if field.name in whole}:
            whole[name] = group(**told)
    return whole


def _seen(name: str, spec: S, status: T, *, external: O | None, **fields: Any) -> Observed[S, O, T]:
    fields = {"project": PROJECT} | fields
    return Observed(
        namespace="shop",
        name=name,
        uid="1",
        generation=1,
        annotations={},
        deleting=False,
        spec=spec,
        status=status,
        external=external,
        **grouped(fields),
    )
