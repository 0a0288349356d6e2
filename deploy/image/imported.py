"""What the operator imports: `python -m image.imported` prints the files, one a line, and ends with 1 if one is missing.

Every module of its own is imported, but those whose packages the image does not have, and kopf, which imports all of itself.
Standard library only.
"""

import importlib
import os
import pkgutil
import sys

OURS = "managed_databases"
ENTRY = ".__main__"
"""Modules that do something when they are imported."""
OF_EXTRAS = (f"{OURS}.sandbox.servers", f"{OURS}.kube.otel")
"""They need what only an extra brings: the sandbox's real servers `engines`, traces `tracing`."""


def modules() -> dict[str, str]:
    """Import everything; return the file of each module that has one."""
    ours = importlib.import_module(OURS)
    for found in pkgutil.walk_packages(ours.__path__, f"{OURS}."):
        if not found.name.endswith(ENTRY) and not found.name.startswith(OF_EXTRAS):
            importlib.import_module(found.name)
    return {
        name: os.path.abspath(file)
        for name, module in list(sys.modules.items())
        if (file := getattr(module, "__file__", None)) is not None
    }


def main() -> None:
    print("\n".join(sorted(modules().values())))  # noqa: T201 - its purpose


if __name__ == "__main__":
    main()
