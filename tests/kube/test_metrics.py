from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from managed_databases.kube.metrics import BudgetCollector
from managed_databases.reconcile.project.budget import Budget
from managed_databases.reconcile.queue import Lane
from reconcile.manual_clocks import LeapingClock


@dataclass
class Project:
    name: str
    budget: Budget
    used: Mapping[tuple[str, Lane], int]


async def test_the_budget_is_told_by_section_and_cause() -> None:
    budget = Budget(LeapingClock(), burst=40, people_share=0.25)
    for lane in (Lane.PEOPLE, Lane.TIME, Lane.TIME):
        await budget.admit(lane)
    used = {("users", Lane.PEOPLE): 1, ("users", Lane.TIME): 2}
    registry = CollectorRegistry()
    registry.register(BudgetCollector(lambda: [Project("prod", budget, used)]))

    def told(metric: str, **labels: str) -> float | None:
        return registry.get_sample_value(metric, {"project": "prod", **labels})

    assert told("managed_databases_budget_calls_total", collection="users", cause="people") == 1
    assert told("managed_databases_budget_calls_total", collection="users", cause="time") == 2
    assert told("managed_databases_budget_left_calls", cause="people") == 9
    assert told("managed_databases_budget_left_calls", cause="time") == 28
