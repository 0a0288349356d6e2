"""The one entry point, `managed-databases`."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from managed_databases.crds_command import crds
from managed_databases.demo.command import demo
from managed_databases.reference_pages import docs
from managed_databases.sandbox.command import sandbox

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

    Every setting is an environment variable, MANAGED_DATABASES_...; options go before them.
    Exit codes: 0 stopped as asked, 1 a part of it has ended, 2 bad settings.
    """
    from managed_databases.kube.operator import run_operator
    from managed_databases.logs import configure_logs
    from managed_databases.settings import Settings

    given = {"kubeconfig": kubeconfig, "context": context, "namespace": namespace, "log_format": log_format}
    try:
        settings = Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        for told in error.errors(include_input=False, include_url=False):
            name = "_".join(str(part) for part in told["loc"]).upper()
            typer.echo(f"MANAGED_DATABASES_{name}: {told['msg']}", err=True)
        raise typer.Exit(2) from None
    configure_logs(settings.log_format, settings.log_level)
    try:
        asyncio.run(run_operator(settings))
    except RuntimeError as error:
        typer.echo(f"the operator ends: {error}", err=True)
        sys.exit(1)


def main() -> None:
    app()
