"""The operator's metrics for Prometheus.

Labels are bounded: project, operation, outcome, section of the API, cause, kind, namespace and state.
"""

from collections import Counter as Counts
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Protocol

from prometheus_client import Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from managed_databases.api.client import CallRecord
from managed_databases.reconcile.ports import Resource
from managed_databases.reconcile.project.rate_limiter import RateLimiter
from managed_databases.reconcile.scheduling.work_queue import Priority

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


class StateCollector(Collector):
    """Computes, at each scrape, the states of resources, how full datastores are, the length of the queue, and the age of lists.

    A resource counts once: as stalled, else as ready, else as waiting. `leads` returns whether this process leads; a standby
    reports no states, because they would be counted twice.
    """

    def __init__(
        self,
        leads: Callable[[], bool],
        resources: Callable[[], Iterable[Resource]],
        list_ages: Callable[[], Iterable[tuple[str, str, float]]],
        queued: Callable[[], int],
        odd_rows: Callable[[], Iterable[tuple[str, str, int]]] = lambda: (),
        status_guarded: Callable[[], bool] = lambda: True,
    ) -> None:
        self._status_guarded = status_guarded
        self._leads = leads
        self._resources = resources
        self._list_ages = list_ages
        self._queued = queued
        self._odd_rows = odd_rows

    def collect(self) -> Iterator[GaugeMetricFamily]:
        leads = GaugeMetricFamily("managed_databases_leads", "Whether this process works: 1, or stands by: 0.")
        leads.add_metric([], self._leads())
        yield leads
        guarded = GaugeMetricFamily(
            "managed_databases_status_guarded", "Whether the admission policy on statuses is in place: 1, or is not: 0."
        )
        guarded.add_metric([], self._status_guarded())
        yield guarded
        if not self._leads():
            return
        states = GaugeMetricFamily(
            "managed_databases_resources", "Resources by their state.", labels=["kind", "namespace", "state"]
        )
        disks = GaugeMetricFamily(
            "managed_databases_disk_used_percent", "How full a datastore's disk is.", labels=["namespace", "name"]
        )
        queued = GaugeMetricFamily("managed_databases_queued", "Resources that wait for their turn to be looked at.")
        queued.add_metric([], self._queued())
        yield queued
        count = Counts[tuple[str, str, str]]()
        for resource in self._resources():
            count[resource.key.kind, resource.key.namespace, state(resource.status)] += 1
            if (percent := resource.status.get("diskUsedPercent")) is not None:
                disks.add_metric([resource.key.namespace, resource.key.name], percent)
        for labels, number in count.items():
            states.add_metric(labels, number)
        yield states
        yield disks
        ages = GaugeMetricFamily(
            "managed_databases_list_age_seconds",
            "How long ago the newest list of a collection was begun that was believed.",
            labels=["project", "collection"],
        )
        for project, collection, seconds in self._list_ages():
            ages.add_metric([project, collection], seconds)
        yield ages
        odd = GaugeMetricFamily(
            "managed_databases_odd_rows",
            "Rows of a collection's last list that could not be read whole.",
            labels=["project", "collection"],
        )
        for project, collection, rows in self._odd_rows():
            odd.add_metric([project, collection], rows)
        yield odd


def state(status: Mapping[str, Any]) -> str:
    """Return "stalled" (a person must act), "ready" or "waiting"."""
    true = {each["type"] for each in status.get("conditions", ()) if each["status"] == "True"}
    return next((type_.lower() for type_ in ("Stalled", "Ready") if type_ in true), "waiting")


_CAUSES: Final = {Priority.HIGH: "people", Priority.LOW: "time"}
"""The value of the label `cause` for each priority."""


class Spender(Protocol):
    """A project with a budget of calls."""

    @property
    def name(self) -> str: ...

    @property
    def budget(self) -> RateLimiter: ...

    @property
    def used(self) -> Mapping[tuple[str, Priority], int]: ...


class BudgetCollector(Collector):
    """Computes, at each scrape, each project's calls: those made by section of the API and cause, and those left by cause."""

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
            for (collection, priority), count in project.used.items():
                used.add_metric([project.name, collection, _CAUSES[priority]], count)
            for priority in Priority:
                left.add_metric([project.name, _CAUSES[priority]], project.budget.left(priority))
        yield used
        yield left
