"""Makes the page docs/reference/reasons.md, which shows what tools say for each reason."""

from typing import Final

from managed_databases.gitops.reasons import Row, rows

_INTRODUCTION: Final = """\
# Reasons

What each reason of a condition means to `kubectl wait`, Flux, Argo CD and the alert. What happened and what to do stands in
[operating.md](../operating.md#reasons).

- *Ready* stays as it was where it says so: an object that served goes on serving.
- *kstatus* is what Flux waits for: `Current` ends the wait, `Failed` ends it at once with an error, `InProgress` goes on
  until the time-out. `Terminating` means that it is being deleted.
- *Argo CD* is what it says with the health check of [deploy/argocd](../../deploy/argocd); what is being deleted is
  `Progressing` to it.
- *Alert* is `ManagedDatabasesStalled`. It fires exactly where `Stalled` is True: a person must act.

| reason | how | Ready | Synced | Reconciling | Stalled | kstatus | Argo CD | alert |
|---|---|---|---|---|---|---|---|---|
"""


def reasons_page() -> str:
    """Return the page without its line that says that it is generated."""
    return _INTRODUCTION + "".join(_line(row) for row in rows())


def _line(row: Row) -> str:
    conditions = [row.says(type_) for type_ in ("Ready", "Synced", "Reconciling", "Stalled")]
    cells = [f"`{row.reason}`", row.way.value, *conditions, row.kstatus, row.argo_cd, "yes" if row.alerts else ""]
    return f"| {' | '.join(cells)} |\n".replace("|  |", "| |")
