"""The one entry point, `managed-databases`, also as `kubectl databases`. A running operator loads no more than it needs: each
other command is loaded when it is named.
"""

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final

from managed_databases.program_name import AS_PLUGIN, COMPLETER, PROGRAM, called

try:
    import typer
except ModuleNotFoundError:
    sys.exit(
        "This is the API client alone: install the same package again with its extra `operator`, which the programs need"
    )

PACKAGE: Final = "managed_databases"
COMPLETION: Final = ("--install-completion", "--show-completion")

COMMANDS: Final[Mapping[str, str]] = {
    "explain": "command_line.explain_command:explain",
    "status": "command_line.status_command:status",
    "plan": "command_line.plan_command:plan",
    "import": "command_line.import_command:import_command",
    "connect": "command_line.connect_command:connect",
    "support-bundle": "command_line.support_bundle_command:support_bundle",
    "strangers": "command_line.strangers_command:strangers_command",
    "demo": "demo.command:demo",
    "sandbox": "sandbox.command:app",
    "crds": "crds_command:crds",
    "docs": "reference_pages:docs",
    "release": "release_command:release_command",
}
"""Where each command other than `run` is, in the order in which the help lists them."""

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A Kubernetes operator for a cloud's Managed Databases API, and what people do with its resources.",
)


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        from managed_databases.command_line.versions import program_version

        typer.echo(program_version())
        raise typer.Exit


@app.callback()
def _commands(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_tell_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """With a callback, `run` stays a command of its own where it is the only one."""


def _help(command: Callable[..., Any]) -> str:
    """Return what a command says of itself, each paragraph as one line, so that only the terminal's width breaks it."""
    told = inspect.cleandoc(command.__doc__ or "")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in told.split("\n\n"))


def run(
    kubeconfig: Annotated[
        Path | None,
        typer.Option(help="A kubeconfig file; without it the Pod's service account is used, and never $KUBECONFIG."),
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
    from pydantic import ValidationError

    from managed_databases.kube.ending import CANNOT_START
    from managed_databases.lean_imports import leave_out
    from managed_databases.settings import Settings

    given = {"kubeconfig": kubeconfig, "context": context, "namespace": namespace, "log_format": log_format}
    try:
        settings = Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        for told in error.errors(include_input=False, include_url=False):
            name = "_".join(str(part) for part in told["loc"]).upper() or "..."
            typer.echo(f"MANAGED_DATABASES_{name}: {told['msg']}", err=True)
        raise typer.Exit(CANNOT_START) from None
    if settings.context is not None and settings.kubeconfig is None:
        typer.echo(
            f"the context {settings.context} is of no kubeconfig: name the file with --kubeconfig. An operator takes none "
            "from $KUBECONFIG, so that it never runs by accident where somebody happens to work",
            err=True,
        )
        raise typer.Exit(CANNOT_START)
    leave_out()
    from managed_databases.kube.running import run_process

    sys.exit(run_process(settings))


app.command(help=_help(run))(run)


def register(names: Iterable[str]) -> None:
    """Add these commands, and load what they need."""
    for name in names:
        module, _, attribute = COMMANDS[name].partition(":")
        found = getattr(import_module(f"{PACKAGE}.{module}"), attribute)
        if isinstance(found, typer.Typer):
            _add_group(name, found)
        else:
            app.command(name, help=_help(found))(found)


def _add_group(name: str, group: typer.Typer) -> None:
    for command in group.registered_commands:
        command.help = _help(command.callback) if command.callback else None
    own = group.registered_callback
    app.add_typer(group, name=name, help=_help(own.callback) if own and own.callback else None)


def main(is_loaded: Callable[[], None] = lambda: None) -> None:
    """Run what was typed. `is_loaded` is called when all that the command needs is loaded."""
    named = sys.argv[1:2]
    if named == ["run"] and "--help" not in sys.argv:
        is_loaded()
        app(prog_name=called())
        return
    if called() == AS_PLUGIN and named and named[0].partition("=")[0] in COMPLETION:
        typer.echo(_completion_of_the_plugin(), err=True)
        sys.exit(2)
    register(named if named and named[0] in COMMANDS else COMMANDS)
    from managed_databases.command_line.problems import BadUsage, Problem
    from managed_databases.command_line.streams import lasting_streams
    from managed_databases.visible import visible

    is_loaded()
    with lasting_streams():
        try:
            app(prog_name=called())
        except UnicodeEncodeError as error:
            if not _is_of_odd_bytes(error.object):
                raise
            encoding = sys.getfilesystemencoding()
            told = f"{error.object}: these bytes are no text ({encoding}): is the right locale set?"
            typer.echo(visible(told), err=True)
            sys.exit(BadUsage.code)
        except Problem as problem:
            typer.echo(visible(str(problem)), err=True)
            sys.exit(problem.code)


def _is_of_odd_bytes(text: str) -> bool:
    """Return whether Python made it of bytes that its encoding does not know: from the command line, or a file's name."""
    return any("\udc80" <= char <= "\udcff" for char in text)


def _completion_of_the_plugin() -> str:
    """Return what to do for the completion of `kubectl databases`: a script of its own would take the place of kubectl's."""
    from shutil import which

    told = (
        "kubectl itself completes `kubectl databases`: set up kubectl's own completion (kubectl completion --help). "
        f"It asks the program {COMPLETER}, which comes with this one"
    )
    if which(COMPLETER) is None:
        told += ", and which is not in your PATH: add the folder of this program to it"
    return f"{told}. For the other name of this program: {PROGRAM} {COMPLETION[0]}"
