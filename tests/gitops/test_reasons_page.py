"""The pages of reasons: each reason has one and each page a reason, and links lead to them."""

import ast
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
import yaml

from managed_databases.command_line.explaining import Link, lines
from managed_databases.command_line.standing import Situation, State
from managed_databases.gitops.explanations import EXPLANATIONS, GROUPS
from managed_databases.gitops.explanations.explanation import FOLDER, Who, page_of
from managed_databases.gitops.reasons import rows
from managed_databases.gitops.reasons_page import reason_pages, reasons_page
from managed_databases.kinds.verdicts import Reason
from parsed import parsed
from test_docs import anchors

TOP = Path(__file__).parents[2]
SOURCES = TOP / "operator/managed_databases"
OBSERVING = TOP / "docs/observing.md"
ALERTS = yaml.safe_load((TOP / "helm/managed-databases-operator/files/alerts.yaml").read_text())
NAMES = {rule["alert"] for group in ALERTS["groups"] for rule in group["rules"]}
SHARE = 0.25
"""How much of an example must be the very words of the text that it is an example of; the rest are values, or further texts."""


def test_every_reason_is_explained_once() -> None:
    assert sum(len(group) for group in GROUPS.values()) == len(EXPLANATIONS)
    missing = sorted(reason.name for reason in {*Reason} - {*EXPLANATIONS})
    assert not missing, (
        f"what do {', '.join(missing)} mean, and who must do what? Say so in managed_databases/gitops/explanations, "
        "then `make fix`"
    )


def test_each_reason_has_its_page_and_each_page_its_reason() -> None:
    there = {path.relative_to(TOP) for path in (TOP / FOLDER).iterdir()}
    assert there == {page_of(reason) for reason in Reason} == {*reason_pages()}


def test_the_list_leads_to_each_page() -> None:
    for reason in Reason:
        assert f"[{reason}](reasons/{reason}.md)" in reasons_page()


@pytest.mark.parametrize("reason", Reason)
def test_who_must_act_is_told_what_to_do(reason: Reason) -> None:
    told = EXPLANATIONS[reason]
    assert told.to_do or told.who is Who.NOBODY
    stalls = [row for row in rows() if row.reason is reason and row.alerts]
    if stalls and all(row.alerts for row in rows() if row.reason is reason):
        assert told.who is not Who.NOBODY


@pytest.mark.parametrize("reason", Reason)
def test_the_example_is_what_the_operator_says(reason: Reason) -> None:
    example = EXPLANATIONS[reason].example
    assert any(is_of(template, example) for template in templates()), example


def test_what_the_operator_does_not_say_would_be_found() -> None:
    assert not any(is_of(template, "jovial mice overwhelm qualms") for template in templates())


def is_of(template: tuple[str, ...], example: str) -> bool:
    """Return whether the parts of the template stand in the example, in their order, and are much of it."""
    if sum(map(len, template)) < SHARE * len(example):
        return False
    start = 0
    for part in template:
        start = example.find(part, start)
        if start < 0:
            return False
        start += len(part)
    return True


@cache
def templates() -> list[tuple[str, ...]]:
    """The parts between the values of every text in the sources."""
    found = []
    for path in sorted(SOURCES.rglob("*.py")):
        if path.is_relative_to(SOURCES / "gitops") or path.is_relative_to(SOURCES / "sandbox"):
            continue
        for node in ast.walk(parsed(path)):
            match node:
                case ast.Constant(value=str(text)):
                    parts = [text]
                case ast.JoinedStr(values=values):
                    parts = [str(each.value) if isinstance(each, ast.Constant) else "" for each in values]
                case _:
                    continue
            found.append(tuple(parts))
    return found


def test_alerts_and_reasons_lead_to_each_other() -> None:
    page = OBSERVING.read_text()
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##)", page, re.MULTILINE | re.DOTALL))
    assert {name.lower() for name in NAMES} <= anchors(OBSERVING)
    for reason, told in EXPLANATIONS.items():
        for alert in told.alerts:
            assert alert in NAMES
            assert f"reference/reasons/{reason}.md" in sections[alert], f"{alert} does not lead to {reason}"
    assert "(reference/reasons.md)" in sections["ManagedDatabasesStalled"]


def test_a_page_says_what_happens() -> None:
    page = reason_pages()[page_of(Reason.DISK_FULL)]
    for part in (
        "**Who must act:** whoever writes the resource. Delete data",
        "| `Ready` | False | `DiskFull` |",
        "> the disk is full: delete data, or raise the disk's size",
        "| the cloud says so | False | True | False | True | Failed | Degraded |",
        "- Event: `Warning`",
        "[ManagedDatabasesDiskFillsUp](../../observing.md#manageddatabasesdiskfillsup)",
    ):
        assert part in page


def test_explain_leads_to_the_page() -> None:
    stands = Situation(State.STALLED, "Gone", "it is gone", None, "in time")
    told = lines(Link("x", "", State.STALLED, stands), datetime.now(UTC))
    assert "    more: docs/reference/reasons/Gone.md" in list(told)
    of_another_version = Situation(State.STALLED, "NeverHeardOf", "", None, "in time")
    assert of_another_version.page is None
