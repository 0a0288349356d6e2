"""Presets: further keys of a credentials Secret, as frameworks read them from environment variables or files."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args
from urllib.parse import quote

from managed_databases.kinds.application_login import (
    KAFKA_MECHANISM,
    KAFKA_PROTOCOL,
    MYSQL_MODES,
    ApplicationLogin,
    TlsMode,
)
from managed_databases.kinds.engines import KAFKA, MYSQL, POSTGRESQL, REDIS
from managed_databases.kinds.secret_template import properties_escaped

PresetName = Literal[
    "env",
    "libpq",
    "jdbc",
    "spring",
    "quarkus",
    "django",
    "sqlalchemy",
    "prisma",
    "rails",
    "dotnet",
    "go",
    "kafka-client-properties",
    "redis",
]
OF_DATABASE_URL: Final[tuple[PresetName, ...]] = ("django", "prisma", "rails", "go")
"""The presets that write DATABASE_URL, each in its own form: a Secret can have one of them."""

Keys = Mapping[str, str | None]
"""Values by keys; a key with None is left out."""


class PresetRefused(Exception):
    """The preset cannot be written for this login. The message completes "the preset ..."."""


@dataclass(frozen=True)
class Preset:
    """`of` makes the keys for the engines of these families. `cannot_hold` is what the readers would take for something else in
    a password: a pattern, and its name for messages.
    """

    families: tuple[str, ...]
    of: Callable[[ApplicationLogin], Keys]
    cannot_hold: tuple[str, str] | None = None


_NPGSQL: Final[Mapping[TlsMode, str]] = {"require": "Require", "verify-ca": "VerifyCA", "verify-full": "VerifyFull"}
_MYSQL_CONNECTOR: Final[Mapping[TlsMode, str]] = {**_NPGSQL, "require": "Required"}


def preset_keys(name: str, login: ApplicationLogin) -> Mapping[str, str]:
    """Return the keys of one preset. Raises PresetRefused."""
    preset = PRESETS.get(name)
    if preset is None:
        raise PresetRefused(f"is unknown: there are {', '.join(PRESETS)}")
    if login.kind not in preset.families:
        raise PresetRefused(f"is for {' and '.join(preset.families)}, and this is {login.kind}")
    if login.address is None:
        raise PresetRefused("needs host and port, which are not known")
    if any(unicodedata.category(each) == "Cc" for each in login.password):
        raise PresetRefused("cannot hold this password: it has a line break or another control character")
    if preset.cannot_hold is not None and re.search(preset.cannot_hold[0], login.password):
        raise PresetRefused(f"cannot hold this password: its readers would take {preset.cannot_hold[1]} for their own")
    return {key: value for key, value in preset.of(login).items() if value is not None}


def _env(login: ApplicationLogin) -> Keys:
    return {
        "HOST": login.host,
        "PORT": login.port,
        "USERNAME": login.username,
        "PASSWORD": login.password,
        "DATABASE": login.database,
        "URL": login.uri,
        "BOOTSTRAP_SERVERS": login.bootstrap_servers,
    }


def _libpq(login: ApplicationLogin) -> Keys:
    return {
        "PGHOST": login.host,
        "PGPORT": login.port,
        "PGUSER": login.username,
        "PGPASSWORD": login.password,
        "PGDATABASE": login.database,
        "PGSSLMODE": login.tls,
        "PGSSLROOTCERT": login.root,
    }


def _jdbc(login: ApplicationLogin) -> Keys:
    return {
        "JDBC_DATABASE_URL": login.jdbc_url,
        "JDBC_DATABASE_USERNAME": login.username,
        "JDBC_DATABASE_PASSWORD": login.password,
    }


def _spring(login: ApplicationLogin) -> Keys:
    if login.kind == REDIS:
        return {
            "SPRING_DATA_REDIS_HOST": login.host,
            "SPRING_DATA_REDIS_PORT": login.port,
            "SPRING_DATA_REDIS_USERNAME": login.username,
            "SPRING_DATA_REDIS_PASSWORD": login.password,
            "SPRING_DATA_REDIS_SSL_ENABLED": "true",
        }
    if login.kind == KAFKA:
        return {
            "SPRING_KAFKA_BOOTSTRAP_SERVERS": login.bootstrap_servers,
            "SPRING_KAFKA_SECURITY_PROTOCOL": KAFKA_PROTOCOL,
            "SPRING_KAFKA_PROPERTIES_SASL_MECHANISM": KAFKA_MECHANISM,
            "SPRING_KAFKA_PROPERTIES_SASL_JAAS_CONFIG": login.jaas,
            "SPRING_KAFKA_SSL_TRUST_STORE_TYPE": "PEM" if login.ca_path else None,
            "SPRING_KAFKA_SSL_TRUST_STORE_LOCATION": f"file:{login.ca_path}" if login.ca_path else None,
        }
    return {
        "SPRING_DATASOURCE_URL": login.jdbc_url,
        "SPRING_DATASOURCE_USERNAME": login.username,
        "SPRING_DATASOURCE_PASSWORD": login.password,
    }


def _quarkus(login: ApplicationLogin) -> Keys:
    if login.kind == REDIS:
        return {"QUARKUS_REDIS_HOSTS": f"rediss://{login.address}", "QUARKUS_REDIS_PASSWORD": login.password}
    if login.kind == KAFKA:
        return {
            "KAFKA_BOOTSTRAP_SERVERS": login.bootstrap_servers,
            "KAFKA_SECURITY_PROTOCOL": KAFKA_PROTOCOL,
            "KAFKA_SASL_MECHANISM": KAFKA_MECHANISM,
            "KAFKA_SASL_JAAS_CONFIG": login.jaas,
            "KAFKA_SSL_TRUSTSTORE_TYPE": "PEM" if login.ca_path else None,
            "KAFKA_SSL_TRUSTSTORE_LOCATION": login.ca_path,
        }
    path = quote(login.database or "", safe="")
    reactive = f"{login.kind}://{login.address}/{path}"
    return {
        "QUARKUS_DATASOURCE_JDBC_URL": login.jdbc_url,
        "QUARKUS_DATASOURCE_REACTIVE_URL": f"{reactive}?sslmode={login.tls}" if login.kind == POSTGRESQL else reactive,
        "QUARKUS_DATASOURCE_USERNAME": login.username,
        "QUARKUS_DATASOURCE_PASSWORD": login.password,
    }


def _django(login: ApplicationLogin) -> Keys:
    if login.kind == REDIS:
        return {"CACHE_URL": login.url("rediss", {"ssl_ca_certs": login.ca_path})}
    if login.kind == MYSQL:
        query = {"ssl_mode": MYSQL_MODES[login.tls], "ssl-ca": login.root}
        return {"DATABASE_URL": login.url("mysql", query)}
    return {"DATABASE_URL": login.uri}


def _sqlalchemy(login: ApplicationLogin) -> Keys:
    if login.kind == POSTGRESQL:
        return {"SQLALCHEMY_DATABASE_URI": login.url("postgresql+psycopg", login.libpq_query)}
    if not login.password.isascii():
        raise PresetRefused("cannot hold this password: PyMySQL sends letters that are not ASCII as other letters")
    checks: Keys = {"ssl_verify_cert": "false"}
    if login.verifies:
        checks = {"ssl_ca": login.root, "ssl_check_hostname": "true" if login.tls == "verify-full" else "false"}
        checks = checks if login.root is not None else {"ssl_verify_cert": "true", "ssl_verify_identity": "true"}
    return {"SQLALCHEMY_DATABASE_URI": login.url("mysql+pymysql", checks)}


def _prisma(login: ApplicationLogin) -> Keys:
    query: Keys = {"sslaccept": "strict" if login.verifies else "accept_invalid_certs", "sslcert": login.root}
    mode: Keys = {"sslmode": "require"} if login.kind == POSTGRESQL else {}
    return {"DATABASE_URL": login.url(login.kind, {**mode, **query})}


def _rails(login: ApplicationLogin) -> Keys:
    if login.kind == REDIS:
        return {"REDIS_URL": login.uri}
    if login.kind == MYSQL:
        mode = MYSQL_MODES[login.tls].lower()
        return {"DATABASE_URL": login.url("mysql2", {"ssl_mode": mode, "sslca": login.root})}
    return {"DATABASE_URL": login.uri}


def _dotnet(login: ApplicationLogin) -> Keys:
    if login.kind == REDIS:
        if "," in login.password or login.password != login.password.strip():
            raise PresetRefused(
                "cannot hold this password: its readers would take its commas or outer blanks for their own"
            )
        parts = f"{login.address},user={login.username},password={login.password},ssl=true,abortConnect=false"
        return {"ConnectionStrings__Redis": parts}
    names = ("Server", "User ID", "SslMode", "SslCa") if login.kind == MYSQL else ()
    host, user, mode, root = names or ("Host", "Username", "SSL Mode", "Root Certificate")
    modes = _MYSQL_CONNECTOR if login.kind == MYSQL else _NPGSQL
    parts_ = {
        host: login.host,
        "Port": login.port,
        user: login.username,
        "Password": login.password,
        "Database": login.database,
        mode: modes[login.tls],
        root: login.root,
    }
    text = ";".join(f"{name}={_ado(value)}" for name, value in parts_.items() if value is not None)
    return {"ConnectionStrings__DefaultConnection": text}


def _ado(value: str) -> str:
    """Return a value of a connection string of ADO.NET, in double quotes where it needs them."""
    return value if re.fullmatch("[A-Za-z0-9_./-]+", value) else '"' + value.replace('"', '""') + '"'


def _go(login: ApplicationLogin) -> Keys:
    if login.kind == REDIS:
        return {"REDIS_URL": login.uri}
    if login.kind == MYSQL:
        path = quote(login.database or "", safe="")
        check = "true" if login.verifies else "skip-verify"
        return {"MYSQL_DSN": f"{login.username}:{login.password}@tcp({login.address})/{path}?tls={check}"}
    return {"DATABASE_URL": login.uri}


def _kafka_client_properties(login: ApplicationLogin) -> Keys:
    check = "https" if login.tls == "verify-full" else ""
    lines: Keys = {
        "bootstrap.servers": login.bootstrap_servers,
        "security.protocol": KAFKA_PROTOCOL,
        "sasl.mechanism": KAFKA_MECHANISM,
        "sasl.jaas.config": login.jaas,
        "ssl.truststore.type": "PEM" if login.ca_path else None,
        "ssl.truststore.location": login.ca_path,
        "ssl.endpoint.identification.algorithm": check,
    }
    text = "".join(f"{name}={properties_escaped(value)}\n" for name, value in lines.items() if value is not None)
    return {"client.properties": text}


def _redis(login: ApplicationLogin) -> Keys:
    return {
        "REDIS_URL": login.uri,
        "REDIS_HOST": login.host,
        "REDIS_PORT": login.port,
        "REDIS_USERNAME": login.username,
        "REDIS_PASSWORD": login.password,
        "REDIS_TLS": "true",
    }


_SQL = (POSTGRESQL, MYSQL)
_PLACEHOLDER = (r"\$\{", "${")
_EXPRESSION = (r"\$\{|\\\$|\$\$", "${, $$ or \\$")
PRESETS: Final[Mapping[str, Preset]] = {
    "env": Preset((*_SQL, REDIS, KAFKA), _env),
    "libpq": Preset((POSTGRESQL,), _libpq),
    "jdbc": Preset(_SQL, _jdbc),
    "spring": Preset((*_SQL, REDIS, KAFKA), _spring, _PLACEHOLDER),
    "quarkus": Preset((*_SQL, REDIS, KAFKA), _quarkus, _EXPRESSION),
    "django": Preset((*_SQL, REDIS), _django),
    "sqlalchemy": Preset(_SQL, _sqlalchemy),
    "prisma": Preset(_SQL, _prisma),
    "rails": Preset((*_SQL, REDIS), _rails),
    "dotnet": Preset((*_SQL, REDIS), _dotnet),
    "go": Preset((*_SQL, REDIS), _go),
    "kafka-client-properties": Preset((KAFKA,), _kafka_client_properties),
    "redis": Preset((REDIS,), _redis),
}
assert set(PRESETS) == set(get_args(PresetName))
