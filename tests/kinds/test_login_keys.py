from typing import Any

import pytest

from managed_databases.kinds.application_login import ApplicationLogin, TlsMode, tls_mode
from managed_databases.kinds.datastore_endpoints import Endpoints
from managed_databases.kinds.login_keys import lets_in, login_keys

ONE = Endpoints(("m",), "m", None, 5432, None)
CA: dict[str, Any] = {"ca_path": "/bindings/app/ca.crt", "ca_certificate": "PEM"}


def keys(kind: str, password: str = "p/w", where: Endpoints = ONE, **fields: Any) -> dict[str, str]:
    return {**login_keys(ApplicationLogin(kind, where, "app", password, **fields))}


def test_what_is_not_known_is_left_out() -> None:
    assert keys("unknown", where=Endpoints()) == {"type": "unknown", "provider": "managed-databases", "username": "app"}


def test_postgresql_with_replicas_and_a_certificate() -> None:
    where = Endpoints(("m", "r"), "m", "r", 5432, 5433)
    assert keys("postgresql", where=where, database="orders", tls="verify-full", **CA) == {
        "type": "postgresql",
        "provider": "managed-databases",
        "host": "m",
        "port": "5432",
        "username": "app",
        "ca.crt": "PEM",
        "certificates": "PEM",
        "database": "orders",
        "hosts": "m,r",
        "read-only-host": "r",
        "pooler-port": "5433",
        "sslmode": "verify-full",
        "sslrootcert": "ca.crt",
        "uri": "postgresql://app:p%2Fw@m:5432/orders?sslmode=verify-full&sslrootcert=/bindings/app/ca.crt",
        "jdbc-url": "jdbc:postgresql://m:5432/orders?sslmode=verify-full&sslrootcert=/bindings/app/ca.crt",
    }


@pytest.mark.parametrize(
    ("why", "fields", "query"),
    [
        ("no certificate", {}, "sslmode=require"),
        ("with the file, libpq would verify although nobody asked for it", CA, "sslmode=require"),
        ("the application has a certificate of its own", {"tls": "verify-full"}, "sslmode=verify-full"),
        ("the CA", CA | {"tls": "verify-ca"}, "sslmode=verify-ca&sslrootcert=/bindings/app/ca.crt"),
    ],
)
def test_how_postgresql_checks_the_server(why: str, fields: dict[str, Any], query: str) -> None:
    told = keys("postgresql", **fields)
    assert told["uri"] == f"postgresql://app:p%2Fw@m:5432?{query}", why
    assert told["jdbc-url"] == f"jdbc:postgresql://m:5432/?{query}", why
    assert ("sslrootcert" in told) == ("sslrootcert" in query), why


@pytest.mark.parametrize(
    ("tls", "mode"), [("require", "REQUIRED"), ("verify-ca", "VERIFY_CA"), ("verify-full", "VERIFY_IDENTITY")]
)
def test_mysql(tls: TlsMode, mode: str) -> None:
    told = keys("mysql", database="orders", tls=tls, **CA)
    assert told["ssl-mode"] == mode
    assert told["uri"] == "mysql://app:p%2Fw@m:5432/orders"
    assert told["jdbc-url"] == f"jdbc:mysql://m:5432/orders?sslMode={mode}&permitMysqlScheme=true"
    assert "sslmode" not in told


def test_redis() -> None:
    told = keys("redis", **CA)
    assert told["url"] == told["uri"] == "rediss://app:p%2Fw@m:5432"
    assert "ssl" not in told, "no application of Spring Boot 3 would start"
    assert not {"jdbc-url", "sslmode", "pooler-port"} & told.keys()


def test_kafka() -> None:
    told = keys("kafka", 'a"b\\c', Endpoints(("m", "n"), "m", None, 9093))
    assert "uri" not in told
    assert told["bootstrap-servers"] == told["bootstrapServers"] == "m:9093,n:9093"
    assert told["security-protocol"] == told["securityProtocol"] == "SASL_SSL"
    assert told["sasl-mechanism"] == told["saslMechanism"] == "SCRAM-SHA-512"
    assert told["jaas-config"].endswith('username="app" password="a\\"b\\\\c";')
    assert "user" not in told, "Quarkus would not quote that password"
    assert keys("kafka", 'a"b c')["user"] == "app"


@pytest.mark.parametrize("key", ["jdbc-url", "uri", "url", "user"])
def test_no_url_for_jdbc_holds_the_password(key: str) -> None:
    for kind in ("postgresql", "mysql", "redis", "kafka"):
        value = keys(kind, "hunter2").get(key, "")
        assert ("hunter2" in value) == (key in ("uri", "url") and value != "")


@pytest.mark.parametrize(
    ("why", "said", "held", "has_ca", "mode"),
    [
        ("a new Secret verifies", None, {}, True, "verify-full"),
        ("there is nothing to verify with", None, {}, False, "require"),
        ("the spec says it", "verify-ca", {"sslmode": "require"}, True, "verify-ca"),
        ("the spec says it", "require", {"sslmode": "verify-full"}, True, "require"),
        ("the spec says it, and the application knows the CA", "verify-full", {}, False, "verify-full"),
        ("an application may run with it", None, {"sslmode": "require", "type": "postgresql"}, True, "require"),
        ("what was new once stays so", None, {"sslmode": "verify-full", "type": "postgresql"}, True, "verify-full"),
        ("nobody gets less by an edit than the default", None, {"sslmode": "disable"}, True, "verify-full"),
        ("of an earlier version", None, {"type": "mysql"}, True, "require"),
        ("an application may run with it", None, {"type": "mysql", "ssl-mode": "REQUIRED"}, True, "require"),
        ("as it was", None, {"type": "mysql", "ssl-mode": "VERIFY_IDENTITY"}, True, "verify-full"),
    ],
)
def test_which_mode_counts(why: str, said: TlsMode | None, held: dict[str, str], has_ca: bool, mode: str) -> None:
    assert tls_mode(said, held, has_ca=has_ca) == mode, why


REDIS = {"host": "a", "port": "1", "username": "app", "password": "x", "uri": "rediss://app:x@a:1"}


@pytest.mark.parametrize(
    ("held", "wanted", "lets"),
    [
        ({}, {}, True),
        ({}, {"hosts": "a,b", "read-only-host": "b", "pooler-port": "6432"}, True),
        ({"hosts": "a,b"}, {"hosts": "a,b,c"}, True),
        ({"hosts": "a,b,c"}, {"hosts": "a,b"}, True),
        ({"hosts": "c,d"}, {"hosts": "a,b"}, False),
        ({"read-only-host": "c"}, {"hosts": "a,b,c", "read-only-host": "b"}, True),
        ({"read-only-host": "d"}, {"hosts": "a,b,c", "read-only-host": "b"}, False),
        ({"bootstrap-servers": "a:1,b:1"}, {"bootstrap-servers": "b:1,c:1"}, True),
        ({"bootstrap-servers": "a:1"}, {"bootstrap-servers": "a:2"}, False),
        ({"bootstrap-servers": None}, {"bootstrap-servers": "a:1"}, False),
        ({"host": "b"}, {}, False),
        ({"port": None}, {}, False),
        ({"uri": "rediss://app:y@a:1"}, {}, False),
        ({"uri": "rediss://app:x@a:1?a=b"}, {}, True),
        ({"password": "y"}, {}, False),
        ({"ca.crt": "old"}, {"ca.crt": "new"}, False),
        ({"of-others": "y"}, {}, True),
        ({"sslmode": "require"}, {"sslmode": "verify-full"}, True),
        ({}, {"jdbc-url": "jdbc:x", "certificates": "PEM", "PGHOST": "a", "of-a-template": "a"}, True),
        ({"PGHOST": "b"}, {"PGHOST": "a"}, True),
    ],
)
def test_a_secret_lets_in(held: dict[str, str | None], wanted: dict[str, str], *, lets: bool) -> None:
    has = {name: value for name, value in (REDIS | held).items() if value is not None}
    assert lets_in(has, REDIS | wanted) is lets
