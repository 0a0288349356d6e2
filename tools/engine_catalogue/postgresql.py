"""PostgreSQL's parameters by `pg_settings`, and its extensions by `pg_available_extensions`."""

import csv
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from managed_databases.sandbox.parameters import Parameter
from tools.engine_catalogue.data_files import DataFile, Source
from tools.engine_catalogue.dumps import Record, found, number, records

SETTINGS: Final = "select ... from pg_settings (tools/engine_catalogue/ask/postgresql.sh)"

CLOSED_CATEGORIES: Final = (
    "Connections and Authentication / Authentication",
    "Connections and Authentication / SSL",
    "Developer Options",
    "Error Handling",
    "File Locations",
    "Replication / Standby Servers",
    "Replication / Primary Server",
    "Reporting and Logging / Where to Log",
    "Write-Ahead Log / Archive Recovery",
    "Write-Ahead Log / Archiving",
    "Write-Ahead Log / Recovery",
)
"""Categories of `pg_settings` that are the provider's: files, certificates, logs, replicas, backups, and what runs programs.

[assumed: that a provider keeps them to itself, and that they are offered as not changeable]
"""

CLOSED: Final = re.compile(
    r"bonjour|bonjour_name|listen_addresses|port|unix_socket_directories|unix_socket_group"
    r"|unix_socket_permissions|jit_provider|local_preload_libraries|session_preload_libraries|cluster_name"
    r"|dynamic_library_path|extension_control_path|event_source|fsync|full_page_writes|wal_level"
    r"|wal_sync_method|superuser_reserved_connections|max_replication_slots|max_wal_senders|wal_keep_size"
    r"|wal_keep_segments|timescaledb\.license|timescaledb\.restoring|timescaledb\.telemetry_level"
)
"""Single parameters of the same sort."""

TYPES: Final = {"bool": "bool", "integer": "int", "real": "float", "enum": "str", "string": "str"}

LEFT_OUT: Final = ("plperl", "plpython", "pltclu", "plpgsql")
"""Parts of the names of extensions that are not offered: languages that may do anything on the machine, those that need a
runtime beside PostgreSQL, what needs these, and PL/pgSQL, which every database has from the start."""


def data_files(dumps: Path, documented: Path) -> list[DataFile]:
    """Return one file for each major version, and one for what an extension adds to any of them."""
    files = []
    for major, path in found(dumps, r"pg_settings-(\d+)\.tsv"):
        settings = records(path)
        version = next(row["boot_val"] for row in settings if row["name"] == "server_version")
        offered = extensions(dumps / f"pg_extensions-{major}.txt")
        sources = (Source("PostgreSQL", version, SETTINGS),)
        files.append(DataFile(f"postgresql-{major}", sources, parameters(settings), offered))
    for version, path in found(dumps, r"pg_settings-vector-([\d.]+)\.tsv"):
        source = Source("pgvector", version, SETTINGS + ", after load 'vector'")
        files.append(DataFile("postgresql-vector", (source,), parameters(records(path))))
    source = Source(
        "TimescaleDB",
        "2, main branch of 2026",
        'its manual, "Configuration parameters (GUCs)"; ranges by its src/guc.c',
    )
    files.append(
        DataFile("postgresql-timescaledb", (source,), parameters(records(documented / "pg_settings-timescaledb.tsv")))
    )
    return files


def parameters(settings: list[Record]) -> tuple[Parameter, ...]:
    """Return what a configuration can set; `internal` parameters only tell how the program was built."""
    return tuple(_parameter(row) for row in settings if row["context"] != "internal")


def _parameter(row: Record) -> Parameter:
    type_ = TYPES[row["vartype"]]
    is_number = type_ in ("int", "float")
    return Parameter(
        name=row["name"],
        type=type_,
        default=_default(type_, row["boot_val"]),
        unit=row["unit"],
        min=number(row["min_val"]) if is_number else None,
        max=number(row["max_val"]) if is_number else None,
        choices=tuple(row["enumvals"].split("|")) if row["enumvals"] else None,
        is_restart_required=row["context"] == "postmaster",
        is_changeable=not CLOSED.fullmatch(row["name"]) and not row["category"].startswith(CLOSED_CATEGORIES),
    )


def _default(type_: str, told: str) -> object:
    match type_:
        case "bool":
            return told == "on"
        case "int" | "float":
            return number(told)
    return told


def extensions(path: Path) -> Mapping[str, tuple[str, ...]]:
    """Return the extensions of a package with what each needs, from lines of `name version [needed,needed]`."""
    with path.open(encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter=" "))
    return {
        row[0]: tuple(row[2].split(",")) if len(row) > 2 else ()
        for row in rows
        if row and not any(part in row[0] for part in LEFT_OUT)
    }
