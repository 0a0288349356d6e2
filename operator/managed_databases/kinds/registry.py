"""Finds the kinds: a module of this package with a `KIND` is a kind. There is no list of kinds to keep."""

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

import managed_databases.kinds as package
from managed_databases.kinds.kind import CloudKind, Kind, any_kind

GROUP = "manageddatabases.io"
VERSION = "v1alpha1"
CATEGORY = "databases"
FINALIZER = f"{GROUP}/cloud-object"


@cache
def kinds() -> MappingProxyType[str, Kind]:
    """Return all kinds by name, in alphabetical order."""
    modules = (import_module(f"{package.__name__}.{module.name}") for module in pkgutil.iter_modules(package.__path__))
    found = [module.KIND for module in modules if isinstance(getattr(module, "KIND", None), Kind)]
    return MappingProxyType({kind.name: kind for kind in sorted(found, key=lambda kind: kind.name)})


def cloud_kinds(all_kinds: Mapping[str, Kind]) -> dict[str, CloudKind]:
    """Return the kinds that have a cloud object, by name: all but `DatabaseProject`."""
    return {name: any_kind(kind) for name, kind in all_kinds.items() if isinstance(kind, CloudKind)}
