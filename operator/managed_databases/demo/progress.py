"""What the demo shows: the way to Ready as a table that lives on a terminal, and as lines elsewhere."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from managed_databases.demo.cluster_access import Applied, ClusterAccess
from managed_databases.demo.processes import RunningOperator, RunningSandbox
from managed_databases.reconcile.ports import KubeUnreachable
from managed_databases.visible import visible

LOOK_EVERY_SECONDS = 0.4
NEVER_READY = ("Namespace", "Secret")


def condition(resource: dict[str, Any], type_: str) -> dict[str, str]:
    found: list[dict[str, str]] = resource.get("status", {}).get("conditions", [])
    return next((each for each in found if each["type"] == type_), {})


def is_ready(resource: dict[str, Any]) -> bool:
    return (
        condition(resource, "Ready").get("status") == "True"
        and resource["status"].get("observedGeneration") == resource["metadata"]["generation"]
    )


async def show_until_ready(
    console: Console,
    access: ClusterAccess,
    applied: Sequence[Applied],
    operator: RunningOperator,
    sandbox: RunningSandbox,
    patience_seconds: float,
) -> bool:
    """Show the resources until all are Ready; False when the patience or the operator has ended first."""
    started = time.monotonic()
    wanted = [each for each in applied if each.kind not in NEVER_READY]
    lines: dict[Applied, str] = {}
    resources: list[dict[str, Any]] = []
    with Live(console=console, auto_refresh=False, transient=False) as live:
        while time.monotonic() - started < patience_seconds:
            if operator.process.returncode is not None:
                return False
            try:
                resources = [await access.get(each) for each in wanted]
            except KubeUnreachable:
                await asyncio.sleep(LOOK_EVERY_SECONDS)
                continue
            age = time.monotonic() - started
            if console.is_terminal:
                live.update(_table(resources, age), refresh=True)
            else:
                _print_news(console, wanted, resources, lines, age)
            if all(is_ready(resource) for resource in resources):
                return True
            await asyncio.sleep(LOOK_EVERY_SECONDS)
    return False


def _table(resources: Sequence[dict[str, Any]], age: float) -> Table:
    table = Table(title=f"{age:.0f} s", title_justify="left", box=None, pad_edge=False)
    for column in ("KIND", "NAME", "READY", "PHASE", "REASON", "ACTIONS", "MESSAGE"):
        table.add_column(column, overflow="ellipsis", no_wrap=column != "MESSAGE")
    for resource in resources:
        ready = Text("True", style="green") if is_ready(resource) else Text("False", style="yellow")
        reason, message, phase, actions = map(Text, _story(resource))  # a Text is no markup, whatever stands in it
        table.add_row(resource["kind"], resource["metadata"]["name"], ready, phase, reason, actions, message)
    return table


def _story(resource: dict[str, Any]) -> tuple[str, str, str, str]:
    status = resource.get("status", {})
    told = condition(resource, "Reconciling")
    if told.get("status") != "True":
        told = condition(resource, "Ready")
    actions = ", ".join(f"{action.get('name')} {action.get('status')}" for action in status.get("actions", [])[:2])
    said = told.get("reason", ""), told.get("message", ""), status.get("phase", ""), actions
    reason, message, phase, actions = map(visible, said)
    return reason, message, phase, actions


def _print_news(
    console: Console,
    wanted: Sequence[Applied],
    resources: Sequence[dict[str, Any]],
    lines: dict[Applied, str],
    age: float,
) -> None:
    """Without a terminal: one line for each change."""
    kind_width = 2 + max((len(each.kind) for each in wanted), default=0)
    name_width = 2 + max((len(each.name) for each in wanted), default=0)
    for each, resource in zip(wanted, resources, strict=True):
        reason, message, phase, actions = _story(resource)
        ready = "Ready" if is_ready(resource) else "not ready"
        columns = f"{each.kind:<{kind_width}}{each.name:<{name_width}}{ready:<11}{phase:<16}{reason:<16}"
        line = "  ".join(part for part in (columns, message, actions) if part).rstrip()
        if lines.get(each) != line:
            lines[each] = line
            console.print(f"{age:5.1f} s  {line}", highlight=False, soft_wrap=True, markup=False)


async def show_what_is_there(
    console: Console,
    access: ClusterAccess,
    applied: Sequence[Applied],
    binaries: Path,
    kubeconfig: Path,
    sandbox: RunningSandbox,
    *,
    stay: bool,
) -> None:
    """Name the credentials Secrets and their keys (never a value), and what to try next."""
    for each in applied:
        if each.kind in NEVER_READY:
            continue
        binding = (await access.get(each)).get("status", {}).get("binding")
        if binding:
            keys = ", ".join(await access.secret_keys(each.namespace, binding["name"]))
            secret = f"{each.namespace}/{binding['name']}"
            console.print(f"\nSecret {secret} for {each.kind} {each.name}, with the keys:", markup=False)
            console.print(f"  {visible(keys)}", highlight=False, soft_wrap=True, markup=False)
    if not stay:
        console.print("\nall is Ready", highlight=False)
        return
    console.print(
        f"""
All is Ready. In another terminal:

  export KUBECONFIG={kubeconfig} PATH={binaries}:$PATH
  kubectl get databases
  kubectl describe manageddatastore orders
  kubectl patch manageddatastore orders --type merge -p '{{"spec": {{"nodeCount": 3}}}}'
  kubectl delete manageddatastore orders        # refused: it is protected, and the message says what to do
  kubectl delete secret shop-user               # comes back, with a new password that is set in the cloud
  curl -s {sandbox.url}/sandbox/requests?method=POST

Ctrl-C ends the demo and all that it started.""",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )
