"""Redis' parameters by `CONFIG GET *`, and by its answers to wrong values, which name types and ranges."""

import re
from pathlib import Path
from typing import Final

from managed_databases.sandbox.parameters import Parameter
from tools.engine_catalogue.data_files import DataFile, Source
from tools.engine_catalogue.dumps import Record, found, records

COMMAND: Final = "CONFIG GET *, and what CONFIG SET answers to wrong values (tools/engine_catalogue/ask/redis.py)"

CLOSED: Final = re.compile(
    r"aclfile|acl-pubsub|always-show-logo|aof|append|bind|bio_cpulist|bgsave_cpulist|cluster-|crash-"
    r"|daemonize|databases|dbfilename|dir|disable-thp|enable-|ignore-warnings|io-threads|jemalloc|logfile"
    r"|loglevel|locale-|masterauth|masteruser|maxmemory|min-replicas|min-slaves|oom-score|pidfile|port"
    r"|proc-title|propagation-|protected-mode|rdb|repl-|replica|requirepass|sanitize-|save|server_cpulist"
    r"|set-proc-title|shutdown-|slave|socket-|stop-writes|supervised|syslog|tcp-backlog|tls-|unixsocket"
    r"|gopher-|auto-aof|watchdog"
)
"""How names begin that are the provider's: files, addresses, certificates, replicas, what protects the machine [assumed]."""
OPEN: Final = (
    *("maxmemory-policy", "maxmemory-samples", "maxmemory-eviction-tenacity", "maxmemory-clients"),
    *("appendfsync", "databases"),
)
"""Names that begin like closed ones."""

AT_START: Final = re.compile(r"immutable|protected|Unsupported CONFIG parameter")
"""What Redis 7 and 6 answer to setting a parameter that only a start sets; they tell nothing else of it."""


def data_files(dumps: Path) -> list[DataFile]:
    """Return one file for each major version."""
    files = []
    for version, path in found(dumps, r"redis-([\d.]+)-config\.tsv"):
        sources = (Source("Redis", version, COMMAND),)
        parameters = tuple(_parameter(row) for row in records(path))
        files.append(DataFile(f"redis-{version.partition('.')[0]}", sources, parameters))
    return files


def _parameter(row: Record) -> Parameter:
    name, value, wrong = row["name"], row["value"], row["word"]
    type_, choices, unit = "str", None, ""
    least: int | None = None
    most: int | None = None
    is_restart_required = AT_START.search(row["own"]) is not None
    if "'yes' or 'no'" in wrong or (is_restart_required and value in ("yes", "no")):
        type_ = "bool"
    elif words := re.search(r"one of the following: (.+)$", wrong):
        choices = tuple(words[1].rstrip(".").split(", "))
    elif "memory value" in wrong:
        type_, unit, least = "int", "B", 0  # less than nothing is no memory
    elif "parsed into an integer" in wrong or (is_restart_required and value.isdigit()):
        type_ = "int"
    answers = f"{row['small']} {row['none']} {row['large']}"
    if type_ == "int" and (bounds := re.search(r"between (-?\d+) and (-?\d+)", answers)):
        least, most = int(bounds[1]), int(bounds[2])
    return Parameter(
        name=name,
        type=type_,
        default=value == "yes" if type_ == "bool" else int(value) if type_ == "int" else value,
        unit=unit,
        min=least,
        max=most,
        choices=choices,
        is_restart_required=is_restart_required,
        is_changeable=name in OPEN or not CLOSED.match(name),
    )
