"""What the operator counts, for Prometheus. Labels are bounded: project, operation, outcome, section of the API, cause."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from prometheus_client import Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from managed_databases.api.client import CallRecord
from managed_databases.reconcile.project.budget import Budget
from managed_databases.reconcile.queue import Lane

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


class Spender(Protocol):
    """A project that has a budget."""

    @property
    def name(self) -> str: ...

    @property
    def budget(self) -> Budget: ...

    @property
    def used(self) -> Mapping[tuple[str, Lane], int]: ...


class BudgetCollector(Collector):
    """Tells each project's budget of calls when it is asked: used by section of the API and cause, and left by cause."""

    def __init__(self, projects: Callable[[], Iterable[Spender]]) -> None:
        self._projects = projects

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        used = CounterMetricFamily(
            "managed_databases_budget_calls",
            "Calls that the budget let through.",
            labels=["project", "collection", "cause"],
        )
        left = GaugeMetricFamily(
            "managed_databases_budget_left_calls", "Calls that may be made at once.", labels=["project", "cause"]
        )
        for project in self._projects():
            for (collection, lane), count in project.used.items():
                used.add_metric([project.name, collection, lane.name.lower()], count)
            for lane in Lane:
                left.add_metric([project.name, lane.name.lower()], project.budget.left(lane))
        yield used
        yield left
