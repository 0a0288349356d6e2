"""What is left out of the installed packages, and how the rest is compiled. Runs inside of the build; standard library only."""

import compileall
import os
import py_compile
import re
import shutil
import subprocess
from pathlib import Path

KEPT_PROGRAMS = re.compile(r"python[\d.]*|managed-databases")
NOT_NEEDED = re.compile(r"__pycache__|tests|RECORD|REQUESTED|INSTALLER|direct_url\.json|[\w-]+\.(h|pxd|pyx)")
"""Names in site-packages: tests, what only pip reads, and what only compilers do."""

GENERATED = re.compile(r"kubernetes/(aio/)?client/(api|models)/(?!__init__)\w+\.py")
"""A module for each type and each group of the Kubernetes API: more than a thousand, imported when they are used."""


def is_left_out(path: str, imported: frozenset[str]) -> bool:
    """Whether this file, by its path in site-packages, does not get into the image."""
    if any(NOT_NEEDED.fullmatch(part) for part in Path(path).parts):
        return True
    if path.startswith("kubernetes/") and path.endswith("_test.py"):
        return True
    return GENERATED.fullmatch(path) is not None and path not in imported


def imported_of(environment: Path, site: Path, tools: Path) -> frozenset[str]:
    """Return the files that the operator imports, by their paths in `site`; the sources of the tools are in `tools`."""
    ran = subprocess.run(
        [environment / "bin/python3", "-B", "-m", "image.imported"],
        env=os.environ | {"PYTHONPATH": str(tools)},
        capture_output=True,
        text=True,
        check=True,
    )
    files = (Path(line) for line in ran.stdout.splitlines())
    return frozenset(str(file.relative_to(site)) for file in files if file.is_relative_to(site))


def trim(environment: Path, site: Path, imported: frozenset[str]) -> int:
    """Remove from the environment what does not get into the image; return how many bytes that were."""
    removed = 0
    for program in (environment / "bin").iterdir():
        if not KEPT_PROGRAMS.fullmatch(program.name):
            program.unlink()
    for path in [path for path in site.rglob("*") if path.is_file()]:
        if is_left_out(str(path.relative_to(site)), imported):
            removed += path.stat().st_size
            path.unlink()
    for folder in sorted((path for path in site.rglob("*") if path.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
    shutil.rmtree(environment / "include", ignore_errors=True)
    (environment / ".gitignore").unlink(missing_ok=True)
    return removed


def compile_all(root: Path, *folders: str) -> None:
    """Compile for good: checked by no time and no hash, so that the same source gives the same bytes."""
    for folder in folders:
        compileall.compile_dir(
            root / folder.lstrip("/"),
            quiet=1,
            stripdir=str(root),
            prependdir="/",
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            workers=1,
        )
