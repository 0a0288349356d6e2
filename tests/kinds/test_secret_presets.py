import json
import re
from collections.abc import Callable
from typing import get_args
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinds.hostile import HOSTILE
from kinds.test_secret_template import properties_read
from managed_databases.kinds.application_login import ApplicationLogin, TlsMode
from managed_databases.kinds.datastore_endpoints import Endpoints
from managed_databases.kinds.secret_presets import PRESETS, PresetName, PresetRefused, preset_keys

PORTS = {"postgresql": 5432, "mysql": 3306, "redis": 6380, "kafka": 9093}
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=255)
PASSWORDS = st.sampled_from(HOSTILE) | TEXT
PAIRS = [(name, kind) for name, preset in PRESETS.items() for kind in preset.families]


def login(kind: str, password: str = "pw", *, tls: TlsMode = "verify-full", has_ca: bool = True) -> ApplicationLogin:
    ca = "/bindings/app/ca.crt" if has_ca else None
    where = Endpoints(("m",), "m", None, PORTS.get(kind), None)
    database = "orders" if kind in ("postgresql", "mysql") else None
    return ApplicationLogin(
        kind, where, "app", password, database, tls if has_ca else "require", ca, "PEM" if has_ca else None
    )


def test_each_name_of_the_spec_is_a_preset() -> None:
    assert set(get_args(PresetName)) == PRESETS.keys()


@pytest.mark.parametrize(
    ("name", "kind", "keys"),
    [
        (
            "env",
            "postgresql",
            {
                "HOST": "m",
                "PORT": "5432",
                "USERNAME": "app",
                "PASSWORD": "pw",
                "DATABASE": "orders",
                "URL": "postgresql://app:pw@m:5432/orders?sslmode=verify-full&sslrootcert=/bindings/app/ca.crt",
            },
        ),
        (
            "libpq",
            "postgresql",
            {
                "PGHOST": "m",
                "PGPORT": "5432",
                "PGUSER": "app",
                "PGPASSWORD": "pw",
                "PGDATABASE": "orders",
                "PGSSLMODE": "verify-full",
                "PGSSLROOTCERT": "/bindings/app/ca.crt",
            },
        ),
        (
            "jdbc",
            "mysql",
            {
                "JDBC_DATABASE_URL": "jdbc:mysql://m:3306/orders?sslMode=VERIFY_IDENTITY&permitMysqlScheme=true",
                "JDBC_DATABASE_USERNAME": "app",
                "JDBC_DATABASE_PASSWORD": "pw",
            },
        ),
        (
            "spring",
            "redis",
            {
                "SPRING_DATA_REDIS_HOST": "m",
                "SPRING_DATA_REDIS_PORT": "6380",
                "SPRING_DATA_REDIS_USERNAME": "app",
                "SPRING_DATA_REDIS_PASSWORD": "pw",
                "SPRING_DATA_REDIS_SSL_ENABLED": "true",
            },
        ),
        (
            "quarkus",
            "postgresql",
            {
                "QUARKUS_DATASOURCE_JDBC_URL": "jdbc:postgresql://m:5432/orders?sslmode=verify-full"
                "&sslrootcert=/bindings/app/ca.crt",
                "QUARKUS_DATASOURCE_REACTIVE_URL": "postgresql://m:5432/orders?sslmode=verify-full",
                "QUARKUS_DATASOURCE_USERNAME": "app",
                "QUARKUS_DATASOURCE_PASSWORD": "pw",
            },
        ),
        ("quarkus", "redis", {"QUARKUS_REDIS_HOSTS": "rediss://m:6380", "QUARKUS_REDIS_PASSWORD": "pw"}),
        (
            "django",
            "mysql",
            {
                "DATABASE_URL": "mysql://app:pw@m:3306/orders?ssl_mode=VERIFY_IDENTITY&ssl-ca=/bindings/app/ca.crt",
            },
        ),
        (
            "sqlalchemy",
            "mysql",
            {
                "SQLALCHEMY_DATABASE_URI": "mysql+pymysql://app:pw@m:3306/orders"
                "?ssl_ca=/bindings/app/ca.crt&ssl_check_hostname=true",
            },
        ),
        (
            "prisma",
            "postgresql",
            {
                "DATABASE_URL": "postgresql://app:pw@m:5432/orders"
                "?sslmode=require&sslaccept=strict&sslcert=/bindings/app/ca.crt",
            },
        ),
        (
            "rails",
            "mysql",
            {
                "DATABASE_URL": "mysql2://app:pw@m:3306/orders?ssl_mode=verify_identity&sslca=/bindings/app/ca.crt",
            },
        ),
        (
            "dotnet",
            "postgresql",
            {
                "ConnectionStrings__DefaultConnection": "Host=m;Port=5432;Username=app;Password=pw;Database=orders;"
                "SSL Mode=VerifyFull;Root Certificate=/bindings/app/ca.crt",
            },
        ),
        (
            "dotnet",
            "mysql",
            {
                "ConnectionStrings__DefaultConnection": "Server=m;Port=3306;User ID=app;Password=pw;Database=orders;"
                "SslMode=VerifyFull;SslCa=/bindings/app/ca.crt",
            },
        ),
        (
            "dotnet",
            "redis",
            {
                "ConnectionStrings__Redis": "m:6380,user=app,password=pw,ssl=true,abortConnect=false",
            },
        ),
        ("go", "mysql", {"MYSQL_DSN": "app:pw@tcp(m:3306)/orders?tls=true"}),
        (
            "kafka-client-properties",
            "kafka",
            {
                "client.properties": "bootstrap.servers=m:9093\n"
                "security.protocol=SASL_SSL\n"
                "sasl.mechanism=SCRAM-SHA-512\n"
                "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required "
                'username="app" password="pw";\n'
                "ssl.truststore.type=PEM\n"
                "ssl.truststore.location=/bindings/app/ca.crt\n"
                "ssl.endpoint.identification.algorithm=https\n",
            },
        ),
        (
            "redis",
            "redis",
            {
                "REDIS_URL": "rediss://app:pw@m:6380",
                "REDIS_HOST": "m",
                "REDIS_PORT": "6380",
                "REDIS_USERNAME": "app",
                "REDIS_PASSWORD": "pw",
                "REDIS_TLS": "true",
            },
        ),
    ],
)
def test_the_keys_of_a_preset(name: str, kind: str, keys: dict[str, str]) -> None:
    assert preset_keys(name, login(kind)) == keys


@pytest.mark.parametrize(("name", "kind"), PAIRS)
@pytest.mark.parametrize("password", HOSTILE)
def test_a_hostile_password_comes_back_from_each_preset(name: str, kind: str, password: str) -> None:
    if (refuses := REFUSING.get((name, kind))) is not None and refuses(password):
        with pytest.raises(PresetRefused, match="cannot hold this password"):
            preset_keys(name, login(kind, password))
    else:
        assert password in read_back({**preset_keys(name, login(kind, password))})


REFUSING: dict[tuple[str, str], Callable[[str], bool]] = {
    ("sqlalchemy", "mysql"): lambda password: not password.isascii(),
    ("dotnet", "redis"): lambda password: "," in password or password != password.strip(),
    **{("spring", kind): lambda password: "${" in password for kind in PORTS},
    **{("quarkus", kind): lambda password: bool(re.search(r"\$\{|\$\$|\\\$", password)) for kind in PORTS},
}


def read_back(keys: dict[str, str]) -> set[str]:
    """All that a reader could take for the password in one of these values, each by its own rules."""
    found: set[str] = set()
    for key, value in keys.items():
        found.add(value)
        if "://" in value and not value.startswith("jdbc:"):
            found.add(unquote(urlsplit(value).password or ""))
        if key.endswith("DefaultConnection"):
            found.add(ado_parts(value)["Password"])
        if key.endswith("Redis"):
            found.add(dict(part.partition("=")[::2] for part in value.split(","))["password"])
        if key == "MYSQL_DSN":  # as go-sql-driver: the last slash, the last @ before it, the first colon
            found.add(value[: value.rindex("/")].rpartition("@")[0].partition(":")[2])
        if key == "client.properties":
            lines = dict(line.partition("=")[::2] for line in value.splitlines())
            found.add(jaas_password(properties_read(lines["sasl.jaas.config"])))
        if value.startswith("org.apache.kafka"):
            found.add(jaas_password(value))
    return found


def ado_parts(text: str) -> dict[str, str]:
    """Read a connection string as System.Data.Common.DbConnectionStringBuilder does, as far as double quotes go."""
    parts = re.finditer(r'([^=;]+)=(?:"((?:[^"]|"")*)"|([^;"\']*))(?:;|$)', text)
    return {part[1]: part[3] if part[2] is None else part[2].replace('""', '"') for part in parts}


def jaas_password(text: str) -> str:
    quoted = re.search(r'password="((?:[^"\\]|\\.)*)";$', text)
    assert quoted is not None
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "r": "\r"}.get(found[1], found[1]), quoted[1])


@given(st.sampled_from(PAIRS), PASSWORDS, st.sampled_from(get_args(TlsMode)), st.booleans())
def test_every_password_comes_back_or_is_refused(
    pair: tuple[str, str], password: str, tls: TlsMode, has_ca: bool
) -> None:
    name, kind = pair
    try:
        keys = preset_keys(name, login(kind, password, tls=tls, has_ca=has_ca))
    except PresetRefused:
        assert REFUSING[pair](password)
    else:
        assert password in read_back({**keys})
        assert all(re.fullmatch("[-._a-zA-Z0-9]+", key) for key in keys), "Kubernetes takes no other keys"


@given(st.sampled_from(["postgresql", "mysql", "redis"]), TEXT, PASSWORDS, st.none() | TEXT)
def test_a_uri_gives_back_what_went_in(kind: str, username: str, password: str, database: str | None) -> None:
    where = Endpoints(("master.example",), "master.example", None, PORTS[kind], None)
    uri = ApplicationLogin(kind, where, username, password, database, "verify-full", "/b/ca.crt", "PEM").uri
    assert uri is not None
    parts = urlsplit(uri)
    assert (parts.hostname, parts.port) == ("master.example", PORTS[kind])
    assert (unquote(parts.username or ""), unquote(parts.password or "")) == (username, password)
    assert parts.scheme == {"redis": "rediss"}.get(kind, kind)
    if kind != "redis":
        assert unquote(parts.path.removeprefix("/")) == (database or "")
    if kind == "postgresql":
        assert parse_qs(parts.query) == {"sslmode": ["verify-full"], "sslrootcert": ["/b/ca.crt"]}


@pytest.mark.parametrize(
    ("name", "kind", "password", "told"),
    [
        ("libpq", "mysql", "pw", "is for postgresql, and this is mysql"),
        ("redis", "kafka", "pw", "is for redis, and this is kafka"),
        ("spring", "postgresql", "a${b}", r"cannot hold this password: its readers would take \$\{"),
        ("quarkus", "postgresql", "a$$b", "cannot hold this password"),
        ("dotnet", "redis", "a,b", "cannot hold this password"),
        ("env", "redis", "a\nb", "line break"),
        ("no-such", "redis", "pw", "is unknown"),
    ],
)
def test_what_a_preset_cannot_hold_is_told(name: str, kind: str, password: str, told: str) -> None:
    with pytest.raises(PresetRefused, match=told):
        preset_keys(name, login(kind, password))


def test_a_preset_waits_for_the_host() -> None:
    with pytest.raises(PresetRefused, match="needs host and port"):
        preset_keys("libpq", ApplicationLogin("postgresql", Endpoints(), "app", "pw"))


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_without_a_certificate_no_preset_names_its_file(name: str, kind: str) -> None:
    assert "ca.crt" not in json.dumps(preset_keys(name, login(kind, has_ca=False)))
