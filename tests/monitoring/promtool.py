"""Prometheus' own program for metrics and rules: the one on PATH, or one that was built.

`PYTHONPATH=tests python -m monitoring.promtool` (`make promtool`) builds it with `go`, which takes minutes the first time.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import go_program

MODULE: Final = Path(__file__).parent / "tools"
NAME: Final = "promtool"
PACKAGE: Final = "github.com/prometheus/prometheus/cmd/promtool"
LIMIT_SECONDS: Final = 120

MISSING: Final = "NOT TRIED: promtool is neither on PATH nor built (`make promtool`)"
NO_GO: Final = "promtool is not on PATH, and to build it takes `go` on PATH"


def find() -> Path | None:
    """Return the program; None if it is not at hand."""
    if found := shutil.which(NAME):
        return Path(found)
    built = go_program.kept(MODULE, NAME)
    return built if built.is_file() else None


def run(program: Path, *arguments: str | Path, given: bytes = b"") -> str:
    """Return what it says. Raises AssertionError with that if it says no."""
    ended = subprocess.run([program, *arguments], input=given, capture_output=True, check=False, timeout=LIMIT_SECONDS)
    said = (ended.stdout + ended.stderr).decode()
    assert ended.returncode == 0, said
    return said


def main() -> None:
    found = find()
    if found is None and shutil.which("go") is None:
        sys.exit(NO_GO)
    # Without what finds machines in clouds, which takes most of the time.
    sys.stdout.write(f"{found or go_program.build(MODULE, NAME, PACKAGE, '-tags=remove_all_sd')}\n")


if __name__ == "__main__":
    main()
