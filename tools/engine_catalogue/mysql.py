"""MySQL's variables. The cloud's MySQL is 8, and the programs at hand are MySQL 9.7 and MariaDB 10.11.

A variable of MySQL 9.7 is taken if MySQL 8.0 has it by its own list of options, or if MariaDB has it as well: what both have
comes from MySQL 5 and was never removed. Types, ranges, choices and whether a restart is needed are MySQL 9.7's answers; the
default is MySQL 8.0's where its list tells one. So a default of InnoDB and a range may be a newer one than the cloud's.
"""

import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from managed_databases.sandbox.parameters import Parameter
from tools.engine_catalogue.data_files import DataFile, Source
from tools.engine_catalogue.dumps import Record, one, records

READ_ONLY: Final = "1238"
"""The error of setting a variable that only a start sets."""

TYPES: Final = {
    "Integer": "int",
    "Numeric": "float",
    "Boolean": "bool",
    "String": "str",
    "Enumeration": "str",
    "Set": "str",
}

NO_PARAMETERS: Final = re.compile(
    r"build_id|character_set_system|core_file|gtid_executed|gtid_owned|gtid_purged|have_|hostname"
    r"|innodb_version|keyring_operations|large_files_support|large_page_size|license|locked_in_memory"
    r"|log_bin_basename|log_bin_index|lower_case_file_system|name|port_open|profiling|protocol_version"
    r"|pseudo_|relay_log_basename|relay_log_index|server_uuid|skip_external_locking|system_time_zone"
    r"|version"
)
"""How names begin that tell of the program, its machine or its state, and that no configuration sets."""

CLOSED: Final = re.compile(
    r"admin_|authentication_|auto_generate_certs|basedir|bind_address|binlog_encryption|caching_sha2_"
    r"|character_sets_dir|check_proxy|daemon|datadir|disabled_storage|enforce_gtid|general_log_file"
    r"|group_replication|gtid_mode|init_|innodb_data_|innodb_directories|innodb_doublewrite"
    r"|innodb_dedicated|innodb_log_group_home|innodb_redo_log_archive|innodb_temp_|innodb_tmpdir"
    r"|innodb_undo_dir|keyring|innodb_flush_method|innodb_force_|innodb_page_size|innodb_read_only"
    r"|large_pages|lc_messages_dir|local_infile|log_bin|log_error|log_replica_updates|log_slave_updates"
    r"|lower_case_table_names|mandatory_roles|master_|named_pipe|ngram|partial_revokes|password_|persist"
    r"|pid_file|plugin_dir|port|proxy_|read_only|relay_log|replica_|replication_|report_|require_secure"
    r"|rpl_|secure_|server_id|sha256_|skip_|slave_|slow_query_log_file|socket|source_|sql_replica_"
    r"|sql_slave_|ssl_|super_read_only|sync_master|sync_relay|sync_source|tls_|tmpdir|unix_socket"
)
"""How names begin that are the provider's: files, addresses, certificates, replicas [assumed]."""

UNITS: Final = {"timeout": "s", "seconds": "s", "ms": "ms", "bytes": "B"}
"""The last word of a name -> the unit, which the program tells by the name only."""


def data_files(dumps: Path) -> list[DataFile]:
    version, path = one(dumps, r"mysql-([\d.]+)-variables\.tsv")
    older, options = one(dumps, r"mysql-(8[\d.]+)-options\.txt")
    maria, relative = one(dumps, r"mariadb-([\d.]+)-system_variables\.tsv")
    defaults = _options(options)
    shared = {row["VARIABLE_NAME"].lower() for row in records(relative)}
    parameters = tuple(
        _parameter(row, defaults)
        for row in records(path)
        if row["name"] in defaults.keys() | shared and not NO_PARAMETERS.match(row["name"])
    )
    sources = (
        Source(
            "MySQL",
            version,
            "performance_schema.variables_metadata, and SET GLOBAL (tools/engine_catalogue/ask/mysql.py)",
        ),
        Source("MySQL", older, "mysqld --no-defaults --verbose --help: which variables it has, and defaults"),
        Source("MariaDB", maria, "information_schema.system_variables: which variables both have"),
    )
    return [DataFile("mysql-8", sources, parameters)]


def _options(path: Path) -> Mapping[str, str]:
    """Return the names in a list of options with their defaults; "" where it tells none."""
    lines = path.read_text(encoding="utf-8").splitlines()
    told = {name.replace("-", "_"): value.strip() for name, _, value in (line.partition(" ") for line in lines)}
    return {name: "" if value == "(No default value)" else value for name, value in told.items()}


def _parameter(row: Record, defaults: Mapping[str, str]) -> Parameter:
    name, type_ = row["name"], TYPES[row["type"]]
    is_number = type_ in ("int", "float")
    is_changeable = not CLOSED.match(name)
    choices = tuple(row["choices"].split("|")) if row["choices"] else None
    return Parameter(
        name=name,
        type=type_,
        default=_default(row, defaults.get(name, ""), choices) if is_changeable or type_ != "str" else None,
        unit=UNITS.get(name.split("_")[-1], "") if is_number else "",
        min=_limit(type_, row["min"]) if is_number else None,
        max=_limit(type_, row["max"]) if is_number else None,
        choices=choices,
        is_restart_required=row["error"] == READ_ONLY,
        is_changeable=is_changeable,
    )


def _limit(type_: str, told: str) -> int | float:
    """Return a limit. The server tells that of a fraction as the integer with the same bits, InnoDB as it is."""
    whole = int(told)
    if type_ == "int":
        return whole
    is_bits = whole >= 2**52
    return float(struct.unpack("<d", struct.pack("<Q", whole))[0]) if is_bits else float(whole)


def _default(row: Record, older: str, choices: tuple[str, ...] | None) -> Any:
    """Return the older version's default, or where that is not told, or not possible any more, the newer's."""
    match TYPES[row["type"]]:
        case "bool":
            return (older or row["value"]) in ("TRUE", "1", "ON")
        case "int" | "float" as kind:
            told = older if re.fullmatch(r"-?[\d.]+", older) else row["value"]
            return float(told) if kind == "float" else _within(int(told), row)
    told = older or row["value"]
    if choices is not None and told not in choices:
        return row["value"]
    return None if "/" in told else told


def _within(default: int, row: Record) -> int:
    """Return a default as the variable bears it: an option of -1 or 0 may stand for what the program chooses at its start."""
    return default if int(row["min"]) <= default <= int(row["max"]) else int(row["value"])
