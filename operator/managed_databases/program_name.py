"""How whoever has typed a command calls this program."""

import sys
from pathlib import Path
from typing import Final

PROGRAM: Final = "managed-databases"
PLUGIN: Final = "kubectl-databases"
"""The name under which kubectl finds this program in PATH."""
AS_PLUGIN: Final = "kubectl databases"
COMPLETER: Final = "kubectl_complete-databases"
"""The program that kubectl asks what may follow `kubectl databases`."""


def called() -> str:
    """Return the name of this program, for what a person may type next."""
    name = Path(sys.argv[0]).name
    if name == PLUGIN:
        return AS_PLUGIN
    return PROGRAM if name == "__main__.py" else name
