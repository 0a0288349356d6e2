"""Dependencies are what was locked: without a database of vulnerabilities the hashes are what CI checks."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from parsed import parsed

TOP = Path(__file__).parent.parent
OPERATOR = TOP / "operator" / "managed_databases"
TOLD = tomllib.loads((TOP / "pyproject.toml").read_text())
PROJECT = TOLD["project"]
EXTRAS = PROJECT["optional-dependencies"]
COMES_WITH = {"pydantic-core": "pydantic"}
"""Distributions of which another one holds the exact version."""


def test_every_locked_file_has_a_hash() -> None:
    entries = re.split(r"\n(?=\S)", (TOP / "requirements.lock").read_text().strip())
    assert len(entries) > 10
    assert [
        entry.split()[0] for entry in entries if not re.match(r"[\w.-]+==\S+.*--hash=sha256:", entry, re.DOTALL)
    ] == []


OF_EXTRAS = {"engines": "sandbox/servers", "tracing": "kube/otel.py"}
"""Where is what only an extra brings, besides `operator`."""


def imported_modules(extra: str | None = None, folder: Path = OPERATOR) -> Iterator[str]:
    """Yield the first word of each import of the folder's sources, or of those for an extra."""
    for path in folder.rglob("*.py"):
        used_by = {name for name, place in OF_EXTRAS.items() if path.is_relative_to(OPERATOR / place)}
        if used_by != ({extra} - {None}):
            continue
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


def distributions_of(modules: Iterator[str], among: AbstractSet[str] = frozenset()) -> set[str]:
    """Return what the modules are from; of several distributions with one module those in `among`, else the first."""
    distributions = packages_distributions()
    found: set[str] = set()
    for module in set(modules) - sys.stdlib_module_names - {"managed_databases"}:
        names = [canonicalize_name(name) for name in distributions[module]]
        found |= {*names} & among or {names[0]}
    return found


def names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(each).name) for each in requirements}


def test_whatever_is_imported_is_declared() -> None:
    declared = names(PROJECT["dependencies"]) | names(EXTRAS["operator"])
    used = distributions_of(imported_modules())
    assert {"aiohttp", "kopf", "pydantic"} <= used
    assert {COMES_WITH.get(name, name) for name in used} - declared == set()


def test_without_an_extra_there_is_what_the_client_imports_and_no_more() -> None:
    assert distributions_of(imported_modules(folder=OPERATOR / "api")) == names(PROJECT["dependencies"])
    assert EXTRAS["client"] == []


@pytest.mark.parametrize("extra", OF_EXTRAS)
def test_what_few_need_is_an_extra(extra: str) -> None:
    """The operator's image has none of it; developers have all of it."""
    given = names(EXTRAS[extra])
    declared = names(PROJECT["dependencies"]) | names(EXTRAS["operator"])
    assert distributions_of(imported_modules(extra), given) - declared == given
    assert set(EXTRAS[extra]) <= set(TOLD["dependency-groups"]["dev"])
