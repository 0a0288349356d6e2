"""Sends traces by OpenTelemetry (OTLP over HTTP): a span for each pass, and in it one for each call and each request.

OpenTelemetry's own variables say where to and how many (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_SAMPLER). Spans tell what log
lines tell, and never what was sent or answered.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from managed_databases.api.client import CallRecord
from managed_databases.reconcile.pass_record import PassRecord

END_SECONDS: Final = 1.0
"""The most seconds for sending what is not sent yet, when the operator ends."""


class OpenTelemetry:
    """`exporter` is where spans go; by default the collector that the environment names."""

    def __init__(self, exporter: SpanExporter | None = None) -> None:
        os.environ.setdefault("OTEL_SERVICE_NAME", "managed-databases-operator")
        # Not at the exit of the interpreter: a collector that does not answer would keep the process.
        self._provider = TracerProvider(shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("managed_databases")

    @contextmanager
    def around(self, record: PassRecord) -> Iterator[None]:
        attributes: dict[str, str | int] = {
            "k8s.namespace.name": record.namespace,
            "managed_databases.kind": record.kind,
            "managed_databases.name": record.name,
            "managed_databases.uid": record.uid,
            "managed_databases.generation": record.generation,
        }
        with self._tracer.start_as_current_span(
            f"reconcile {record.kind}",
            attributes=attributes,
            record_exception=False,  # nobody knows what its text quotes
            set_status_on_exception=False,
        ) as span:
            if span.is_recording():  # the others are sent nowhere
                record.trace_id = format(span.get_span_context().trace_id, "032x")
            with record:
                yield
            span.set_attribute("managed_databases.result", record.result)
            if record.step:
                span.set_attributes({"managed_databases.step": record.step, "managed_databases.reason": record.reason})
            if record.failure is not None:
                span.set_status(StatusCode.ERROR, record.failure)

    def call_ended(self, project: str, call: CallRecord) -> None:
        told = {
            "http.request.method": call.method,
            "url.path": call.path,
            "managed_databases.project": project,
            "managed_databases.request_id": call.request_id,
            "http.response.status_code": call.status,
        }
        known = {name: value for name, value in told.items() if value is not None}
        self._ended(call.operation, known, call.duration_seconds, None if call.outcome == "ok" else call.outcome)

    def requested(self, method: str, path: str, seconds: float, error: str | None) -> None:
        self._ended(f"kubernetes {method}", {"http.request.method": method, "url.path": path}, seconds, error)

    def _ended(self, name: str, attributes: dict[str, str | int], seconds: float, error: str | None) -> None:
        now = time.time_ns()
        began = now - int(seconds * 1e9)
        span = self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes, start_time=began)
        if error is not None:
            span.set_attribute("error.type", error)
            span.set_status(StatusCode.ERROR)
        span.end(now)

    def close(self) -> None:
        thread = threading.Thread(target=self._provider.shutdown, daemon=True)
        thread.start()
        thread.join(END_SECONDS)
