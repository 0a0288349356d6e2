"""What the chart gives Prometheus and Grafana asks for metrics that the operator has."""

import json
import re
from collections.abc import Iterator

import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector

from install.helm import OPERATOR, render
from install.kubectl import TOP
from managed_databases.kube.metrics import CALLS, DURATION, BudgetCollector, StateCollector

QUERIES = {
    "the alert": [
        rule["expr"]
        for group in yaml.safe_load((OPERATOR / "files/alerts.yaml").read_text())
        for rule in group["rules"]
    ],
    "the dashboard": [
        target["expr"]
        for panel in json.loads((OPERATOR / "files/dashboard.json").read_text())["panels"]
        for target in panel["targets"]
    ],
}


def names() -> set[str]:
    """Every series that the operator may tell, as Prometheus names it."""
    state = StateCollector(lambda: True, list, list, lambda: 0)
    return set(_series(state, BudgetCollector(list), CALLS, DURATION))


def _series(*collectors: Collector) -> Iterator[str]:
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    for family in registry.collect():
        yield f"{family.name}_total" if family.type == "counter" else family.name
        if family.type == "histogram":
            yield from (f"{family.name}_{part}" for part in ("bucket", "sum", "count"))


@pytest.mark.parametrize(("where", "query"), [(where, each) for where, all_ in QUERIES.items() for each in all_])
def test_each_query_is_about_metrics_that_exist(where: str, query: str) -> None:
    asked = set(re.findall(r"managed_databases_\w+", query))
    assert asked, query
    assert asked <= names(), f"{where} asks for what there is not"


def test_all_is_off_until_it_is_asked_for_and_then_whole() -> None:
    assert not {each["kind"] for each in render({})} & {"Service", "ServiceMonitor", "PodMonitor", "PrometheusRule"}
    parts = {each: {"create": True} for each in ("serviceMonitor", "prometheusRule", "dashboard")}
    made = {each["kind"]: each for each in render({"metrics": parts})}
    assert made["PrometheusRule"]["spec"]["groups"] == yaml.safe_load((OPERATOR / "files/alerts.yaml").read_text())
    (board,) = made["ConfigMap"]["data"].values()
    assert json.loads(board) == json.loads((OPERATOR / "files/dashboard.json").read_text())
    selector = made["ServiceMonitor"]["spec"]["selector"]["matchLabels"]
    assert selector.items() <= made["Service"]["metadata"]["labels"].items()
    pod = made["Deployment"]["spec"]["template"]
    assert made["Service"]["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    (port,) = made["Service"]["spec"]["ports"]
    assert port["targetPort"] in {each["name"] for each in pod["spec"]["containers"][0]["ports"]}


def test_the_alerts_are_those_of_the_documents() -> None:
    shown = re.findall(r"- alert: (\w+)\n\s+expr: (.*)\n", (TOP / "docs/operating.md").read_text())
    given = re.findall(r"- alert: (\w+)\n\s+expr: (.*)\n", (OPERATOR / "files/alerts.yaml").read_text())
    assert shown == given
