"""The examples that the demo applies: in a checkout those of `deploy/examples`, in an installed package its copies of them."""

from pathlib import Path
from typing import Final

import managed_databases

_INSTALLED: Final = Path(managed_databases.__file__).parent / "examples"
_CHECKOUT: Final = Path(managed_databases.__file__).parents[2] / "deploy" / "examples"

QUICKSTART: Final = "quickstart.yaml"
BESIDE: Final = ("kafka.yaml", "redis.yaml")
TWO_USERS: Final = "two-users.yaml"
NAMES: Final = (QUICKSTART, *BESIDE)


def example(name: str) -> Path:
    """Return the file of an example; a path in the current folder is a relative one, as people write it."""
    path = (_INSTALLED if _INSTALLED.is_dir() else _CHECKOUT) / name
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
