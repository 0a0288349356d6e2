"""`managed-databases sandbox`: a local Managed Databases API to try, develop and test against."""

from pathlib import Path
from typing import Annotated

import typer

from managed_databases.sandbox.faults import read_faults
from managed_databases.sandbox.projects import DEFAULT_WORLD, read_world
from managed_databases.sandbox.server import Sandbox, listen, serve
from managed_databases.sandbox.settings import OTHER_CLOUD, Settings, parsed
from managed_databases.sandbox.shell_command import shell

app = typer.Typer(invoke_without_command=True)
app.command("shell")(shell)


@app.callback()
def sandbox(
    context: typer.Context,
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
    setting: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE: a setting for what is not known of the API; docs/sandbox.md lists them."),
    ] = None,
    other_cloud: Annotated[
        bool, typer.Option("--other-cloud", help="All settings for what is not known of the API the other way.")
    ] = False,
    state: Annotated[Path | None, typer.Option(help="File that keeps the objects across restarts.")] = None,
    config: Annotated[Path | None, typer.Option(help="JSON file with projects and regions of your own.")] = None,
    faults: Annotated[Path | None, typer.Option(help="JSON file with a list of faults to begin with.")] = None,
    engines: Annotated[
        bool, typer.Option("--engines", help="Run a real server for each datastore; docs/local-cloud.md.")
    ] = False,
    names: Annotated[
        bool,
        typer.Option("--names", help="With --engines: datastores have names, which `sandbox shell` resolves."),
    ] = False,
) -> None:
    """Serve the whole Managed Databases API and its identity service on this machine, free of charge.

    Clients work as with the cloud, except that databases are started with --engines only. /v1 is the API; /identity/v3
    gives tokens (user sandbox, password sandbox-password, domain sandbox-domain); /sandbox shows and changes the sandbox's
    state and adds faults; /sandbox/openapi.json describes the API. docs/sandbox.md explains everything task by task.

    Exit codes: 0 stopped, 1 the address, the state, the configuration or the faults cannot be used.
    """
    if context.invoked_subcommand is not None:
        return
    if names and not engines:
        typer.echo("--names goes with --engines: without servers the names lead nowhere", err=True)
        raise typer.Exit(1)
    try:
        switches = {"busy_children": busy_children, "config_defaults": config_defaults}
        told = (OTHER_CLOUD if other_cloud else {}) | {name: given for name, given in switches.items() if given}
        told |= dict(map(parsed, setting or ()))
        settings = Settings(delay_seconds=delay, realistic=realistic, manual=manual, **told)
        world = read_world(config) if config else DEFAULT_WORLD
        application = Sandbox(
            world, settings, state, read_faults(faults) if faults else (), engines=engines, names=names
        )
        listener = listen(host, port)
    except ModuleNotFoundError as error:
        typer.echo(f"cannot start the sandbox: {error}: install this package with its extra `engines`", err=True)
        raise typer.Exit(1) from error
    except (OSError, ValueError) as error:
        typer.echo(f"cannot start the sandbox: {error}", err=True)
        raise typer.Exit(1) from error
    address = f"[{host}]" if ":" in host else host
    url = f"http://{address}:{listener.getsockname()[1]}"
    typer.echo(f"listening on {url}")
    if application.backing is not None:
        typer.echo(f"the servers' root certificate: {application.backing.certificate()}, {url}/sandbox/ca.crt")
    serve(application, listener)
