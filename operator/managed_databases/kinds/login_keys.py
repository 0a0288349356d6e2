"""The keys of a credentials Secret that every Secret of its engine has (docs/using.md, Give the Secret to an application).

Names and values are those that the readers of Service Bindings look for (docs/secrets.md, Who reads which key).
"""

from collections.abc import Mapping
from typing import Final

from managed_databases.kinds.application_login import (
    CA_FILE,
    KAFKA_MECHANISM,
    KAFKA_PROTOCOL,
    MYSQL_MODES,
    ApplicationLogin,
)
from managed_databases.kinds.datastore_endpoints import DATABASE_KEY

PROVIDER: Final = "managed-databases"
ALWAYS_OURS: Final = frozenset({"type", "provider"})
OPTIONAL_KEYS: Final = frozenset(
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
"""The keys that the operator may write into any credentials Secret and later remove. A key that is not among them is the
operator's only in a Secret whose annotation names it: all other keys belong to others.
"""

_LISTS_OF_HOSTS = ("hosts", "bootstrap-servers")
_FURTHER_WAYS = ("hosts", "read-only-host", "pooler-port")
"""Keys that no application needs to connect: they come with further nodes, or with a pooler."""
_CHOICES = ("sslmode",)
"""Keys that say how an application checks the server, and that no login depends on."""


def login_keys(login: ApplicationLogin) -> Mapping[str, str]:
    """Return the data without the password itself. The keys that are not OPTIONAL_KEYS repeat what those say, for readers that
    look for other names.
    """
    content = {
        "type": login.kind,
        "provider": PROVIDER,
        "host": login.host,
        "port": login.port,
        "username": login.username,
        "ca.crt": login.ca_certificate,
        "certificates": login.ca_certificate,
        DATABASE_KEY: login.database,
        "hosts": ",".join(login.where.hosts) if len(login.where.hosts) > 1 else None,
        "read-only-host": login.where.read_only,
        "pooler-port": None if login.where.pooler_port is None else str(login.where.pooler_port),
        "uri": login.uri,
        "jdbc-url": login.jdbc_url,
        **_of_engine(login),
    }
    return {key: value for key, value in content.items() if value is not None}


def _of_engine(login: ApplicationLogin) -> Mapping[str, str | None]:
    match login.kind:
        case "postgresql":  # sslrootcert is the name of a file beside this one: its readers put the folder before it
            return {"sslmode": login.tls, "sslrootcert": CA_FILE if login.root is not None else None}
        case "mysql":
            return {"ssl-mode": MYSQL_MODES[login.tls]}
        case "redis":  # no key `ssl`: with it no application of Spring Boot 3 starts
            return {"url": login.uri}
        case "kafka":
            # Quarkus puts the two into a quoted text as they are.
            is_plain = not {"'", "\\"} & {*login.username, *login.password}
            return {
                "bootstrap-servers": login.bootstrap_servers,
                "bootstrapServers": login.bootstrap_servers,
                "security-protocol": KAFKA_PROTOCOL,
                "securityProtocol": KAFKA_PROTOCOL,
                "sasl-mechanism": KAFKA_MECHANISM,
                "saslMechanism": KAFKA_MECHANISM,
                "user": login.username if is_plain else None,
                "jaas-config": login.jaas,
            }
        case _:
            return {}


def lets_in(held: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Return whether applications can connect with the data that a credentials Secret has (`held`) instead of `wanted`.

    A list of hosts may have more or fewer hosts than wanted: nodes come and go while a datastore is resized. A Secret that names
    no database leads to none, as it always has. Keys beyond those of every Secret repeat what those say: they come with a
    version of the operator, or with the spec.
    """
    hosts = set(wanted.get("hosts", "").split(","))
    for name, value in wanted.items():
        told = held.get(name)
        if name in _CHOICES or name not in OPTIONAL_KEYS | ALWAYS_OURS | {"password", "token"}:
            continue
        if told == value or (told is None and name in (*_FURTHER_WAYS, DATABASE_KEY)):
            continue
        if name in _LISTS_OF_HOSTS and told is not None and not set(told.split(",")).isdisjoint(value.split(",")):
            continue
        if name == "read-only-host" and told in hosts:
            continue
        if name == "uri" and told is not None and _address(told, held) == _address(value, held):
            continue
        return False
    return True


def _address(uri: str, held: Mapping[str, str]) -> str:
    """Return the part of a URI that a login depends on: without its query, and without the database for a Secret that names
    none. Such a Secret was written before its database was known.
    """
    told = uri.partition("?")[0]
    return told if DATABASE_KEY in held else told.rpartition("@")[0] + "@" + told.rpartition("@")[2].partition("/")[0]
