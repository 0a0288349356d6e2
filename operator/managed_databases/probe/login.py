"""Where a probe logs in and as whom, and what it can find."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What a probe can find."""

    LOGGED_IN = "logged in"
    UNREACHABLE = "unreachable"
    """No connection: no address, no answer, or a refused one."""
    NOT_THE_ENGINE = "not the engine"
    """Something answers, but not as this engine does over TLS: it closes the connection, or says what the engine never says."""
    WRONG_CA = "wrong CA"
    """The certificate is not by the CA that was given, or has expired."""
    WRONG_NAME = "wrong name"
    """The certificate is for other names than the host."""
    REFUSED = "refused"
    """The server refuses the user, or the password."""
    NO_RIGHT = "no right"
    """The password opens, but the user may not enter the database, or there is none of that name."""


@dataclass(frozen=True)
class Login:
    """Where a probe logs in, and as whom. Without a `user` a probe ends once TLS is established.

    `engine` is postgresql, mysql, redis or kafka. Without `ca_certificate` (PEM) the server's certificate is not verified.
    """

    engine: str
    host: str
    port: int
    user: str | None = None
    database: str | None = None
    ca_certificate: str | None = None
    checks_name: bool = True
    """Whether the certificate must be for the host, too."""

    @property
    def address(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class ProbeAnswer:
    """What a probe has found. `detail` says more, in few words; never with anything that a server could make up."""

    outcome: Outcome
    detail: str = ""
    seconds: float = 0.0
    """Real seconds that the probe took."""

    @property
    def is_logged_in(self) -> bool:
        return self.outcome is Outcome.LOGGED_IN
