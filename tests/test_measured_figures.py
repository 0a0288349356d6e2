"""What the pages say in numbers of the operator's cost is what benchmarks/report.md has."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from benchmarks.sizing import HEADING, table

TOP = Path(__file__).parents[1]


@cache
def figures() -> dict[str, dict[str, Any]]:
    told = json.loads((TOP / "benchmarks/figures.json").read_text())
    return {f"{section}: {each['name']}": each for section, what in told.items() for each in what["figures"]}


def test_the_table_of_sizes_is_made_of_the_report() -> None:
    page = (TOP / "docs/operating.md").read_text()
    assert HEADING in page
    assert f"\n\n{table(figures())}\n\n" in page, f"docs/operating.md has to say:\n{table(figures())}"


SAID = [
    ("benchmarks/README.md", r"\*\*Behind: memory at the start\*\*, (\d+) MiB", "to_ready: memory before"),
    ("benchmarks/README.md", r"with 1,000 users it is (\d+) and", "to_ready: memory after 1000 users"),
    ("benchmarks/README.md", r"while 1,000 users are created, ([\d.]+) s", "to_ready: 1000 users: CPU of the operator"),
    ("benchmarks/README.md", r"\*\*CPU at rest\*\*: ([\d.]+) %", "at_rest: 5,000 resources: CPU"),
    (
        "benchmarks/README.md",
        r"the newest report has at most (\d+) ms",
        "deletion: a user's creation while another datastore gets 1,000 topics: most",
    ),
    ("docs/operating.md", r"about ([\d.]+) KiB for each resource", "at_rest: memory a resource, from 100 to 10,000"),
]


@pytest.mark.parametrize(("page", "pattern", "name"), SAID, ids=[name for *_, name in SAID])
def test_a_sentence_has_the_newest_figure(page: str, pattern: str, name: str) -> None:
    (said,) = re.findall(pattern, " ".join((TOP / page).read_text().split()))
    digits = len(said.partition(".")[2])
    assert f"{figures()[name]['value']:.{digits}f}" == said


def test_what_quick_takes_is_said_alike_wherever_it_is_said() -> None:
    """It was measured once on two cores; a page that is corrected takes the others along."""
    said = "two and a half minutes of one core"
    for page in ("CONTRIBUTING.md", "docs/developing.md"):
        assert said in (TOP / page).read_text(), page


def test_the_limit_of_the_chart_holds_what_was_measured_with_most_resources() -> None:
    (limit,) = re.findall(
        r"  limits:\n    memory: (\d+)Mi", (TOP / "helm/managed-databases-operator/values.yaml").read_text()
    )
    most = max(each["value"] for name, each in figures().items() if name.endswith("resources: memory"))
    assert int(limit) >= 2 * most
