"""Tables and ages, as kubectl shows them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from managed_databases.visible import visible

_LEAST: Final = 24
_GAP: Final = "   "
_UNITS: Final = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
_TWICE: Final = 3
"""From this many of a unit on, smaller units do not matter."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, most: int | None = None) -> str:
    """Return the rows below their headings, in columns. Cells come from a cluster or a cloud: whatever they hold gets visible.

    With `most`, the last column is cut so that no line is longer, but for a few characters that are left of it in any case.
    """
    cells = [[visible(cell) or "-" for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    if most is not None:
        left = max(most - sum(width + len(_GAP) for width in widths[:-1]), _LEAST)
        cells = [[*row[:-1], row[-1] if len(row[-1]) <= left else f"{row[-1][: left - 3]}..."] for row in cells]
        widths[-1] = min(widths[-1], left)
    lines = [_GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join(lines) + "\n"


def moment(told: str | None) -> datetime | None:
    """Return a time as Kubernetes writes it; None if there is none, or if it cannot be read."""
    try:
        return datetime.fromisoformat(told).astimezone(UTC) if told else None
    except (ValueError, OverflowError, TypeError):
        return None


def duration(seconds: float) -> str:
    """Return a duration in its greatest unit, or the two greatest: `12s`, `1m30s`, `5h`, `3d`."""
    left = max(int(seconds), 0)
    for (unit, size), (smaller, part) in zip(_UNITS, (*_UNITS[1:], ("", 1)), strict=True):
        if left < size:
            continue
        rest = left % size // part if smaller and left // size < _TWICE else 0
        return f"{left // size}{unit}" + (f"{rest}{smaller}" if rest else "")
    return "0s"


def age(told: str | None, now: datetime) -> str:
    """Return how long ago a time as Kubernetes writes it was; "?" if that is not known."""
    since = moment(told)
    return "?" if since is None else duration((now - since).total_seconds())
