"""`make mutants`: break one rule after the other in a copy of the sources, and see that a fast test fails."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mutants import page
from mutants.mutant import SOURCES, Mutant
from mutants.rules import MUTANTS

_TESTS: Final = SOURCES.parent / "tests"
_LIMIT_SECONDS: Final = 600
_FAILED_TEST: Final = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)
_NO_REPORTS: Final = ("-p", "no:schemathesis")
"""Its plugin makes reports at the end of each run, and fails at that, now and then, after a failed test."""
_TESTS_FAILED: Final = 1
"""pytest's exit code; any other one but 0 says that no verdict was reached."""


@dataclass(frozen=True)
class Outcome:
    """`noticed_by` is the first test that failed; None when the mutant survived. `trouble` when there is no verdict."""

    mutant: Mutant
    noticed_by: str | None
    trouble: str = ""

    @property
    def is_right(self) -> bool:
        return self.noticed_by is not None


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0 when every mutant was noticed, 1 when one survived or could not be tried."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("words", nargs="*", help="only the rules whose text or file holds one of these words")
    parser.add_argument("--page", action="store_true", help=f"write what was noticed into {page.PAGE.name}")
    parser.add_argument("--at-once", type=int, default=2, help="mutants tried side by side")
    told = parser.parse_args(arguments)
    chosen = [each for each in MUTANTS if not told.words or any(word in each.rule + each.file for word in told.words)]
    with ThreadPoolExecutor(told.at_once) as pool:
        outcomes = []
        for outcome in pool.map(tried, chosen):
            outcomes.append(outcome)
            _say(f"{len(outcomes)}/{len(chosen)}  {_verdict(outcome):60}  {outcome.mutant.rule}")
    _say("", table(outcomes), "")
    if told.page:
        noticed = {each.mutant.rule: each.noticed_by for each in outcomes if each.noticed_by is not None}
        page.PAGE.write_text(page.written(MUTANTS, page.noticed_by(page.PAGE.read_text()) | noticed))
    wrong = [outcome for outcome in outcomes if not outcome.is_right]
    _say(f"{len(outcomes) - len(wrong)} rules broken and noticed, {len(wrong)} not")
    return 1 if wrong else 0


def tried(mutant: Mutant) -> Outcome:
    """Run the tests of one mutant over a copy of the sources in which its rule is broken."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        sources = Path(folder) / "operator"
        shutil.copytree(SOURCES, sources, ignore=shutil.ignore_patterns("__pycache__"))
        mutant.apply(sources)
        command = [
            sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider", *_NO_REPORTS, "--tb=no",
            "-m", "not story and not chaos", *(str(_TESTS / name) for name in mutant.tests),
        ]  # fmt: skip
        environment = os.environ | {"PYTHONPATH": str(sources), "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            run = subprocess.run(
                command,
                check=False,
                cwd=SOURCES.parent,
                env=environment,
                capture_output=True,
                text=True,
                timeout=_LIMIT_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return Outcome(mutant, None, f"its tests did not end within {_LIMIT_SECONDS} s")
    if run.returncode == 0:
        return Outcome(mutant, None)
    found = _FAILED_TEST.search(run.stdout)
    if run.returncode != _TESTS_FAILED or found is None:
        return Outcome(mutant, None, f"pytest ended with {run.returncode}: {run.stdout[-500:]}{run.stderr[-500:]}")
    return Outcome(mutant, found[1].removeprefix("tests/"))


def table(outcomes: Sequence[Outcome]) -> str:
    """The outcomes as a table in Markdown, in the order of the rules."""
    rows = [f"| {each.mutant.rule} | `{each.mutant.file}` | {_verdict(each)} |" for each in outcomes]
    return "\n".join(("| rule that was broken | in | noticed by |", "|---|---|---|", *rows))


def _verdict(outcome: Outcome) -> str:
    if outcome.trouble:
        return f"**no verdict**: {outcome.trouble}"
    return "**nobody**" if outcome.noticed_by is None else f"`{outcome.noticed_by}`"


def _say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)  # noqa: T201 - a command line


if __name__ == "__main__":
    sys.exit(main())
