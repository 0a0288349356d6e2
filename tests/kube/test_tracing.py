"""Traces: off by default and then not even imported; on, a span for each pass with those of its calls in it."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from managed_databases.api.client import CallRecord
from managed_databases.kube.ending import CannotStart
from managed_databases.kube.otel import OpenTelemetry
from managed_databases.kube.tracing import tracing
from managed_databases.reconcile.pass_record import Failure, PassRecord, begins, current_record, failed

PROGRAM = """
import sys
from managed_databases.kube import running
from managed_databases.kube.tracing import tracing
tracing(is_wanted={wanted}).close()
print(*sorted(name for name in sys.modules if name.startswith("opentelemetry")))
"""


@pytest.mark.parametrize("is_wanted", [False, True])
def test_nothing_of_it_is_imported_unless_it_is_wanted(is_wanted: bool) -> None:
    program = PROGRAM.format(wanted=is_wanted)
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert bool(ran.stdout.split()) is is_wanted, ran.stdout


def test_the_operator_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    monkeypatch.delitem(sys.modules, "managed_databases.kube.otel")
    with pytest.raises(CannotStart, match=r"the extra `tracing` of this package"):
        tracing(is_wanted=True)


def record(name: str = "app") -> PassRecord:
    return PassRecord("DatabaseUser", "shop", name, "u-1", 3)


def test_calls_and_requests_are_inside_of_their_pass() -> None:
    exporter = InMemorySpanExporter()
    traces = OpenTelemetry(exporter)
    with traces.around(one := record()):
        assert current_record() is one
        begins("Create", "Absent")
        traces.requested("PATCH", "/apis/x/namespaces/shop/databaseusers/app/status", 0.25, None)
        traces.call_ended("prod", CallRecord("users.create", "POST", "OutcomeUnknown", 500, "req-7", 0.5, "/v1/users"))
        failed(Failure.API)
    assert current_record() is None
    with traces.around(two := record("other")):
        two.again_seconds = 5.0
    traces.call_ended("prod", CallRecord("users.list", "GET", "ok", 200, None, 0.1, "/v1/users"))
    traces.close()
    request, call, first, second, outside = exporter.get_finished_spans()
    assert [span.name for span in (request, call, first, second, outside)] == [
        "kubernetes PATCH",
        "users.create",
        "reconcile DatabaseUser",
        "reconcile DatabaseUser",
        "users.list",
    ]
    assert {parent_of(request), parent_of(call)} == {ids(first)[1]}
    assert parent_of(first) is parent_of(second) is parent_of(outside) is None
    assert one.trace_id == format(ids(first)[0], "032x") != two.trace_id
    assert [seconds(request), seconds(call)] == pytest.approx([0.25, 0.5])
    assert told(call) == {
        "http.request.method": "POST",
        "url.path": "/v1/users",
        "managed_databases.project": "prod",
        "managed_databases.request_id": "req-7",
        "http.response.status_code": 500,
        "error.type": "OutcomeUnknown",
    }
    assert told(first) == {
        "k8s.namespace.name": "shop",
        "managed_databases.kind": "DatabaseUser",
        "managed_databases.name": "app",
        "managed_databases.uid": "u-1",
        "managed_databases.generation": 3,
        "managed_databases.result": "error",
        "managed_databases.step": "Create",
        "managed_databases.reason": "Absent",
    }
    assert (first.status.status_code, second.status.status_code) == (StatusCode.ERROR, StatusCode.UNSET)
    assert told(second)["managed_databases.result"] == "requeue_after"
    assert first.resource.attributes["service.name"] == "managed-databases-operator"


def test_an_unexpected_error_s_text_is_in_no_span() -> None:
    exporter = InMemorySpanExporter()
    traces = OpenTelemetry(exporter)
    with pytest.raises(ValueError, match="s3cret"), traces.around(record()):
        raise ValueError("s3cret")
    traces.close()
    (span,) = exporter.get_finished_spans()
    assert not span.events
    assert "s3cret" not in span.to_json()


def parent_of(span: ReadableSpan) -> int | None:
    return None if span.parent is None else span.parent.span_id


def ids(span: ReadableSpan) -> tuple[int, int]:
    """The ids of its trace and of itself."""
    context = span.get_span_context()
    assert context is not None
    return context.trace_id, context.span_id


def seconds(span: ReadableSpan) -> float:
    assert span.start_time is not None
    assert span.end_time is not None
    return (span.end_time - span.start_time) / 1e9


def told(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


class Collector(BaseHTTPRequestHandler):
    """Notes what is sent; while `silent` is set it answers only once `answers` is set."""

    received: list[tuple[str, bytes]]
    silent: threading.Event
    answers: threading.Event

    def do_POST(self) -> None:
        self.received.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
        if self.silent.is_set():
            self.answers.wait()
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Collector]]:
    Collector.received, Collector.silent, Collector.answers = [], threading.Event(), threading.Event()
    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        yield Collector
        Collector.answers.set()
        server.shutdown()


@pytest.mark.parametrize("is_silent", [False, True])
def test_spans_go_to_the_collector_and_the_end_does_not_wait_for_it(
    collector: type[Collector], is_silent: bool
) -> None:
    traces = tracing(is_wanted=True)
    with traces.around(record()):
        pass
    if is_silent:
        collector.silent.set()
    traces.close()  # the silent collector answers only when the test is over
    (sent,) = collector.received
    assert sent[0] == "/v1/traces"
    assert b"reconcile DatabaseUser" in sent[1]
