"""`make docs`: serves the documentation site on localhost; ARGS=build makes it, strictly, in .cache/site.

ARGS='publish FOLDER' puts the site of this version beside those of others, `latest` being the newest; archives of releases
(`docs-VERSION.tar.gz`), named after the folder, are put there instead. mkdocs-material has a lock and an environment of its own.
Exit codes: mkdocs' own (1: a warning, which `--strict` makes an error), 2 where it could not be installed, or what was asked for
is wrong.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from pages import site_versions
from release import versions

TOP: Final = Path(__file__).resolve().parents[2]
LOCK: Final = Path(__file__).with_name("requirements.lock")
ENVIRONMENT: Final = TOP / ".cache/pages"
INSTALLED: Final = ENVIRONMENT / "installed.lock"
"""A copy of the lock that the environment was made of."""


def main(*arguments: str) -> int:
    command, *more = arguments or ("serve",)
    if command == "publish":
        return _publish(*more)
    return _mkdocs(command, *more)


def build(top: Path, into: Path) -> int:
    """Make the site of the checkout at `top`, strictly; return as mkdocs ends, 2 where it could not be installed."""
    return _mkdocs("build", "--site-dir", str(into), top=top)  # with --quiet it would count no warnings


def _mkdocs(command: str, *more: str, top: Path = TOP) -> int:
    if not _installed():
        return 2
    os.environ["NO_MKDOCS_2_WARNING"] = "1"  # of a successor; the lock has this version
    mkdocs = [str(ENVIRONMENT / "bin/mkdocs"), command, "--strict", "--config-file", str(top / "mkdocs.yml"), *more]
    try:
        return subprocess.run(mkdocs, cwd=top, check=False).returncode
    except KeyboardInterrupt:
        return 0


def _publish(*arguments: str) -> int:
    if not arguments:
        print("publish wants a folder: make docs ARGS='publish FOLDER'", file=sys.stderr)  # noqa: T201 - a command
        return 2
    folder, archives = Path(arguments[0]), [Path(each) for each in arguments[1:]]
    try:
        for archive in archives:
            print(f"{site_versions.add_archive(folder, archive)} is in {folder}")  # noqa: T201
        if not archives:
            version = versions.version_of(TOP)
            with tempfile.TemporaryDirectory(prefix="site-") as name:
                if ended := build(TOP, Path(name)):
                    return ended
                site_versions.add(folder, version, Path(name))
            print(f"{version} is in {folder}")  # noqa: T201
    except (site_versions.NoSite, versions.BadVersion) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
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
