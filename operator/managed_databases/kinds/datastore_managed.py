"""What of a datastore is reset once it leaves the spec, each value as a digest: what the spec wants, what the cloud has.

Only a value that this operator has set is ever reset. By the digests it is known whether the value that the cloud has is
the one that was sent, also after a call whose answer was lost, or whose process died.
"""

import hashlib
from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from typing import Final

import orjson

from managed_databases.api.models import Datastore, NewPooler
from managed_databases.kinds import datastore_configuration as configuration
from managed_databases.kinds.datastore_room import parameters_for
from managed_databases.kinds.datastore_seen import ObservedDatastore
from managed_databases.kinds.managed_datastore_spec import PoolerSpec

POOLER: Final = "pooler"
FIREWALL: Final = "firewall"
LOG_EXPORT: Final = "logExport"
CONFIG: Final = "config."

DEFAULT_POOLER: Final = NewPooler(mode="transaction", size=30)
"""What the API gives a pooler that was not asked for (API reference)."""


def wanted_values(observed: ObservedDatastore) -> Mapping[str, str]:
    """What the spec wants and what is to be reset once it leaves the spec, by name.

    Backups and security groups the API cannot reset. Floating IPs it could take away, but an address that is given up
    cannot be had again: who stops managing them keeps them. What the engine does not take is not wanted.
    """
    spec = observed.spec
    values: dict[str, object] = {}
    if spec.firewall is not None:
        values[FIREWALL] = _networks(spec.firewall)
    if spec.pooler is not None:
        values[POOLER] = _pooler_value(whole_pooler(spec.pooler, observed.external))
    if spec.log_export is not None:
        values[LOG_EXPORT] = spec.log_export.log_group
    parameters, limited = engine_parameters(observed), limited_parameters(observed)
    fit, _ = configuration.judged(parameters, spec.config or {}, limited, hints_most=0)
    values |= {CONFIG + name: value for name, value in fit.items()}
    return {name: _digest(value) for name, value in values.items()}


def actual_values(observed: ObservedDatastore) -> Mapping[str, str]:
    """What the cloud has, by the same names; what it does not tell is left out."""
    datastore = observed.external
    if datastore is None:
        return {}
    values: dict[str, object] = {}
    if datastore.firewall is not None:
        values[FIREWALL] = _networks(entry.ip for entry in datastore.firewall)
    if datastore.pooler is not None:
        values[POOLER] = _pooler_value(whole_pooler(PoolerSpec.model_construct(), datastore))
    if datastore.log_platform is not None:
        values[LOG_EXPORT] = datastore.log_platform.log_group
    known = {parameter.name: parameter for parameter in engine_parameters(observed) or ()}
    for name, value in (datastore.config or {}).items():
        try:
            values[CONFIG + name] = configuration.convert(known[name], value) if name in known else value
        except configuration.Unfit:
            values[CONFIG + name] = value
    return {name: _digest(value) for name, value in values.items()}


def is_ours(observed: ObservedDatastore, name: str) -> bool:
    """Whether this operator has set it: known to have worked, or the cloud has just the value that was sent."""
    sent = observed.status.applying.get(name)
    return name in observed.status.managed or (sent is not None and actual_values(observed).get(name) == sent)


def ours(observed: ObservedDatastore) -> set[str]:
    """The names of all that this operator has set."""
    return {name for name in (*observed.status.managed, *observed.status.applying) if is_ours(observed, name)}


def whole_pooler(wanted: PoolerSpec, datastore: Datastore | None) -> NewPooler:
    """The pooler as the spec says, and what it does not say as it is."""
    actual = datastore.pooler if datastore is not None else None
    return NewPooler(
        mode=wanted.mode or (actual and actual.mode) or DEFAULT_POOLER.mode,
        size=wanted.size or (actual and actual.size) or DEFAULT_POOLER.size,
    )


def engine_parameters(observed: ObservedDatastore) -> configuration.Parameters | None:
    """The engine's parameters; None while the catalogue does not know them."""
    if observed.project is None:
        return None
    catalogue = observed.project.catalogue
    engine = (observed.spec.engine.type, observed.spec.engine.version)
    type_id = next((type_.id for type_ in catalogue.types if (type_.engine, type_.version) == engine), None)
    return catalogue.parameters.get(
        observed.external.type_id if observed.external and observed.external.type_id else type_id or ""
    )


def limited_parameters(observed: ObservedDatastore) -> configuration.Parameters | None:
    """The engine's parameters with the limits of the flavor that counts; None while they are not read."""
    needed = parameters_for(observed)
    return None if needed is None or observed.project is None else observed.project.catalogue.limited.get(needed)


def network(address: str) -> str:
    """One address as a network, however it is written."""
    try:
        return str(ip_network(address, strict=False))
    except ValueError:
        return address


def _networks(addresses: Iterable[str]) -> list[str]:
    return sorted({network(address) for address in addresses})


def _pooler_value(pooler: NewPooler) -> list[object]:
    return [pooler.mode, pooler.size]


def _digest(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # the API may tell 1.0 where 1 was sent
    return hashlib.sha256(orjson.dumps(value, default=str)).hexdigest()[:12]
