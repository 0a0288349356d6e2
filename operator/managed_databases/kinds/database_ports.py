"""The ports of the engines, as a value."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PortNumbers:
    """Ports by engine. The API does not tell ports; the defaults are the provider's usual ones [assumed], and a project's
    `spec.ports` overrides them.
    """

    postgresql: int = 5432
    postgresql_pooler: int = 5433
    mysql: int = 3306
    redis: int = 6380
    kafka: int = 9093
