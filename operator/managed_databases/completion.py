"""What the shell may complete behind `kubectl databases`.

kubectl completes its own words only. For a plugin it runs the program `kubectl_complete-databases` in PATH, and reads a line for
each choice, with a tab before its description, and at the end a colon with a number that says what the shell does besides.
"""

import io
import os
import shlex
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from typing import Final

from managed_databases.cli import COMMANDS, app, register
from managed_databases.program_name import PROGRAM

_FILES_TOO: Final = ":0"
_NO_FILES: Final = ":4"


def kubectl_completions(words: Sequence[str]) -> str:
    """Return what kubectl reads for these words, of which the last, perhaps empty, is the one to complete.

    The answer comes by the protocol in which the program completes itself in fish: that has the descriptions.
    """
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
    return "\n".join((*choices, _NO_FILES if choices else _FILES_TOO))


def _short(choice: str) -> str:
    """Return a choice with the first sentence of its description."""
    value, tab, told = choice.partition("\t")
    if told.endswith(".."):  # it was cut off
        return f"{choice}."
    return f"{value}{tab}{told.partition('. ')[0].removesuffix('.')}"
