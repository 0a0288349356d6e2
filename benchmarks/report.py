"""Writes `report.md` and its plots from the figures of a run."""

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import orjson

from benchmarks.figures import Figure
from benchmarks.plot import plot

FOLDER = Path(__file__).parent
INTRODUCTION = """# Benchmarks

Written by `make bench`; what each figure is, and why some miss their aim, is in [README.md](README.md).

Measured {when:%Y-%m-%d} at scale {scale:g} on {machine}, which API server, etcd, sandbox, operator and the measuring
script share. Load average of the last 15 minutes: {load:.1f}.
"""
HEAD = "| figure | value | aim | | floor | ratio | Go peer |\n|---|---|---|---|---|---|---|\n"


def write(results: Mapping[str, Sequence[Figure]], scale: float, folder: Path = FOLDER) -> None:
    """Write the report, the figures as JSON, and one plot for what was measured at several sizes."""
    told = {name: [figure.told() for figure in figures] for name, figures in results.items()}
    (folder / "figures.json").write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")
    machine = f"{os.cpu_count()} cores ({platform.machine()}, Python {platform.python_version()})"
    parts = [INTRODUCTION.format(when=datetime.now(UTC), scale=scale, machine=machine, load=os.getloadavg()[2])]
    for name, figures in results.items():
        rows = "".join(_row(figure) for figure in figures)
        parts.append(f"## {name.replace('_', ' ')}\n\n{HEAD}{rows}")
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
