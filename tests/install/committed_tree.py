"""A copy of this checkout with a version and a commit of its own, as a maintainer has it before a release."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).parents[2]
VERSION = "7.8.9"


def committed_tree(folder: Path, version: str = VERSION) -> Path:
    """Return the folder of the copy: all that git would take from here, with `version` written by `make version`, committed."""
    listed = subprocess.run(
        ["git", "-C", str(TOP), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (TOP / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(TOP / name, target)
            target.chmod((TOP / name).stat().st_mode & 0o755)
    written = run_module(folder, "release.versions", version)
    assert written.returncode == 0, written.stderr
    git(folder, "init", "--quiet")
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "-c", "user.name=maintainer", "-c", "user.email=m@example.com", "commit", "--quiet", "-m", "Release")


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True).stdout


def run_module(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a module of the copy, as its Makefile does."""
    return run_python(folder, "-m", *arguments, **variables)


def run_python(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(str(folder / each) for each in ("deploy", "operator"))
    environment = {**os.environ, "PYTHONPATH": path, **variables}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
