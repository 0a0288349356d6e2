"""Where applications connect: hosts and ports of a datastore, and the data of its credentials Secrets."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from pydantic import SecretStr

from managed_databases.api.models import Datastore
from managed_databases.kinds.database_ports import PortNumbers
from managed_databases.kinds.datastore_catalogue import natural
from managed_databases.kinds.engines import KAFKA, MYSQL, POSTGRESQL, REDIS, family, has_pooler

PROVIDER = "managed-databases"
WHERE = ("host", "hosts", "read-only-host", "bootstrap-servers")
"""The keys of a credentials Secret that name hosts. Ports are not among them, because they are known from the engine."""
DATABASE_KEY = "database"
"""The key of a credentials Secret that names the database."""
KEPT_KEYS = (*WHERE, DATABASE_KEY)
"""The keys of a credentials Secret whose values may stay while the API does not tell them."""
REDIS_USER = "default"
"""Redis' name for the user of a login with a password only."""


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
        pooler_port=ports.postgresql_pooler if has_pooler(kind, version) else None,
    )


OPTIONAL_KEYS = frozenset(
    {
        "host",
        "port",
        "username",
        "ca.crt",
        DATABASE_KEY,
        "hosts",
        "read-only-host",
        "pooler-port",
        "sslmode",
        "uri",
        "bootstrap-servers",
        "security-protocol",
        "sasl-mechanism",
        "jaas-config",
    }
)
"""The keys that the operator may write into a credentials Secret and later remove. All other keys belong to others."""

_LISTS_OF_HOSTS = ("hosts", "bootstrap-servers")
_FURTHER_WAYS = ("hosts", "read-only-host", "pooler-port")
"""Keys that no application needs to connect: they come with further nodes, or with a pooler."""


def lets_in(held: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Return whether applications can connect with the data that a credentials Secret has (`held`) instead of `wanted`.

    A list of hosts may have more or fewer hosts than wanted: nodes come and go while a datastore is resized.
    """
    hosts = set(wanted.get("hosts", "").split(","))
    for name, value in wanted.items():
        told = held.get(name)
        if told == value or (told is None and name in _FURTHER_WAYS):
            continue
        if name in _LISTS_OF_HOSTS and told is not None and not set(told.split(",")).isdisjoint(value.split(",")):
            continue
        if name == "read-only-host" and told in hosts:
            continue
        return False
    return True


def secret_content(
    where: Endpoints,
    engine: str,
    username: str,
    password: SecretStr,
    *,
    database: str | None = None,
    ca_certificate: str | None = None,
) -> Mapping[str, str]:
    """Return a credentials Secret's data without the password itself (docs/using.md, Give the Secret to an application)."""
    kind = family(engine)
    content = {
        "type": kind,
        "provider": PROVIDER,
        "host": where.read_write,
        "port": _text(where.port),
        "username": username,
        "ca.crt": ca_certificate,
        DATABASE_KEY: database,
        "hosts": ",".join(where.hosts) if len(where.hosts) > 1 else None,
        "read-only-host": where.read_only,
        "pooler-port": _text(where.pooler_port),
        "sslmode": "require" if kind == POSTGRESQL else None,
        "uri": uri(where, kind, username, password, database),
    }
    if kind == KAFKA:
        content |= _kafka(where, username, password)
    return {key: value for key, value in content.items() if value is not None}


def uri(where: Endpoints, kind: str, username: str, password: SecretStr, database: str | None) -> str | None:
    """Return the connection URI, every part percent-encoded; None for Kafka, unknown engines and unknown hosts."""
    if where.read_write is None or where.port is None:
        return None
    secret = quote(password.get_secret_value(), safe="")
    user, path = quote(username, safe=""), f"/{quote(database, safe='')}" if database else ""
    at = f"{where.read_write}:{where.port}"
    match kind:
        case "postgresql":
            return f"postgresql://{user}:{secret}@{at}{path}?sslmode=require"
        case "mysql":
            return f"mysql://{user}:{secret}@{at}{path}"
        case "redis":
            return f"rediss://{user}:{secret}@{at}"
        case _:
            return None


def _kafka(where: Endpoints, username: str, password: SecretStr) -> dict[str, str | None]:
    bootstrap = ",".join(f"{host}:{where.port}" for host in where.hosts) if where.port else None
    user, secret = _jaas(username), _jaas(password.get_secret_value())
    return {
        "bootstrap-servers": bootstrap or None,
        "security-protocol": "SASL_SSL",
        "sasl-mechanism": "SCRAM-SHA-512",
        "jaas-config": "org.apache.kafka.common.security.scram.ScramLoginModule required "
        f'username="{user}" password="{secret}";',
    }


def _hosts_by_role(datastore: Datastore | None) -> dict[str, str]:
    """Return the datastore's hosts by role, in lower case: the API tells each role twice, in lower and in upper case."""
    if datastore is None:
        return {}
    return {role.lower(): host for role, host in (datastore.connection or {}).items() if host}


def _hosts_told(content: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Return the writable hosts and the other hosts that a Secret of `secret_content` names."""
    told = content.get("hosts") or content.get("bootstrap-servers") or content.get("host") or ""
    hosts = [host.partition(":")[0] for host in told.split(",") if host]
    masters = [host for host in hosts if host == content.get("host")]
    return masters, [host for host in hosts if host not in masters]


def _is_master(role: str) -> bool:
    return role.startswith("master")


def _text(port: int | None) -> str | None:
    return None if port is None else str(port)


def _jaas(value: str) -> str:
    r"""Return a value quoted for Kafka's JAAS parser: in one line, \ before " and \, and \n and \r for line breaks."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"}
    return "".join(escapes.get(character, character) for character in value)
