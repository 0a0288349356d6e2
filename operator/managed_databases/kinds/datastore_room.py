"""Checks the project's quotas and limits before a datastore is created or resized."""

from collections.abc import Mapping
from typing import Final

from managed_databases.kinds.datastore_catalogue import catalogue_of, invalid, resolve_flavor
from managed_databases.kinds.datastore_seen import ObservedDatastore
from managed_databases.kinds.managed_datastore_spec import ManagedDatastoreSpec
from managed_databases.kinds.observed import SpecRefused
from managed_databases.kinds.project_limits import UNITS, quota_lines, ranges
from managed_databases.kinds.project_view import Catalogue, ParametersFor
from managed_databases.kinds.verdicts import Reason, Stall

Size = Mapping[str, int]
"""The size of one node, by the names of quotas: vcpus, ram (MB), disk (GB)."""

_FIELDS: Final = {"vcpus": "flavor.vcpus", "ram": "flavor.ramMB", "disk": "flavor.diskGB"}


def require_room(observed: ObservedDatastore) -> None:
    """Raise SpecRefused if the new datastore does not fit into quotas and limits. An unknown quota or limit refuses nothing."""
    spec = observed.spec
    catalogue = catalogue_of(observed)
    node = wanted_size(observed)
    _require_limits(catalogue, spec, node)
    nodes = spec.node_count or 1
    needs = {name: (nodes * number, f"{nodes} x {number} {UNITS[name]}") for name, number in node.items()}
    _require_quota(catalogue, {"datastores": (1, "1 more datastore")} | needs)


def require_room_to_resize(observed: ObservedDatastore) -> None:
    """Raise SpecRefused if the datastore, at the size that the spec asks for, does not fit into quotas and limits."""
    spec = observed.spec
    datastore = observed.existing
    catalogue = catalogue_of(observed)
    before, nodes_before = actual_size(observed), datastore.node_count
    if nodes_before is None:
        return
    node = {
        name: max(number, before.get(name, 0)) if name == "disk" else number
        for name, number in wanted_size(observed).items()
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


def wanted_size(observed: ObservedDatastore) -> Size:
    """Return the size of a node by the spec, as far as it is known. Raises SpecRefused for a flavor that the catalogue lacks."""
    spec = observed.spec
    told = spec.flavor
    numbers = {"vcpus": told.vcpus, "ram": told.ram_mb, "disk": told.disk_gb}
    if told.vcpus is None:
        type_id = observed.external.type_id if observed.external is not None else _type_id(observed)
        flavor = resolve_flavor(catalogue_of(observed), type_id, name=told.name, id_=told.id)
        numbers = {"vcpus": flavor.vcpus, "ram": flavor.ram, "disk": flavor.disk}
    if spec.disk is not None:
        numbers["disk"] = spec.disk.size_gb
    return {name: number for name, number in numbers.items() if number}


def actual_size(observed: ObservedDatastore) -> Size:
    """Return the size of a node in the cloud, as far as it is known."""
    datastore = observed.existing
    flavors = (flavor for flavor in observed.catalogue.flavors if flavor.id == datastore.flavor_id)
    told = datastore.flavor or next(flavors, None)
    numbers = {} if told is None else {"vcpus": told.vcpus, "ram": told.ram, "disk": told.disk}
    if datastore.disk is not None and datastore.disk.size:
        numbers["disk"] = datastore.disk.size
    return {name: number for name, number in numbers.items() if number}


def parameters_for(observed: ObservedDatastore) -> ParametersFor | None:
    """Return the flavor whose limits for parameters count: the datastore's, or, before the creation, the spec's."""
    if not observed.spec.config or not observed.catalogue.known:
        return None
    try:
        size = wanted_size(observed) if observed.external is None else actual_size(observed)
    except SpecRefused:
        return None
    type_id = _type_id(observed) if observed.external is None else observed.external.type_id
    if type_id is None or "vcpus" not in size or "ram" not in size:
        return None
    return ParametersFor(type_id, size["vcpus"], size["ram"], size.get("disk"))


def _type_id(observed: ObservedDatastore) -> str | None:
    engine = (observed.spec.engine.type, observed.spec.engine.version)
    types = observed.catalogue.types
    return next((type_.id for type_ in types if (type_.engine, type_.version) == engine), None)


def _require_limits(catalogue: Catalogue, spec: ManagedDatastoreSpec, node: Size) -> None:
    """Raise SpecRefused for a size out of limits. Only sizes by numbers are checked: a flavor of the catalogue is within them."""
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
        raise SpecRefused(Stall(Reason.QUOTA_EXCEEDED, message))
