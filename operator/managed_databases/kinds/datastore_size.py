"""Differences of a datastore's disk, nodes and flavor, as one resize."""

from collections.abc import Iterator

from managed_databases.api.collections import resize
from managed_databases.api.models import NewDiskSize, NewSize, Resize
from managed_databases.kinds.datastore_catalogue import catalogue_of, resolve_flavor
from managed_databases.kinds.datastore_room import require_room_to_resize
from managed_databases.kinds.datastore_seen import ObservedDatastore
from managed_databases.kinds.observed import SpecRefused
from managed_databases.kinds.verdicts import Change, Reason, Risk, Stall


def size_changes(observed: ObservedDatastore) -> Iterator[Change]:
    """Yield one resize with disk, nodes and flavor: each call of its own would keep the datastore busy for minutes.

    Raises SpecRefused for an impossible size, and if the project has no room for the size.
    """
    spec, datastore = observed.spec, observed.existing
    fields: dict[str, object] = {}
    told: list[str] = []
    refusals: list[SpecRefused] = []
    risk = Risk.ONLINE
    actual_disk = datastore.disk.size if datastore.disk else None
    if spec.disk is not None and actual_disk is not None and spec.disk.size_gb != actual_disk:
        if spec.disk.size_gb < actual_disk:
            refusals.append(_cannot_shrink("disk.sizeGB", actual_disk))
        else:
            fields["disk"] = NewDiskSize(size=spec.disk.size_gb)
            told.append(f"the disk grows from {actual_disk} to {spec.disk.size_gb} GB")
    if spec.node_count is not None and datastore.node_count not in (None, spec.node_count):
        fields["node_count"] = spec.node_count
        told.append(f"{datastore.node_count} nodes become {spec.node_count}")
        if spec.node_count < (datastore.node_count or 0):
            risk = Risk.RESTART
    try:
        if flavor := _flavor(observed, refusals):
            fields |= flavor
            told.append("the nodes get another flavor")
            risk = Risk.RESTART
    except SpecRefused as refused:
        refusals.append(refused)
    if fields:
        require_room_to_resize(observed)
        yield Change(Reason.DRIFT, "; ".join(told), resize(datastore.id, Resize.model_validate(fields)), risk)
    if refusals:
        raise refusals[0]


def _flavor(observed: ObservedDatastore, refusals: list[SpecRefused]) -> dict[str, object]:
    """Return the flavor fields of the resize; none if nothing differs. A smaller disk is left as it is, and added to
    `refusals`.
    """
    spec, datastore = observed.spec.flavor, observed.existing
    actual = datastore.flavor
    if spec.vcpus is not None:
        if actual is None:
            return {}
        disk = spec.disk_gb
        if disk is not None and actual.disk is not None and disk < actual.disk:
            refusals.append(_cannot_shrink("flavor.diskGB", actual.disk))
            disk = actual.disk
        pairs = ((spec.vcpus, actual.vcpus), (spec.ram_mb, actual.ram), (disk, actual.disk))
        if not any(_differ(wanted, is_) for wanted, is_ in pairs):
            return {}
        numbers = {"vcpus": spec.vcpus, "ram": spec.ram_mb, "disk": disk}
        told = {name: number for name, number in numbers.items() if number is not None}
        return {"flavor": NewSize.model_validate(told)}
    if spec.id is not None and datastore.flavor_id == spec.id:
        return {}
    flavor = resolve_flavor(catalogue_of(observed), datastore.type_id, name=spec.name, id_=spec.id)
    if datastore.flavor_id is not None:
        return {} if datastore.flavor_id == flavor.id else {"flavor_id": flavor.id}
    if actual is None:
        return {}
    differs = _differ(flavor.vcpus, actual.vcpus) or _differ(flavor.ram, actual.ram)
    return {"flavor_id": flavor.id} if differs else {}


def _differ(wanted: int | None, actual: int | None) -> bool:
    return wanted is not None and actual is not None and wanted != actual


def _cannot_shrink(field: str, actual_gb: int) -> SpecRefused:
    message = f"{field}: the API cannot shrink a disk; it stays at {actual_gb} GB. Set the field to {actual_gb} or more"
    return SpecRefused(Stall(Reason.NOT_REVERSIBLE, message))
