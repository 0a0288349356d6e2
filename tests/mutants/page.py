"""docs/reference/mutants.md: every rule, and the test that noticed when it was broken."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from mutants.mutant import SOURCES, Mutant

PAGE: Final = SOURCES.parent / "docs/reference/mutants.md"
_ROW: Final = re.compile(r"^\| (?P<rule>.+) \| `(?P<file>[^`|]+)` \| `(?P<test>[^`]+)` \|$", re.MULTILINE)


def noticed_by(page: str) -> dict[str, str]:
    """Return the test that noticed, by the rule that was broken, as the page says."""
    return {row["rule"]: row["test"] for row in _ROW.finditer(page)}


def written(rules: Sequence[Mutant], noticed: Mapping[str, str]) -> str:
    """Return the page. `noticed` has the test that noticed by rule; a rule that nobody has noticed yet is left out."""
    rows = [f"| {each.rule} | `{each.file}` | `{noticed[each.rule]}` |" for each in rules if each.rule in noticed]
    return "\n".join((_HEAD, "| rule that was broken | in | noticed by |", "|---|---|---|", *rows, ""))


_HEAD: Final = """# Broken rules that tests notice

`make mutants` breaks each of these rules once, in a copy of the sources, and runs the tests that should notice; none of them
needs an API server. `make mutants ARGS=--page` writes this page: a run of some rules alone replaces their rows.
`tests/mutants/*_rules.py` says how each rule is broken; `make test` checks that each can still be broken there, and that this
page has all of them.
"""
