"""The operations on a datastore: one change at a time, each with a pending status and an action of its own."""

from collections.abc import Callable
from ipaddress import ip_network
from typing import Final

from managed_databases.sandbox import datastores
from managed_databases.sandbox.answers import Answer, Refusal, busy, invalid, not_found
from managed_databases.sandbox.calling import Call, unsupported
from managed_databases.sandbox.catalogue import TYPES, DatastoreKind
from managed_databases.sandbox.engines import has_pooler
from managed_databases.sandbox.store import Row

Effect = Callable[[Call, Row, DatastoreKind], Row]
"""A function from (call, the datastore, its type) to the fields that the datastore gets. Raises Refusal."""


def delete(call: Call, id_: str) -> Answer:
    """Delete a datastore with everything in it. Raises Refusal (409) while the datastore is protected [assumed: the status code]
    or busy.
    """
    row = call.idle("datastores", "datastore", id_)
    if row["is_protected"]:
        raise busy(f"datastore {id_} is protected from deletion.")
    _begin(call, row, "PENDING_DELETE", "delete_datastore")
    return Answer(204)


def operation(name: str) -> Callable[[Call, str], Answer]:
    """Return the handler of one operation of the table below."""
    effect = EFFECTS[name]

    def handle(call: Call, id_: str) -> Answer:
        row = call.idle("datastores", "datastore", id_)
        then = effect(call, row, TYPES[row["type_id"]])
        if name == "security-groups" and not call.cloud.settings.groups_pending:
            changed = call.cloud.changes.make(call.space, "datastores", row, then, _action(name), call.request_id)
            return Answer(200, {"datastore": datastores.shown(call, changed)})
        status = "RESIZING" if name == "resize" else "PENDING_UPDATE"
        password = call.body["password"]["redis_password"] if name == "password" else None
        row = _begin(call, row, status, _action(name), then, password)
        return Answer(200, {"datastore": row})

    return handle


def set_floating_ip(call: Call, *, present: bool) -> Answer:
    """Give an instance a floating IP (`present`), or take it away. Raises Refusal: 404 [assumed: the message], 400, 409."""
    instance_id = call.body["floating_ip"]["instance_id"]
    for row in call.space.objects("datastores").values():
        if any(instance["id"] == instance_id for instance in row["instances"]):
            break
    else:
        raise not_found("instance", instance_id)
    row = call.idle("datastores", "datastore", row["id"])
    if not (kind := TYPES[row["type_id"]]).engine.floating_ips:
        raise unsupported("floating_ips are", kind)
    instances = []
    for instance in row["instances"]:
        if instance["id"] == instance_id:
            if bool(instance["floating_ip"]) == present:
                raise Refusal(400, f"instance {instance_id} has {'a' if present else 'no'} floating IP.")
            instance = instance | {"floating_ip": datastores.floating_ip(call.cloud.store) if present else None}
        instances.append(instance)
    _begin(call, row, "PENDING_UPDATE", "floating_ip_datastore", {"instances": instances})
    return Answer(204)


def _action(name: str) -> str:
    return f"{name.replace('-', '_')}_datastore"


def _begin(call: Call, row: Row, status: str, action: str, then: Row | None = None, password: str | None = None) -> Row:
    row = call.cloud.changes.begin(
        call.space, "datastores", row, status, action=action, request_id=call.request_id, then=then, password=password
    )
    return datastores.shown(call, row)


def _rename(call: Call, row: Row, kind: DatastoreKind) -> Row:
    return {"name": call.body["datastore"]["name"]}


def _config(call: Call, row: Row, kind: DatastoreKind) -> Row:
    return {"config": datastores.config(row["type_id"], row["flavor"]["ram"], row["config"], call.body["config"])}


def _resize(call: Call, row: Row, kind: DatastoreKind) -> Row:
    told: Row = call.body["resize"]
    node_count = int(told.get("node_count") or row["node_count"])
    datastores.check_nodes(node_count, kind)
    flavor_id, flavor = row["flavor_id"], row["flavor"]
    if "flavor" in told or "flavor_id" in told:
        given = {"flavor": {"disk": flavor["disk"], **told["flavor"]}} if "flavor" in told else {}
        flavor_id, flavor = datastores.size(told | given, kind, row["type_id"], flavor["disk_type"])
    if "disk" in told:
        flavor = flavor | {"disk": told["disk"]["size"]}
    if flavor["disk"] < row["flavor"]["disk"]:
        raise Refusal(400, f"The disk cannot shrink from {row['flavor']['disk']} GB to {flavor['disk']} GB.")
    datastores.check_quota(call, node_count, flavor, row)
    disk = row["disk"] and row["disk"] | {"size": flavor["disk"]}
    then = {"node_count": node_count, "flavor_id": flavor_id, "flavor": flavor, "disk": disk}
    then |= datastores.nodes(row | then, node_count, call.space.region)
    then |= datastores.placed(call, row, then)
    then["instances"] = [instance | {"flavor_id": flavor_id} for instance in then["instances"]]
    return then


def _pooler(call: Call, row: Row, kind: DatastoreKind) -> Row:
    if not has_pooler(kind.engine.name, kind.version):
        raise unsupported("pooler is", kind)
    told = {name: value for name, value in call.body["pooler"].items() if name != "datastore_id"}
    return {"pooler": row["pooler"] | told}


def _firewall(call: Call, row: Row, kind: DatastoreKind) -> Row:
    """Return the firewall's fields. Raises Refusal (400) for a text that is no address and no network [assumed: the message]."""
    ips = call.body["firewall"]["ips"]
    wrong = {
        f"firewall.ips.{n}": f"{ip!r} is not an address or network" for n, ip in enumerate(ips) if not _is_network(ip)
    }
    if wrong:
        raise invalid(wrong)
    return {"firewall": [{"ip": ip} for ip in ips]}


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _security_groups(call: Call, row: Row, kind: DatastoreKind) -> Row:
    return {"security_groups": call.body["security_groups"]}


def _password(call: Call, row: Row, kind: DatastoreKind) -> Row:
    if not kind.engine.password:
        raise unsupported("password is", kind)
    return {}


def _backups(call: Call, row: Row, kind: DatastoreKind) -> Row:
    if not kind.engine.backups:
        raise unsupported("backups are", kind)
    return {"backup_retention_days": call.body["backups"]["backup_retention_days"]}


def _protection(call: Call, row: Row, kind: DatastoreKind) -> Row:
    return {"is_protected": call.body["protection"]}


def _log_platform(call: Call, row: Row, kind: DatastoreKind) -> Row:
    return {"log_platform": call.body["log_platform"] if call.body else None}


EFFECTS: Final[dict[str, Effect]] = {
    "rename": _rename,
    "config": _config,
    "resize": _resize,
    "pooler": _pooler,
    "firewall": _firewall,
    "security-groups": _security_groups,
    "password": _password,
    "backups": _backups,
    "protection": _protection,
    "log-platform": _log_platform,
}
