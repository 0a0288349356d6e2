"""The one entry point: each command is loaded when it is named, and a running operator loads none of them."""

import re
import subprocess
import sys
from importlib import import_module
from itertools import pairwise
from typing import Any

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from managed_databases.cli import COMMANDS, PACKAGE, app, register

LOADED = """
import sys
import typer
import managed_databases.cli as cli
sys.argv = ["managed-databases", *{arguments}]
typer.Typer.__call__ = lambda *_, **__: None
cli.main()
print(*sorted(name for name in sys.modules if name.startswith("managed_databases")))
"""


def loaded(*arguments: str) -> set[str]:
    """The modules of ours that the entry point loads before the command begins."""
    source = LOADED.format(arguments=arguments)
    said = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    return set(said.stdout.split())


def test_a_running_operator_loads_no_command() -> None:
    assert loaded("run") == {"managed_databases", "managed_databases.cli", "managed_databases.program_name"}


def test_a_command_loads_no_other_one() -> None:
    found = loaded("explain", "dbu/app")
    assert "managed_databases.command_line.explain_command" in found
    assert not [name for name in found if name.startswith(("managed_databases.sandbox", "managed_databases.demo"))]
    assert "managed_databases.command_line.plan_command" not in found


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_where_it_is_said_to_be(name: str) -> None:
    module, _, attribute = COMMANDS[name].partition(":")
    told = getattr(import_module(f"{PACKAGE}.{module}"), attribute)
    if isinstance(told, typer.Typer):
        assert told.registered_callback is not None
        told = told.registered_callback.callback
    assert "Exit codes: " in told.__doc__, "it says how it ends"


@pytest.mark.parametrize(("arguments", "code"), [(["--version"], 0), (["--help"], 0), (["nothing"], 2), (["plan"], 2)])
def test_what_is_typed(arguments: list[str], code: int) -> None:
    ended = subprocess.run([sys.executable, "-m", PACKAGE, *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == code, ended


def helps() -> list[tuple[str, ...]]:
    register(name for name in COMMANDS if name not in {each.name for each in app.registered_commands})
    commands: dict[str, Any] = vars(get_command(app))["commands"]
    inside = [(name, further) for name, command in commands.items() for further in getattr(command, "commands", ())]
    return [(), *((name,) for name in commands), *inside]


def paragraphs(text: str) -> list[list[str]]:
    """The lines of each paragraph between the usage and the boxes of a help."""
    prose = text.partition("╭")[0].partition("Usage: ")[2].partition("\n")[2].strip()
    return [[line.strip() for line in part.splitlines()] for part in re.split(r"\n\s*\n", prose) if part.strip()]


@pytest.mark.parametrize("columns", [80, 100])
def test_no_line_of_a_help_ends_early(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", columns)
    found = {arguments: CliRunner().invoke(app, [*arguments, "--help"]).stdout for arguments in helps()}
    assert ("sandbox", "shell") in found
    for arguments, text in found.items():
        told = paragraphs(text)
        assert told, arguments
        for lines in told:
            for line, following in pairwise(lines):
                assert len(f" {line} {following.split()[0]} ") > columns, f"{arguments}: {line}"
