"""Whether the project has room for a datastore: quota and limits, before the call."""

from collections.abc import Mapping
from typing import Final

from managed_databases.kinds.datastore_catalogue import catalogue_of, invalid, resolve_flavor
from managed_databases.kinds.datastore_seen import DatastoreSeen
from managed_databases.kinds.managed_datastore_spec import ManagedDatastoreSpec
from managed_databases.kinds.project_limits import UNITS, quota_lines, ranges
from managed_databases.kinds.seen import Catalogue, ParametersFor, Refused
from managed_databases.kinds.verdicts import Reason, Stall

Size = Mapping[str, int]
"""What one node takes, by the quotas' names."""

_FIELDS: Final = {"vcpus": "flavor.vcpus", "ram": "flavor.ramMB", "disk": "flavor.diskGB"}


def require_room(seen: DatastoreSeen) -> None:
    """Raise Refused when the new datastore cannot fit. What is not known is no reason to refuse."""
    spec = seen.spec
    catalogue = catalogue_of(seen)
    node = wanted_size(seen)
    _require_limits(catalogue, spec, node)
    nodes = spec.node_count or 1
    needs = {name: (nodes * number, f"{nodes} x {number} {UNITS[name]}") for name, number in node.items()}
    _require_quota(catalogue, {"datastores": (1, "1 more datastore")} | needs)


def require_room_to_resize(seen: DatastoreSeen) -> None:
    """Raise Refused when the datastore cannot become what the spec says."""
    spec = seen.spec
    datastore = seen.existing
    catalogue = catalogue_of(seen)
    before, nodes_before = actual_size(seen), datastore.node_count
    if nodes_before is None:
        return
    node = {
        name: max(number, before.get(name, 0)) if name == "disk" else number
        for name, number in wanted_size(seen).items()
    }
    if any(before.get(name) not in (None, number) for name, number in node.items()):
        _require_limits(catalogue, spec, node)
    nodes = spec.node_count or nodes_before
    needs = {}
    for name, number in node.items():
        more = nodes * number - nodes_before * before.get(name, number)
        if more > 0:
            needs[name] = (more, f"{nodes} x {number} {UNITS[name]}, which is {more} more than now")
    _require_quota(catalogue, needs)


def wanted_size(seen: DatastoreSeen) -> Size:
    """Return what one node of the spec takes, as far as it is known. Raises Refused for a flavor that is not on offer."""
    spec = seen.spec
    told = spec.flavor
    numbers = {"vcpus": told.vcpus, "ram": told.ram_mb, "disk": told.disk_gb}
    if told.vcpus is None:
        type_id = seen.mine.type_id if seen.mine is not None else _type_id(seen)
        flavor = resolve_flavor(catalogue_of(seen), type_id, name=told.name, id_=told.id)
        numbers = {"vcpus": flavor.vcpus, "ram": flavor.ram, "disk": flavor.disk}
    if spec.disk is not None:
        numbers["disk"] = spec.disk.size_gb
    return {name: number for name, number in numbers.items() if number}


def actual_size(seen: DatastoreSeen) -> Size:
    """Return what one node takes now, as far as it is known."""
    datastore = seen.existing
    flavors = seen.project.catalogue.flavors if seen.project else ()
    told = datastore.flavor or next((flavor for flavor in flavors if flavor.id == datastore.flavor_id), None)
    numbers = {} if told is None else {"vcpus": told.vcpus, "ram": told.ram, "disk": told.disk}
    if datastore.disk is not None and datastore.disk.size:
        numbers["disk"] = datastore.disk.size
    return {name: number for name, number in numbers.items() if number}


def parameters_for(seen: DatastoreSeen) -> ParametersFor | None:
    """Return the flavor whose configuration limits count: the present one, or that of the creation to come."""
    if not seen.spec.config or seen.project is None or not seen.project.catalogue.known:
        return None
    try:
        size = wanted_size(seen) if seen.mine is None else actual_size(seen)
    except Refused:
        return None
    type_id = _type_id(seen) if seen.mine is None else seen.mine.type_id
    if type_id is None or "vcpus" not in size or "ram" not in size:
        return None
    return ParametersFor(type_id, size["vcpus"], size["ram"], size.get("disk"))


def _type_id(seen: DatastoreSeen) -> str | None:
    engine = (seen.spec.engine.type, seen.spec.engine.version)
    types = seen.project.catalogue.types if seen.project else ()
    return next((type_.id for type_ in types if (type_.engine, type_.version) == engine), None)


def _require_limits(catalogue: Catalogue, spec: ManagedDatastoreSpec, node: Size) -> None:
    """Only sizes by numbers: a flavor on offer is within its limits."""
    if spec.flavor.vcpus is None:
        return
    limits = ranges(catalogue.limits, spec.engine.type)
    for name, number in node.items():
        limit, field = limits.get(name), _FIELDS[name] if name != "disk" or spec.disk is None else "disk.sizeGB"
        if limit is None:
            continue
        if limit.least is not None and number < limit.least:
            raise invalid(f"{field}: at least {limit.least} for {spec.engine.type}, not {number}")
        if limit.most is not None and number > limit.most:
            raise invalid(f"{field}: at most {limit.most} for {spec.engine.type}, not {number}")


def _require_quota(catalogue: Catalogue, needs: Mapping[str, tuple[int, str]]) -> None:
    lines = {line.name: line for line in quota_lines(catalogue.quotas)}
    short = [
        f"needs {told}, the project has {line.left} of {line.limit} left"
        for name, (needed, told) in needs.items()
        if (line := lines.get(name)) is not None and needed > line.left
    ]
    if short:
        message = f"{'; '.join(short)}: have the quota raised, free some of it, or ask for less"
        raise Refused(Stall(Reason.QUOTA_EXCEEDED, message))
