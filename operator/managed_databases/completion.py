"""What the shell may complete behind `kubectl databases`.

kubectl completes its own words only. For a plugin it runs the program `kubectl_complete-databases` in PATH, and reads a line for
each choice, with a tab before its description, and at the end a colon with a number that says what the shell does besides.
"""

import ast
import inspect
import io
import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Final

from managed_databases.cli import COMMANDS, COMPLETION, app, register, run
from managed_databases.program_name import PROGRAM

_FILES_TOO: Final = ":0"
_NO_FILES: Final = ":4"


def kubectl_completions(words: Sequence[str]) -> str:
    """Return what kubectl reads for these words, of which the last, perhaps empty, is the one to complete.

    A command's name is completed without loading the commands, which takes a second. All else comes by the protocol in which
    the program completes itself in fish: that has the descriptions.
    """
    if len(words) == 1 and not words[0].startswith("-"):
        return _answer([f"{name}\t{told}" for name, told in _commands() if name.startswith(words[0])])
    register([words[0]] if len(words) > 1 and words[0] in COMMANDS else COMMANDS)
    os.environ |= {
        "_MANAGED_DATABASES_COMPLETE": "complete_fish",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_TYPER_COMPLETE_ARGS": shlex.join((PROGRAM, *words)),
    }
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(io.StringIO()), suppress(SystemExit):
        app(prog_name=PROGRAM)
    choices = [_short(line) for line in said.getvalue().splitlines() if line]
    return _answer([choice for choice in choices if not choice.startswith(COMPLETION)])


def _answer(choices: Sequence[str]) -> str:
    return "\n".join((*choices, _NO_FILES if choices else _FILES_TOO))


def _commands() -> Iterator[tuple[str, str]]:
    """Yield each command with the first line of its docstring, as it stands in the source."""
    yield "run", _first_line(inspect.getdoc(run))
    for name, target in COMMANDS.items():
        module, _, attribute = target.partition(":")
        source = (Path(__file__).parent / module.replace(".", "/")).with_suffix(".py").read_text(encoding="utf-8")
        functions = [each for each in ast.parse(source).body if isinstance(each, ast.FunctionDef)]
        (found,) = (each for each in functions if each.name == attribute or _is_the_callback(each, attribute))
        yield name, _first_line(ast.get_docstring(found))


def _is_the_callback(function: ast.FunctionDef, app_name: str) -> bool:
    return any(ast.unparse(each) == f"{app_name}.callback()" for each in function.decorator_list)


def _first_line(docstring: str | None) -> str:
    return (docstring or "").partition("\n")[0].removesuffix(".")


def _short(choice: str) -> str:
    """Return a choice with the first sentence of its description."""
    value, tab, told = choice.partition("\t")
    if told.endswith(".."):  # it was cut off
        return f"{choice}."
    return f"{value}{tab}{told.partition('. ')[0].removesuffix('.')}"
