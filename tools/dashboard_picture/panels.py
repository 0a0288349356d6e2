"""What the dashboard shows where: its panels, read from its own JSON."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

DASHBOARD: Final = Path(__file__).parents[2] / "helm/managed-databases-operator/files/dashboard.json"
WINDOW: Final = "1m"
"""What stands for the windows that Grafana would choose."""
_WINDOWS: Final = re.compile(r"\$(?:__rate_interval|__interval|__range)\b|\$\{(?:__rate_interval|__interval|__range)\}")
_SHOWN: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True)
class Target:
    """A query, and how each of the lines that it has is called."""

    query: str
    legend: str

    def name(self, labels: Mapping[str, str]) -> str:
        return _SHOWN.sub(lambda found: labels.get(found[1], ""), self.legend).strip()


@dataclass(frozen=True)
class Panel:
    """The place is in Grafana's units: 24 of them are the page's width. A panel without targets is the title of a row."""

    title: str
    unit: str
    x: int
    y: int
    width: int
    height: int
    targets: tuple[Target, ...]


def panels(dashboard: Mapping[str, Any]) -> Iterator[Panel]:
    """Yield them in their order. Raises ValueError for a variable that is none of Grafana's windows."""
    for each in dashboard["panels"]:
        place = each["gridPos"]
        yield Panel(
            title=each["title"],
            unit=each.get("fieldConfig", {}).get("defaults", {}).get("unit", "short"),
            x=place["x"],
            y=place["y"],
            width=place["w"],
            height=place["h"],
            targets=tuple(Target(_plain(target["expr"]), target["legendFormat"]) for target in each.get("targets", ())),
        )


def _plain(query: str) -> str:
    plain = _WINDOWS.sub(WINDOW, query)
    if "$" in plain:
        raise ValueError(f"what is the variable in {query}?")
    return plain


def shipped() -> list[Panel]:
    """Return those of the chart."""
    return [*panels(json.loads(DASHBOARD.read_text()))]
