"""Finds the engine and the flavor that a spec names in the project's catalogue; if there is none, says what the catalogue has."""

import re
from collections.abc import Iterable

from managed_databases.api.models import Datastore, DatastoreType, Flavor
from managed_databases.kinds.nearest import nearest
from managed_databases.kinds.observed import Observed, SpecRefused
from managed_databases.kinds.project_view import Catalogue
from managed_databases.kinds.verdicts import Reason, Stall, Wait

SHOWN = 12
"""The most choices that a message lists when any of them may be meant."""
MAX_CHOICES = 100
"""The most choices that a message lists when the user has to choose one of them."""


def catalogue_of(observed: Observed) -> Catalogue:
    """Return the project's catalogue. Raises SpecRefused, with a wait, while the catalogue is not read."""
    if not observed.catalogue.known:
        raise SpecRefused(Wait(Reason.LOOKING, f"the project's catalogue {observed.catalogue.not_read_yet}"))
    return observed.catalogue


def resolve_type(catalogue: Catalogue, engine: str, version: str) -> DatastoreType:
    """Return the datastore type of an engine and a version.

    Raises SpecRefused, naming the engines or versions of the catalogue.
    """
    versions = {type_.version: type_ for type_ in catalogue.types if type_.engine == engine}
    if found := versions.get(version):
        return found
    if versions:
        offered = ", ".join(sorted(versions, key=natural)[:MAX_CHOICES])
        raise invalid(f"engine.version: there is no such version of {engine} on offer; choose one of {offered}")
    engines = ", ".join(sorted({type_.engine for type_ in catalogue.types})[:MAX_CHOICES]) or "none"
    raise invalid(f"engine.type: there is no such engine on offer; choose one of {engines}")


def resolve_flavor(catalogue: Catalogue, type_id: str | None, *, name: str | None, id_: str | None) -> Flavor:
    """Return the flavor with this name or this id. Raises SpecRefused, naming the most similar flavors for the datastore type."""
    field = "flavor.name" if id_ is None else "flavor.id"
    offered = [flavor for flavor in catalogue.flavors if _is_for(flavor, type_id)]
    found = [flavor for flavor in offered if flavor.id == id_ or (id_ is None and flavor.name == name)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(sorted(flavor.id for flavor in found))
        raise invalid(f"{field}: several flavors have this name; choose one by its id: {ids}")
    near = _nearest(name, (flavor.name for flavor in offered if flavor.name))
    hint = f"; on offer: {', '.join(near)}" if near else ""
    raise invalid(f"{field}: there is no such flavor for this engine{hint}")


def engine_text(observed: Observed, type_id: str | None) -> str | None:
    """Return for example "postgresql 16"; None when the catalogue does not know the type."""
    type_ = observed.catalogue.type_of(type_id)
    return f"{type_.engine} {type_.version}" if type_ else None


def flavor_text(observed: Observed, datastore: Datastore) -> str | None:
    """Return the size of a datastore's nodes in words: the flavor's name, if any, and numbers; None if nothing is known."""
    flavors = observed.catalogue.flavors
    name = next((flavor.name for flavor in flavors if flavor.id == datastore.flavor_id), None)
    size = datastore.flavor
    units = ((size.vcpus, "vCPU"), (size.ram, "MB RAM"), (size.disk, "GB disk")) if size else ()
    numbers = ", ".join(f"{number} {unit}" for number, unit in units if number)
    return f"{name} ({numbers})" if name and numbers else name or numbers or None


def natural(version: str) -> list[tuple[int, str]]:
    """Return a sort key for versions, which puts 9 before 14, and 14 before 14-TimescaleDB."""
    return [(int(digits or -1), text) for digits, text in re.findall(r"([0-9]{1,18})|([^0-9]+)", version)]


def invalid(message: str) -> SpecRefused:
    return SpecRefused(Stall(Reason.INVALID_SPEC, message))


def _is_for(flavor: Flavor, type_id: str | None) -> bool:
    """Return whether a flavor is for a datastore type; a flavor that does not tell its types counts for every type."""
    return type_id is None or flavor.datastore_type_ids is None or type_id in flavor.datastore_type_ids


def _nearest(name: str | None, offered: Iterable[str]) -> list[str]:
    names = sorted(set(offered), key=natural)
    return nearest(name, names, most=SHOWN, cutoff=0) if name else names[:SHOWN]
