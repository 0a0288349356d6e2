"""The fields of a datastore that are reset once they are removed from the spec, with digests of the spec's and cloud's values."""

from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from typing import Final

from managed_databases.api.models import Datastore, NewPooler
from managed_databases.kinds import datastore_configuration as configuration
from managed_databases.kinds import managed_fields
from managed_databases.kinds.datastore_room import parameters_for
from managed_databases.kinds.datastore_seen import ObservedDatastore
from managed_databases.kinds.managed_datastore_spec import PoolerSpec
from managed_databases.kinds.managed_fields import digest

POOLER: Final = "pooler"
FIREWALL: Final = "firewall"
LOG_EXPORT: Final = "logExport"
CONFIG: Final = "config."

DEFAULT_POOLER: Final = NewPooler(mode="transaction", size=30)
"""The API's defaults for the pooler (API reference)."""


def wanted_values(observed: ObservedDatastore) -> Mapping[str, str]:
    """Return digests of the spec's values that are to be reset once they are removed from the spec, by name.

    The API cannot reset backups and security groups. It could take floating IPs away, but nobody gets an address back that
    was given up, so a datastore keeps them when the spec no longer names them. Fields that the engine does not have are left
    out.
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
    fit, _ = configuration.judged(parameters, spec.config or {}, limited, max_hints=0)
    values |= {CONFIG + name: value for name, value in fit.items()}
    return {name: digest(value) for name, value in values.items()}


def actual_values(observed: ObservedDatastore) -> Mapping[str, str]:
    """Return digests of the cloud's values by the same names; values that the API does not tell are left out."""
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
    config = configuration.converted_as_told(engine_parameters(observed), datastore.config or {})
    values |= {CONFIG + name: value for name, value in config.items()}
    return {name: digest(value) for name, value in values.items()}


def is_ours(observed: ObservedDatastore, name: str) -> bool:
    """Return whether the operator has set this field."""
    return managed_fields.is_ours(observed, actual_values(observed), name)


def ours(observed: ObservedDatastore) -> set[str]:
    """Return the names of all fields that the operator has set."""
    return managed_fields.ours(observed, actual_values(observed))


def whole_pooler(wanted: PoolerSpec, datastore: Datastore | None) -> NewPooler:
    """Return the pooler with the spec's values, and the cloud's for those that the spec does not give."""
    actual = datastore.pooler if datastore is not None else None
    return NewPooler(
        mode=wanted.mode or (actual and actual.mode) or DEFAULT_POOLER.mode,
        size=wanted.size or (actual and actual.size) or DEFAULT_POOLER.size,
    )


def engine_parameters(observed: ObservedDatastore) -> configuration.Parameters | None:
    """Return the engine's parameters; None while the catalogue does not know them."""
    catalogue = observed.catalogue
    engine = (observed.spec.engine.type, observed.spec.engine.version)
    type_id = next((type_.id for type_ in catalogue.types if (type_.engine, type_.version) == engine), None)
    return catalogue.parameters.get(
        observed.external.type_id if observed.external and observed.external.type_id else type_id or ""
    )


def limited_parameters(observed: ObservedDatastore) -> configuration.Parameters | None:
    """Return the engine's parameters with the limits of the datastore's flavor; None while these are not read."""
    needed = parameters_for(observed)
    return None if needed is None else observed.catalogue.limited.get(needed)


def network(address: str) -> str:
    """Return an address or network in one canonical form, however it is written."""
    try:
        return str(ip_network(address, strict=False))
    except ValueError:
        return address


def _networks(addresses: Iterable[str]) -> list[str]:
    return sorted({network(address) for address in addresses})


def _pooler_value(pooler: NewPooler) -> list[object]:
    return [pooler.mode, pooler.size]
