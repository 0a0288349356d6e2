"""How a database's own client is started with the login of a credentials Secret: its arguments, environment and files.

A password is never an argument: whoever may list the processes of a machine reads those.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from managed_databases.command_line.problems import BadUsage, Problem
from managed_databases.kinds.application_login import KAFKA_MECHANISM, KAFKA_PROTOCOL

CA: Final = "ca.crt"
LOCALHOST: Final = "127.0.0.1"
NO_MARIADB: Final = (
    "the program mysql is MariaDB's, which cannot verify a server through a port-forward: it checks certificate and host, or "
    "nothing. Install MySQL's own, or connect without a port-forward"
)
_VERIFYING: Final = ("VERIFY_CA", "VERIFY_IDENTITY")
_HARMLESS: Final = frozenset({"PGAPPNAME", "PGCLIENTENCODING", "PGCONNECT_TIMEOUT", "PGDATESTYLE", "PGOPTIONS", "PGTZ"})
"""The variables of psql that a person may have set, and that lead to the same server by the same login."""
_USED: Final = (
    *("type", "host", "port", "username", "password", "database", "sslmode", "ssl-mode", CA),
    *("bootstrap-servers", "security-protocol", "sasl-mechanism", "jaas-config"),
)
NO_FORWARD: Final = "Kafka's brokers tell their own addresses, which a port-forward does not reach: connect without one"


def is_port(text: str) -> bool:
    """Return whether a text is the number of a port."""
    return text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 2**16


@dataclass(frozen=True)
class ClientSession:
    """A program to run. `files` are written into the session's folder, which is removed afterwards. `hint` is told before."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    hint: str = ""

    @property
    def program(self) -> str:
        return self.arguments[0]

    def environment_in(self, own: Mapping[str, str]) -> dict[str, str]:
        """Return the whole environment. psql gets no variable of the person's own that leads it elsewhere, such as PGHOSTADDR or
        PGSERVICE.
        """
        kept = {
            name: value
            for name, value in own.items()
            if self.program != "psql" or not name.startswith("PG") or name in _HARMLESS
        }
        return {**kept, **self.environment}


@dataclass(frozen=True)
class SecretLogin:
    """What a credentials Secret says. `folder` is where the session's files are; `local_port` is where a port-forward listens,
    None without one.
    """

    data: Mapping[str, str] = field(repr=False)
    folder: str
    local_port: int | None = None

    def __getitem__(self, key: str) -> str:
        """Raises Problem if the Secret lacks the key."""
        if not self.data.get(key):
            raise Problem(f"the Secret has no {key}: the operator has not written all of it yet; see explain")
        return self.data[key]

    def path(self, name: str) -> str:
        """Return where a file of the session is."""
        return f"{self.folder}/{name}"

    @property
    def ca(self) -> Mapping[str, str]:
        """The file of the CA certificate, if there is one."""
        return {CA: self.data[CA]} if self.data.get(CA) else {}

    @property
    def host(self) -> str:
        return self["host"] if self.local_port is None else LOCALHOST

    @property
    def port(self) -> str:
        if self.local_port is not None:
            return str(self.local_port)
        if not is_port(self["port"]):
            raise Problem("the Secret's port is no number from 1 to 65535")
        return self["port"]


def session(
    login: SecretLogin, further: tuple[str, ...], *, shell: str = "/bin/sh", is_mariadb: bool = False
) -> ClientSession:
    """Return how the client of the Secret's engine is started. `further` are arguments for it, `shell` is the person's own, and
    `is_mariadb` says that the program `mysql` is MariaDB's, which has other options.

    Raises Problem if the Secret lacks something, BadUsage for what cannot be done.
    """
    for key in _USED:
        value = login.data.get(key, "")
        if "\0" in value or any("\ud800" <= each <= "\udfff" for each in value):
            raise Problem(f"the Secret's {key} is no text: it has a NUL, or bytes that are not UTF-8")
    match login["type"]:
        case "postgresql":
            return _psql(login, further)
        case "mysql":
            return _mysql(login, further, is_mariadb=is_mariadb)
        case "redis":
            return _redis(login, further)
        case "kafka":
            return _kafka(login, further, shell)
        case other:
            raise Problem(f"no client is known for the type {other}")


def _psql(login: SecretLogin, further: tuple[str, ...]) -> ClientSession:
    told = {
        "PGHOST": login["host"],  # the certificate is for this name, also through a port-forward
        "PGPORT": login.port,
        "PGUSER": login["username"],
        "PGPASSWORD": login["password"],
        "PGDATABASE": login.data.get("database") or "postgres",
        "PGSSLMODE": login.data.get("sslmode") or "require",
    }
    if login.local_port is not None:
        told["PGHOSTADDR"] = LOCALHOST
    if login.ca:
        told["PGSSLROOTCERT"] = login.path(CA)
    return ClientSession(("psql", *further), told, login.ca)


def _mysql(login: SecretLogin, further: tuple[str, ...], *, is_mariadb: bool) -> ClientSession:
    """The person's own option files and stored logins (`~/.my.cnf`, `~/.mylogin.cnf`) are not read: they would win."""
    mode = login.data.get("ssl-mode") or "REQUIRED"
    if is_mariadb and login.local_port is not None and mode in _VERIFYING:
        raise Problem(NO_MARIADB)
    if login.local_port is not None and mode == "VERIFY_IDENTITY":
        mode = "VERIFY_CA"  # the certificate is not for localhost
    lines = [
        "[client]",
        f"host={_quoted(login.host)}",
        f"port={login.port}",
        f"user={_quoted(login['username'])}",
        f"password={_quoted(login['password'])}",
        *(_of_mariadb(mode) if is_mariadb else (f"ssl-mode={mode}",)),
        *([f"ssl-ca={_quoted(login.path(CA))}"] if login.ca else []),
    ]
    database = (f"--database={login.data['database']}",) if login.data.get("database") else ()
    return ClientSession(
        ("mysql", f"--defaults-file={login.path('my.cnf')}", *database, *further),
        {"MYSQL_TEST_LOGIN_FILE": login.path("no-login-file")},
        {"my.cnf": "\n".join(lines) + "\n", **login.ca},
    )


def _of_mariadb(mode: str) -> tuple[str, ...]:
    """Return the options of MariaDB's client for a mode of MySQL's. It checks certificate and host, or nothing: where only the
    certificate is to be checked, it checks both.
    """
    return ("ssl", f"ssl-verify-server-cert={int(mode in _VERIFYING)}")


def _quoted(text: str) -> str:
    """Return a value as an option file of MySQL has it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _redis(login: SecretLogin, further: tuple[str, ...]) -> ClientSession:
    tls = ("--tls", *(("--cacert", login.path(CA)) if login.ca else ()))
    if login.local_port is not None:
        tls = (*tls, "--sni", login["host"])
    user = login.data.get("username")
    return ClientSession(
        ("redis-cli", "-h", login.host, "-p", login.port, *tls, *(("--user", user) if user else ()), *further),
        {"REDISCLI_AUTH": login["password"]},
        login.ca,
    )


def _kafka(login: SecretLogin, further: tuple[str, ...], shell: str) -> ClientSession:
    if login.local_port is not None:
        raise BadUsage(NO_FORWARD)
    servers = login["bootstrap-servers"]
    java = {
        "bootstrap.servers": servers,
        "security.protocol": login.data.get("security-protocol") or KAFKA_PROTOCOL,
        "sasl.mechanism": login.data.get("sasl-mechanism") or KAFKA_MECHANISM,
        "sasl.jaas.config": login["jaas-config"],
    }
    native = {
        "bootstrap.servers": servers,
        "security.protocol": java["security.protocol"],
        "sasl.mechanisms": java["sasl.mechanism"],
        "sasl.username": login["username"],
        "sasl.password": login["password"],
    }
    if login.ca:
        java |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": login.path(CA)}
        native["ssl.ca.location"] = login.path(CA)
    return ClientSession(
        (shell, *further),
        {
            "BOOTSTRAP_SERVERS": servers,
            "KAFKA_CONFIG": login.path("client.properties"),
            "KCAT_CONFIG": login.path("kcat.properties"),
        },
        {
            "client.properties": "".join(f"{name}={_property(value)}\n" for name, value in java.items()),
            "kcat.properties": "".join(f"{name}={value}\n" for name, value in native.items()),
            **login.ca,
        },
        hint="this shell has the login: kafka-topics.sh --bootstrap-server $BOOTSTRAP_SERVERS --command-config $KAFKA_CONFIG "
        "--list, or kcat -L. It ends with exit",
    )


def _property(value: str) -> str:
    """Return a value as a file of Java properties has it, in ASCII."""
    units = value.encode("utf-16-be")
    found = []
    for at in range(0, len(units), 2):
        code = int.from_bytes(units[at : at + 2], "big")
        char = chr(code)
        if char == "\\":
            found.append("\\\\")
        elif char.isascii() and char.isprintable() and not (char == " " and not found):
            found.append(char)
        else:
            found.append(f"\\u{code:04x}")
    return "".join(found)
