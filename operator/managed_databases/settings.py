"""All settings of the operator, from the environment (`MANAGED_DATABASES_...`) and the command line."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, Field, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from managed_databases.reconcile.controller_settings import ControllerSettings

Seconds = Annotated[float, Field(gt=0, le=7 * 86400)]
CONTROLLER = ControllerSettings()
"""The defaults of the settings that the controller has under the same names."""


class Settings(BaseSettings):
    """The operator's settings. Each field is also an environment variable: MANAGED_DATABASES_ and its name in capitals.

    Raises ValidationError for a value out of range; the error never shows the value.
    """

    model_config = SettingsConfigDict(
        env_prefix="MANAGED_DATABASES_", hide_input_in_errors=True, populate_by_name=True, extra="ignore"
    )

    namespace: str = Field(
        default=CONTROLLER.operator_namespace,
        description="The operator's own namespace; the credentials Secrets of projects are there, too.",
    )
    watch_namespaces: Annotated[str, NoDecode] = Field(
        default="", description="The namespaces that the operator serves, separated by commas; empty means all."
    )
    kubeconfig: Path | None = Field(
        default=None, description="A kubeconfig file. Without one the operator uses the Pod's service account."
    )
    context: str | None = Field(
        default=None, description="The context of the kubeconfig; without it the kubeconfig's current context."
    )
    probe_host: str = Field(default="0.0.0.0", description="The address that /healthz and /readyz listen at.")
    probe_port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=8080, description="The port of /healthz and /readyz; 0 means any free port."
    )
    metrics_host: str = Field(
        default="127.0.0.1", description="Address of /metrics, which names namespaces; 0.0.0.0 means every address."
    )
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=8443, description="The port of /metrics; 0 means any free port."
    )
    metrics_certificate: Path | None = Field(
        default=None,
        description="A file of certificates, read again when it changes. With it /metrics speaks TLS; it takes METRICS_KEY, too.",
    )
    metrics_key: Path | None = Field(
        default=None, description="The file with the private key of the certificate in METRICS_CERTIFICATE."
    )
    metrics_authentication: bool = Field(
        default=False,
        description="/metrics answers only to those who may `get` the path /metrics in Kubernetes; takes METRICS_CERTIFICATE.",
    )
    poll_seconds: Seconds = Field(
        default=CONTROLLER.poll_seconds,
        description="Seconds between two LISTs of a collection in which nothing is pending.",
    )
    pending_poll_seconds: Seconds = Field(
        default=CONTROLLER.pending_poll_seconds,
        description="Seconds between two LISTs of a collection in which something is pending.",
    )
    pending_limit_seconds: Seconds = Field(
        default=CONTROLLER.pending_limit_seconds,
        description="Seconds that the cloud may be at work on an object before the object's resource says PendingTooLong.",
    )
    resync_seconds: Seconds = Field(
        default=CONTROLLER.resync_seconds,
        description="Seconds after which the operator looks at a resource again, although nothing has changed; "
        "with many resources later, so that it looks at no more than 25 a second.",
    )
    min_backoff_seconds: Seconds = Field(
        default=CONTROLLER.min_backoff_seconds,
        description="Seconds of the shortest pause before a failed step is tried again.",
        validation_alias=AliasChoices(
            "MANAGED_DATABASES_MIN_BACKOFF_SECONDS", "MANAGED_DATABASES_LEAST_BACKOFF_SECONDS"
        ),  # its old name
    )
    catalogue_seconds: Seconds = Field(
        default=CONTROLLER.catalogue_seconds,
        description="Seconds between two looks at what the cloud offers, such as engines, flavors and quotas.",
    )
    call_limit_seconds: Annotated[float, Field(ge=0.1, le=600)] = Field(
        default=CONTROLLER.call_limit_seconds, description="Real seconds that one call to the API may take in all."
    )
    settle_margin_seconds: Seconds = Field(
        default=CONTROLLER.settle_margin_seconds,
        description="After an attempt to create whose outcome is unknown the operator waits CALL_LIMIT_SECONDS and this many "
        "seconds before it looks what came of the attempt.",
    )
    calls_per_second: Annotated[float, Field(gt=0, le=10_000)] = Field(
        default=CONTROLLER.calls_per_second, description="Calls in each second to one project's API, on average."
    )
    max_connections: Annotated[int, Field(ge=1, le=1_000)] = Field(
        default=CONTROLLER.max_connections,
        description="How many calls to one project's API the operator's work on single resources may make at the same time.",
    )
    max_readings: Annotated[int, Field(ge=1, le=1_000)] = Field(
        default=CONTROLLER.max_readings,
        description="How many of these calls may be readings of single objects.",
    )
    workers: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=CONTROLLER.workers, description="How many resources the operator works on at the same time."
    )
    datastore_workers: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=CONTROLLER.datastore_workers,
        description="How many resources of one datastore the operator works on at the same time.",
    )
    catalogues: bool = Field(
        default=True,
        description="Keep a DatabaseCatalogue in the namespaces of each project, with what can be chosen there. Those that are "
        "there when this is turned off stay as they are.",
    )
    trust_project_addresses: bool = Field(
        default=CONTROLLER.trust_project_addresses,
        description="For one release: believe a DatabaseProject's identityURL and endpoint if its Secret names no address.",
    )
    accept_unlabelled_passwords: bool = Field(
        default=CONTROLLER.accept_unlabelled_passwords,
        description="For one release: take a password that a resource refers to also from a Secret without the label "
        "`manageddatabases.io/managed: password`.",
    )
    clock_speed: Annotated[float, Field(gt=0, le=10_000)] = Field(
        default=1, description="For tests: how much faster than real time the operator's waits pass."
    )
    leader_election: bool = Field(
        default=False,
        description="Needed with several replicas: only one of them works, the one that holds a Lease in the operator's "
        "namespace.",
    )
    lease_seconds: Annotated[float, Field(ge=2, le=300)] = Field(
        default=15,
        description="Seconds that the leader's Lease lasts without being renewed. The leader renews it five times in that time.",
    )
    log_format: Literal["json", "text"] = Field(
        default="json", description="Log lines as JSON, or as text for a terminal."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        description="The least level of the log lines that are written. Lines of info say what the operator changed or cannot "
        "do; while nothing happens, there are none.",
    )

    tracing: bool = Field(
        default=False,
        description="Send traces of passes and calls by OpenTelemetry, to where its own variables say; takes the extra "
        "`tracing`.",
    )

    @model_validator(mode="after")
    def _metrics_are_safe(self) -> Self:
        if (self.metrics_certificate is None) != (self.metrics_key is None):
            raise ValueError("METRICS_CERTIFICATE and METRICS_KEY: both or none")
        if self.metrics_authentication and self.metrics_certificate is None:
            raise ValueError(
                "METRICS_AUTHENTICATION takes METRICS_CERTIFICATE: without TLS anybody could read the tokens"
            )
        return self

    @property
    def watched(self) -> tuple[str, ...]:
        return tuple(name for part in self.watch_namespaces.split(",") if (name := part.strip()))
