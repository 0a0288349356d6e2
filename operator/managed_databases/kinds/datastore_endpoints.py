"""Where applications connect: hosts and ports of a datastore."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Final

from managed_databases.api.models import Datastore, Instance
from managed_databases.kinds.database_ports import PortNumbers
from managed_databases.kinds.datastore_catalogue import natural
from managed_databases.kinds.engines import KAFKA, MYSQL, POSTGRESQL, REDIS, family, has_pooler
from managed_databases.probe import Login

WHERE = ("host", "hosts", "read-only-host", "bootstrap-servers")
"""The keys of a credentials Secret that name hosts. Ports are not among them, because they are known from the engine."""
DATABASE_KEY = "database"
"""The key of a credentials Secret that names the database."""
POOLER_KEY: Final = "pooler-port"
"""The key of a credentials Secret that names the port of the pooler; only a Secret of an engine with a pooler has it."""
KEPT_KEYS = (*WHERE, DATABASE_KEY)
"""The keys of a credentials Secret whose values may stay while the API does not tell them."""
REDIS_USER = "default"
"""Redis' name for the user of a login with a password only."""


@dataclass(frozen=True)
class PublicHosts:
    """The public addresses of a datastore's nodes, the writable one's first. Most datastores have none."""

    hosts: tuple[str, ...] = ()
    read_write: str | None = None
    read_only: str | None = None


_NOTHING_PUBLIC: Final = PublicHosts()


@dataclass(frozen=True)
class Endpoints:
    """Hosts and ports of a datastore. `hosts` has the writable host first; a port is None if the engine is unknown or has no
    such port.
    """

    hosts: tuple[str, ...] = ()
    read_write: str | None = None
    read_only: str | None = None
    port: int | None = None
    pooler_port: int | None = None
    public: PublicHosts = _NOTHING_PUBLIC


def endpoints(
    datastore: Datastore | None,
    engine: tuple[str, str] | None,
    ports: PortNumbers,
    before: Mapping[str, str] | None = None,
) -> Endpoints:
    """Return the hosts and ports of a datastore, as far as they are known. `engine` is the engine's name and its version.

    `before` is the data of its credentials Secret: if the API tells no host, the hosts in the Secret count.
    """
    by_role = _hosts_by_role(datastore)
    masters = [host for role, host in by_role.items() if _is_master(role)]
    replicas = [by_role[role] for role in sorted(by_role, key=natural) if not _is_master(role)]
    if not by_role and before:
        masters, replicas = _hosts_told(before)
    kind, version = (family(engine[0]), engine[1]) if engine else ("", "")
    numbers = {POSTGRESQL: ports.postgresql, MYSQL: ports.mysql, REDIS: ports.redis, KAFKA: ports.kafka}
    return Endpoints(
        hosts=tuple(dict.fromkeys((*masters, *replicas))),
        read_write=masters[0] if masters else None,
        read_only=replicas[0] if replicas else None,
        port=numbers.get(kind),
        pooler_port=ports.postgresql_pooler if _has_pooler(kind, version, before or {}) else None,
        public=_public_hosts(datastore, before or {}, frozenset(by_role.values())),
    )


def _has_pooler(kind: str, version: str, before: Mapping[str, str]) -> bool:
    """While the version is not known, what the Secret says counts."""
    return has_pooler(kind, version) if version.strip() else POOLER_KEY in before


def has_hosts(datastore: Datastore | None, before: Mapping[str, str] | None = None) -> bool:
    """Return whether `endpoints` has any host."""
    return bool(_hosts_by_role(datastore)) or any(_hosts_told(before or {}))


def login_at(
    where: Endpoints,
    engine: str,
    *,
    user: str | None,
    database: str | None,
    ca_certificate: str | None,
    tls: str | None = None,
) -> Login | None:
    """Return where a probe logs in; None while host or port are not known. `where` must be what the API has told: a probe goes
    nowhere else. `tls` is what the spec says; without it a CA is checked wherever there is one.
    """
    host = where.read_write or next(iter(where.hosts), None)
    if host is None or where.port is None:
        return None
    ca = None if tls == "require" else ca_certificate
    return Login(family(engine), host, where.port, user, database, ca, checks_name=tls != "verify-ca")


def chosen(where: Endpoints, endpoint: str | None, address: str | None = None) -> Endpoints:
    """Return the same with the hosts and port that the spec chooses: of the endpoint ReadWrite (also None), ReadOnly or Pooler,
    by the address Private (also None) or Public.

    While there is no such endpoint, host and port are those of the writable node. While the node has no public address, all hosts
    are the private ones: an application gets all of them of one sort.
    """
    public = where.public
    if endpoint == "ReadOnly" and public.read_only is not None:
        public = replace(public, read_write=public.read_only)
    where = replace(where, public=public)
    if address == "Public" and public.read_write is not None:
        where = replace(where, hosts=public.hosts, read_write=public.read_write, read_only=public.read_only)
    if endpoint == "ReadOnly" and where.read_only is not None:
        return replace(where, read_write=where.read_only)
    if endpoint == "Pooler" and where.pooler_port is not None:
        return replace(where, port=where.pooler_port)
    return where


def is_public(where: Endpoints) -> bool:
    """Return whether the hosts of a choice are public addresses."""
    return bool(where.hosts) and where.hosts == where.public.hosts


def is_master(instance: Instance) -> bool:
    return (instance.role or instance.role_name or "").upper().startswith("MASTER")


def _public_hosts(datastore: Datastore | None, before: Mapping[str, str], private: frozenset[str]) -> PublicHosts:
    """Return the public addresses that the API tells. If it tells of no node whether it has one, those in the Secret count."""
    nodes = (datastore.instances if datastore is not None else None) or ()
    if any("floating_ip" in node.model_fields_set for node in nodes):
        if not any(node.floating_ip for node in nodes):
            return _NOTHING_PUBLIC
        ordered = sorted(nodes, key=lambda node: natural(node.role_name or node.role or ""))
        masters = [node.floating_ip for node in ordered if node.floating_ip and is_master(node)]
        replicas = [node.floating_ip for node in ordered if node.floating_ip and not is_master(node)]
    else:
        masters, replicas = (
            [host for host in hosts if host not in private and is_ip(host)] for hosts in _hosts_told(before)
        )
    return PublicHosts(
        tuple(dict.fromkeys((*masters, *replicas))), next(iter(masters), None), next(iter(replicas), None)
    )


def is_ip(host: str) -> bool:
    """Return whether a host is an IP address, and no name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _hosts_by_role(datastore: Datastore | None) -> dict[str, str]:
    """Return the datastore's hosts by role, in lower case: the API tells each role twice, in lower and in upper case."""
    if datastore is None:
        return {}
    return {role.lower(): host for role, host in (datastore.connection or {}).items() if host}


def _hosts_told(content: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Return the writable hosts and the other hosts that a Secret of `login_keys` names. Its `host` may be a replica's: a list
    of hosts begins with the writable one.
    """
    told = content.get("hosts") or content.get("bootstrap-servers") or content.get("host") or ""
    hosts = [host.partition(":")[0] for host in told.split(",") if host]
    replica = content.get("read-only-host")
    masters = hosts[:1] if hosts and hosts[0] != replica and "host" in content else []
    return masters, [host for host in hosts if host not in masters]


def _is_master(role: str) -> bool:
    return role.startswith("master")
