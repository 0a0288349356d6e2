"""What the operator counts, for Prometheus. Labels are bounded: operation, outcome."""

from prometheus_client import Counter, Histogram

from managed_databases.api.client import CallRecord

CALLS = Counter("managed_databases_api_calls", "Calls to the Managed Databases API.", ["operation", "outcome"])
DURATION = Histogram(
    "managed_databases_api_call_seconds",
    "How long calls to the Managed Databases API took.",
    ["operation"],
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
)


def record_call(call: CallRecord) -> None:
    CALLS.labels(call.operation, call.outcome).inc()
    DURATION.labels(call.operation).observe(call.duration_seconds)
