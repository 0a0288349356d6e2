"""What the benchmarks make of their figures; they themselves are run by `make bench`."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import report
from benchmarks.figures import Figure, percentile
from benchmarks.sandbox import sandbox


def test_an_aim_is_for_the_value_or_for_its_ratio_to_the_floor() -> None:
    assert Figure("calls", 12, "", most=12).is_met
    assert Figure("calls", 13, "", most=12).is_met is False
    assert Figure("wall", 3, "s", most=1.5, floor=2, aim_is_ratio=True).is_met
    assert Figure("wall", 4, "s", most=1.5, floor=2, aim_is_ratio=True).is_met is False
    assert Figure("wall", 4, "s").is_met is None


@pytest.mark.parametrize(("share", "value"), [(0, 1.0), (0.5, 51.0), (0.99, 100.0), (1, 100.0)])
def test_percentiles(share: float, value: float) -> None:
    assert percentile([float(number) for number in range(100, 0, -1)], share) == value


def test_the_report_tells_what_is_missed_and_plots_what_has_sizes(tmp_path: Path) -> None:
    figures = [
        Figure(f"{size:,} resources: memory", 90.0 + size / 100, "MiB", most=99, floor=80, size=size)
        for size in (100, 1000)
    ]
    report.write({"at_rest": figures, "restart": [Figure("calls", 30, "", most=20)]}, 1.0, tmp_path)
    report.write({"restart": [Figure("calls", 11, "", most=20)]}, 1.0, tmp_path)
    lines = (tmp_path / "report.md").read_text().splitlines()
    assert "| 100 resources: memory | 91 MiB | ≤ 99 | met | 80 | 1.14 |  |" in lines
    assert "| 1,000 resources: memory | 100 MiB | ≤ 99 | **missed** | 80 | 1.25 |  |" in lines
    assert "| calls | 11 | ≤ 20 | met |  |  |  |" in lines
    assert not any(line.startswith("| calls | 30") for line in lines), "measured again, it is the newest that counts"
    assert "![memory](at_rest-memory.svg)" in lines
    ElementTree.parse(tmp_path / "at_rest-memory.svg")


async def test_the_sandbox_is_measured_beside_a_bare_server() -> None:
    figures = await sandbox(1000)
    assert len(figures) == 7
    assert all(figure.floor for figure in figures if "of its CPU" in figure.name)
