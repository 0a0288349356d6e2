"""Writes `report.md` and its plots from the figures of a run."""

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from benchmarks.figures import Figure
from benchmarks.plot import plot

FOLDER = Path(__file__).parent
INTRODUCTION = """# Benchmarks

Written by `make bench`; what each figure is, and why some miss their aim, is in [README.md](README.md). Etcd, API server,
sandbox, operator and the measuring script share the cores; a load average far above their number is other work.
"""
HEAD = "| figure | value | aim | | floor | ratio | Go peer |\n|---|---|---|---|---|---|---|\n"


def write(results: Mapping[str, Sequence[Figure]], scale: float, folder: Path = FOLDER) -> None:
    """Put these figures into `figures.json`, in place of older ones, and make report and plots of all that is there."""
    kept = folder / "figures.json"
    told: dict[str, Any] = orjson.loads(kept.read_bytes()) if kept.exists() else {}
    machine = f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}"
    how = f"{datetime.now(UTC):%Y-%m-%d}, {machine}, scale {scale:g}, load average {os.getloadavg()[1]:.1f}"
    told |= {name: {"how": how, "figures": [figure.told() for figure in new]} for name, new in results.items()}
    kept.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")
    parts = [INTRODUCTION]
    for name, section in told.items():
        figures = [Figure(**figure) for figure in section["figures"]]
        rows = "".join(_row(figure) for figure in figures)
        parts.append(f"## {name.replace('_', ' ')}\n\nMeasured {section['how']}.\n\n{HEAD}{rows}")
        parts += [f"![{what}]({file})\n" for what, file in _plots(name, figures, folder)]
    (folder / "report.md").write_text("\n".join(parts))


def _plots(name: str, figures: Sequence[Figure], folder: Path) -> Iterator[tuple[str, str]]:
    """Plot what was measured at several sizes; yield what it is, and its file's name."""
    sized = [figure for figure in figures if figure.size is not None]
    for what in dict.fromkeys(figure.name.partition(": ")[2] for figure in sized):
        same = [figure for figure in sized if figure.name.endswith(f": {what}")]
        lines = {
            "operator": [(float(figure.size or 0), figure.value) for figure in same],
            "floor": [(float(figure.size or 0), figure.floor or 0) for figure in same],
        }
        file = f"{name}-{what.lower()}.svg"
        (folder / file).write_text(plot(f"{what} {name.replace('_', ' ')}", same[0].unit, lines))
        yield what, file


def _row(figure: Figure) -> str:
    aim = "" if figure.most is None else f"≤ {_number(figure.most)}{' × floor' if figure.aim_is_ratio else ''}"
    met = {None: "", True: "met", False: "**missed**"}[figure.is_met]
    cells = (
        figure.name,
        f"{_number(figure.value)} {figure.unit}".strip(),
        aim,
        met,
        _number(figure.floor),
        _number(figure.ratio),
        _number(figure.peer),
    )
    return f"| {' | '.join(cells)} |\n"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
