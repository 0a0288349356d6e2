from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from kinds.builders import datastore
from managed_databases.kinds.database_ports import PortNumbers
from managed_databases.kinds.datastore_endpoints import Endpoints, endpoints, lets_in, secret_content, uri

PORTS = PortNumbers()
TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=255)


def test_one_node_is_one_host() -> None:
    found = endpoints(datastore(), ("postgresql", "16"), PORTS)
    assert found == Endpoints(("master.example",), "master.example", None, 5432, 5433)


def test_several_nodes_the_writable_one_first_and_replicas_in_their_order() -> None:
    connection = {"replica-10": "r10", "replica-2": "r2", "MASTER": "m", "master": "m"}
    found = endpoints(datastore(connection=connection), ("postgresql", "16-1C"), PORTS)
    assert found == Endpoints(("m", "r2", "r10"), "m", "r2", 5432, None)


@pytest.mark.parametrize("told", [None, datastore(connection=None), datastore(connection={})])
def test_what_is_not_known_is_left_out(told: object) -> None:
    found = endpoints(told, None, PORTS)  # type: ignore[arg-type]
    assert found == Endpoints()
    assert secret_content(found, "unknown", "app", SecretStr("x")) == {
        "type": "unknown",
        "provider": "managed-databases",
        "username": "app",
    }


def test_postgresql_with_replicas() -> None:
    found = endpoints(datastore(connection={"master": "m", "replica-1": "r"}), ("postgresql", "16"), PORTS)
    assert secret_content(found, "postgresql", "app", SecretStr("p/w"), database="orders", ca_certificate="PEM") == {
        "type": "postgresql",
        "provider": "managed-databases",
        "host": "m",
        "port": "5432",
        "username": "app",
        "ca.crt": "PEM",
        "database": "orders",
        "hosts": "m,r",
        "read-only-host": "r",
        "pooler-port": "5433",
        "sslmode": "require",
        "uri": "postgresql://app:p%2Fw@m:5432/orders?sslmode=require",
    }


def test_kafka_has_no_uri() -> None:
    found = endpoints(datastore(), ("kafka", "3"), PORTS)
    content = secret_content(found, "kafka", "app", SecretStr('a"b\\c'))
    assert "uri" not in content
    assert content["bootstrap-servers"] == "master.example:9093"
    assert (content["security-protocol"], content["sasl-mechanism"]) == ("SASL_SSL", "SCRAM-SHA-512")
    assert content["jaas-config"].endswith('username="app" password="a\\"b\\\\c";')


@given(st.sampled_from(["postgresql", "mysql", "redis"]), TEXT, TEXT, st.none() | TEXT)
def test_a_uri_gives_back_what_went_in(kind: str, username: str, password: str, database: str | None) -> None:
    found = endpoints(datastore(), (kind, "1"), PORTS)
    text = uri(found, kind, username, SecretStr(password), database)
    assert text is not None
    parts = urlsplit(text)
    assert (parts.hostname, parts.port) == ("master.example", found.port)
    assert (unquote(parts.username or ""), unquote(parts.password or "")) == (username, password)
    if kind != "redis":
        assert unquote(parts.path.removeprefix("/")) == (database or "")
    assert parts.scheme == {"redis": "rediss"}.get(kind, kind)


@pytest.mark.parametrize(("engine", "kind"), [("mysql_native", "mysql"), ("mysql", "mysql"), ("redis", "redis")])
def test_an_engine_is_known_by_the_protocol_it_speaks(engine: str, kind: str) -> None:
    content = secret_content(endpoints(datastore(), (engine, "8"), PORTS), engine, "app", SecretStr("x"))
    assert content["type"] == kind
    assert "sslmode" not in content
    assert "pooler-port" not in content


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
        ({"password": "y"}, {}, False),
        ({"of-others": "y"}, {}, True),
    ],
)
def test_a_secret_lets_in(held: dict[str, str | None], wanted: dict[str, str], *, lets: bool) -> None:
    has = {name: value for name, value in (REDIS | held).items() if value is not None}
    assert lets_in(has, REDIS | wanted) is lets
