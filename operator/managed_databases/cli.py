"""The one entry point, `managed-databases`."""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import structlog
import typer
from pydantic import ValidationError

from managed_databases.crds_command import crds
from managed_databases.demo.command import demo
from managed_databases.kube.ending import CANNOT_START, FAILED, STOPPED, CannotStart, told
from managed_databases.reference_pages import docs
from managed_databases.release_command import release_command
from managed_databases.sandbox.command import sandbox

if TYPE_CHECKING:
    from managed_databases.kube.watchdog import Watchdog

LEFTOVERS_SECONDS: Final = 5.0
"""Seconds that tasks and threads may still take once the operator has ended."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A Kubernetes operator for a cloud's Managed Databases API.",
)
app.command()(demo)
app.command()(sandbox)
app.command()(crds)
app.command()(docs)
app.command("release")(release_command)


@app.command()
def run(
    kubeconfig: Annotated[
        Path | None, typer.Option(help="A kubeconfig file; without it the Pod's service account is used.")
    ] = None,
    context: Annotated[str | None, typer.Option(help="A context of that kubeconfig.")] = None,
    namespace: Annotated[
        str | None, typer.Option(help="The operator's own namespace, where the projects' Secrets are.")
    ] = None,
    log_format: Annotated[str | None, typer.Option(help="json or text.")] = None,
) -> None:
    """Run the operator until SIGTERM.

    Every setting is an environment variable, MANAGED_DATABASES_...; an option goes before the environment variable.
    Exit codes: 0 the operator was stopped by SIGTERM or SIGINT; 1 a part of the operator has ended by itself, and the last log
    line of level error says why; 2 the operator cannot start: a setting is wrong, or there is no usable way to a cluster.
    """
    from managed_databases.kube.open_files import take_all_allowed_files
    from managed_databases.kube.operator import run_operator
    from managed_databases.kube.watchdog import Watchdog
    from managed_databases.logs import configure_logs, masked
    from managed_databases.settings import Settings

    given = {"kubeconfig": kubeconfig, "context": context, "namespace": namespace, "log_format": log_format}
    try:
        settings = Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        for told in error.errors(include_input=False, include_url=False):
            name = "_".join(str(part) for part in told["loc"]).upper() or "..."
            typer.echo(f"MANAGED_DATABASES_{name}: {told['msg']}", err=True)
        raise typer.Exit(CANNOT_START) from None
    configure_logs(settings.log_format, settings.log_level)
    take_all_allowed_files()
    watchdog = Watchdog(mask=lambda text: masked({"": text})[""])
    watchdog.start()
    if code := asyncio.run(_ending_for_sure(run_operator(settings, watchdog), watchdog)):
        sys.exit(code)


async def _ending_for_sure(operator: Coroutine[Any, Any, None], watchdog: "Watchdog") -> int:
    """Run the operator and return the exit code. The watchdog ends the process if a task or a thread outlives the operator."""
    log = structlog.get_logger()
    code = FAILED
    try:
        await operator
        code = STOPPED
    except CannotStart as error:
        log.error("the operator cannot start", error=str(error))
        code = CANNOT_START
    except Exception as error:
        log.error("the operator ends", error=told(error), exc_info=error)
    finally:
        asyncio.get_running_loop().set_exception_handler(_leave_untold)
        watchdog.end_within(LEFTOVERS_SECONDS, "something of it goes on when all has been done", code)
    return code


def _leave_untold(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an error of a task in a process that is ending at level debug: it is not why the process ends. When one of kopf's
    watches fails, all others fail, too.
    """
    structlog.get_logger().debug("failed besides", what=context["message"], error=repr(context.get("exception")))


def main() -> None:
    app()
