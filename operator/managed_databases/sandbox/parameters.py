"""Configuration parameters: real ones, about fifteen an engine. `min`, `max` and `default_value` may depend on the flavor."""

from dataclasses import dataclass
from typing import Any, Final

REFERENCE_RAM_MB: Final = 4096
"""The RAM, in MB, of the flavor for which a request without `ram` is answered."""


@dataclass(frozen=True)
class Parameter:
    """One parameter; `ram_share_default` and `ram_share_max` are in units of `unit` per MB of the flavor's RAM."""

    name: str
    type: str
    default: Any = None
    unit: str | None = None
    min: float | None = None
    max: float | None = None
    choices: tuple[Any, ...] | None = None
    invalid_values: tuple[Any, ...] | None = None
    is_restart_required: bool = False
    is_changeable: bool = True
    ram_share_default: float | None = None
    ram_share_max: float | None = None

    def row(self, ram_mb: int = REFERENCE_RAM_MB) -> dict[str, Any]:
        """Return the parameter as the API shows it for a flavor with this much RAM, in MB."""
        default = self.default if self.ram_share_default is None else int(self.ram_share_default * ram_mb)
        most = self.max if self.ram_share_max is None else int(self.ram_share_max * ram_mb)
        return {
            "name": self.name,
            "type": self.type,
            "unit": self.unit,
            "min": self.min,
            "max": most,
            "default_value": default,
            "choices": self.choices,
            "invalid_values": self.invalid_values,
            "is_restart_required": self.is_restart_required,
            "is_changeable": self.is_changeable,
        }

    def objection(self, value: object, ram_mb: int = REFERENCE_RAM_MB) -> str | None:
        """Return what is wrong with a value; None if it is valid."""
        row = self.row(ram_mb)
        if not self.is_changeable:
            return "this parameter cannot be changed"
        if not _is_of(self.type, value):
            return f"{value!r} is not of type '{self.type}'"
        if self.choices is not None and value not in self.choices:
            return f"{value!r} is not one of {list(self.choices)!r}"
        if self.invalid_values is not None and value in self.invalid_values:
            return f"{value!r} is not allowed"
        if isinstance(value, int | float):
            if row["min"] is not None and value < row["min"]:
                return f"{value} is less than the minimum of {row['min']}"
            if row["max"] is not None and value > row["max"]:
                return f"{value} is greater than the maximum of {row['max']}"
        return None


def _is_of(type_: str, value: object) -> bool:
    if isinstance(value, bool):
        return type_ == "bool"
    kinds: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "str": (str,), "bool": (bool,)}
    return isinstance(value, kinds[type_])


_INT4: Final = 2147483647
_INT8: Final = 9223372036854775807

# PostgreSQL manual, "Server Configuration"; the section beside each. Limits by RAM and the closed ones are a provider's.
_POSTGRESQL: Final = (
    # Connections and Authentication
    Parameter("max_connections", "int", 100, min=10, max=5000, is_restart_required=True),
    # Resource Consumption
    Parameter(
        "shared_buffers", "int", unit="8kB", min=16, ram_share_default=32, ram_share_max=96, is_restart_required=True
    ),
    Parameter("work_mem", "int", 4096, unit="kB", min=64, max=_INT4),
    Parameter("maintenance_work_mem", "int", 65536, unit="kB", min=1024, max=_INT4),
    Parameter("max_prepared_transactions", "int", 0, min=0, max=262143, is_restart_required=True),
    # Write Ahead Log
    Parameter("wal_level", "str", "replica", choices=("replica", "logical"), is_changeable=False),
    # Query Planning
    Parameter("effective_cache_size", "int", unit="8kB", min=1, ram_share_default=96, ram_share_max=128),
    Parameter("random_page_cost", "float", 4, min=0, max=1.79e308),
    Parameter("jit", "bool", True),
    # Error Reporting and Logging
    Parameter("log_min_duration_statement", "int", -1, unit="ms", min=-1, max=_INT4),
    # Automatic Vacuuming
    Parameter("autovacuum", "bool", True),
    Parameter("autovacuum_vacuum_scale_factor", "float", 0.2, min=0, max=100),
    # Client Connection Defaults
    Parameter("statement_timeout", "int", 0, unit="ms", min=0, max=_INT4, invalid_values=(1,)),
    Parameter("idle_in_transaction_session_timeout", "int", 0, unit="ms", min=0, max=_INT4),
    Parameter(
        "default_transaction_isolation",
        "str",
        "read committed",
        choices=("serializable", "repeatable read", "read committed", "read uncommitted"),
    ),
    Parameter("search_path", "str", '"$user", public'),
    Parameter("xmloption", "str", "content", choices=("content", "document")),
    # Lock Management
    Parameter("deadlock_timeout", "int", 1000, unit="ms", min=1, max=_INT4),
    Parameter("max_locks_per_transaction", "int", 64, min=10, max=_INT4, is_restart_required=True),
)

# MySQL 8 Reference Manual, "Server System Variables" and, from innodb_buffer_pool_size on, "InnoDB Startup Options and
# System Variables". A provider changes most of them while the server runs.
_MYSQL: Final = (
    Parameter("max_connections", "int", 151, min=10, max=16384),
    Parameter("long_query_time", "float", 10, unit="s", min=0, max=3600),
    Parameter("slow_query_log", "bool", False),
    Parameter("sql_mode", "str", "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION"),
    Parameter("wait_timeout", "int", 28800, unit="s", min=1, max=31536000),
    Parameter("interactive_timeout", "int", 28800, unit="s", min=1, max=31536000),
    Parameter("max_allowed_packet", "int", 67108864, unit="bytes", min=1024, max=1073741824),
    Parameter("table_open_cache", "int", 4000, min=1, max=524288),
    Parameter("join_buffer_size", "int", 262144, unit="bytes", min=128, max=4294967295),
    Parameter("group_concat_max_len", "int", 1024, unit="bytes", min=4, max=4294967295),
    Parameter(
        "transaction_isolation",
        "str",
        "REPEATABLE-READ",
        choices=("READ-UNCOMMITTED", "READ-COMMITTED", "REPEATABLE-READ", "SERIALIZABLE"),
    ),
    Parameter(
        "innodb_buffer_pool_size",
        "int",
        unit="bytes",
        min=5242880,
        ram_share_default=524288,
        ram_share_max=838860,
        is_restart_required=True,
    ),
    Parameter("innodb_flush_log_at_trx_commit", "int", 1, choices=(0, 1, 2)),
    Parameter("innodb_lock_wait_timeout", "int", 50, unit="s", min=1, max=1073741824),
    Parameter("innodb_print_all_deadlocks", "bool", False),
    Parameter("innodb_ft_min_token_size", "int", 3, min=0, max=16, is_restart_required=True),
)

# The comments of redis.conf, in its order.
_REDIS: Final = (
    Parameter("timeout", "int", 0, unit="s", min=0, max=_INT4),
    Parameter("tcp-keepalive", "int", 300, unit="s", min=0, max=_INT4),
    Parameter("databases", "int", 16, min=1, max=1000, is_restart_required=True),
    Parameter(
        "maxmemory-policy",
        "str",
        "noeviction",
        choices=(
            "noeviction",
            "allkeys-lru",
            "allkeys-lfu",
            "allkeys-random",
            "volatile-lru",
            "volatile-lfu",
            "volatile-random",
            "volatile-ttl",
        ),
    ),
    Parameter("maxmemory-samples", "int", 5, min=1, max=64),
    Parameter("lazyfree-lazy-eviction", "bool", False),
    Parameter("lazyfree-lazy-expire", "bool", False),
    Parameter("appendfsync", "str", "everysec", choices=("always", "everysec", "no")),
    Parameter("slowlog-log-slower-than", "int", 10000, unit="us", min=-1, max=_INT8),
    Parameter("slowlog-max-len", "int", 128, min=0, max=_INT8),
    Parameter("latency-monitor-threshold", "int", 0, unit="ms", min=0, max=_INT8),
    Parameter("notify-keyspace-events", "str", ""),
    Parameter("set-max-intset-entries", "int", 512, min=0, max=_INT4),
    Parameter("activedefrag", "bool", False),
)

# Apache Kafka documentation, "Broker Configs"; those whose update mode is read-only there need a restart.
_KAFKA: Final = (
    Parameter("auto.create.topics.enable", "bool", True, is_restart_required=True),
    Parameter("compression.type", "str", "producer", choices=("producer", "gzip", "snappy", "lz4", "zstd")),
    Parameter("group.initial.rebalance.delay.ms", "int", 3000, unit="ms", min=0, max=_INT4, is_restart_required=True),
    Parameter("log.cleaner.min.cleanable.ratio", "float", 0.5, min=0, max=1),
    Parameter("log.cleanup.policy", "str", "delete", choices=("delete", "compact", "compact,delete")),
    Parameter("log.retention.bytes", "int", -1, unit="bytes", min=-1, max=_INT8),
    Parameter("log.retention.ms", "int", 604800000, unit="ms", min=-1, max=_INT8),
    Parameter("log.segment.bytes", "int", 1073741824, unit="bytes", min=14, max=_INT4),
    Parameter("message.max.bytes", "int", 1048588, unit="bytes", min=0, max=_INT4),
    Parameter("min.insync.replicas", "int", 1, min=1, max=_INT4),
    Parameter("num.io.threads", "int", 8, min=1, max=_INT4),
    Parameter("num.network.threads", "int", 3, min=1, max=_INT4),
    Parameter("num.partitions", "int", 1, min=1, max=_INT4, is_restart_required=True),
    Parameter("offsets.retention.minutes", "int", 10080, unit="min", min=1, max=_INT4, is_restart_required=True),
    Parameter("unclean.leader.election.enable", "bool", False),
)

PARAMETERS: Final = {
    "postgresql": _POSTGRESQL,
    "mysql_native": _MYSQL,
    "mysql": _MYSQL,
    "redis": _REDIS,
    "kafka": _KAFKA,
}
