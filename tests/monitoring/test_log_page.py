"""What docs/observing.md says of log lines is what the code writes."""

import json
import re

import pytest
import structlog
from structlog.testing import LogCapture

from install.kubectl import TOP
from managed_databases.api.client import CallRecord
from managed_databases.kube.call_log import call_ended
from managed_databases.logs import tell_of_pass
from managed_databases.reconcile.pass_record import PassRecord, begins

PAGE = (TOP / "docs" / "observing.md").read_text()


def section(heading: str) -> str:
    return re.split(r"^##+ ", PAGE.split(f"{heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def first_cells(table: str) -> set[str]:
    return {name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall("`([^`]+)`", row)}


def test_each_line_is_written_somewhere() -> None:
    lines, _, _ = section("## The log").partition("Each line that is written in a pass")
    named = first_cells(lines)
    assert {"step taken", "change sent"} <= named
    sources = "".join(path.read_text() for path in (TOP / "operator/managed_databases").rglob("*.py"))
    assert {name for name in named if not re.search(rf'log\.\w+\(\s*"{name}"', sources)} == set()


def test_the_fields_of_a_pass_are_all_told() -> None:
    record = PassRecord("DatabaseUser", "shop", "app", "u-1", 3, trace_id="t")
    with record:
        begins("Create", "Absent")
        record.request_id = "req-7"
        fields = tell_of_pass(None, "info", {})
    _, _, table = section("## The log").partition("Each line that is written in a pass")
    assert first_cells(table) == fields.keys()


def test_the_example_of_an_audit_line_has_its_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    told = LogCapture()  # and not `capture_logs`: another test may have configured a level that leaves the line out
    logger = structlog.wrap_logger(None, [told], structlog.make_filtering_bound_logger(0))
    monkeypatch.setattr("managed_databases.kube.call_log.log", logger)
    with PassRecord("DatabaseUser", "shop", "app", "u-1", 3):
        call_ended("prod", CallRecord("users.create", "POST", "ok", 200, "req-7", 0.1, "/v1/users"))
    (line,) = told.entries
    (example,) = re.findall(r"^\{.*\}$", section("### Who changed what in the cloud"), re.MULTILINE)
    of_pass = {"kind", "namespace", "name", "uid", "generation", "step", "reason"}
    ours = line.keys() - {"log_level"}
    assert json.loads(example).keys() - {"timestamp", "level"} == ours | of_pass
