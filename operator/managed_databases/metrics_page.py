"""docs/reference/metrics.md: each metric with its type and its labels, from the code that serves it."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from prometheus_client.core import Metric
from prometheus_client.metrics import MetricWrapperBase

from managed_databases.kube.metrics import CALLS, DURATION, PROBE_DURATION, PROBES, BudgetCollector, StateCollector
from managed_databases.kube.work_metrics import WorkCollector
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.pass_record import PassStats
from managed_databases.reconcile.scheduling.work_queue import WorkQueue

_INTRODUCTION: Final = """\
# Metrics

Each metric that the operator serves on `/metrics`, besides those of the Python process (`process_*`, `python_*`).
[observing.md](../observing.md) says what to look at, and which alerts are worth having.

Names of resources are labels only where few resources have the metric: datastores (`name`), and users whose passwords are
changed by dates. The label `name` of a queue is `resources` (passes), `logins`, `restarts`, `services` or `copies`. All other
labels have as many values as there are projects, namespaces, kinds, operations of the API, or HTTP statuses.

| metric | type | labels | meaning |
|---|---|---|---|
"""


class Served(NamedTuple):
    """A metric. `name` is what queries use, for a histogram without `_bucket`, `_sum` and `_count`."""

    name: str
    type_: str
    labels: tuple[str, ...]
    told: str

    @property
    def series(self) -> tuple[str, ...]:
        """The names that queries may use."""
        return tuple(f"{self.name}_{part}" for part in _PARTS) if self.type_ == "histogram" else (self.name,)


_PARTS: Final = ("bucket", "sum", "count")


def metrics() -> list[Served]:
    """Return every metric of the operator by name, without those of the Python process."""
    return sorted(_metrics())


def _metrics() -> Iterator[Served]:
    for metric in (CALLS, DURATION, PROBES, PROBE_DURATION):
        (family,) = metric.collect()
        yield _served(family, metric)
    queues = {"resources": WorkQueue[str](Clock())}
    for collector in (
        StateCollector(lambda: True, tuple, tuple, lambda: 0),
        BudgetCollector(tuple),
        WorkCollector(PassStats(()), queues),
    ):
        for family in collector.collect():
            yield _served(family, family)


def _served(family: Metric, named: Metric | MetricWrapperBase) -> Served:
    labels: tuple[str, ...] = tuple(named._labelnames)  # type: ignore[union-attr]  # no public name has them
    name = f"{family.name}_total" if family.type == "counter" else family.name
    return Served(name, family.type, labels, family.documentation)


def metrics_page() -> str:
    rows = (
        f"| `{each.name}` | {each.type_} | {', '.join(f'`{label}`' for label in each.labels) or '-'} | {each.told} |\n"
        for each in metrics()
    )
    return _INTRODUCTION + "".join(rows)
