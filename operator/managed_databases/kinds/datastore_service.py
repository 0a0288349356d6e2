"""`spec.service` of a `ManagedDatastore`: Services of Kubernetes that are other names of the datastore's hosts."""

import re
from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import Field

from managed_databases.kinds.datastore_endpoints import Endpoints, is_ip
from managed_databases.kinds.keeper_views import Services, WantedService
from managed_databases.kinds.schema import Spec

READ_ONLY: Final = "-ro"
POOLER: Final = "-pooler"
MAX_NAME: Final = 63 - len(POOLER)
_NAME: Final = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"


class ServiceSpec(Spec):
    """Services of the type ExternalName that lead to the datastore's hosts: one for each role that the datastore has."""

    name: Annotated[str, Field(pattern=_NAME, min_length=1, max_length=MAX_NAME)] | None = Field(
        default=None,
        description="The name of the Service for reading and writing; by default metadata.name. That of a replica ends in "
        f"{READ_ONLY}, that of the connection pooler in {POOLER}.",
    )


def services(spec: ServiceSpec, resource: str, where: Endpoints) -> Services:
    """Return the Services for these hosts, which must be what the API has told."""
    name = spec.name or resource
    if len(name) > MAX_NAME or re.match(_NAME, name) is None:
        return Services((), f"{name} can be no Service's name: say service.name, with {MAX_NAME} characters at most")
    asked = tuple(_asked(name, where))
    if not asked:
        return Services((), "the API does not tell where to connect")
    of_ips = [f"{one.name} ({one.host})" for one in asked if is_ip(one.host)]
    problem = f"a Service can only be another name of a name, not of an IP address: {', '.join(of_ips)}"
    return Services(tuple(one for one in asked if not is_ip(one.host)), problem if of_ips else None)


def _asked(name: str, where: Endpoints) -> Iterator[WantedService]:
    if where.read_write is not None:
        yield WantedService(name, where.read_write, where.port)
    if where.read_only is not None:
        yield WantedService(name + READ_ONLY, where.read_only, where.port)
    if where.read_write is not None and where.pooler_port is not None:
        yield WantedService(name + POOLER, where.read_write, where.pooler_port)
