from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from prometheus_client import CollectorRegistry

from managed_databases.kube.metrics import BudgetCollector, StateCollector
from managed_databases.metrics_page import metrics
from managed_databases.reconcile.ports import Resource, ResourceKey
from managed_databases.reconcile.project.rate_limiter import RateLimiter
from managed_databases.reconcile.scheduling.work_queue import Priority
from reconcile.manual_clocks import LeapingClock


@dataclass
class Project:
    name: str
    budget: RateLimiter
    used: Mapping[tuple[str, Priority], int]


async def test_the_budget_is_told_by_section_and_cause() -> None:
    budget = RateLimiter(LeapingClock(), burst=40, high_share=0.25)
    for priority in (Priority.HIGH, Priority.LOW, Priority.LOW):
        await budget.admit(priority)
    used = {("users", Priority.HIGH): 1, ("users", Priority.LOW): 2}
    registry = CollectorRegistry()
    registry.register(BudgetCollector(lambda: [Project("prod", budget, used)]))

    def told(metric: str, **labels: str) -> float | None:
        return registry.get_sample_value(metric, {"project": "prod", **labels})

    assert told("managed_databases_budget_calls_total", collection="users", cause="people") == 1
    assert told("managed_databases_budget_calls_total", collection="users", cause="time") == 2
    assert told("managed_databases_budget_left_calls", cause="people") == 9
    assert told("managed_databases_budget_left_calls", cause="time") == 28


def resource(name: str, status: dict[str, Any]) -> Resource:
    return Resource(
        ResourceKey("ManagedDatastore", "shop", name),
        uid=name,
        resource_version="1",
        generation=1,
        created_at="2026-01-01T00:00:00Z",
        deleting_since=None,
        finalizers=(),
        annotations={},
        spec={},
        status=status,
    )


def conditions(**states: str) -> dict[str, Any]:
    return {"conditions": [{"type": type_, "status": status} for type_, status in states.items()]}


def test_a_resource_is_in_one_state() -> None:
    there = [
        resource("new", {}),
        resource("works", conditions(Ready="True", Stalled="False") | {"diskUsedPercent": 7}),
        resource("works but", conditions(Ready="True", Stalled="True")),
        resource("waits", conditions(Ready="False", Stalled="False")),
    ]
    leads = True
    registry = CollectorRegistry()
    registry.register(StateCollector(lambda: leads, lambda: there, lambda: [("prod", "users", 2.5)], lambda: 3))

    def told(metric: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"managed_databases_{metric}", labels)

    in_shop = {"kind": "ManagedDatastore", "namespace": "shop"}
    assert {state: told("resources", **in_shop, state=state) for state in ("ready", "stalled", "waiting")} == {
        "ready": 1,
        "stalled": 1,
        "waiting": 2,
    }
    assert told("disk_used_percent", namespace="shop", name="works") == 7
    assert told("disk_used_percent", namespace="shop", name="waits") is None
    assert told("list_age_seconds", project="prod", collection="users") == 2.5
    assert told("queued") == 3
    assert told("leads") == 1
    leads = False
    assert told("leads") == 0
    assert told("resources", **in_shop, state="ready") is None, "the leader tells it"


def test_passwords_that_change_by_dates_tell_when() -> None:
    changed, due = "2026-03-01T00:00:00Z", "2026-05-30T00:00:00Z"
    there = [
        resource("by-dates", {"passwordChangedAt": changed, "rotation": {"plan": "every 90 days", "dueAt": due}}),
        resource("adopted", {"rotation": {"plan": "every 90 days", "dueAt": due}}),
        resource("on-request", {"passwordChangedAt": changed, "rotation": {"handledRequest": "x"}}),
        resource("odd", {"passwordChangedAt": 5, "rotation": {"dueAt": "soon"}}),
        resource("odder", {"rotation": 5}),
    ]
    registry = CollectorRegistry()
    registry.register(StateCollector(lambda: True, lambda: there, lambda: (), lambda: 0))

    def told(what: str, name: str) -> float | None:
        labels = {"kind": "ManagedDatastore", "namespace": "shop", "name": name}
        return registry.get_sample_value(f"managed_databases_password_{what}_timestamp_seconds", labels)

    found = [(told("changed", each.key.name), told("due", each.key.name)) for each in there]
    assert found == [(1772323200.0, 1780099200.0), (None, 1780099200.0), (None, None), (None, None), (None, None)]
    oldest = registry.get_sample_value(
        "managed_databases_password_oldest_timestamp_seconds", {"kind": "ManagedDatastore", "namespace": "shop"}
    )
    assert oldest == 1772323200.0


def test_a_thousand_resources_more_are_no_series_more() -> None:
    """Only datastores, and users whose passwords change by dates, have a series of their own: the labels `name` in metrics.md."""
    states: tuple[dict[str, Any], ...] = (conditions(Ready="True"), conditions(Stalled="True"), {})

    def series(number: int) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
        there = [
            replace(
                resource(f"{kind}-{each}", states[each % 3] | {"passwordChangedAt": "2026-03-01T00:00:00Z"}),
                key=ResourceKey(kind, "shop", f"{kind}-{each}"),
            )
            for kind in ("DatabaseUser", "KafkaTopic")
            for each in range(number)
        ]
        registry = CollectorRegistry()
        registry.register(StateCollector(lambda: True, lambda: there, lambda: [("prod", "users", 2.5)], lambda: number))
        return {(each.name, (*each.labels.items(),)) for family in registry.collect() for each in family.samples}

    assert series(1000) == series(3)
    assert {name for name, labels in series(3) if dict(labels).get("name")} == set()


def test_no_metric_has_a_label_that_has_as_many_values_as_there_are_resources() -> None:
    named = {
        each.name: {*each.labels} & {"name", "uid", "id"}
        for each in metrics()
        if not each.name.startswith("workqueue_")
    }
    assert {name for name, labels in named.items() if labels} == {
        "managed_databases_active_workers",  # of a queue
        "managed_databases_disk_used_percent",
        "managed_databases_password_changed_timestamp_seconds",
        "managed_databases_password_due_timestamp_seconds",
    }
