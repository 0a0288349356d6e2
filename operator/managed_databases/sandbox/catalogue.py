"""The catalogue of the sandbox: types, flavors, parameters, extensions, limits. It is the same in all projects and regions, and
its ids never change.

The values are made up; their fields are those of the API.
"""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid5

from managed_databases.sandbox.engines import ENGINES, Engine
from managed_databases.sandbox.parameters import PARAMETERS, Parameter

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
    redis = [id_ for id_, kind in TYPES.items() if kind.engine.password]
    others = [id_ for id_, kind in TYPES.items() if not kind.engine.password]
    rows = {}
    for line, prefix, sizes, types in (
        ("standard", "SL", _SIZES, others),
        ("high_freq", "HF", _SIZES[1:], others),
        ("dedicated_host", "DH", _SIZES[4:], others),
        ("standard", "RS", _REDIS_SIZES, redis),
    ):
        for vcpus, ram, disk in sizes:
            name = f"{prefix}1.{vcpus}-{ram}-{disk}"
            rows[catalogue_id("flavor", name)] = {
                "id": catalogue_id("flavor", name),
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


_EXTENSIONS: Final[dict[str, tuple[str, ...]]] = {
    "btree_gin": (),
    "citext": (),
    "cube": (),
    "earthdistance": ("cube",),
    "hstore": (),
    "ltree": (),
    "pg_stat_statements": (),
    "pg_trgm": (),
    "pgcrypto": (),
    "postgis": (),
    "postgis_topology": ("postgis",),
    "timescaledb": (),
    "unaccent": (),
    "uuid-ossp": (),
    "vector": (),
}


def _extensions() -> dict[str, Row]:
    rows = {}
    for name, needed in _EXTENSIONS.items():
        types = [
            id_
            for id_, kind in TYPES.items()
            if kind.engine.postgresql and (name != "timescaledb" or kind.version.endswith("-TimescaleDB"))
        ]
        id_ = catalogue_id("available-extension", name)
        rows[id_] = {
            "id": id_,
            "name": name,
            "datastore_type_ids": types,
            "dependency_ids": [catalogue_id("available-extension", other) for other in needed],
        }
    return rows


PARAMETERS_BY_ID: Final[dict[str, tuple[str, Parameter]]] = {
    catalogue_id("configuration-parameter", type_, parameter.name): (type_, parameter)
    for type_, kind in TYPES.items()
    for parameter in PARAMETERS[kind.engine.name]
}


def parameter_rows(ram_mb: int) -> list[Row]:
    """Return every parameter of every type, with the limits for a flavor with this much RAM, in MB."""
    return [
        {"id": id_, "datastore_type_id": type_, **parameter.row(ram_mb)}
        for id_, (type_, parameter) in PARAMETERS_BY_ID.items()
    ]


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
