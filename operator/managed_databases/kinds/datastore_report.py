"""What a datastore's status tells beyond the frame. Nothing that changes at rest is in it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from managed_databases.api.models import Action, Datastore, Instance
from managed_databases.kinds.database_ports import PortNumbers
from managed_databases.kinds.datastore_catalogue import engine_text, flavor_text
from managed_databases.kinds.datastore_endpoints import Endpoints, endpoints
from managed_databases.kinds.frame import CloudStatus
from managed_databases.kinds.managed_datastore_spec import (
    ActionStatus,
    DatastoreEndpoints,
    InstanceStatus,
    ManagedDatastoreStatus,
)
from managed_databases.kinds.seen import Seen

STEP: Final = 5
"""Percent; a shown step is left only for a value more than 4 away from it, so that a value on an edge never flaps."""

ACTIONS_SHOWN: Final = 5


def report(seen: Seen) -> Mapping[str, Any]:
    """Return the kind's own status fields. What cannot be seen at the moment stays as it was, until it is gone."""
    before = _before(seen.status)
    if seen.mine is None:
        return {} if seen.mine_gone or seen.status.id is None else before
    datastore: Datastore = seen.mine
    now: dict[str, Any] = {
        "engine": engine_text(seen, datastore.type_id) or before.get("engine"),
        "nodeCount": datastore.node_count,
        "flavor": flavor_text(seen, datastore) or before.get("flavor"),
        "endpoints": _told(where(seen)),
        "instances": [_plain(_instance(instance)) for instance in _in_order(datastore.instances or ())],
        "diskUsedPercent": disk_used_percent(datastore.disk_used, before.get("diskUsedPercent")),
        "actions": _actions(seen.actions) or before.get("actions"),
    }
    return {field: value for field, value in now.items() if value not in (None, [], {})}


def where(seen: Seen) -> Endpoints:
    """Return where to connect to this datastore."""
    ports = seen.project.ports if seen.project else PortNumbers()
    return endpoints(seen.mine, (seen.spec.engine.type, seen.spec.engine.version), ports)


def disk_used_percent(exact: float | None, shown: int | None) -> int | None:
    """Return the step to show; None when the API does not tell, or not in percent."""
    if exact is None or not 0 <= exact <= 100:
        return None
    if shown is not None and abs(exact - shown) <= STEP - 1:
        return shown
    return STEP * round(exact / STEP)


def _before(status: CloudStatus) -> dict[str, Any]:
    own = set(ManagedDatastoreStatus.model_fields) - set(CloudStatus.model_fields)
    return status.model_dump(mode="json", by_alias=True, exclude_none=True, include=own)


def _told(found: Endpoints) -> dict[str, Any] | None:
    if found.read_write is None:
        return None
    return _plain(
        DatastoreEndpoints(
            read_write=found.read_write,
            read_only=found.read_only,
            port=found.port,
            pooler_port=found.pooler_port,
        )
    )


def _in_order(instances: Iterable[Instance]) -> list[Instance]:
    """The API's order is not certain; a status that depends on it would be written again and again."""
    return sorted(instances, key=lambda one: (one.role or "", one.role_name or "", one.id or "", one.ip or ""))


def _instance(instance: Instance) -> InstanceStatus:
    return InstanceStatus(
        role=instance.role_name or instance.role,
        zone=instance.availability_zone,
        status=instance.status,
        ip=instance.floating_ip or instance.ip,
    )


def _actions(actions: Iterable[Action]) -> list[dict[str, Any]]:
    latest = sorted(actions, key=lambda one: (_text(one.started_at or one.created_at) or "", one.id), reverse=True)
    return [
        _plain(
            ActionStatus(
                name=action.name,
                status=action.status,
                started_at=_text(action.started_at or action.created_at),
                finished_at=_text(action.finished_at),
                request_id=action.request_id,
            )
        )
        for action in latest[:ACTIONS_SHOWN]
    ]


def _text(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def _plain(value: DatastoreEndpoints | InstanceStatus | ActionStatus) -> dict[str, Any]:
    return value.model_dump(mode="json", by_alias=True, exclude_none=True)
