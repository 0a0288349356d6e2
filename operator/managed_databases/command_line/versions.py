"""Which version of this program runs."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final

_DISTRIBUTION: Final = "managed-databases-operator"


def program_version() -> str:
    """Return the version of the installed package; "unknown" where the program runs without being installed."""
    try:
        return version(_DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"
