"""The dashboard as one SVG: each panel in its place, with its lines, its unit, and the names of the highest lines."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final
from xml.sax.saxutils import escape

from tools.dashboard_picture.answers import STEP_SECONDS, Ask, Point, Span
from tools.dashboard_picture.panels import Panel

UNIT_WIDTH, UNIT_HEIGHT = 42, 33
"""Pixels of Grafana's units."""
HEAD: Final = 40
GAP: Final = 4
PLOT_LEFT, PLOT_RIGHT, PLOT_TOP, PLOT_HEIGHT = 58, 22, 34, 110
LEGEND_TOP, LEGEND_LINE = PLOT_TOP + PLOT_HEIGHT + 31, 13
LONGEST_NAME: Final = 36
COLORS: Final = ("#1f77b4", "#e6550d", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#17a2b8")
"""For the highest lines, which have a name in the picture; the others are grey."""
OTHERS: Final = "#bbb"
NO_DATA: Final = "no data"
GAP_SECONDS: Final = 1.5 * STEP_SECONDS
MINUTE, HOUR, DAY = 60, 3600, 86400
MEBIBYTE: Final = 1024 * 1024


@dataclass(frozen=True)
class Named:
    name: str
    points: Sequence[Point]

    @property
    def highest(self) -> float:
        return max(value for _, value in self.points)


def picture(panels: Sequence[Panel], ask: Ask, span: Span, title: str) -> str:
    """Return the SVG. Raises KeyError for a unit that cannot be written."""
    width, height = 24 * UNIT_WIDTH, HEAD + max(each.y + each.height for each in panels) * UNIT_HEIGHT + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="#f0f1f3"/>',
        f'<text x="12" y="26" font-size="17">{escape(title)}</text>',
    ]
    for each in panels:
        parts.append(f'<g transform="translate({each.x * UNIT_WIDTH} {HEAD + each.y * UNIT_HEIGHT})">')
        parts += _panel(each, ask, span) if each.targets else _row(each)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>\n"])


def _row(row: Panel) -> Iterator[str]:
    yield f'<text x="12" y="{UNIT_HEIGHT - 11}" font-size="14" font-weight="bold">{escape(row.title)}</text>'


def _panel(panel: Panel, ask: Ask, span: Span) -> Iterator[str]:
    width, height = panel.width * UNIT_WIDTH - 2 * GAP, panel.height * UNIT_HEIGHT - 2 * GAP
    yield f'<rect x="{GAP}" y="{GAP}" width="{width}" height="{height}" rx="3" fill="white" stroke="#d5d7da"/>'
    yield f'<text x="12" y="22" font-size="12" font-weight="bold">{escape(panel.title)}</text>'
    found = [
        Named(target.name(line.labels), line.points)
        for target in panel.targets
        for line in ask(target.query)
        if line.points
    ]
    written = UNITS[panel.unit]
    if not found:
        yield f'<text x="{width / 2:.0f}" y="{height / 2:.0f}" text-anchor="middle" font-size="14" fill="#777">{NO_DATA}</text>'
        return
    found.sort(key=lambda each: (-each.highest, each.name))
    shown = (height - LEGEND_TOP) // LEGEND_LINE + 1
    named = found if len(found) <= min(shown, len(COLORS)) else found[: min(shown - 1, len(COLORS))]
    yield from _plot(found, len(named), panel, span)
    for number, each in enumerate(named):
        y = LEGEND_TOP + number * LEGEND_LINE
        yield f'<path d="M14 {y - 4}h14" stroke="{COLORS[number]}" stroke-width="3"/>'
        yield f'<text x="33" y="{y}">{escape(_short(each.name))}</text>'
        yield f'<text x="{width - 6}" y="{y}" text-anchor="end">{escape(written(each.highest))}</text>'
    if rest := len(found) - len(named):
        y = LEGEND_TOP + len(named) * LEGEND_LINE
        yield f'<path d="M14 {y - 4}h14" stroke="{OTHERS}" stroke-width="3"/>'
        yield f'<text x="33" y="{y}" fill="#555">and {rest} more</text>'


def _plot(found: Sequence[Named], named: int, panel: Panel, span: Span) -> Iterator[str]:
    right = panel.width * UNIT_WIDTH - GAP - PLOT_RIGHT
    values = [value for each in found for _, value in each.points]
    step = _nice(max(max(values), 0) - min(min(values), 0), panel.unit)
    lowest = math.floor(min(min(values), 0) / step)
    highest = max(math.ceil(max(max(values), 0) / step), lowest + 1)
    bottom = PLOT_TOP + PLOT_HEIGHT

    def x_of(at: float) -> float:
        return PLOT_LEFT + (at - span.since) / (span.until - span.since) * (right - PLOT_LEFT)

    def y_of(value: float) -> float:
        return bottom - (value / step - lowest) / (highest - lowest) * PLOT_HEIGHT

    for number in range(lowest, highest + 1):
        y = y_of(number * step)
        yield f'<path d="M{PLOT_LEFT} {y:.0f}H{right}" stroke="#e5e7ea"/>'
        text = UNITS[panel.unit](number * step)
        yield f'<text x="{PLOT_LEFT - 5}" y="{y + 4:.0f}" text-anchor="end" font-size="10" fill="#555">{escape(text)}</text>'
    minutes = int((span.until - span.since) / MINUTE)
    for minute in range(0, minutes + 1, max(1, round(minutes / 4))):
        x, told = x_of(span.since + minute * MINUTE), f"{minute} min" if minute else "0"
        yield f'<text x="{x:.0f}" y="{bottom + 15}" text-anchor="middle" font-size="10" fill="#555">{told}</text>'
    for number, each in reversed([*enumerate(found)]):
        color = COLORS[number] if number < named else OTHERS
        path = "".join(_path([(x_of(at), y_of(value)) for at, value in part]) for part in _unbroken(each.points))
        yield f'<path d="{path}" fill="none" stroke="{color}" stroke-width="1.5" stroke-linecap="round"/>'


def _unbroken(points: Sequence[Point]) -> Iterator[list[Point]]:
    """Yield the parts between which Prometheus had no value."""
    part = [points[0]]
    for before, point in pairwise(points):
        if point[0] - before[0] > GAP_SECONDS:
            yield part
            part = []
        part.append(point)
    yield part


def _path(places: Sequence[Point]) -> str:
    """Of points in a row at the same height the first and the last are enough. One point is a dot."""
    kept = [
        (x, y)
        for number, (x, y) in enumerate(places)
        if not 0 < number < len(places) - 1 or not places[number - 1][1] == y == places[number + 1][1]
    ]
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in (kept if len(kept) > 1 else kept * 2))


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _nice(size: float, unit: str) -> float:
    """Return a round distance of which `size` has two to five; 1 for nothing."""
    if size <= 0:
        return 1
    for of in _ROUND.get(unit, ()):
        if size / of <= 5:
            return of
    ten = 10.0 ** math.floor(math.log10(size / 2.5))
    return next(ten * factor for factor in (1, 2, 5, 10) if size / (ten * factor) <= 5)


def _plain(value: float) -> str:
    return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def _seconds(value: float) -> str:
    for size, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (1, "s")):
        if abs(value) >= 2 * size or (size == 1 and abs(value) >= 1):
            return f"{value / size:.3g} {name}"
    return f"{value * 1000:.3g} ms" if value else "0 s"


UNITS: Final[Mapping[str, Callable[[float], str]]] = {
    "short": _plain,
    "percent": lambda value: f"{_plain(value)} %",
    "ops": lambda value: f"{_plain(value)}/s",
    "s": _seconds,
    "bytes": lambda value: f"{_plain(value / MEBIBYTE)} MiB",
}
"""How Grafana's units are written."""
_ROUND: Final[Mapping[str, Sequence[float]]] = {
    "s": [
        number * size
        for size, numbers in (
            (1e-3, (1, 2, 5, 10, 20, 50, 100, 200, 500)),
            (1, (1, 2, 5, 10, 20, 30)),
            (MINUTE, (1, 2, 5, 10, 20, 30)),
            (HOUR, (1, 2, 6, 12)),
            (DAY, (1, 2, 5, 10, 20, 50, 100)),
        )
        for number in numbers
    ],
    "bytes": [MEBIBYTE * number for number in (1, 2, 5, 10, 20, 50, 100, 200, 500)],
}
"""Distances of lines that are round numbers in such a unit."""
