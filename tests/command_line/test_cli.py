"""The one entry point: each command is loaded when it is named, and a running operator loads none of them."""

import subprocess
import sys
from importlib import import_module

import pytest
import typer

from managed_databases.cli import COMMANDS, PACKAGE

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
    assert loaded("run") == {"managed_databases", "managed_databases.cli"}


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
