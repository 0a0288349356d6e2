"""How a database's own client is started: with all that it needs, and with no password among its arguments."""

import pytest

from managed_databases.command_line.client_sessions import ClientSession, SecretLogin, session
from managed_databases.command_line.problems import BadUsage, Problem

TWISTED = "p\"\\' ;${folder}{folder}%é"
LOGIN = {"host": "db.example", "port": "5432", "username": "app", "password": TWISTED}
WITH_CA = {"ca.crt": "-----BEGIN"}


def started(
    engine: str, local: int | None = None, data: dict[str, str] | None = None, *, is_mariadb: bool = False
) -> ClientSession:
    told = {"type": engine} | LOGIN | (data or {})
    return session(SecretLogin(told, "/f", local), ("-x",), shell="/bin/zsh", is_mariadb=is_mariadb)


ENGINES: list[tuple[str, dict[str, str]]] = [
    ("postgresql", {}), ("mysql", {}), ("redis", {}),
    ("kafka", {"bootstrap-servers": "a:9093,b:9093", "jaas-config": f'x password="{TWISTED}";'}),
]  # fmt: skip


@pytest.mark.parametrize(("engine", "data"), ENGINES)
def test_no_password_is_an_argument_or_in_a_repr(engine: str, data: dict[str, str]) -> None:
    told = started(engine, None, data)
    assert all(TWISTED not in argument for argument in told.arguments)
    assert TWISTED not in repr(told)
    assert "p\\" not in repr(told)


def test_psql() -> None:
    told = started("postgresql", None, {"database": "shop", "sslmode": "verify-full"} | WITH_CA)
    assert told.arguments == ("psql", "-x")
    assert told.environment == {
        "PGHOST": "db.example", "PGPORT": "5432", "PGUSER": "app", "PGPASSWORD": TWISTED, "PGDATABASE": "shop",
        "PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/f/ca.crt",
    }  # fmt: skip
    assert told.files == WITH_CA
    through = started("postgresql", 7000).environment
    assert (through["PGHOST"], through["PGHOSTADDR"], through["PGPORT"]) == ("db.example", "127.0.0.1", "7000")
    assert (through["PGDATABASE"], through["PGSSLMODE"]) == ("postgres", "require")
    assert "PGSSLROOTCERT" not in through


def test_mysql() -> None:
    told = started("mysql", None, {"database": "shop", "ssl-mode": "VERIFY_IDENTITY"} | WITH_CA)
    assert told.arguments == ("mysql", "--defaults-file=/f/my.cnf", "--database=shop", "-x")
    assert told.environment == {"MYSQL_TEST_LOGIN_FILE": "/f/no-login-file"}, "or ~/.mylogin.cnf is read, and wins"
    lines = told.files["my.cnf"].splitlines()
    assert lines[:4] == ["[client]", 'host="db.example"', "port=5432", 'user="app"']
    assert lines[4] == 'password="p\\"\\\\\' ;${folder}{folder}%é"'
    assert lines[5:] == ["ssl-mode=VERIFY_IDENTITY", 'ssl-ca="/f/ca.crt"']
    through = started("mysql", 7000, {"ssl-mode": "VERIFY_IDENTITY"}).files["my.cnf"].splitlines()
    assert through[1:3] == ['host="127.0.0.1"', "port=7000"]
    assert "ssl-mode=VERIFY_CA" in through, "the certificate is not for localhost"
    assert "ssl-mode=REQUIRED" in started("mysql").files["my.cnf"]


@pytest.mark.parametrize(("mode", "verifies"), [("REQUIRED", 0), ("VERIFY_CA", 1), ("VERIFY_IDENTITY", 1)])
def test_mariadbs_client(mode: str, verifies: int) -> None:
    lines = started("mysql", None, {"ssl-mode": mode}, is_mariadb=True).files["my.cnf"].splitlines()
    assert lines[5:] == ["ssl", f"ssl-verify-server-cert={verifies}"]


def test_mariadbs_client_does_not_go_unverified_through_a_port_forward() -> None:
    for mode in ("VERIFY_CA", "VERIFY_IDENTITY"):
        with pytest.raises(Problem, match="cannot verify a server through a port-forward"):
            started("mysql", 7000, {"ssl-mode": mode}, is_mariadb=True)
    lines = started("mysql", 7000, {"ssl-mode": "REQUIRED"}, is_mariadb=True).files["my.cnf"].splitlines()
    assert "ssl-verify-server-cert=0" in lines, "as the Secret says"


def test_psql_gets_no_variable_that_leads_elsewhere() -> None:
    own = {"PGHOSTADDR": "192.0.2.1", "PGSERVICE": "x", "PGSSLCERT": "x", "PGTZ": "UTC", "PATH": "/bin"}
    told = started("postgresql").environment_in(own)
    assert told.keys() & own.keys() == {"PGTZ", "PATH"}
    assert told["PGHOST"] == "db.example"
    assert started("redis").environment_in(own).keys() >= own.keys()


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("port", "5432\nssl-mode=DISABLED", "port is no number"),
        ("port", "70000", "port is no number"),
        ("port", "\u0665", "port is no number"),
        ("password", "a\0b", "password is no text"),
        ("username", "a\udcff", "username is no text"),
    ],
)
@pytest.mark.parametrize("engine", ["postgresql", "mysql", "redis"])
def test_values_that_no_client_can_be_given(engine: str, key: str, value: str, why: str) -> None:
    with pytest.raises(Problem, match=why):
        started(engine, None, {key: value})
    started(engine, None, {"truststore.p12": "\0\udcff"})


def test_redis_cli() -> None:
    told = started("redis", None, WITH_CA)
    ca = ("--tls", "--cacert", "/f/ca.crt")
    assert told.arguments == ("redis-cli", "-h", "db.example", "-p", "5432", *ca, "--user", "app", "-x")
    assert told.environment == {"REDISCLI_AUTH": TWISTED}
    through = started("redis", 7000, {"username": ""}).arguments
    assert through == ("redis-cli", "-h", "127.0.0.1", "-p", "7000", "--tls", "--sni", "db.example", "-x")


def test_a_shell_for_kafka() -> None:
    told = started("kafka", None, {"bootstrap-servers": "a:9093", "jaas-config": 'x password="é\\";'} | WITH_CA)
    assert told.arguments == ("/bin/zsh", "-x")
    assert told.environment == {
        "BOOTSTRAP_SERVERS": "a:9093",
        "KAFKA_CONFIG": "/f/client.properties",
        "KCAT_CONFIG": "/f/kcat.properties",
    }
    assert 'sasl.jaas.config=x password="\\u00e9\\\\";\n' in told.files["client.properties"]
    assert "ssl.truststore.location=/f/ca.crt\n" in told.files["client.properties"]
    assert f"sasl.password={TWISTED}\n" in told.files["kcat.properties"]
    with pytest.raises(BadUsage, match="tell their own addresses"):
        started("kafka", 7000, {"bootstrap-servers": "a:9093", "jaas-config": "x"})


@pytest.mark.parametrize("lacks", ["host", "port", "username", "password", "type"])
def test_a_secret_that_lacks_something(lacks: str) -> None:
    with pytest.raises(Problem, match=f"the Secret has no {lacks}"):
        started("postgresql", None, {lacks: ""})


def test_an_engine_that_nobody_knows() -> None:
    with pytest.raises(Problem, match="no client is known for the type oracle"):
        started("oracle")
