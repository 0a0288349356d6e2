"""The ports of the engines, as a value."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PortNumbers:
    """The API does not tell ports; these are the provider's usual ones [assumed], overridable per project."""

    postgresql: int = 5432
    postgresql_pooler: int = 5433
    mysql: int = 3306
    redis: int = 6380
    kafka: int = 9093
