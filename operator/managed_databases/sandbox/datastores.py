"""Creates datastores, and checks sizes, quotas and configurations."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any, Final
from uuid import uuid4

from managed_databases.sandbox.answers import Answer, Refusal, invalid, not_found
from managed_databases.sandbox.backing import ChangeRefused
from managed_databases.sandbox.calling import Call, unsupported
from managed_databases.sandbox.catalogue import (
    CATALOGUE,
    LIMITS,
    TYPES,
    DatastoreKind,
    catalogue_id,
    parameters_of,
    type_id,
)
from managed_databases.sandbox.changes import now_text
from managed_databases.sandbox.engines import has_pooler
from managed_databases.sandbox.settings import Settings
from managed_databases.sandbox.store import Row, Store

DOMAIN: Final = "c.dbaas.sandbox.internal"
_FLOATING_IPS: Final = ip_network("198.18.0.0/15")
_MAX_DAYS: Final = 365_000
"""The most days of retention that the sandbox computes with: more would reach back beyond the range of dates."""

_SIZES: Final = ("vcpus", "ram", "disk")


def create(call: Call) -> Answer:
    """Create a datastore. Raises Refusal: 404 for an unknown type or flavor, 400 against the engine's rules, 403 over the
    quota.
    """
    told: Row = call.body["datastore"]
    kind = _kind(told["type_id"])
    _check_engine(told, kind)
    if told.get("project_id", call.space.project.id) != call.space.project.id:
        raise Refusal(403, "The project is not the token's.")
    flavor_id, flavor = size(told, kind, told["type_id"])
    check_nodes(told["node_count"], kind)
    _check_restore(call, told, kind)
    check_quota(call, told["node_count"], flavor)
    row = as_told(told, call.space.project.id, kind, flavor_id, flavor, call.cloud.settings)
    call.check_with_server("datastores", row)
    addresses = told.get("floating_ips", {})
    then = nodes(row, row["node_count"], call.space.region)
    master, replica = addresses.get("master", 0), addresses.get("replica", 0)
    then |= placed(call, row, then)
    then["instances"] = with_addresses(call.cloud.store, then["instances"], master, replica)
    password = told.get("redis_password")
    row = call.cloud.changes.begin(
        call.space,
        "datastores",
        row,
        "PENDING_CREATE",
        action="create_datastore",
        request_id=call.request_id,
        then=then,
        password=password,
    )
    return Answer(200, {"datastore": shown(call, row)})


def as_told(told: Row, project_id: str, kind: DatastoreKind, flavor_id: str, flavor: Row, settings: Settings) -> Row:
    """Return a new datastore, without instances and status. Raises Refusal (400) for its configuration."""
    now = now_text(settings)
    return {
        "id": str(uuid4()),
        "project_id": project_id,
        "created_at": now,
        "updated_at": now,
        "creation_finished_at": None,
        "name": told["name"],
        "enabled": True,
        "type_id": told["type_id"],
        "subnet_id": told["subnet_id"],
        "flavor_id": flavor_id,
        "flavor": flavor,
        "disk": told.get("disk"),
        "node_count": told["node_count"],
        "connection": {},
        "instances": [],
        "pooler": {"mode": "transaction", "size": 30} | told.get("pooler", {}) if _pools(kind) else None,
        "firewall": [],
        "config": config(told["type_id"], flavor["ram"], {}, told.get("config", {})),
        "backup_retention_days": told.get("backup_retention_days", 7) if kind.engine.backups else None,
        "is_protected": False,
        "is_maintenance": False,
        "allow_restore": kind.engine.backups,
        "disk_used": 1,
        "security_groups": told.get("security_groups") or ([str(uuid4())] if settings.default_group_shown else []),
        "log_platform": told.get("log_platform"),
    }


def ready(told: Row, project_id: str, region: str, settings: Settings) -> Row:
    """Return a datastore that is ACTIVE already, with the fields in `told`, and for all others those of a small PostgreSQL."""
    told = {
        "name": "unnamed",
        "type_id": type_id("postgresql", "16"),
        "subnet_id": str(uuid4()),
        "node_count": 1,
        "flavor": {"vcpus": 2, "ram": 4096, "disk": 32, "disk_type": "local"},
        **told,
    }
    flavor_id = catalogue_id("flavor", "custom", *(str(told["flavor"][name]) for name in _SIZES))
    row = as_told(told, project_id, _kind(told["type_id"]), flavor_id, told["flavor"], settings)
    row |= {"status": "ACTIVE", "creation_finished_at": row["created_at"]} | nodes(row, told["node_count"], region)
    return row | told | {"config": row["config"]}


def nodes(row: Row, node_count: int, region: str) -> Row:
    """Return `instances` and `connection` for this number of nodes, keeping the existing instances. A name in `connection` leads
    to a role, an instance's own name stays with the instance.
    """
    instances = list(row["instances"][:node_count])
    for number in range(len(instances), node_count):
        name = f"replica-{number}" if number else "master"
        id_ = str(uuid4())
        instances.append(
            {
                "id": id_,
                "ip": f"10.{int(id_[:2], 16)}.{int(id_[2:4], 16)}.{number + 10}",
                "floating_ip": None,
                "role": "REPLICA" if number else "MASTER",
                "role_name": name,
                "status": "ACTIVE",
                "hostname": f"{id_}.{region}.{DOMAIN}",
                "availability_zone": f"{region}{'abc'[number % 3]}",
                "flavor_id": row["flavor_id"],
            }
        )
    return {"instances": instances, "connection": connection(row["id"], instances)}


def connection(id_: str, instances: list[Row], *, by_address: bool = False) -> Row:
    """Return `connection` of a datastore: by the names of the instances' roles, or by their addresses."""
    told = {
        instance["role_name"]: instance["ip"] if by_address else f"{instance['role_name']}.{id_}.{DOMAIN}"
        for instance in instances
    }
    return told | {"MASTER": told["master"]}


def names_by_address(row: Row) -> dict[str, list[str]]:
    """Return the names of each instance of a datastore, those of its role first, by the address where it is."""
    roles = connection(row["id"], row["instances"]) if row["instances"] else {}
    return {instance["ip"]: [roles[instance["role_name"]], instance["hostname"]] for instance in row["instances"]}


def placed(call: Call, row: Row, then: Row) -> Row:
    """Return `instances` and `connection` of `nodes` as servers can have them. Raises Refusal (400)."""
    if (backing := call.cloud.backing) is None:
        return {}
    try:
        instances = backing.placed(row, then["instances"])
    except ChangeRefused as error:
        raise Refusal(400, str(error)) from error
    if instances is None:
        return {}
    return {
        "instances": instances,
        "connection": connection(row["id"], instances, by_address=not backing.by_names),
    }


def with_addresses(store: Store, instances: list[Row], master: int, replica: int) -> list[Row]:
    """Return the instances with this number of floating IPs on the master and on replicas."""
    wanted = {"MASTER": master, "REPLICA": replica}
    made = []
    for instance in instances:
        if wanted[instance["role"]] > 0:
            wanted[instance["role"]] -= 1
            instance = instance | {"floating_ip": floating_ip(store)}
        made.append(instance)
    return made


def floating_ip(store: Store) -> str:
    """Return a floating IP that no instance has had before, from a block of addresses that leads nowhere (RFC 2544)."""
    given = store.table("counters").get("floating_ips", {"given": 0})["given"] + 1
    store.put("counters", "floating_ips", {"given": given})
    return str(_FLOATING_IPS[given % _FLOATING_IPS.num_addresses])


def size(told: Row, kind: DatastoreKind, of_type: str, disk_type: str = "local") -> tuple[str, Row]:
    """Return flavor id and flavor of a request for a new datastore or a new size. Raises Refusal (400, 404)."""
    disk = told.get("disk") or {}
    if ("flavor_id" in told) == ("flavor" in told):
        raise Refusal(400, "Exactly one of flavor_id and flavor is required.")
    if "flavor" in told:
        if kind.engine.password:
            raise unsupported("flavor is", kind)
        flavor = {"disk": disk.get("size"), "disk_type": disk.get("type", disk_type), **told["flavor"]}
        if flavor["disk"] is None:
            raise invalid({"datastore.flavor": "'disk' is a required property"})
        flavor = {name: flavor[name] for name in (*_SIZES, "disk_type")}
        _check_limits(flavor)
        return catalogue_id("flavor", "custom", *(str(flavor[name]) for name in _SIZES)), flavor
    offer = CATALOGUE["flavors"].get(told["flavor_id"])
    if offer is None:
        raise not_found("flavor", told["flavor_id"])
    if of_type not in offer["datastore_type_ids"]:
        raise unsupported(f"flavor {offer['name']} is", kind)
    flavor = {name: offer[name] for name in _SIZES} | {"disk_type": disk.get("type", disk_type)}
    return offer["id"], flavor | ({"disk": disk["size"]} if "size" in disk else {})


def check_nodes(node_count: int, kind: DatastoreKind) -> None:
    if node_count not in kind.engine.node_counts:
        allowed = ", ".join(map(str, kind.engine.node_counts))
        raise Refusal(400, f"node_count {node_count} is not one of {allowed} for {kind.engine.title}.")


def config(of_type: str, ram_mb: int, old: Row, told: Row) -> Row:
    """Return the parameters that are set after a change; None in `told` resets a parameter. Raises Refusal (400)."""
    offered = parameters_of(of_type)
    wrong: dict[str, str] = {}
    result = dict(old)
    for name, value in told.items():
        if name not in offered:
            wrong[f"config.{name}"] = f"{name!r} is not a parameter of this datastore type"
        elif value is None:
            result.pop(name, None)
        elif objection := offered[name].objection(value, ram_mb):
            wrong[f"config.{name}"] = objection
        else:
            result[name] = value
    if wrong:
        raise invalid(wrong)
    return result


def shown(call: Call, row: Row) -> Row:
    """Return a datastore as the API shows it: with the counts of its objects, and with defaults if the settings say so."""
    settings = call.cloud.settings
    row = row | {f"{name}_count": call.space.count(name, row["id"]) for name in ("databases", "topics")}
    if row["log_platform"] is None and settings.unset_log_group == "object":
        row["log_platform"] = {"log_group": None}
    elif row["log_platform"] is None and settings.unset_log_group == "absent":
        del row["log_platform"]
    if not settings.config_defaults:
        return row
    defaults = {
        name: parameter.default_for(row["flavor"]["ram"]) for name, parameter in parameters_of(row["type_id"]).items()
    }
    return row | {"config": defaults | row["config"]}


def used(call: Call) -> dict[str, int]:
    """Return what the project uses in this region: `ram` in MB, `disk` in GB."""
    total = {"datastores": 0, "vcpus": 0, "ram": 0, "disk": 0}
    for row in call.space.objects("datastores").values():
        total["datastores"] += 1
        for name in _SIZES:
            total[name] += row["flavor"][name] * row["node_count"]
    return total


def check_quota(call: Call, node_count: int, flavor: Row, before: Row | None = None) -> None:
    """Raise Refusal (403) if the project would use more than its quota [assumed: status and message]."""
    total = used(call)
    total["datastores"] += before is None
    for name in _SIZES:
        total[name] += flavor[name] * node_count
        total[name] -= before["flavor"][name] * before["node_count"] if before else 0
    for name, limit in call.cloud.settings.quota.items():
        if name in total and total[name] > limit:
            raise Refusal(403, f"Quota exceeded for {name}: {total[name]} requested, {limit} allowed.")


def _kind(id_: str) -> DatastoreKind:
    if id_ not in TYPES:
        raise not_found("datastoretype", id_)
    return TYPES[id_]


def _check_limits(flavor: Row) -> None:
    """Raise Refusal (400) for a size out of the limits [assumed: that these are the same for all engines, and the message]."""
    for name in _SIZES:
        least, most = LIMITS[0][name]["min"], LIMITS[0][name]["max"]
        if flavor[name] < least:
            raise invalid({f"flavor.{name}": f"{flavor[name]} is less than the minimum of {least}"})
        if flavor[name] > most:
            raise invalid({f"flavor.{name}": f"{flavor[name]} is greater than the maximum of {most}"})


def _pools(kind: DatastoreKind) -> bool:
    return has_pooler(kind.engine.name, kind.version)


def _check_engine(told: Row, kind: DatastoreKind) -> None:
    engine = kind.engine
    if "pooler" in told and not _pools(kind):
        raise unsupported("pooler is", kind)
    if engine.password and "redis_password" not in told:
        raise invalid({"datastore": "'redis_password' is a required property"})
    if not engine.password and "redis_password" in told:
        raise unsupported("redis_password is", kind)
    for name, supported in (
        ("backup_retention_days", engine.backups),
        ("restore", engine.backups),
        ("floating_ips", engine.floating_ips),
    ):
        if name in told and not supported:
            raise unsupported(f"{name} is", kind)
    if told.get("floating_ips", {}).get("replica", 0) > told["node_count"] - 1:
        raise Refusal(400, "There cannot be more floating IPs than replicas.")


def _check_restore(call: Call, told: Row, kind: DatastoreKind) -> None:
    restore: dict[str, Any] | None = told.get("restore")
    if restore is None:
        return
    source = call.find("datastores", "datastore", restore["datastore_id"])
    if TYPES[source["type_id"]].engine is not kind.engine:
        raise Refusal(400, "A backup can only be restored to the same engine.")
    if "target_time" not in restore:
        return
    try:
        target = datetime.fromisoformat(restore["target_time"])
    except ValueError as error:
        raise invalid({"datastore.restore.target_time": f"{restore['target_time']!r} is not a 'date-time'"}) from error
    target = target if target.tzinfo else target.replace(tzinfo=UTC)
    now = datetime.now(UTC)
    if not now - timedelta(days=min(source["backup_retention_days"], _MAX_DAYS)) <= target <= now:
        raise Refusal(400, "target_time is not within the backup retention.")
