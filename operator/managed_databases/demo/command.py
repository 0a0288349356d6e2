"""`managed-databases demo`: the examples on their way to Ready, with nothing needed but this machine."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack, ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from managed_databases.command_line.person import chosen_kubeconfig, usual_kubeconfigs
from managed_databases.command_line.problems import BadUsage
from managed_databases.controlplane.binaries import BinariesMissing, find_binaries
from managed_databases.controlplane.cluster import ControlPlane
from managed_databases.controlplane.processes import ProcessFailed
from managed_databases.demo.cluster_access import ClusterAccess
from managed_databases.demo.examples import NAMES, QUICKSTART, TWO_USERS, example
from managed_databases.demo.processes import start_operator, start_sandbox
from managed_databases.demo.progress import show_until_ready, show_what_is_there
from managed_databases.demo.rotation import WRITER, RowsMissed, show_rotation
from managed_databases.demo.setting_up import SettingUp
from managed_databases.kinds.registry import kinds
from managed_databases.kube.account_policies import status_policy
from managed_databases.kube.connection import KubeConnection
from managed_databases.kube.generated_files import crd_files
from managed_databases.reconcile.ports import KubeError
from managed_databases.visible import visible_lines

NAMESPACE = "managed-databases-system"
CERTIFICATE = "sandbox-servers"
"""The ConfigMap with the root certificate of the sandbox's servers."""
PATIENCE_SECONDS = 300
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")


class DemoFailed(Exception):
    """The text says what to do."""


FAILURES = (BinariesMissing, DemoFailed, KubeError, ProcessFailed, RowsMissed, RuntimeError, OSError)
"""What ends the demo with a sentence; everything else is a defect of the demo."""


def demo(
    exit_: Annotated[
        bool, typer.Option("--exit", help="End when all is Ready, instead of staying to be tried.")
    ] = False,
    manifest: Annotated[
        list[Path] | None,
        typer.Option(
            help="A file to apply; may be given several times.",
            show_default=" ".join(NAMES),
        ),
    ] = None,
    delay: Annotated[float, typer.Option(help="Seconds that each change takes in the sandbox.", min=0)] = 3,
    engines: Annotated[
        bool, typer.Option("--engines", help="Run a real server for each datastore; docs/local-cloud.md.")
    ] = False,
    rotate: Annotated[
        bool,
        typer.Option("--rotate", help="With --engines: change a password twice while an application writes."),
    ] = False,
    names: Annotated[
        bool,
        typer.Option("--names", help="With --engines: names instead of addresses, which `sandbox shell` resolves."),
    ] = False,
    context: Annotated[
        str | None, typer.Option(help="A context of your kubeconfig: use that cluster instead of a local one.")
    ] = None,
) -> None:
    """Start a local control plane, the sandbox API and the operator; apply examples and show their way to Ready.

    Needs no cluster, no container engine and no cloud account. Ctrl-C ends all that it started.

    Exit codes: 0 all is Ready (also: ended by Ctrl-C or SIGTERM after that), 1 something failed or was not Ready in 5 minutes,
    130 Ctrl-C before, 143 SIGTERM before.
    """
    if rotate and not engines:
        typer.echo("--rotate goes with --engines: only a real server tells whether a login works", err=True)
        raise typer.Exit(1)
    if names and (rotate or not engines):
        typer.echo("--names goes with --engines, and not with --rotate, whose application knows no names", err=True)
        raise typer.Exit(1)
    examples = map(example, (QUICKSTART,) if rotate else NAMES)
    manifests = (*(manifest or examples), *([example(TWO_USERS)] if rotate else []))
    for path in manifests:
        if not path.is_file():
            typer.echo(f"there is no {path}: name a file with --manifest", err=True)
            raise typer.Exit(1)
    try:
        ready = asyncio.run(
            _demo(
                {path: path.read_text() for path in manifests},
                delay,
                context,
                engines=engines,
                names=names,
                rotate=rotate,
                stay=not exit_,
            )
        )
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except asyncio.CancelledError:
        raise typer.Exit(143) from None
    except FAILURES as error:
        typer.echo(visible_lines(f"the demo ends: {error}"), err=True)
        raise typer.Exit(1) from None
    raise typer.Exit(0 if ready else 1)


def _kubeconfig(context: str) -> Path:
    """Return the file that has this context. Raises DemoFailed."""
    paths = usual_kubeconfigs(os.environ)
    there = [path for path in paths if path.is_file()]
    if not there:
        raise DemoFailed(f"there is no kubeconfig file {paths[0]}: KUBECONFIG names another one")
    try:
        return chosen_kubeconfig(there, context)[0]
    except BadUsage as error:
        raise DemoFailed(str(error)) from None


async def _demo(
    manifests: Mapping[Path, str],
    delay: float,
    context: str | None,
    *,
    engines: bool,
    names: bool,
    rotate: bool,
    stay: bool,
) -> bool:
    named = None if context is None else _kubeconfig(context)
    console = Console()
    this = asyncio.current_task()
    assert this is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    steps = SettingUp(console)
    say = steps.say
    async with AsyncExitStack() as stack:
        setting_up = stack.enter_context(ExitStack())
        setting_up.enter_context(steps)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="managed-databases-demo-")))
        binaries = await find_binaries(say, PROGRAMS)
        if named is None:
            plane = await stack.enter_async_context(ControlPlane(binaries, say=say, controller_manager=True))
            kubeconfig = plane.kubeconfig
        else:
            kubeconfig = named
        connection = KubeConnection.from_kubeconfig(kubeconfig, context)
        stack.push_async_callback(connection.close)
        access = ClusterAccess(connection)
        say("installing the custom resource definitions and the admission policy")
        await access.apply_texts(text for path, text in crd_files(kinds().values()).items() if path.suffix == ".yaml")
        if context is None:  # in a cluster of somebody's it would take the place of his, and name the wrong account
            await access.apply_documents(status_policy([await access.user_name()]))
        say("starting the sandbox API")
        sandbox = await start_sandbox(stack, delay, folder, engines=engines, names=names)
        if rotate:
            await sandbox.offer_roles()
        await access.create_namespace(NAMESPACE)
        await access.put_secret(NAMESPACE, "cloud-credentials", sandbox.credentials)
        if sandbox.certificate is not None:
            text = await asyncio.to_thread(Path(sandbox.certificate).read_text)
            await access.put_config_map(NAMESPACE, CERTIFICATE, {"ca.crt": text})
        say("starting the operator")
        operator = await start_operator(stack, kubeconfig, context, NAMESPACE, folder)
        say(f"applying {', '.join(str(path) for path in manifests)}")
        applied = await access.apply_examples(
            manifests.values(), CERTIFICATE if sandbox.certificate is not None else None
        )
        setting_up.close()
        ready = await show_until_ready(console, access, applied, operator, PATIENCE_SECONDS)
        if not ready:
            raise DemoFailed(f"not all was Ready in {PATIENCE_SECONDS} s; the operator's log:\n{operator.log_tail()}")
        if rotate:
            writer = next(each for each in applied if each.name == WRITER)
            start = partial(start_operator, stack, kubeconfig, context, NAMESPACE, folder)
            operator = await show_rotation(stack, access, writer, folder, say, operator, start)
        await show_what_is_there(console, access, applied, binaries, kubeconfig, context, sandbox, stay=stay)
        if stay:
            await _wait_for_the_end(operator.process)
    return True


async def _wait_for_the_end(process: asyncio.subprocess.Process) -> None:
    """Ctrl-C or SIGTERM ends the demo, and so does the operator's own end."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    ended = asyncio.ensure_future(process.wait())
    asked = asyncio.ensure_future(stop.wait())
    await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
    if not stop.is_set():
        raise DemoFailed("the operator has ended by itself")
    asked.cancel()
    ended.cancel()
    sys.stderr.write("\nending the demo\n")
