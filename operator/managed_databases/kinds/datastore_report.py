"""The status of a datastore, beside the fields of all kinds. A value that changes at rest is not in it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from managed_databases.api.models import Action, Datastore, Instance
from managed_databases.kinds.database_ports import PortNumbers
from managed_databases.kinds.datastore_catalogue import engine_text, flavor_text
from managed_databases.kinds.datastore_endpoints import Endpoints, endpoints, is_master
from managed_databases.kinds.datastore_floating_ips import fulfilled, on_other_role
from managed_databases.kinds.datastore_guard import guard_of
from managed_databases.kinds.datastore_seen import ObservedDatastore
from managed_databases.kinds.kind import Conditions
from managed_databases.kinds.managed_datastore_spec import ManagedDatastoreSpec
from managed_databases.kinds.managed_datastore_status import (
    ActionStatus,
    DatastoreEndpoints,
    InstanceStatus,
    ManagedDatastoreStatus,
)
from managed_databases.kinds.not_told import ToldField, not_told
from managed_databases.kinds.verdicts import Reason

STEP: Final = 5
"""In percent. The shown step changes only for a value more than 4 away from it, so a value on an edge does not flap."""

ACTIONS_SHOWN: Final = 5

_TOLD_AS: tuple[ToldField[ManagedDatastoreSpec, Datastore], ...] = (
    ToldField("nodeCount", lambda spec: spec.node_count, lambda told: told.node_count),
    ToldField("firewall", lambda spec: spec.firewall, lambda told: told.firewall),
    ToldField("securityGroups", lambda spec: spec.security_groups, lambda told: told.security_groups),
    ToldField("pooler", lambda spec: spec.pooler, lambda told: told.pooler),
    ToldField("config", lambda spec: spec.config, lambda told: told.config),
    ToldField("backupRetentionDays", lambda spec: spec.backup_retention_days, lambda told: told.backup_retention_days),
    ToldField("deletionProtection", lambda spec: spec.deletion_protection, lambda told: told.is_protected),
    ToldField("logExport", lambda spec: spec.log_export, lambda told: told.log_platform),
    ToldField("floatingIPs", lambda spec: spec.floating_ips, lambda told: told.instances),
)
"""Fields of the spec that the API may not tell."""


def report(observed: ObservedDatastore) -> ManagedDatastoreStatus:
    """Return the kind's own status fields. While the object cannot be seen, its fields stay as they were until it is gone.

    Lengths are not validated: values that are too long for the schema are cut when the whole status is made.
    """
    before, datastore = observed.status, observed.external
    if datastore is None:
        told = ManagedDatastoreStatus() if observed.presence.is_gone or before.id is None else before
        return told.model_copy(update={"services": _services(observed)})
    return ManagedDatastoreStatus.model_construct(
        engine=engine_text(observed, datastore.type_id) or before.engine,
        node_count=datastore.node_count or before.node_count,
        flavor=flavor_text(observed, datastore) or before.flavor,
        endpoints=_told(where(observed), datastore) if datastore.tells("connection") else before.endpoints,
        floating_ips=fulfilled(observed),
        guard=_guard(observed, datastore, before.guard),
        instances=tuple(_instance(each) for each in _in_order(datastore.instances or ())) or before.instances,
        disk_used_percent=disk_used_percent(datastore.disk_used, before.disk_used_percent),
        services=_services(observed),
        actions=_actions(observed.actions) or before.actions,
    )


def conditions(observed: ObservedDatastore) -> Conditions:
    """Return the datastore's own conditions; none when all is well.

    No condition says that a configuration waits for a restart, because the API does not tell.
    """
    datastore = observed.external
    if datastore is None:
        return {}
    told: dict[str, tuple[bool, Reason, str]] = {}
    if datastore.status == "DISK_FULL":
        message = "the disk is full: delete data, or raise the disk's size in the spec"
        told["DiskFull"] = (True, Reason.DISK_FULL, message)
    if datastore.is_maintenance:
        message = "the provider is at work on the datastore: short interruptions are possible"
        told["Maintenance"] = (True, Reason.MAINTENANCE, message)
    told |= not_told(observed, _TOLD_AS)
    if moved := on_other_role(observed):
        told["FloatingIPOnOtherRole"] = (True, Reason.FLOATING_IP_ON_OTHER_ROLE, moved)
    return told


def _guard(observed: ObservedDatastore, datastore: Datastore, before: str | None) -> str | None:
    wanted = observed.spec.firewall
    if wanted is None:
        return None
    if datastore.firewall is None:
        return before
    actual = guard_of(entry.ip for entry in datastore.firewall)
    return actual if actual == guard_of(wanted) else None


def _services(observed: ObservedDatastore) -> tuple[str, ...]:
    return observed.status.services if observed.kept.services is None else observed.kept.services.names


def where(observed: ObservedDatastore) -> Endpoints:
    """Return the hosts and ports of this datastore."""
    ports = observed.project.ports if observed.project else PortNumbers()
    return endpoints(
        observed.external, (observed.spec.engine.type, observed.spec.engine.version), ports, observed.told_before
    )


def disk_used_percent(exact: float | None, shown: int | None) -> int | None:
    """Return the step to show, from the API's exact value and the step that is shown now; None if the API tells no value from
    0 to 100.
    """
    if exact is None or not 0 <= exact <= 100:
        return None
    if shown is not None and abs(exact - shown) <= STEP - 1:
        return shown
    return STEP * round(exact / STEP)


def _told(found: Endpoints, datastore: Datastore) -> DatastoreEndpoints | None:
    if found.read_write is None:
        return None
    instances = [one for one in _in_order(datastore.instances or ()) if one.floating_ip]
    return DatastoreEndpoints.model_construct(
        read_write=found.read_write,
        read_only=found.read_only,
        port=found.port,
        pooler=f"{found.read_write}:{found.pooler_port}" if found.pooler_port else None,
        pooler_port=found.pooler_port,
        public_read_write=next((one.floating_ip for one in instances if is_master(one)), None),
        public_read_only=tuple(one.floating_ip or "" for one in instances if not is_master(one)) or None,
    )


def _in_order(instances: Iterable[Instance]) -> list[Instance]:
    """Return the nodes in a fixed order: a status in the API's order, which may vary, would be written again and again."""
    return sorted(instances, key=lambda one: (one.role or "", one.role_name or "", one.id or "", one.ip or ""))


def _instance(instance: Instance) -> InstanceStatus:
    return InstanceStatus.model_construct(
        role=instance.role_name or instance.role,
        zone=instance.availability_zone,
        status=instance.status,
        ip=instance.ip,
        floating_ip=instance.floating_ip,
    )


def _actions(actions: Iterable[Action]) -> tuple[ActionStatus, ...]:
    latest = sorted(actions, key=lambda one: (_text(one.started_at or one.created_at) or "", one.id), reverse=True)
    return tuple(
        (
            ActionStatus.model_construct(
                name=action.name,
                status=action.status,
                started_at=_text(action.started_at or action.created_at),
                finished_at=_text(action.finished_at),
                request_id=action.request_id,
            )
        )
        for action in latest[:ACTIONS_SHOWN]
    )


def _text(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
