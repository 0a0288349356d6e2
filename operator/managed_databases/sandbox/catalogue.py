"""The catalogue of the sandbox: types, flavors, parameters, extensions, limits. It is the same in all projects and regions, and
its ids never change.

Parameters and extensions are the engines' own (`parameters.py`). Flavors and limits are made up; their fields are the API's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from uuid import UUID, uuid5

from managed_databases.sandbox.engines import ENGINES, Engine
from managed_databases.sandbox.parameters import Parameter, extensions, parameters

Row = dict[str, Any]

_NAMES: Final = UUID("5d1f7e0a-6f0b-4f4e-9a53-0c8a3f7f5a11")


def catalogue_id(*names: str) -> str:
    """Return an id made from these names, which is the same in every sandbox."""
    return str(uuid5(_NAMES, "/".join(names)))


def type_id(engine: str, version: str) -> str:
    return catalogue_id("datastore-type", engine, version)


@dataclass(frozen=True)
class DatastoreKind:
    """A datastore type, with the rules of its engine."""

    engine: Engine
    version: str


TYPES: Final = {
    type_id(engine.name, version): DatastoreKind(engine, version)
    for engine in ENGINES.values()
    for version in engine.versions
}

_SIZES: Final = ((1, 2048, 16), (2, 4096, 32), (2, 8192, 64), (4, 16384, 128), (8, 32768, 256), (16, 65536, 512))
_REDIS_SIZES: Final = ((1, 1024, 10), (1, 2048, 20), (2, 4096, 40), (2, 8192, 80), (4, 16384, 160), (4, 32768, 320))
_HOST: Final = {"line": "dedicated", "processor": "x86-64, 3.0 GHz", "available_count": 4}


def _flavors() -> dict[str, Row]:
    """Return the flavors by id. A flavor of Redis is of one type, as acceptance tests of a client expect, so each type of Redis
    has flavors of its own, with the same names.
    """
    redis = [id_ for id_, kind in TYPES.items() if kind.engine.password]
    others = [id_ for id_, kind in TYPES.items() if not kind.engine.password]
    rows = {}
    for line, prefix, sizes, types in (
        ("standard", "SL", _SIZES, others),
        ("high_freq", "HF", _SIZES[1:], others),
        ("dedicated_host", "DH", _SIZES[4:], others),
        *(("standard", "RS", _REDIS_SIZES, [id_]) for id_ in redis),
    ):
        for vcpus, ram, disk in sizes:
            name = f"{prefix}1.{vcpus}-{ram}-{disk}"
            id_ = catalogue_id("flavor", name, *(types if types is not others else ()))
            rows[id_] = {
                "id": id_,
                "name": name,
                "description": f"{vcpus} vCPU, {ram} MB RAM, {disk} GB disk",
                "vcpus": vcpus,
                "ram": ram,
                "disk": disk,
                "fl_size": line,
                "datastore_type_ids": types,
                "host": _HOST if line == "dedicated_host" else None,
            }
    return rows


_ADDED: Final = {"TimescaleDB": "postgresql-timescaledb", "PGVector": "postgresql-vector"}
"""What stands behind the hyphen of a version -> the data file of what is there besides."""

_PACKAGES: Final[dict[str, tuple[str, ...]]] = {
    "address_standardizer": (),
    "address_standardizer_data_us": (),
    "postgis": (),
    "postgis_raster": ("postgis",),
    "postgis_sfcgal": ("postgis",),
    "postgis_tiger_geocoder": ("postgis", "fuzzystrmatch"),
    "postgis_topology": ("postgis",),
}
"""The extensions of PostGIS' package, with what each needs (the control files of PostGIS 3)."""

_OF_TYPES: Final = {"TimescaleDB": "timescaledb", "PGVector": "vector"}
"""What only these types have [assumed: that others do not have it]."""


def _data_file(kind: DatastoreKind) -> str:
    """Return the name of the type's data file. MySQL is the same program for both of its engines."""
    engine = "mysql" if kind.engine.name == "mysql_native" else kind.engine.name
    return f"{engine}-{kind.version.partition('-')[0]}"


def _extensions_of(kind: DatastoreKind) -> dict[str, tuple[str, ...]]:
    own = _OF_TYPES.get(kind.version.partition("-")[2])
    return {**extensions(_data_file(kind)), **_PACKAGES, **({own: ()} if own else {})}


def _extensions() -> dict[str, Row]:
    types: dict[str, list[str]] = {}
    needed: dict[str, tuple[str, ...]] = {}
    for id_, kind in TYPES.items():
        if kind.engine.postgresql:
            for name, needs in _extensions_of(kind).items():
                types.setdefault(name, []).append(id_)
                needed[name] = needs
    return {
        (id_ := catalogue_id("available-extension", name)): {
            "id": id_,
            "name": name,
            "datastore_type_ids": types[name],
            "dependency_ids": [catalogue_id("available-extension", other) for other in needed[name]],
        }
        for name in sorted(types)
    }


@cache
def parameters_of(of_type: str) -> Mapping[str, Parameter]:
    """Return the parameters of a type by name."""
    kind = TYPES[of_type]
    added = _ADDED.get(kind.version.partition("-")[2])
    return {**parameters(_data_file(kind)), **(parameters(added) if added else {})}


@cache
def _parameter_ids(of_type: str) -> tuple[str, ...]:
    return tuple(catalogue_id("configuration-parameter", of_type, name) for name in parameters_of(of_type))


def parameter_rows(of_type: str | None, ram_mb: int, *, limits_as_text: bool) -> Iterator[Row]:
    """Yield every parameter of one type, or with None of all types, with the limits for a flavor with this much RAM, in MB."""
    for type_ in TYPES if of_type is None else (of_type,) if of_type in TYPES else ():
        for id_, parameter in zip(_parameter_ids(type_), parameters_of(type_).values(), strict=True):
            yield {"id": id_, "datastore_type_id": type_, **parameter.row(ram_mb, limits_as_text=limits_as_text)}


LIMITS: Final[list[Row]] = [  # [assumed: the reference says what they tell, not their field names]
    {
        "engine": engine.name,
        "vcpus": {"min": 1, "max": 64, "multiplier": 1},
        "ram": {"min": 1024, "max": 524288, "multiplier": 1},
        "disk": {"min": 5, "max": 8192, "multiplier": 1},
    }
    for engine in ENGINES.values()
]

CAPABILITIES: Final = [  # [assumed: field names, and the names of the features]
    {"name": name, "is_supported": True}
    for name in ("backups", "floating_ips", "log_platform", "network_disks", "prometheus_metrics", "security_groups")
]

CATALOGUE: Final[dict[str, dict[str, Row]]] = {
    "datastore-types": {
        id_: {"id": id_, "engine": kind.engine.name, "version": kind.version} for id_, kind in TYPES.items()
    },
    "flavors": _flavors(),
    "available-extensions": _extensions(),
}
