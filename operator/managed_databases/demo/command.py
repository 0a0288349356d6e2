"""`managed-databases demo`: the examples on their way to Ready, with nothing needed but this machine."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from managed_databases.controlplane.binaries import find_binaries
from managed_databases.controlplane.cluster import ControlPlane
from managed_databases.demo.cluster_access import ClusterAccess
from managed_databases.demo.processes import start_operator, start_sandbox
from managed_databases.demo.progress import show_until_ready, show_what_is_there
from managed_databases.kinds.registry import kinds
from managed_databases.kube.account_policies import status_policy
from managed_databases.kube.connection import KubeConnection
from managed_databases.kube.generated_files import crd_files
from managed_databases.visible import visible_lines

NAMESPACE = "managed-databases-system"
PATIENCE_SECONDS = 300
EXAMPLES = tuple(Path("deploy/examples", name) for name in ("quickstart.yaml", "kafka.yaml", "redis.yaml"))
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")


class DemoFailed(Exception):
    """The text says what to do."""


def demo(
    exit_: Annotated[
        bool, typer.Option("--exit", help="End when all is Ready, instead of staying to be tried.")
    ] = False,
    manifest: Annotated[
        list[Path] | None,
        typer.Option(
            help="A file to apply; may be given several times.",
            show_default=" ".join(str(example) for example in EXAMPLES),
        ),
    ] = None,
    delay: Annotated[float, typer.Option(help="Seconds that each change takes in the sandbox.", min=0)] = 3,
    context: Annotated[
        str | None, typer.Option(help="A context of your kubeconfig: use that cluster instead of a local one.")
    ] = None,
) -> None:
    """Start a local control plane, the sandbox API and the operator; apply examples and show their way to Ready.

    Needs no cluster, no container engine and no cloud account. Ctrl-C ends all that it started.
    Exit codes: 0 all is Ready (or Ctrl-C after that), 1 something failed or was not Ready in 5 minutes, 130 Ctrl-C before.
    """
    manifests = manifest or EXAMPLES
    for path in manifests:
        if not path.is_file():
            typer.echo(f"there is no {path}: run this in a checkout, or name a file with --manifest", err=True)
            raise typer.Exit(1)
    try:
        ready = asyncio.run(_demo({path: path.read_text() for path in manifests}, delay, context, stay=not exit_))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except (DemoFailed, RuntimeError, OSError) as error:
        typer.echo(visible_lines(f"the demo ends: {error}"), err=True)
        raise typer.Exit(1) from None
    raise typer.Exit(0 if ready else 1)


async def _demo(manifests: Mapping[Path, str], delay: float, context: str | None, *, stay: bool) -> bool:
    console = Console()
    this = asyncio.current_task()
    assert this is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)

    def say(text: str) -> None:
        console.print(text, style="dim", highlight=False, soft_wrap=True, markup=False)

    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="managed-databases-demo-")))
        binaries = await find_binaries(say, PROGRAMS)
        if context is None:
            plane = await stack.enter_async_context(ControlPlane(binaries, say=say, controller_manager=True))
            kubeconfig = plane.kubeconfig
        else:
            kubeconfig = Path(os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config")
        connection = KubeConnection.from_kubeconfig(kubeconfig, context)
        stack.push_async_callback(connection.close)
        access = ClusterAccess(connection)
        say("installing the custom resource definitions and the admission policy")
        await access.apply_texts(text for path, text in crd_files(kinds().values()).items() if path.suffix == ".yaml")
        if context is None:  # in a cluster of somebody's it would take the place of his, and name the wrong account
            await access.apply_documents(status_policy([await access.user_name()]))
        say("starting the sandbox API")
        sandbox = await start_sandbox(stack, delay, folder)
        await access.create_namespace(NAMESPACE)
        await access.put_secret(NAMESPACE, "cloud-credentials", sandbox.credentials)
        say("starting the operator")
        operator = await start_operator(stack, kubeconfig, context, NAMESPACE, folder)
        say(f"applying {', '.join(str(path) for path in manifests)}")
        applied = await access.apply_texts(manifests.values())
        ready = await show_until_ready(console, access, applied, operator, sandbox, PATIENCE_SECONDS)
        if not ready:
            raise DemoFailed(f"not all was Ready in {PATIENCE_SECONDS} s; the operator's log:\n{operator.log_tail()}")
        await show_what_is_there(console, access, applied, binaries, kubeconfig, sandbox, stay=stay)
        if stay:
            await _wait_for_the_end(operator.process)
    return True


async def _wait_for_the_end(process: asyncio.subprocess.Process) -> None:
    """Ctrl-C ends the demo, and so does the operator's own end."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
    ended = asyncio.ensure_future(process.wait())
    asked = asyncio.ensure_future(stop.wait())
    await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
    if not stop.is_set():
        raise DemoFailed("the operator has ended by itself")
    asked.cancel()
    ended.cancel()
    sys.stderr.write("\nending the demo\n")
