"""What the operator counts, for Prometheus. Labels are bounded: project, operation, outcome."""

from prometheus_client import Counter, Histogram

from managed_databases.api.client import CallRecord

CALLS = Counter(
    "managed_databases_api_calls", "Calls to the Managed Databases API.", ["project", "operation", "outcome"]
)
DURATION = Histogram(
    "managed_databases_api_call_seconds",
    "How long calls to the Managed Databases API took.",
    ["project", "operation"],
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
)


def record_call(project: str, call: CallRecord) -> None:
    CALLS.labels(project, call.operation, call.outcome).inc()
    DURATION.labels(project, call.operation).observe(call.duration_seconds)
