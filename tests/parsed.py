"""Parses sources for tests that look at them."""

import ast
import gc
from pathlib import Path


def parsed(path: Path) -> ast.Module:
    """Return a file's syntax tree.

    CPython 3.11 fails with a SystemError if something else is parsed meanwhile, as is done when the garbage collector meets a
    task that nobody waited for, and its traceback is printed. So there is no collection meanwhile.
    """
    gc.disable()
    try:
        return ast.parse(path.read_text())
    finally:
        gc.enable()
