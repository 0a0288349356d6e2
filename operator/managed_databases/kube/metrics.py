"""The operator's metrics for Prometheus.

Labels are bounded: project, operation, method, code, outcome, section of the API, cause, kind, namespace, state and result. Names
of resources are labels only where few have the metric: datastores, and users whose passwords are changed by dates.
"""

from collections import Counter as Counts
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any, Final, Protocol

from prometheus_client import Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from managed_databases.api.client import CallRecord
from managed_databases.kinds.password_rotation import read
from managed_databases.reconcile.ports import Resource
from managed_databases.reconcile.project.rate_limiter import RateLimiter
from managed_databases.reconcile.scheduling.work_queue import Priority

CALLS = Counter(
    "managed_databases_api_calls",
    "Calls to the Managed Databases API. The outcome is `ok` or the name of an error (`OutcomeUnknown`, `RateLimited`, ...); "
    "the code is empty without an answer.",
    ["project", "collection", "operation", "method", "code", "outcome"],
)
DURATION = Histogram(
    "managed_databases_api_call_seconds",
    "How long calls to the Managed Databases API took.",
    ["project", "operation"],
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
)
_CODES: Final = frozenset(HTTPStatus)


@cache
def _counted(project: str, operation: str, method: str, code: str, outcome: str) -> Counter:
    """Return the series of such calls. To look it up in prometheus_client takes four times as long as to count."""
    return CALLS.labels(project, operation.partition(".")[0], operation, method, code, outcome)


@cache
def _timed(project: str, operation: str) -> Histogram:
    return DURATION.labels(project, operation)


def record_call(project: str, call: CallRecord) -> None:
    """Count a call that has ended. The code is empty without an answer, and `other` if HTTP has no such status."""
    code = "" if call.status is None else str(call.status) if call.status in _CODES else "other"
    _counted(project, call.operation, call.method, code, call.outcome).inc()
    _timed(project, call.operation).observe(call.duration_seconds)


PROBES = Counter(
    "managed_databases_probes",
    "Logins of the operator to databases. The result is `ok`, `Unreachable`, `TLSUntrusted` or `LoginRefused`.",
    ["kind", "result"],
)
PROBE_DURATION = Histogram(
    "managed_databases_probe_seconds",
    "How long the operator's logins to databases took.",
    ["kind"],
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10),
)


def record_probe(kind: str, result: str, seconds: float) -> None:
    """Count a login. `result` is `ok`, or the reason that the condition Ready gets."""
    PROBES.labels(kind, result).inc()
    PROBE_DURATION.labels(kind).observe(seconds)


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
            "managed_databases_resources",
            "Resources by their state: `stalled` (a person must act), else `ready`, or `waiting`.",
            labels=["kind", "namespace", "state"],
        )
        disks = GaugeMetricFamily(
            "managed_databases_disk_used_percent", "How full a datastore's disk is.", labels=["namespace", "name"]
        )
        queued = GaugeMetricFamily(
            "managed_databases_queued", "Resources that wait for a pass; the same as `workqueue_depth` of `resources`."
        )
        queued.add_metric([], self._queued())
        yield queued
        count = Counts[tuple[str, str, str]]()
        oldest: dict[tuple[str, str], str] = {}
        ages, dues = (
            GaugeMetricFamily(f"managed_databases_password_{name}_timestamp_seconds", told, labels=_OF_PASSWORDS)
            for name, told in (
                ("changed", "When the password was last changed, of users whose passwords are changed by dates."),
                ("due", "The date of the next change of the password, of the same users."),
            )
        )
        for resource in self._resources():
            _add_password(resource, ages, dues, oldest)
            count[resource.key.kind, resource.key.namespace, state(resource.status)] += 1
            if (percent := resource.status.get("diskUsedPercent")) is not None:
                disks.add_metric([resource.key.namespace, resource.key.name], percent)
        for labels, number in count.items():
            states.add_metric(labels, number)
        yield states
        yield disks
        yield ages
        yield dues
        olds = GaugeMetricFamily(
            "managed_databases_password_oldest_timestamp_seconds",
            "When the password was last changed that has not been changed for the longest time.",
            labels=["kind", "namespace"],
        )
        for of, text in oldest.items():
            if (changed := read(text)) is not None:
                olds.add_metric(of, changed.timestamp())
        yield olds
        lists = GaugeMetricFamily(
            "managed_databases_list_age_seconds",
            "How long ago the newest list of a collection was begun that was believed.",
            labels=["project", "collection"],
        )
        for project, collection, seconds in self._list_ages():
            lists.add_metric([project, collection], seconds)
        yield lists
        odd = GaugeMetricFamily(
            "managed_databases_odd_rows",
            "Rows of a collection's last list that could not be read whole.",
            labels=["project", "collection"],
        )
        for project, collection, rows in self._odd_rows():
            odd.add_metric([project, collection], rows)
        yield odd


_OF_PASSWORDS: Final = ("kind", "namespace", "name")


def _add_password(
    resource: Resource,
    changed: GaugeMetricFamily,
    due: GaugeMetricFamily,
    oldest: dict[tuple[str, str], str],
) -> None:
    """Add when the resource's password was changed, and when it is to be changed next, if its spec names dates for that; the
    former also to the oldest ones.
    """
    text = resource.told.password_changed_at
    if text is not None:  # compared as text, in the one form that the operator writes: there may be thousands
        of = resource.key.kind, resource.key.namespace
        oldest[of] = min(text, oldest.get(of, text))
    told = resource.told.rotation
    if told is None or (date := read(told.due_at)) is None:
        return
    due.add_metric(resource.key, date.timestamp())
    if (last := read(text)) is not None:
        changed.add_metric(resource.key, last.timestamp())


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
            "Calls that the budget let through, by cause: `people` (a change of a spec) or `time` (polls, retries).",
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
