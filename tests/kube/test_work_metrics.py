"""What metrics tell of passes and queues."""

from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from managed_databases.api.client import CallRecord
from managed_databases.kube.metrics import CALLS, record_call
from managed_databases.kube.work_metrics import WorkCollector
from managed_databases.reconcile.pass_record import Failure, PassRecord, PassStats, begins, current_record, failed
from managed_databases.reconcile.scheduling.work_queue import Priority, WorkQueue
from reconcile.manual_clocks import StillClock

PASS = PassRecord("DatabaseUser", "shop", "app", "u-1", 3)


def told(registry: CollectorRegistry, metric: str, **labels: str) -> float | None:
    return registry.get_sample_value(metric, labels)


async def test_a_queue_is_told_in_the_terms_of_client_go() -> None:
    clock = StillClock()
    queue: WorkQueue[str] = WorkQueue(clock)
    registry = CollectorRegistry()
    registry.register(WorkCollector(PassStats(()), {"resources": queue}))

    def now(metric: str, **labels: str) -> float | None:
        return told(registry, f"workqueue_{metric}", name="resources", **labels)

    for key in ("a", "b", "b", "gone"):
        queue.add(key, Priority.LOW)
    queue.set_group("b", "elsewhere")
    queue.add("b", Priority.HIGH)
    queue.remove("gone")
    assert (now("depth"), now("adds_total")) == (2, 3), "what is queued already is not counted again"
    clock.moment += 2
    assert await queue.get() == ("b", Priority.HIGH)
    queue.add("b", Priority.LOW)
    clock.moment += 5
    assert await queue.get() == ("a", Priority.LOW)
    clock.moment += 1
    assert (now("longest_running_processor_seconds"), now("unfinished_work_seconds")) == (6, 7)
    assert told(registry, "managed_databases_active_workers", name="resources") == 2
    queue.done("b")
    queue.done("a")
    assert (now("depth"), now("adds_total")) == (1, 4), "it has become dirty, and runs again"
    assert (now("queue_duration_seconds_sum"), now("queue_duration_seconds_count")) == (2 + 7, 2)
    assert (now("work_duration_seconds_sum"), now("work_duration_seconds_count")) == (6 + 1, 2)
    counted = [now("work_duration_seconds_bucket", le=le) for le in ("0.3", "1.0", "3.0", "10.0", "+Inf")]
    assert counted == [0, 1, 1, 2, 2]
    assert (now("longest_running_processor_seconds"), now("unfinished_work_seconds")) == (0, 0)


def test_passes_are_counted_by_how_they_ended() -> None:
    passes = PassStats(("DatabaseUser",))
    registry = CollectorRegistry()
    registry.register(WorkCollector(passes, {}))
    for again, failure, seconds in (
        (None, None, 0.0005),
        (0.0, None, 0.2),
        (5.0, None, 0.2),
        (5.0, Failure.API, 2.0),
        (None, Failure.DEFECT, 2.0),
    ):
        passes.ended(replace(PASS, again_seconds=again, failure=failure), seconds)
    of = {"kind": "DatabaseUser"}
    assert {
        result: told(registry, "managed_databases_reconcile_total", **of, result=result)
        for result in ("success", "requeue", "requeue_after", "error")
    } == {"success": 1, "requeue": 1, "requeue_after": 1, "error": 2}
    assert {
        cause: told(registry, "managed_databases_reconcile_errors_total", **of, cause=cause)
        for cause in ("api", "kubernetes", "spec", "defect")
    } == {"api": 1, "kubernetes": 0, "spec": 0, "defect": 1}
    assert told(registry, "managed_databases_reconcile_time_seconds_count", **of) == 5
    assert told(registry, "managed_databases_reconcile_time_seconds_bucket", **of, le="0.001") == 1


def test_a_record_is_that_of_its_pass_only() -> None:
    assert current_record() is None
    failed(Failure.API)
    begins("Create", "Absent")
    with replace(PASS) as record:
        assert current_record() is record
        begins("Create", "Absent")
        failed(Failure.API)
        with replace(PASS, name="inner") as inner:
            assert current_record() is inner
        assert current_record() is record
    assert (record.step, record.reason, record.failure) == ("Create", "Absent", Failure.API)
    assert current_record() is None


@pytest.mark.parametrize(("status", "code"), [(None, ""), (200, "200"), (503, "503"), (799, "other"), (29, "other")])
def test_calls_are_told_by_section_method_and_code(status: int | None, code: str) -> None:
    labels = ("prod", "users", "users.create", "POST", code, "ok")
    before = CALLS.labels(*labels)._value.get()
    record_call("prod", CallRecord("users.create", "POST", "ok", status, None, 0.1))
    assert CALLS.labels(*labels)._value.get() == before + 1
