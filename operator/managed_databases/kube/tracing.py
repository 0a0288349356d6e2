"""Traces of passes and of their calls, if somebody asks for them. OpenTelemetry is imported only then (`otel.py`)."""

from contextlib import AbstractContextManager
from typing import Protocol

from managed_databases.api.client import CallRecord
from managed_databases.kube.ending import CannotStart
from managed_databases.reconcile.pass_record import PassRecord


class Tracing(Protocol):
    def around(self, record: PassRecord) -> AbstractContextManager[object]:
        """Return what a pass runs in; within, the record is that of this task."""

    def call_ended(self, project: str, call: CallRecord) -> None:
        """Note a call to the API that has ended."""

    def requested(self, method: str, path: str, seconds: float, error: str | None) -> None:
        """Note a request to Kubernetes that has ended; `error` is the name of its error."""

    def close(self) -> None:
        """Send what is not sent yet, for a second at most."""


class NoTracing:
    """Notes nothing."""

    def around(self, record: PassRecord) -> AbstractContextManager[object]:
        return record

    def call_ended(self, project: str, call: CallRecord) -> None: ...

    def requested(self, method: str, path: str, seconds: float, error: str | None) -> None: ...

    def close(self) -> None: ...


def tracing(*, is_wanted: bool) -> Tracing:
    """Return what notes traces. Raises CannotStart if OpenTelemetry is wanted and not installed."""
    if not is_wanted:
        return NoTracing()
    try:
        from managed_databases.kube.otel import OpenTelemetry
    except ModuleNotFoundError as error:
        raise CannotStart(
            f"TRACING is on, and {error.name} is not installed: it comes with the extra `tracing` of this package"
        ) from error
    return OpenTelemetry()
