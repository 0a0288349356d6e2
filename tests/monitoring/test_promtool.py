"""What Prometheus' own program says of the metrics and the alerts. Skipped where it is not at hand (`make promtool`)."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from prometheus_client import REGISTRY, generate_latest

from install.helm import OPERATOR
from managed_databases.api.client import CallRecord
from managed_databases.kube.metrics import BudgetCollector, StateCollector, record_call, record_probe
from managed_databases.kube.work_metrics import WorkCollector
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.pass_record import PassRecord, PassStats
from managed_databases.reconcile.scheduling.work_queue import WorkQueue
from monitoring import promtool

CASES: Final = Path(__file__).parent / "alerts-test.yaml"
RULES: Final = OPERATOR / "files" / "alerts.yaml"


@pytest.fixture
def program() -> Path:
    found = promtool.find()
    if found is None:
        pytest.skip(promtool.MISSING)
    return found


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """The alerts as people take them without the chart, with their cases beside it."""
    path = tmp_path / "alerts.yaml"
    path.write_text(RULES.read_text())
    (tmp_path / CASES.name).write_text(CASES.read_text())
    return path


def test_the_metrics_are_as_they_should_be(program: Path) -> None:
    passes = PassStats(("DatabaseUser",))
    passes.ended(PassRecord("DatabaseUser", "shop", "app", "u-1", 1), 0.1)
    record_call("prod", CallRecord("users.create", "POST", "ok", 200, None, 0.1))
    record_probe("DatabaseUser", "ok", 0.1)
    collectors = (
        WorkCollector(passes, {"resources": WorkQueue[str](Clock())}),
        StateCollector(lambda: True, tuple, lambda: [("prod", "users", 2.5)], lambda: 3),
        BudgetCollector(tuple),
    )
    for collector in collectors:
        REGISTRY.register(collector)
    try:
        text = generate_latest()
    finally:
        for collector in collectors:
            REGISTRY.unregister(collector)
    assert b"workqueue_queue_duration_seconds_bucket" in text
    promtool.run(program, "check", "metrics", given=text)


def test_the_rules_are_as_they_should_be(program: Path, rules: Path) -> None:
    promtool.run(program, "check", "rules", "--lint=all", "--lint-fatal", rules)


def test_the_alerts_fire_when_they_should(program: Path, rules: Path) -> None:
    promtool.run(program, "test", "rules", rules.parent / CASES.name)


def test_a_case_that_is_not_so_would_be_found(program: Path, rules: Path) -> None:
    cases = rules.parent / CASES.name
    cases.write_text(cases.read_text().replace("namespace: shop", "namespace: elsewhere"))
    with pytest.raises(AssertionError, match="FAILED"):
        promtool.run(program, "test", "rules", cases)


def test_each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    cases: list[dict[str, Any]] = [
        case for test in yaml.safe_load(CASES.read_text())["tests"] for case in test["alert_rule_test"]
    ]
    alerts = re.findall(r"- alert: (\w+)", RULES.read_text())
    assert {case["alertname"] for case in cases if case.get("exp_alerts")} == {*alerts}
    assert {case["alertname"] for case in cases if not case.get("exp_alerts")} == {*alerts}
