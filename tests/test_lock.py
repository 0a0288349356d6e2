"""Dependencies are what was locked: without a database of vulnerabilities the hashes are what CI checks."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TOP = Path(__file__).parent.parent
OPERATOR = TOP / "operator" / "managed_databases"
COMES_WITH = {"pydantic-core": "pydantic"}
"""Distributions of which another one holds the exact version."""


def test_every_locked_file_has_a_hash() -> None:
    entries = re.split(r"\n(?=\S)", (TOP / "requirements.lock").read_text().strip())
    assert len(entries) > 10
    assert [
        entry.split()[0] for entry in entries if not re.match(r"[\w.-]+==\S+.*--hash=sha256:", entry, re.DOTALL)
    ] == []


def imported_modules() -> Iterator[str]:
    """Yield the first word of each import of the operator's sources."""
    for path in OPERATOR.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


def test_whatever_is_imported_is_declared() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    declared = {canonicalize_name(Requirement(each).name) for each in project["dependencies"]}
    modules = set(imported_modules()) - sys.stdlib_module_names - {"managed_databases"}
    distributions = packages_distributions()
    used = {canonicalize_name(distributions[module][0]) for module in modules}
    assert {"aiohttp", "kopf", "pydantic"} <= used
    assert {COMES_WITH.get(name, name) for name in used} - declared == set()
