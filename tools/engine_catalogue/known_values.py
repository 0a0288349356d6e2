"""What is known of the cloud's own parameters, which wins over what the programs say; and what is assumed of a provider.

A few real parameters were seen in public client code and its test data. docs/api-facts.md explains the grades.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from managed_databases.sandbox.parameters import Parameter


@dataclass(frozen=True)
class Known:
    """Fields of a parameter with the evidence. A parameter that the programs do not have is added, with its `type`."""

    name: str
    grade: Literal["C", "A"]
    evidence: str
    fields: Mapping[str, Any]


_CLIENT: Final = "the configuration parameters in the test data of a public client"

POSTGRESQL: Final = (
    Known(
        "work_mem",
        "C",
        "real values in a public client: kB, default 32768",
        {"default": 32768, "min": 64, "max": 2147483647},
    ),
    Known("temp_file_limit", "C", _CLIENT, {"default": -1, "min": -1, "max": 2147483647, "unit": "kB"}),
    Known(
        "session_replication_role",
        "C",
        "real values in a public client: text, changed without a restart",
        {"default": "origin", "choices": ("origin", "replica", "local"), "is_restart_required": False},
    ),
    Known(
        "shared_buffers",
        "A",
        "default and limits depend on the flavor, as the filters ram, vcpus and disk say; a share of the RAM stands for that",
        {"default": None, "max": None, "ram_share_default": 32, "ram_share_max": 96},
    ),
    Known(
        "effective_cache_size",
        "A",
        "as shared_buffers",
        {"default": None, "max": None, "ram_share_default": 96, "ram_share_max": 128},
    ),
)

MYSQL: Final = (
    Known(
        "concurrent_insert",
        "C",
        _CLIENT,
        {"choices": ("NEVER", "AUTO", "ALWAYS", "0", "1", "2"), "default": "AUTO", "invalid_values": ("0",)},
    ),
    Known(
        "thread_pool_size",
        "C",
        _CLIENT + "; that it is MySQL's is assumed",
        {"type": "int", "min": 1, "max": 64, "is_restart_required": True},
    ),
    Known(
        "innodb_checksum_algorithm",
        "C",
        "it exists, by a public client; its values are those of the MySQL 8.0 Reference Manual",
        {
            "type": "str",
            "default": "crc32",
            "choices": ("crc32", "strict_crc32", "innodb", "strict_innodb", "none", "strict_none"),
        },
    ),
    Known(
        "innodb_buffer_pool_size",
        "A",
        "default and limits depend on the flavor, as the filters ram, vcpus and disk say; a share of the RAM stands for that",
        {"default": None, "max": None, "ram_share_default": 524288, "ram_share_max": 838860},
    ),
)

KNOWN: Final[Mapping[str, tuple[Known, ...]]] = {"postgresql": POSTGRESQL, "mysql": MYSQL}
"""By the engine, the part of a data file's name before the hyphen."""


def with_known(parameters: Iterable[Parameter], known: Iterable[Known]) -> tuple[Parameter, ...]:
    """Return the parameters with what is known of them, which has the last word."""
    by_name = {parameter.name: parameter for parameter in parameters}
    for one in known:
        before = by_name.get(one.name) or Parameter(name=one.name, type=one.fields["type"])
        by_name[one.name] = replace(before, **one.fields)
    return tuple(by_name.values())
