"""What the engines can and cannot do (docs/api-facts.md, engine rules). The operator refuses an unknown engine nothing."""

from typing import Final

from managed_databases.kinds.observed import Observed, SpecRefused
from managed_databases.kinds.references import datastore_of
from managed_databases.kinds.verdicts import Reason, Stall

POSTGRESQL: Final = "postgresql"
MYSQL: Final = "mysql"
REDIS: Final = "redis"
KAFKA: Final = "kafka"


def family(engine: str) -> str:
    """Return the protocol that an engine speaks, which is the `type` of its Secrets; an unknown engine's own name."""
    return next((known for known in (POSTGRESQL, MYSQL, REDIS, KAFKA) if engine.startswith(known)), engine)


def has_pooler(engine: str, version: str) -> bool:
    return family(engine) == POSTGRESQL and not version.endswith("-1C")


def engine_of_parent(observed: Observed) -> tuple[str, str] | None:
    """Return engine and version of the datastore that a resource is in; None while they are not known."""
    parent = datastore_of(observed)
    if parent.object is not None:
        type_ = observed.catalogue.type_of(parent.object.type_id)
        if type_ is not None:
            return type_.engine, type_.version
    if parent.spec is not None:
        return parent.spec.engine.type, parent.spec.engine.version
    return None


def require_family(observed: Observed, what: str, *families: str) -> None:
    """Raise SpecRefused (InvalidSpec) if the datastore's engine is known and in none of these families.

    `what` begins the message, such as "a topic is".
    """
    engine = engine_of_parent(observed)
    if engine is not None and family(engine[0]) in {POSTGRESQL, MYSQL, REDIS, KAFKA} - set(families):
        raise SpecRefused(
            Stall(
                Reason.INVALID_SPEC,
                f"{what} only in a datastore of {' or '.join(families)}; {datastore_of(observed).label} is {engine[0]}",
            )
        )
