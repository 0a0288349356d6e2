"""The consumers of credentials Secrets that are tried at real servers: each has the keys of one preset, and no others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from consumers import toolchains
from managed_databases.kinds.engines import KAFKA, MYSQL, POSTGRESQL, REDIS

NO_PRESET: Final = ""
"""The consumer reads the files of the mounted Secret, and nothing in its environment."""


@dataclass(frozen=True)
class Consumer:
    """`arguments` and the values of `variables` may have {ca}, {folder} (of the mounted Secret), {store} (a trust store with the
    CA) and {properties} (a file with the preset's client.properties) in them. `says` is the beginning of what it prints.
    """

    name: str
    preset: str
    kind: str
    run: Callable[..., list[str]]
    arguments: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    says: str = "app"

    @property
    def title(self) -> str:
        return f"{self.name} ({self.preset or 'files'}, {self.kind})"


_PROPERTIES: Final = "kafka-client-properties"
_STORE: Final = ("-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStorePassword=changeit")
_NO_SQL: Final = (
    "-Dspring.autoconfigure.exclude=org.springframework.boot.autoconfigure.jdbc.DataSourceAutoConfiguration"
)
_GO: Final = {"SSL_CERT_FILE": "{ca}"}
_NODE: Final = {"NODE_EXTRA_CA_CERTS": "{ca}"}
_BINDINGS: Final = {
    "SERVICE_BINDING_ROOT": "{folder}/..",
    "JAVA_TOOL_OPTIONS": "-Dorg.springframework.cloud.bindings.boot.enable=true",
}

OWN: Final = (
    Consumer("psycopg", "libpq", POSTGRESQL, toolchains.own_python, ("psycopg_env",)),
    Consumer("psycopg", "env", POSTGRESQL, toolchains.own_python, ("psycopg_keys", "{ca}")),
    Consumer("psycopg, the URI", "env", POSTGRESQL, toolchains.own_python, ("psycopg_env",)),
    Consumer("asyncpg, the URI", "env", POSTGRESQL, toolchains.own_python, ("asyncpg_uri",)),
    Consumer("psycopg, the URI", "django", POSTGRESQL, toolchains.own_python, ("psycopg_env",)),
    Consumer("psycopg, the URI", "rails", POSTGRESQL, toolchains.own_python, ("psycopg_env",)),
    Consumer("psycopg, the URI", "go", POSTGRESQL, toolchains.own_python, ("psycopg_env",)),
    Consumer("psycopg, the files", NO_PRESET, POSTGRESQL, toolchains.own_python, ("psycopg_files", "{folder}")),
    Consumer(
        "psycopg, the file login.json", NO_PRESET, POSTGRESQL, toolchains.own_python, ("psycopg_json", "{folder}")
    ),
    Consumer("PyMySQL", "env", MYSQL, toolchains.own_python, ("pymysql_keys", "{ca}")),
    Consumer("PyMySQL, the URI", "env", MYSQL, toolchains.own_python, ("pymysql_uri", "{ca}")),
    Consumer("redis-py", "redis", REDIS, toolchains.own_python, ("redis_keys", "{ca}"), says="7"),
    Consumer("redis-py, the URL", "redis", REDIS, toolchains.own_python, ("redis_url", "{ca}"), says="7"),
    Consumer("redis-py", "env", REDIS, toolchains.own_python, ("redis_keys", "{ca}"), says="7"),
    Consumer("redis-py, the URL", "django", REDIS, toolchains.own_python, ("redis_url",), says="7"),
    Consumer("redis-py, the URL", "rails", REDIS, toolchains.own_python, ("redis_url", "{ca}"), says="7"),
    Consumer("redis-py, the URL", "go", REDIS, toolchains.own_python, ("redis_url", "{ca}"), says="7"),
    Consumer("librdkafka", "env", KAFKA, toolchains.own_python, ("kafka_env", "{ca}"), says="orders"),
)
"""With the drivers that the tests have."""

FRAMEWORKS: Final = (
    Consumer("psql", "libpq", POSTGRESQL, toolchains.psql),
    Consumer("pgjdbc", "jdbc", POSTGRESQL, toolchains.java, ("Login", "org.postgresql.Driver")),
    Consumer("Spring Boot", "spring", POSTGRESQL, toolchains.java, ("SpringLogin", "sql")),
    Consumer(
        "Spring Cloud Bindings", NO_PRESET, POSTGRESQL, toolchains.java, ("SpringLogin", "-Dbindings", "sql"), _BINDINGS
    ),
    Consumer("SQLAlchemy", "sqlalchemy", POSTGRESQL, toolchains.python, ("sqlalchemy",)),
    Consumer("Django, dj-database-url", "django", POSTGRESQL, toolchains.python, ("dj_database_url",)),
    Consumer("Django, django-environ", "django", POSTGRESQL, toolchains.python, ("django_environ",)),
    Consumer("ActiveRecord", "rails", POSTGRESQL, toolchains.ruby, ("sql",)),
    Consumer("pgx", "go", POSTGRESQL, toolchains.go, ("pgx",)),
    Consumer("node-postgres, the URI", "env", POSTGRESQL, toolchains.node, ("pg",)),
    Consumer("Prisma 7, adapter-pg", "prisma", POSTGRESQL, toolchains.node, ("prisma",), _NODE),
    Consumer("Prisma 7, adapter-pg", "rails", POSTGRESQL, toolchains.node, ("prisma",)),
    Consumer("Connector/J", "jdbc", MYSQL, toolchains.java, ("Login", *_STORE, "com.mysql.cj.jdbc.Driver")),
    Consumer("MariaDB Connector/J", "jdbc", MYSQL, toolchains.java, ("Login", *_STORE, "org.mariadb.jdbc.Driver")),
    Consumer("Spring Boot", "spring", MYSQL, toolchains.java, ("SpringLogin", *_STORE, "sql")),
    Consumer("SQLAlchemy", "sqlalchemy", MYSQL, toolchains.python, ("sqlalchemy",)),
    Consumer("Django, dj-database-url", "django", MYSQL, toolchains.python_with_mysqlclient, ("dj_database_url",)),
    Consumer("ActiveRecord", "rails", MYSQL, toolchains.ruby, ("sql",)),
    Consumer("go-sql-driver", "go", MYSQL, toolchains.go, ("mysql",), _GO),
    Consumer("mysql2, the URI", "env", MYSQL, toolchains.node, ("mysql2",), _NODE),
    Consumer("Spring Boot", "spring", REDIS, toolchains.java, ("SpringLogin", _NO_SQL, *_STORE, "redis"), says="7"),
    Consumer("Django's cache", "django", REDIS, toolchains.python, ("django_cache",), says="7"),
    Consumer("redis-rb", "rails", REDIS, toolchains.ruby, ("redis", "{ca}"), says="7"),
    Consumer("go-redis", "go", REDIS, toolchains.go, ("redis",), _GO, says="7"),
    Consumer("ioredis", "redis", REDIS, toolchains.node, ("ioredis",), _NODE, says="7"),
    Consumer("node-redis", "redis", REDIS, toolchains.node, ("redis",), _NODE, says="7"),
    Consumer(
        "kafka-clients",
        "kafka-client-properties",
        KAFKA,
        toolchains.java,
        ("Login", "kafka", "{properties}"),
        says="orders",
    ),
    Consumer("Spring Boot", "spring", KAFKA, toolchains.java, ("SpringLogin", _NO_SQL, "kafka"), says="orders"),
    Consumer("kafkajs", "env", KAFKA, toolchains.node, ("kafkajs",), _NODE, says="orders"),
)
"""Frameworks and drivers that are fetched for this."""
