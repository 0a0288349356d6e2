"""What an application needs to log in: the facts that the keys, presets and templates of a credentials Secret are made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import quote

from managed_databases.kinds.datastore_endpoints import POOLER_KEY, Endpoints
from managed_databases.kinds.engines import KAFKA, MYSQL, POSTGRESQL, REDIS

TlsMode = Literal["require", "verify-ca", "verify-full"]
CA_FILE: Final = "ca.crt"
"""The key of the CA certificate, which is the name of its file where the Secret is mounted."""
KAFKA_PROTOCOL: Final = "SASL_SSL"
KAFKA_MECHANISM: Final = "SCRAM-SHA-512"
MYSQL_MODES: Final[Mapping[TlsMode, str]] = {
    "require": "REQUIRED",
    "verify-ca": "VERIFY_CA",
    "verify-full": "VERIFY_IDENTITY",
}
"""MySQL's names of the TLS modes."""
_VERIFYING: Final = ("verify-ca", "verify-full", MYSQL_MODES["verify-ca"], MYSQL_MODES["verify-full"])
TYPE_KEY: Final = "type"
"""The key of a credentials Secret that names the engine."""
TLS_KEYS: Final = (TYPE_KEY, "sslmode", "ssl-mode")
"""The keys of a Secret that tell how applications that have it check the server's certificate."""
ENGINE_KEYS: Final = (*TLS_KEYS, POOLER_KEY)
"""The keys of a Secret whose values do not depend on where it leads: what it is for, and how its applications connect."""


def tls_mode(said: TlsMode | None, held: Mapping[str, str], *, has_ca: bool) -> TlsMode:
    """Return how clients check the server's certificate. `said` is what the spec says, `held` the Secret's data by TLS_KEYS.

    If the spec says nothing, a Secret that does not say to verify stays so, whoever has edited it: its applications may not have
    the CA's file. Secrets of MySQL that earlier versions have written say nothing, and are such Secrets. A Secret without a type
    is a new one, or one that says no mode.
    """
    if said is not None:
        return said
    return "verify-full" if has_ca and not _is_lenient(held) else "require"


def _is_lenient(held: Mapping[str, str]) -> bool:
    modes = {POSTGRESQL: held.get("sslmode"), MYSQL: held.get("ssl-mode")}
    if "type" not in held:
        return "require" in modes.values()
    return held["type"] in modes and modes[held["type"]] not in _VERIFYING


@dataclass(frozen=True)
class ApplicationLogin:
    """How to connect, and as whom. `where.read_write` and `where.port` are those of the endpoint that the spec chooses."""

    kind: str
    """The engine's family, or the name of an unknown engine."""
    where: Endpoints
    username: str
    password: str
    database: str | None = None
    tls: TlsMode = "require"
    ca_path: str | None = None
    """The path of the CA certificate in the application's Pod; None if the project has none."""
    ca_certificate: str | None = None

    @property
    def host(self) -> str | None:
        return self.where.read_write

    @property
    def port(self) -> str | None:
        return None if self.where.port is None else str(self.where.port)

    @property
    def address(self) -> str | None:
        """Host and port with a colon between them; None while one of them is not known."""
        return f"{self.host}:{self.port}" if self.host is not None and self.port is not None else None

    @property
    def bootstrap_servers(self) -> str | None:
        hosts = self.where.hosts if self.kind == KAFKA and self.where.port is not None else ()
        return ",".join(f"{host}:{self.where.port}" for host in hosts) or None

    @property
    def verifies(self) -> bool:
        return self.tls != "require"

    @property
    def root(self) -> str | None:
        """The path of the certificate to verify with; None if nothing is verified, or if the project has no certificate."""
        return self.ca_path if self.verifies else None

    def url(self, scheme: str, query: Mapping[str, str | None] | None = None) -> str | None:
        """Return a URL with user and password, each part percent-encoded; None while the address is not known."""
        if self.address is None:
            return None
        user, secret = quote(self.username, safe=""), quote(self.password, safe="")
        return f"{scheme}://{user}:{secret}@{self.address}{self._path}{_query(query or {})}"

    @property
    def uri(self) -> str | None:
        """The connection URI; None for Kafka, unknown engines and unknown hosts."""
        match self.kind:
            case "postgresql":
                return self.url(POSTGRESQL, self.libpq_query)
            case (
                "mysql"
            ):  # without a mode: hardly two drivers of MySQL agree on its name, and some refuse names of others
                return self.url(MYSQL)
            case "redis":
                return self.url("rediss")
            case _:
                return None

    @property
    def jdbc_url(self) -> str | None:
        """The URL for JDBC without user and password, which JDBC gets beside it: URLs get into logs."""
        if self.address is None:
            return None
        if self.kind == POSTGRESQL:
            return f"jdbc:postgresql://{self.address}{self._path or '/'}{_query(self.libpq_query)}"
        if (
            self.kind == MYSQL
        ):  # the drivers of MySQL and of MariaDB read this mode; that of MariaDB needs the permission
            mode = {"sslMode": MYSQL_MODES[self.tls], "permitMysqlScheme": "true"}
            return f"jdbc:mysql://{self.address}{self._path or '/'}{_query(mode)}"
        return None

    @property
    def libpq_query(self) -> Mapping[str, str | None]:
        return {"sslmode": self.tls, "sslrootcert": self.root}

    @property
    def jaas(self) -> str:
        """Kafka's `sasl.jaas.config`."""
        return (
            "org.apache.kafka.common.security.scram.ScramLoginModule required "
            f'username="{jaas_quoted(self.username)}" password="{jaas_quoted(self.password)}";'
        )

    @property
    def _path(self) -> str:
        return f"/{quote(self.database, safe='')}" if self.database and self.kind != REDIS else ""


def jaas_quoted(value: str) -> str:
    r"""Return a value quoted for Kafka's JAAS parser: in one line, \ before " and \, and \n and \r for line breaks."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"}
    return "".join(escapes.get(character, character) for character in value)


def _query(parts: Mapping[str, str | None]) -> str:
    told = "&".join(f"{name}={quote(value, safe='/')}" for name, value in parts.items() if value is not None)
    return f"?{told}" if told else ""
