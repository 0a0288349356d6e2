"""What the operator is at, for Prometheus: passes in controller-runtime's terms, and queues by client-go's names, so that
dashboards and alerts for `workqueue_*` work here as well.

All is counted as plain numbers where it happens, and given Prometheus' form at each scrape.
"""

from collections.abc import Iterator, Mapping
from math import inf
from typing import Any, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from managed_databases.reconcile.pass_record import Failure, PassStats
from managed_databases.reconcile.scheduling.durations import Durations
from managed_databases.reconcile.scheduling.work_queue import WorkQueue

_OF_QUEUES: Final = ("name",)


class WorkCollector(Collector):
    """Tells of passes, and of queues by their names."""

    def __init__(self, passes: PassStats, queues: Mapping[str, WorkQueue[Any]]) -> None:
        self._passes = passes
        self._queues = queues

    def collect(self) -> Iterator[Metric]:
        yield from self._of_passes()
        yield from self._of_queues()

    def _of_passes(self) -> Iterator[Metric]:
        total = CounterMetricFamily(
            "managed_databases_reconcile",
            "Passes over resources, by how they ended: `success` (the resource waits to be woken), `requeue_after` (it is "
            "looked at again at some time), `requeue` (at once) or `error`.",
            labels=["kind", "result"],
        )
        for (kind, result), count in self._passes.results.items():
            total.add_metric([kind, result], count)
        yield total
        errors = CounterMetricFamily(
            "managed_databases_reconcile_errors",
            "Passes that failed, by what they failed at.",
            labels=["kind", "cause"],
        )
        for kind in self._passes.durations:
            for failure in Failure:  # from 0 on: of a series that begins with 1 no increase is seen
                errors.add_metric([kind, failure], self._passes.failures[kind, failure])
        yield errors
        seconds = HistogramMetricFamily(
            "managed_databases_reconcile_time_seconds", "How long passes over resources took.", labels=["kind"]
        )
        for kind, durations in self._passes.durations.items():
            _add(seconds, [kind], durations)
        yield seconds

    def _of_queues(self) -> Iterator[Metric]:
        depth = GaugeMetricFamily("workqueue_depth", "Keys that are queued now.", labels=_OF_QUEUES)
        adds = CounterMetricFamily("workqueue_adds", "Keys that were queued.", labels=_OF_QUEUES)
        waits, works = (
            HistogramMetricFamily(f"workqueue_{name}_duration_seconds", told, labels=_OF_QUEUES)
            for name, told in (
                ("queue", "How long keys were queued before their work began."),
                ("work", "How long the work on keys took."),
            )
        )
        unfinished = GaugeMetricFamily(
            "workqueue_unfinished_work_seconds", "Seconds of work under way, in all.", labels=_OF_QUEUES
        )
        longest = GaugeMetricFamily(
            "workqueue_longest_running_processor_seconds", "Seconds of the longest work under way.", labels=_OF_QUEUES
        )
        in_work = GaugeMetricFamily("managed_databases_active_workers", "Keys in work now.", labels=_OF_QUEUES)
        for name, queue in self._queues.items():
            labels, stats = [name], queue.stats
            running = list(stats.in_work_seconds())
            depth.add_metric(labels, len(queue))
            adds.add_metric(labels, stats.adds)
            _add(waits, labels, stats.waits)
            _add(works, labels, stats.works)
            unfinished.add_metric(labels, sum(running))
            longest.add_metric(labels, max(running, default=0.0))
            in_work.add_metric(labels, len(running))
        yield from (depth, adds, waits, works, unfinished, longest, in_work)


def _add(family: HistogramMetricFamily, labels: list[str], durations: Durations) -> None:
    buckets = [("+Inf" if bound == inf else str(bound), count) for bound, count in durations.buckets()]
    family.add_metric(labels, buckets, durations.sum_seconds)
