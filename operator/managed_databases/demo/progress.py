"""What the demo shows: the way to Ready as a table that lives on a terminal, and as lines elsewhere."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from managed_databases.demo.cluster_access import Applied, ClusterAccess
from managed_databases.demo.processes import RunningOperator, RunningSandbox
from managed_databases.demo.progress_table import is_ready, progress_table, story
from managed_databases.demo.suggestions import suggestions
from managed_databases.kinds.registry import kinds
from managed_databases.reconcile.ports import KubeUnreachable
from managed_databases.visible import visible

LOOK_EVERY_SECONDS = 0.4


async def show_until_ready(
    console: Console,
    access: ClusterAccess,
    applied: Sequence[Applied],
    operator: RunningOperator,
    patience_seconds: float,
) -> bool:
    """Show the resources until all are Ready; False when the patience or the operator has ended first."""
    started = time.monotonic()
    wanted = [each for each in applied if each.kind in kinds()]
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
                live.update(progress_table(resources, age, *console.size), refresh=True)
            else:
                _print_news(console, wanted, resources, lines, age)
            if all(is_ready(resource) for resource in resources):
                return True
            await asyncio.sleep(LOOK_EVERY_SECONDS)
    return False


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
        told = story(resource)
        ready = "Ready" if is_ready(resource) else "not ready"
        columns = f"{each.kind:<{kind_width}}{each.name:<{name_width}}{ready:<11}{told.phase:<16}{told.reason:<16}"
        line = "  ".join(part for part in (columns, told.message, told.actions) if part).rstrip()
        if lines.get(each) != line:
            lines[each] = line
            console.print(f"{age:5.1f} s  {line}", highlight=False, soft_wrap=True, markup=False)


async def show_what_is_there(
    console: Console,
    access: ClusterAccess,
    applied: Sequence[Applied],
    binaries: Path,
    kubeconfig: Path,
    context: str | None,
    sandbox: RunningSandbox,
    *,
    stay: bool,
) -> None:
    """Name the credentials Secrets and their keys (never a value), and what to try next."""
    resources = [await access.get(each) for each in applied if each.kind in kinds()]
    for resource in resources:
        metadata, binding = resource["metadata"], resource.get("status", {}).get("binding")
        if binding:
            keys = ", ".join(await access.secret_keys(metadata["namespace"], binding["name"]))
            secret = f"{metadata['namespace']}/{binding['name']}"
            owner = f"{resource['kind']} {metadata['name']}"
            console.print(f"\nSecret {secret} for {owner}, with the keys:", markup=False)
            console.print(f"  {visible(keys)}", highlight=False, soft_wrap=True, markup=False)
    if not stay:
        console.print("\nall is Ready", highlight=False)
        return
    tries = suggestions(resources, kubeconfig, context, binaries, sandbox)
    console.print(
        f"\nAll is Ready. In another terminal:\n\n{tries}\nCtrl-C ends the demo and all that it started.",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )
