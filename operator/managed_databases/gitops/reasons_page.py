"""Makes the page docs/reference/reasons.md, and a page for each reason: what it means, who must act, and what tools say."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from managed_databases.gitops.explanations import EXPLANATIONS, GROUPS
from managed_databases.gitops.explanations.explanation import page_of
from managed_databases.gitops.reasons import EXAMPLE_MESSAGE, Row, rows
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.report.event_recorder import announcements
from managed_databases.reconcile.told import Told

STALLED: Final = "ManagedDatabasesStalled"
_INTRODUCTION: Final = """\
# Reasons

All reasons that a condition can have. The name of a reason never changes; its messages may. Each reason has a page of its own, to
which `kubectl databases explain` leads: what it means, who must do what, an example, Events and alerts.
"""
_TOOLS: Final = f"""\
## What tools say

What each reason means to `kubectl wait`, Flux, Argo CD and the alert:

- *Ready* stays as it was where it says so: an object that served goes on serving.
- *kstatus* is what Flux waits for: `Current` ends the wait, `Failed` ends it at once with an error, `InProgress` goes on
  until the time-out. `Terminating` means that it is being deleted.
- *Argo CD* is what it says with the health check of [deploy/argocd](../../deploy/argocd); what is being deleted is
  `Progressing` to it.
- *Alert* is `{STALLED}`. It fires exactly where `Stalled` is True: a person must act.

| reason | how | Ready | Synced | Reconciling | Stalled | kstatus | Argo CD | alert |
|---|---|---|---|---|---|---|---|---|
"""
_LINK: Final = re.compile(r"(?<=\]\()(?!https?:|#)")
_FRAME: Final = ("Ready", "Synced", "Reconciling", "Stalled")
_WAS_READY: Final = ({"type": "Ready", "status": "True", "reason": "Ready", "message": "usable"},)


def reasons_page() -> str:
    """Return the page of all reasons without its line that says that it is generated."""
    parts = [_INTRODUCTION]
    for title, group in GROUPS.items():
        parts += [f"## {title}\n", "| reason | what it means | who must act |", "|---|---|---|"]
        parts += [
            f"| [{reason}](reasons/{reason}.md) | {_from_folder(told.means, 1)} | {told.who.value} |"
            for reason, told in group.items()
        ]
        parts.append("")
    table = (
        f"| {' | '.join((f'`{row.reason}`', *_cells(row), 'yes' if row.alerts else ''))} |".replace("|  |", "| |")
        for row in rows()
    )
    return "\n".join(parts) + "\n" + _TOOLS + "\n".join(table) + "\n"


def reason_pages() -> dict[Path, str]:
    """Return the page of each reason by its path, without the line that says that it is generated."""
    by_reason: dict[Reason, list[Row]] = {}
    for row in rows():
        by_reason.setdefault(row.reason, []).append(row)
    return {page_of(reason): "\n".join(_page(reason, found)).rstrip() + "\n" for reason, found in by_reason.items()}


def _page(reason: Reason, ways: list[Row]) -> Iterator[str]:
    told = EXPLANATIONS[reason]
    yield from (f"# {reason}\n", f"{_from_folder(told.means, 2)}\n")
    yield f"**Who must act:** {told.who.value}. {_from_folder(told.to_do, 2)}".rstrip() + "\n"
    yield "## An example\n"
    yield from _example(reason, _worst(ways))
    yield from ("## What tools say\n", "[What these columns mean](../reasons.md#what-tools-say).\n")
    yield from ("| how | Ready | Synced | Reconciling | Stalled | kstatus | Argo CD |", "|---|---|---|---|---|---|---|")
    yield from (f"| {' | '.join(_cells(row))} |" for row in ways)
    if about := [*_events(reason, ways), *_alerts(reason, ways)]:
        yield from ("\n## Events and alerts\n", *about)


def _example(reason: Reason, row: Row) -> Iterator[str]:
    """The conditions of the row, with the example's message where the row has none of its own."""
    yield from ("| condition | status | reason |", "|---|---|---|")
    messages: dict[str, None] = {}
    for each in row.resource["status"]["conditions"]:
        if each["type"] in _FRAME or each["reason"] == reason:
            yield f"| `{each['type']}` | {each['status']} | `{each['reason']}` |"
        if each["reason"] == reason:
            messages[EXPLANATIONS[reason].example if each["message"] == EXAMPLE_MESSAGE else each["message"]] = None
    yield "\nThe message:\n"
    yield from (f"> {message}\n" for message in messages)


def _worst(ways: Iterable[Row]) -> Row:
    """Return the way that needs a person, where there is one, on the way up rather than during a deletion."""
    return max(ways, key=lambda row: (row.alerts, "deletionTimestamp" not in row.resource["metadata"]))


def _events(reason: Reason, ways: Iterable[Row]) -> Iterator[str]:
    """What an object that was usable before posts when it gets this reason."""
    found: dict[str, None] = {}
    for row in ways:
        new = Told(row.resource["status"]).conditions
        deleting = "deletionTimestamp" in row.resource["metadata"]
        for each in announcements(Told({"conditions": _WAS_READY}).conditions, new, deleting=deleting):
            if each.reason == reason:
                found[each.type_] = None
    yield from (f"- Event: `{type_}`, with this reason and the condition's message" for type_ in found)


def _alerts(reason: Reason, ways: Iterable[Row]) -> Iterator[str]:
    names = ([STALLED] if any(row.alerts for row in ways) else []) + [*EXPLANATIONS[reason].alerts]
    yield from (f"- Alert: [{name}](../../observing.md#{name.lower()})" for name in names)


def _cells(row: Row) -> list[str]:
    conditions = [row.says(type_) for type_ in _FRAME]
    return [row.way.value, *conditions, row.kstatus, row.argo_cd]


def _from_folder(text: str, depth: int) -> str:
    """Return the text with links from a folder that is so deep in docs/."""
    return _LINK.sub("../" * depth, text)
