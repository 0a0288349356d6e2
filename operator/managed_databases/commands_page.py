"""docs/reference/command-line.md: each command of the program, with its arguments, options and exit codes."""

import inspect
import re
from collections.abc import Iterator
from typing import Any, Final

from typer.main import get_command

from managed_databases import cli

_INTRODUCTION: Final = """\
# The commands

Generated from the program's own help. [command-line.md](../command-line.md) shows the commands for people at work,
[operating.md](../operating.md#settings) the settings of `run`, [sandbox.md](../sandbox.md) the sandbox.
"""


def commands_page() -> str:
    cli.register(name for name in cli.COMMANDS if name not in _registered())
    return (
        "\n".join((_INTRODUCTION, *(part for name in ("run", *cli.COMMANDS) for part in _section(name)))).rstrip()
        + "\n"
    )


def _registered() -> set[str]:
    commands = {each.name for each in cli.app.registered_commands}
    return {name for name in commands | {each.name for each in cli.app.registered_groups} if name is not None}


def _section(name: str) -> Iterator[str]:
    group: Any = get_command(cli.app)
    command = group.commands[name]
    yield from _told(name, command)
    for further, inside in getattr(command, "commands", {}).items():
        yield from _told(f"{name} {further}", inside)


def _told(name: str, command: Any) -> Iterator[str]:
    yield f"## {name}\n"
    for paragraph in inspect.cleandoc(command.callback.__doc__ or "").split("\n\n"):
        yield " ".join(paragraph.split()) + "\n"
    rows = [_row(parameter) for parameter in command.params if getattr(parameter, "help", None)]
    if rows:
        yield from ("| argument or option | meaning |", "|---|---|", *rows, "")


def _row(parameter: Any) -> str:
    value = parameter.metavar or (parameter.name or "").upper().replace("_", "-").strip("-")
    if parameter.param_type_name == "argument":
        told = value
    else:
        told = ", ".join(parameter.opts) + ("" if parameter.is_flag else f" {value}")
    return f"| `{_cell(told)}` | {_cell(str(parameter.help))} |"


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")
