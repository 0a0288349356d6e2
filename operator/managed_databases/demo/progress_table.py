"""The demo's table: what fits a terminal of this width and height, the state always, messages and actions where there is room."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from rich.table import Table
from rich.text import Text

from managed_databases.kinds.registry import kinds
from managed_databases.visible import visible

GAP: Final = 2
WIDTHS: Final = {"KIND": 9, "NAME": 29, "READY": 5, "PHASE": 14, "REASON": 15}
"""The columns that are always there; a name takes what is left of a terminal that is too narrow for all of it."""
MIN_NAME: Final = 12
MIN_MESSAGE: Final = 12
"""A message that is shorter than this tells nothing."""
GOOD_MESSAGE: Final = 60
"""Actions are shown only beside messages of this width."""
ACTIONS: Final = 46
LINES_BESIDE: Final = 3
"""The lines that are not resources: the title, the headings, and the one with the cursor."""


class Story(NamedTuple):
    """What one resource tells. All of it is visible text."""

    phase: str
    reason: str
    message: str
    actions: str


def condition(resource: Mapping[str, Any], type_: str) -> dict[str, str]:
    found: list[dict[str, str]] = resource.get("status", {}).get("conditions", [])
    return next((each for each in found if each["type"] == type_), {})


def is_ready(resource: Mapping[str, Any]) -> bool:
    return (
        condition(resource, "Ready").get("status") == "True"
        and resource["status"].get("observedGeneration") == resource["metadata"]["generation"]
    )


def story(resource: Mapping[str, Any]) -> Story:
    status = resource.get("status", {})
    told = condition(resource, "Reconciling")
    if told.get("status") != "True":
        told = condition(resource, "Ready")
    actions = ", ".join(f"{action.get('name')} {action.get('status')}" for action in status.get("actions", [])[:2])
    said = status.get("phase", ""), told.get("reason", ""), told.get("message", ""), actions
    return Story(*map(visible, said))


def short_kind(kind: str) -> str:
    """Return the short name by which kubectl knows a kind, such as `mds`; the kind itself where it has none."""
    known = kinds().get(kind)
    return known.short_names[0] if known is not None and known.short_names else kind


def widths(terminal: int) -> dict[str, int]:
    """Return the columns that a terminal of this width shows, and how wide each is; together they fit."""
    fixed = {**WIDTHS, "NAME": 0}
    left = terminal - sum(fixed.values()) - GAP * (len(fixed) - 1)
    columns = {**WIDTHS, "NAME": max(min(WIDTHS["NAME"], left), MIN_NAME)}
    left -= columns["NAME"] + GAP
    if left >= MIN_MESSAGE:
        with_actions = left - ACTIONS - GAP >= GOOD_MESSAGE
        columns["MESSAGE"] = left - (ACTIONS + GAP if with_actions else 0)
        if with_actions:
            columns["ACTIONS"] = ACTIONS
    return columns


def shown(resources: Sequence[Mapping[str, Any]], lines: int) -> tuple[list[Mapping[str, Any]], int]:
    """Return the resources that have room in so many lines, those that are not Ready first, and how many are left out."""
    if len(resources) <= lines:
        return [*resources], 0
    chosen = sorted(range(len(resources)), key=lambda place: (is_ready(resources[place]), place))[: max(lines - 1, 1)]
    return [resources[place] for place in sorted(chosen)], len(resources) - len(chosen)


def progress_table(resources: Sequence[Mapping[str, Any]], age_seconds: float, width: int, height: int) -> Table:
    """Return the table of a terminal with `width` characters in `height` lines: no line of it is wrapped, and none left over."""
    ready = sum(map(is_ready, resources))
    table = Table(
        title=f"{age_seconds:.0f} s: {ready} of {len(resources)} are Ready",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        padding=(0, GAP, 0, 0),
    )
    columns = widths(width)
    for name, wide in columns.items():
        table.add_column(name, width=wide, overflow="ellipsis", no_wrap=True)
    rows, left_out = shown(resources, height - LINES_BESIDE)
    for resource in rows:
        table.add_row(*(_cell(name, resource) for name in columns))
    if left_out:
        table.add_row("", Text(f"and {left_out} more", style="dim"))
    return table


def _cell(column: str, resource: Mapping[str, Any]) -> Text:
    """Return a cell; a Text is no markup, whatever stands in it."""
    if column == "READY":
        return Text("True", style="green") if is_ready(resource) else Text("False", style="yellow")
    told = story(resource)
    texts = {
        "KIND": short_kind(resource["kind"]),
        "NAME": resource["metadata"]["name"],
        "PHASE": told.phase,
        "REASON": told.reason,
        "MESSAGE": told.message,
        "ACTIONS": told.actions,
    }
    return Text(texts[column])
