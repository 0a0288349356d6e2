"""What those know who work beside the passes: who probe logins, restart workloads, and keep Services and copies of Secrets."""

from dataclasses import dataclass
from typing import Final

from managed_databases.kinds.verdicts import Reason
from managed_databases.probe import Login, ProbeAnswer


@dataclass(frozen=True)
class ProbeView:
    """What is known of logging in to the object, where the spec asks for that. It decides nothing but the condition Ready."""

    login: Login | None = None
    """Where the operator logs in; None while the API tells no host."""
    answer: ProbeAnswer | None = None
    """What the last probe has found; None as long as this process knows of none."""
    is_proven: bool = False
    """Whether the last probe has logged in with the very login that is to be probed now."""
    is_settled: bool = False
    """Whether probes have failed so often that it is no passing trouble."""


@dataclass(frozen=True)
class RestartView:
    """What is known of the restarts that the spec asks for. It decides nothing but a condition of its own."""

    settled: str | None = None
    """The hash of the login that the workloads have; None as long as this process knows of none."""
    is_known: bool = False
    """Whether this process has looked; until then the condition stays as it is."""
    told: tuple[Reason, str] | None = None
    """Why not all workloads have the login of the Secret, or will not get it; None if there is nothing to tell."""


@dataclass(frozen=True)
class WantedService:
    """A Service of the type ExternalName. `port` is only told: such a Service is a name, and moves no port."""

    name: str
    host: str
    port: int | None


@dataclass(frozen=True)
class Services:
    """The Services that are to be there; `problem` is why not all that the spec asks for can be, None if they can."""

    wanted: tuple[WantedService, ...] = ()
    problem: str | None = None


@dataclass(frozen=True)
class ServicesView:
    """What is known of the Services that the spec asks for. It decides nothing but conditions."""

    names: tuple[str, ...] = ()
    """Those that are there, or are about to be made or removed."""
    is_known: bool = False
    """Whether this process has looked; until then the condition stays as it is."""
    told: str | None = None
    """What is not as the spec asks for."""


@dataclass(frozen=True)
class CopiesView:
    """What is known of the copies of the credentials Secret. It decides nothing but conditions."""

    names: tuple[str, ...] = ()
    """Those that are there, or are about to be made or removed: namespace and name, with a slash between them."""
    is_known: bool = False
    """Whether this process has looked; until then the condition stays as it is."""
    told: tuple[Reason, str] | None = None
    """What is not as the spec asks for."""


@dataclass(frozen=True)
class KeptViews:
    """What those know who work beside the passes. Each is None if nobody asks for it, and nothing of it is there."""

    probe: ProbeView | None = None
    """None, too, if the object has no host."""
    restart: RestartView | None = None
    services: ServicesView | None = None
    copies: CopiesView | None = None


NOTHING_KEPT: Final = KeptViews()
