"""The rules of the engines (docs/api-facts.md, Life cycle)."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Engine:
    """The rules of one engine. `node_counts` are the allowed numbers of nodes."""

    name: str
    counted_as: str
    title: str
    versions: tuple[str, ...]
    node_counts: tuple[int, ...]
    users: bool = True
    databases: bool = True
    grants: bool = True
    postgresql: bool = False
    topics: bool = False
    password: bool = False
    backups: bool = True
    floating_ips: bool = True
    logs: bool = False


ENGINES: Final = {
    engine.name: engine
    for engine in (
        Engine(
            "postgresql",
            "postgresql",
            "PostgreSQL",
            (
                *("12", "13", "14", "15", "16", "17", "18"),
                *("14-TimescaleDB", "15-TimescaleDB", "16-TimescaleDB"),
                *("14-1C", "15-1C", "16-1C"),
                *("15-PGVector", "16-PGVector", "17-PGVector", "18-PGVector"),  # [assumed: how the version is written]
            ),
            (1, 2, 3, 4, 5, 6),
            postgresql=True,
        ),
        Engine("mysql_native", "mysql_semisync", "MySQL semi-sync", ("8",), (1, 2, 3), logs=True),
        Engine("mysql", "mysql_sync", "MySQL sync", ("8",), (1, 3), logs=True),
        Engine(
            "redis", "redis", "Redis", ("6", "7"), (1, 2, 3), users=False, databases=False, grants=False, password=True
        ),
        Engine(
            "kafka",
            "kafka",
            "Kafka",
            ("3.5", "3.6", "3.9", "4.1"),
            (1,),
            databases=False,
            grants=False,
            topics=True,
            backups=False,
            floating_ips=False,
        ),
    )
}


def has_pooler(engine: str, version: str) -> bool:
    """Return whether an engine has a connection pooler: the PostgreSQL family has one, except for 1C."""
    return ENGINES[engine].postgresql and not version.endswith("-1C")
