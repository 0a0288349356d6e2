"""`managed-databases sandbox`: a local Managed Databases API to try, develop and test against."""

from pathlib import Path
from typing import Annotated

import typer

from managed_databases.sandbox.changes import Settings
from managed_databases.sandbox.faults import read_faults
from managed_databases.sandbox.projects import DEFAULT_WORLD, read_world
from managed_databases.sandbox.server import Sandbox, listen, serve


def sandbox(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 is any free one.", min=0, max=65535)] = 8080,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    delay: Annotated[float, typer.Option(help="Seconds that a change takes.", min=0)] = 0.3,
    realistic: Annotated[bool, typer.Option("--realistic", help="Datastores take 5 to 15 minutes.")] = False,
    manual: Annotated[
        bool, typer.Option("--manual", help="Changes end only when POST /sandbox/complete asks for it.")
    ] = False,
    busy_children: Annotated[
        bool, typer.Option("--busy-children", help="Refuse (409) what is in a datastore while that is at work.")
    ] = False,
    config_defaults: Annotated[
        bool,
        typer.Option("--config-defaults", help="Show each parameter in a datastore's config, not only what was set."),
    ] = False,
    state: Annotated[Path | None, typer.Option(help="File that keeps the objects across restarts.")] = None,
    config: Annotated[Path | None, typer.Option(help="JSON file with projects and regions of your own.")] = None,
    faults: Annotated[Path | None, typer.Option(help="JSON file with a list of faults to begin with.")] = None,
) -> None:
    """Serve the whole Managed Databases API and its identity service on this machine, free of charge.

    Clients work as with the cloud, except that no database is started. /v1 is the API; /identity/v3 gives tokens (user
    sandbox, password sandbox-password, domain sandbox-domain); /sandbox shows and changes the sandbox's state and adds
    faults; /sandbox/openapi.json describes the API. docs/sandbox.md explains everything task by task.

    Exit codes: 0 stopped, 1 the address, the state, the configuration or the faults cannot be used.
    """
    settings = Settings(
        delay_seconds=delay,
        realistic=realistic,
        manual=manual,
        busy_children=busy_children,
        config_defaults=config_defaults,
    )
    try:
        world = read_world(config) if config else DEFAULT_WORLD
        application = Sandbox(world, settings, state, read_faults(faults) if faults else ())
        listener = listen(host, port)
    except (OSError, ValueError) as error:
        typer.echo(f"cannot start the sandbox: {error}", err=True)
        raise typer.Exit(1) from error
    address = f"[{host}]" if ":" in host else host
    typer.echo(f"listening on http://{address}:{listener.getsockname()[1]}")
    serve(application, listener)
