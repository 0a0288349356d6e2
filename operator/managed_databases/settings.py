"""All settings of the operator, from the environment (`MANAGED_DATABASES_...`) and the command line."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, Field, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from managed_databases.reconcile.settings import ControllerSettings

Seconds = Annotated[float, Field(gt=0, le=7 * 86400)]
CONTROLLER = ControllerSettings()
"""The defaults of all that the controller knows by the same name."""


class Settings(BaseSettings):
    """Each field is also an environment variable: MANAGED_DATABASES_ and its name in capitals."""

    model_config = SettingsConfigDict(
        env_prefix="MANAGED_DATABASES_", hide_input_in_errors=True, populate_by_name=True, extra="ignore"
    )

    namespace: str = Field(
        default=CONTROLLER.operator_namespace, description="The operator's own namespace: projects' Secrets are there."
    )
    watch_namespaces: Annotated[str, NoDecode] = Field(
        default="", description="The namespaces to serve, separated by commas; empty means all."
    )
    kubeconfig: Path | None = Field(
        default=None, description="A kubeconfig file. Without it the Pod's service account is used."
    )
    context: str | None = Field(default=None, description="A context of that kubeconfig.")
    probe_host: str = Field(default="0.0.0.0", description="Address of /healthz and /readyz.")
    probe_port: Annotated[int, Field(ge=0, le=65535)] = Field(default=8080, description="Their port; 0: any free one.")
    metrics_host: str = Field(
        default="127.0.0.1", description="Address of /metrics: names of namespaces stand in it. 0.0.0.0: every one."
    )
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = Field(default=8443, description="Its port; 0: any free one.")
    metrics_certificate: Path | None = Field(
        default=None, description="With it /metrics speaks TLS: a file of certificates, read again when it changes."
    )
    metrics_key: Path | None = Field(default=None, description="The file with the key of that certificate.")
    metrics_authentication: bool = Field(
        default=False,
        description="Only who may `get` the path /metrics in Kubernetes may read it; takes a certificate.",
    )
    poll_seconds: Seconds = Field(
        default=CONTROLLER.poll_seconds, description="Seconds between two LISTs of a collection at rest."
    )
    pending_poll_seconds: Seconds = Field(
        default=CONTROLLER.pending_poll_seconds, description="The same while something in it is pending."
    )
    pending_limit_seconds: Seconds = Field(
        default=CONTROLLER.pending_limit_seconds,
        description="How long the cloud may be at work on an object before its resource says PendingTooLong.",
    )
    resync_seconds: Seconds = Field(
        default=CONTROLLER.resync_seconds, description="Seconds until a resource is looked at without a cause."
    )
    min_backoff_seconds: Seconds = Field(
        default=CONTROLLER.min_backoff_seconds,
        description="The shortest pause after a failure.",
        validation_alias=AliasChoices(
            "MANAGED_DATABASES_MIN_BACKOFF_SECONDS", "MANAGED_DATABASES_LEAST_BACKOFF_SECONDS"
        ),  # its old name
    )
    catalogue_seconds: Seconds = Field(
        default=CONTROLLER.catalogue_seconds, description="Seconds between two looks at what the cloud offers."
    )
    call_limit_seconds: Annotated[float, Field(ge=0.1, le=600)] = Field(
        default=CONTROLLER.call_limit_seconds, description="How long one call to the API may take."
    )
    settle_margin_seconds: Seconds = Field(
        default=CONTROLLER.settle_margin_seconds,
        description="How much longer than a call an attempt of unknown outcome is waited for.",
    )
    calls_per_second: Annotated[float, Field(gt=0, le=10_000)] = Field(
        default=CONTROLLER.calls_per_second, description="Calls to the API for each project, on average."
    )
    max_connections: Annotated[int, Field(ge=1, le=1_000)] = Field(
        default=CONTROLLER.max_connections, description="Calls of passes to one project's API at a time."
    )
    workers: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=CONTROLLER.workers, description="Resources that are worked on at a time."
    )
    datastore_workers: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=CONTROLLER.datastore_workers, description="Resources of one datastore that are worked on at a time."
    )
    trust_project_addresses: bool = Field(
        default=CONTROLLER.trust_project_addresses,
        description="For one release: believe a DatabaseProject's identityURL and endpoint where its Secret names none.",
    )
    accept_unlabelled_passwords: bool = Field(
        default=CONTROLLER.accept_unlabelled_passwords,
        description="For one release: take passwords that are given from Secrets without the label as well.",
    )
    clock_speed: Annotated[float, Field(gt=0, le=10_000)] = Field(
        default=1, description="For tests: how much faster than real time the operator's waits pass."
    )
    leader_election: bool = Field(
        default=False, description="Several replicas: one leads, by a Lease in the operator's namespace."
    )
    lease_seconds: Annotated[float, Field(ge=2, le=300)] = Field(
        default=15, description="How long a lease lasts that is not renewed; it is renewed five times as often."
    )
    log_format: Literal["json", "text"] = Field(default="json", description="How log lines look.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="info: what the operator changed or cannot; at rest no line."
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
