"""Runs other programs."""

import subprocess
from collections.abc import Sequence
from pathlib import Path


class Failed(Exception):
    """A program ended with an error, or something that was made is not right; the text tells which, and what it said."""


def run(command: Sequence[str | Path], *, folder: Path | None = None) -> str:
    """Return what it prints. Raises Failed."""
    words = list(map(str, command))
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=folder)
    except OSError as error:  # there is no such program
        raise Failed(str(error)) from error
    if done.returncode:
        raise Failed(f"{' '.join(words)} ended with {done.returncode}: {(done.stderr or done.stdout).strip()}")
    return done.stdout
