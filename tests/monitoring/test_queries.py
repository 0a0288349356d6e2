"""What the chart gives Prometheus and Grafana asks for what the operator serves, and leads to pages that exist."""

import json
import re
import subprocess
from typing import Any, Final

import pytest
import yaml
from prometheus_client import PROCESS_COLLECTOR

from install.helm import OPERATOR, render
from install.kubectl import TOP
from managed_databases.kinds.verdicts import Reason
from managed_databases.metrics_page import metrics
from managed_databases.reconcile.pass_record import Failure, Result
from monitoring.queries import NotThere, Queries, shown
from test_docs import anchors

QUEUES: Final = frozenset({"resources", "logins", "restarts", "services", "copies"})
VALUES: Final = {
    ("managed_databases_resources", "state"): frozenset({"stalled", "ready", "waiting"}),
    ("managed_databases_reconcile_total", "result"): frozenset(Result),
    ("managed_databases_reconcile_errors_total", "cause"): frozenset(Failure),
    ("managed_databases_probes_total", "result"): frozenset({"ok", *Reason}),
    ("workqueue_longest_running_processor_seconds", "name"): QUEUES,
    ("workqueue_queue_duration_seconds_bucket", "name"): QUEUES,
}
RULES: Final[dict[str, Any]] = yaml.safe_load((OPERATOR / "files/alerts.yaml").read_text())
ALERTS: Final[list[dict[str, Any]]] = [rule for group in RULES["groups"] for rule in group["rules"]]
PANELS: Final[list[dict[str, Any]]] = json.loads((OPERATOR / "files/dashboard.json").read_text())["panels"]
TARGETS: Final = [(panel["title"], target) for panel in PANELS for target in panel.get("targets", ())]
PAGE: Final = TOP / "docs" / "observing.md"


def queries() -> Queries:
    series = {
        name: frozenset({*each.labels, *(("le",) if name.endswith("_bucket") else ())})
        for each in metrics()
        for name in each.series
    }
    for family in PROCESS_COLLECTOR.collect():
        series |= {sample.name: frozenset() for sample in family.samples}
    return Queries(series, VALUES)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))
def test_each_alert_asks_for_what_there_is_and_says_what_to_do(alert: dict[str, Any]) -> None:
    labels = queries().labels(alert["expr"])
    assert {*shown(alert["annotations"]["summary"])} <= labels
    assert alert["labels"]["severity"] in ("warning", "critical")
    page, anchor = alert["annotations"]["runbook_url"].split("#")
    assert (TOP / page, anchor) == (PAGE, alert["alert"].lower())
    assert anchor in anchors(PAGE)


@pytest.mark.parametrize(
    ("title", "target"), TARGETS, ids=lambda each: each if isinstance(each, str) else each["refId"]
)
def test_each_panel_asks_for_what_there_is(title: str, target: dict[str, Any]) -> None:
    assert {*shown(target["legendFormat"])} <= queries().labels(target["expr"])


def test_what_a_standby_has_queued_does_not_wait() -> None:
    """It has everything in its queue from its start, for when it leads."""
    asked = [target["expr"] for _, target in TARGETS if "workqueue_depth" in target["expr"]]
    assert asked == ["sum by (name) (workqueue_depth and on (instance) managed_databases_leads == 1)"]


def test_each_query_of_the_page_asks_for_what_there_is() -> None:
    asked = [query for query in re.findall("`([^`\n]+)`", PAGE.read_text()) if re.search(r"[({]|_\w+_total", query)]
    found = [query for query in asked if re.search(r"\b(managed_databases|workqueue)_", query)]
    assert len(found) >= 7
    for query in found:
        queries().labels(query)


def test_no_two_panels_are_in_one_place() -> None:
    places = [
        (panel["gridPos"]["x"], panel["gridPos"]["y"] + row) for panel in PANELS for row in range(panel["gridPos"]["h"])
    ]
    assert len(places) == len({*places})
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)


@pytest.mark.parametrize(
    "query",
    [
        "managed_databases_nothing",
        'managed_databases_resources{colour="blue"}',
        'managed_databases_resources{state="sad"}',
        "sum by (colour) (managed_databases_resources)",
        "histogram_quantile(0.9, rate(managed_databases_api_calls_total[5m]))",
        "managed_databases_leads / on (kind) managed_databases_queued",
        "rate(managed_databases_reconcile_time_seconds[5m])",
    ],
)
def test_what_there_is_not_would_be_found(query: str) -> None:
    with pytest.raises(NotThere):
        queries().labels(query)


def test_labels_that_a_text_shows_are_found() -> None:
    assert [*shown("{{ $value }} {{ $labels.kind }} in {{namespace}}")] == ["kind", "namespace"]


def test_runbooks_are_where_the_chart_is_told() -> None:
    at = "https://docs.example.com/observing/"
    parts = {"prometheusRule": {"create": True, "runbooks": at}}
    (rule,) = [each for each in render({"metrics": parts}) if each["kind"] == "PrometheusRule"]
    links = [each["annotations"]["runbook_url"] for group in rule["spec"]["groups"] for each in group["rules"]]
    assert links == [f"{at}#{alert['alert'].lower()}" for alert in ALERTS]


def test_without_the_chart_the_file_is_one_of_rules_and_says_how_runbooks_are_found() -> None:
    """The command that the page and the file name, as a shell runs it."""
    assert {*RULES} == {"groups"}
    at = "https://docs.example.com/VERSION/observing.html"
    (line,) = re.findall(r"^sed .*alerts\.yaml.*$", PAGE.read_text(), re.MULTILINE)
    assert f"s|docs/observing.md|{at}|" in line
    command = line.replace("helm/managed-databases-operator/files/", f"{OPERATOR}/files/").split(" > ")[0]
    written = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout
    rules = [rule for group in yaml.safe_load(written)["groups"] for rule in group["rules"]]
    assert [each["annotations"]["runbook_url"] for each in rules] == [
        f"{at}#{each['alert'].lower()}" for each in ALERTS
    ]
