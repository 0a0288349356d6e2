"""What differs between a datastore and its spec, as calls in their order. A field that the cloud does not tell is no
difference."""

from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_network
from typing import Any, Final

from managed_databases.api.calls import Call
from managed_databases.api.collections import (
    configure,
    rename,
    resize,
    set_backups,
    set_firewall,
    set_pooler,
    set_protection,
    set_security_groups,
)
from managed_databases.api.models import (
    BackupsChange,
    ConfigChange,
    Datastore,
    FirewallChange,
    NewDiskSize,
    NewPooler,
    NewSize,
    ProtectionChange,
    Resize,
    SecurityGroupsChange,
)
from managed_databases.kinds import datastore_configuration as configuration
from managed_databases.kinds.datastore_catalogue import catalogue_of, resolve_flavor
from managed_databases.kinds.managed_datastore_spec import FlavorSpec, ManagedDatastoreSpec
from managed_databases.kinds.seen import Refused, Seen
from managed_databases.kinds.verdicts import Change, Reason, Risk, Stall

POOLER: Final = "pooler"
FIREWALL: Final = "firewall"
CONFIG: Final = "config."

DEFAULT_POOLER: Final = NewPooler(mode="transaction", size=30)
"""What the API gives a pooler that was not asked for (API reference)."""


def manages(seen: Seen) -> tuple[str, ...]:
    """Return the names of what the spec manages and the API can reset. Backups and security groups it cannot."""
    spec: ManagedDatastoreSpec = seen.spec
    names = []
    if spec.firewall is not None:
        names.append(FIREWALL)
    if spec.pooler is not None:
        names.append(POOLER)
    known = _known_parameters(seen)
    names += [CONFIG + name for name in spec.config or {} if known is None or name in known]
    return tuple(names)


def changes(seen: Seen) -> Iterator[Change]:
    """Yield what differs. Raises Refused at the end for what cannot be done: it never holds up the rest."""
    parts: tuple[Callable[[Seen], Iterable[Change]], ...] = (
        _name, _protection, _firewall, _security_groups, _backups, _pooler, _config, _size,
    )  # fmt: skip
    refusals: list[Refused] = []
    for part in parts:
        try:
            yield from part(seen)
        except Refused as refused:
            refusals.append(refused)
    if refusals:
        raise refusals[0]


def lift_protection(seen: Seen) -> Iterator[Change]:
    """A protected datastore cannot be deleted."""
    if seen.mine is not None and seen.mine.is_protected:
        yield Change(Reason.DELETING, "the cloud's protection is lifted", _protect(seen, on=False), Risk.NONE)


def prefixed_name(seen: Seen) -> str:
    """Return the name in the cloud. Raises nothing: without a project there is no prefix."""
    prefix = seen.project.name_prefix if seen.project else ""
    return prefix + (seen.spec.name or seen.name)


def _name(seen: Seen) -> Iterator[Change]:
    wanted, datastore = prefixed_name(seen), _mine(seen)
    if datastore.name == wanted:
        return
    if taken := (*(other.id for other in seen.namesakes), *seen.held_namesakes):
        raise Refused(
            Stall(
                Reason.CONFLICT if seen.held_namesakes else Reason.ALREADY_EXISTS,
                f"cannot be renamed: {', '.join(sorted(taken))} has this name already; choose another one",
            )
        )
    message = f"the name {datastore.name} becomes {wanted}"
    yield Change(Reason.RENAMING, message, rename(datastore.id, wanted), Risk.NONE)


def _protection(seen: Seen) -> Iterator[Change]:
    wanted, actual = seen.spec.deletion_protection, _mine(seen).is_protected
    if actual is not None and actual != wanted:
        message = f"the protection against deletion is turned {'on' if wanted else 'off'}"
        yield Change(Reason.DRIFT, message, _protect(seen, on=wanted), Risk.NONE)


def _protect(seen: Seen, *, on: bool) -> Call[Datastore]:
    return set_protection(_mine(seen).id, ProtectionChange(protection=on))


def _firewall(seen: Seen) -> Iterator[Change]:
    """A guard that the cloud does not show is set rather than taken for granted."""
    wanted, datastore = seen.spec.firewall, _mine(seen)
    if wanted is None:
        if FIREWALL in seen.status.managed:
            call = set_firewall(datastore.id, FirewallChange(ips=()))
            yield Change(Reason.RESETTING, "the firewall left the spec: it is emptied", call, unmanages=(FIREWALL,))
        return
    actual = {_network(entry.ip) for entry in datastore.firewall or ()}
    if {_network(address) for address in wanted} != actual:
        call = set_firewall(datastore.id, FirewallChange(ips=wanted))
        yield Change(Reason.DRIFT, f"the firewall lets in {', '.join(wanted) or 'what an empty list lets in'}", call)


def _network(address: str) -> str:
    try:
        return str(ip_network(address, strict=False))
    except ValueError:
        return address


def _security_groups(seen: Seen) -> Iterator[Change]:
    wanted, datastore = seen.spec.security_groups, _mine(seen)
    if wanted is not None and datastore.security_groups is not None and set(wanted) != set(datastore.security_groups):
        call = set_security_groups(datastore.id, SecurityGroupsChange(security_groups=wanted))
        yield Change(Reason.DRIFT, f"the security groups become {', '.join(wanted)}", call)


def _backups(seen: Seen) -> Iterator[Change]:
    wanted, datastore = seen.spec.backup_retention_days, _mine(seen)
    actual = datastore.backup_retention_days
    if wanted is not None and actual is not None and wanted != actual:
        call = set_backups(datastore.id, BackupsChange(backup_retention_days=wanted))
        yield Change(Reason.DRIFT, f"backups are kept {wanted} days instead of {actual}", call, Risk.NONE)


def _pooler(seen: Seen) -> Iterator[Change]:
    wanted, datastore = seen.spec.pooler, _mine(seen)
    if wanted is None:
        if POOLER in seen.status.managed:
            call = set_pooler(datastore.id, DEFAULT_POOLER)
            yield Change(Reason.RESETTING, "the pooler left the spec: it gets its defaults", call, unmanages=(POOLER,))
        return
    actual = datastore.pooler
    if actual is None:
        return
    whole = NewPooler(
        mode=wanted.mode or actual.mode or DEFAULT_POOLER.mode, size=wanted.size or actual.size or DEFAULT_POOLER.size
    )
    if (actual.mode or whole.mode, actual.size or whole.size) != (whole.mode, whole.size):
        message = f"the pooler's mode becomes {whole.mode}, its size {whole.size}"
        yield Change(Reason.DRIFT, message, set_pooler(datastore.id, whole))


def _known_parameters(seen: Seen) -> set[str] | None:
    """The names of the engine's parameters; None while the catalogue does not know them."""
    parameters = _parameters(seen)
    return None if parameters is None else {parameter.name for parameter in parameters}


def _parameters(seen: Seen) -> configuration.Parameters | None:
    if seen.project is None:
        return None
    catalogue = seen.project.catalogue
    engine = (seen.spec.engine.type, seen.spec.engine.version)
    type_id = next((type_.id for type_ in catalogue.types if (type_.engine, type_.version) == engine), None)
    return catalogue.parameters.get(seen.mine.type_id if seen.mine and seen.mine.type_id else type_id or "")


def _config(seen: Seen) -> Iterator[Change]:
    """One bad value does not hold up the good ones."""
    datastore, config = _mine(seen), seen.spec.config or {}
    catalogue_of(seen)
    parameters, refusals = _parameters(seen), []
    wanted: dict[str, configuration.Value] = {}
    for name, value in config.items():
        try:
            wanted |= configuration.converted(parameters, {name: value})
        except Refused as refused:
            refusals.append(refused)
    differing = {}
    if datastore.config is not None:
        differing = configuration.difference(parameters, wanted, datastore.config)
    known = _known_parameters(seen)
    left = {name.removeprefix(CONFIG) for name in seen.status.managed if name.startswith(CONFIG)} - set(config)
    removed = sorted(name for name in left if known is None or name in known)
    if differing or removed:
        told = [f"{name} becomes {value}" for name, value in sorted(differing.items())]
        told += [f"{name} is reset" for name in removed]
        restarting = {parameter.name for parameter in parameters or () if parameter.is_restart_required}
        yield Change(
            Reason.DRIFT if differing else Reason.RESETTING,
            f"configuration: {', '.join(told)}",
            configure(datastore.id, ConfigChange(config={**differing, **dict.fromkeys(removed)})),
            Risk.RESTART if restarting & {*differing, *removed} else Risk.ONLINE,
            tuple(CONFIG + name for name in removed),
        )
    if refusals:
        raise refusals[0]


def _size(seen: Seen) -> Iterator[Change]:
    """Disk, nodes and flavor go into one call: each would put the datastore to work for minutes."""
    spec, datastore = seen.spec, _mine(seen)
    fields: dict[str, Any] = {}
    told: list[str] = []
    refusals: list[Refused] = []
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
        if flavor := _flavor(seen, refusals):
            fields |= flavor
            told.append("the nodes get another flavor")
            risk = Risk.RESTART
    except Refused as refused:
        refusals.append(refused)
    if fields:
        yield Change(Reason.DRIFT, "; ".join(told), resize(datastore.id, Resize(**fields)), risk)
    if refusals:
        raise refusals[0]


def _flavor(seen: Seen, refusals: list[Refused]) -> dict[str, Any]:
    """Return the resize's flavor fields, none when nothing differs. A smaller disk is noted and left as it is."""
    spec: FlavorSpec = seen.spec.flavor
    datastore = _mine(seen)
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
    flavor = resolve_flavor(catalogue_of(seen), datastore.type_id, name=spec.name, id_=spec.id)
    if datastore.flavor_id is not None:
        return {} if datastore.flavor_id == flavor.id else {"flavor_id": flavor.id}
    if actual is None:
        return {}
    differs = _differ(flavor.vcpus, actual.vcpus) or _differ(flavor.ram, actual.ram)
    return {"flavor_id": flavor.id} if differs else {}


def _differ(wanted: int | None, actual: int | None) -> bool:
    return wanted is not None and actual is not None and wanted != actual


def _cannot_shrink(field: str, actual_gb: int) -> Refused:
    message = f"{field}: the API cannot shrink a disk; it stays at {actual_gb} GB. Set the field to {actual_gb} or more"
    return Refused(Stall(Reason.NOT_REVERSIBLE, message))


def _mine(seen: Seen) -> Datastore:
    assert isinstance(seen.mine, Datastore)
    return seen.mine
