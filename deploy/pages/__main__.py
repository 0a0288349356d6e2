"""`make docs`: serves the documentation site on localhost; ARGS=build makes it, strictly, in .cache/site.

mkdocs-material has a lock and an environment of its own. Exit codes: mkdocs' own (1: a warning, which `--strict` makes an error),
2 where it could not be installed.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

TOP: Final = Path(__file__).resolve().parents[2]
LOCK: Final = Path(__file__).with_name("requirements.lock")
ENVIRONMENT: Final = TOP / ".cache/pages"
INSTALLED: Final = ENVIRONMENT / "installed.lock"
"""A copy of the lock that the environment was made of."""


def main(*arguments: str) -> int:
    if not _installed():
        return 2
    command, *more = arguments or ("serve",)
    os.environ["NO_MKDOCS_2_WARNING"] = "1"  # of a successor; the lock has this version
    mkdocs = [str(ENVIRONMENT / "bin/mkdocs"), command, "--strict", "--config-file", str(TOP / "mkdocs.yml"), *more]
    try:
        return subprocess.run(mkdocs, cwd=TOP, check=False).returncode
    except KeyboardInterrupt:
        return 0


def _installed() -> bool:
    """Make the environment, unless it is of this lock."""
    if INSTALLED.exists() and INSTALLED.read_text() == LOCK.read_text():
        return True
    uv = str(Path(sys.executable).with_name("uv"))
    steps = [
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(ENVIRONMENT)],
        [uv, "pip", "sync", "--quiet", "--python", str(ENVIRONMENT / "bin/python"), "--require-hashes", str(LOCK)],
    ]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            print("mkdocs could not be installed from its lock:", done.stderr.strip(), file=sys.stderr)  # noqa: T201
            return False
    INSTALLED.write_text(LOCK.read_text())
    return True


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
