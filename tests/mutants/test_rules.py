"""The list of mutants keeps up with the sources; that each is noticed is shown by `make mutants`."""

import pytest

from mutants.mutant import SOURCES, Mutant
from mutants.page import PAGE, noticed_by, written
from mutants.rules import MUTANTS


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.rule)
def test_each_rule_can_be_broken(mutant: Mutant) -> None:
    right = (SOURCES / "managed_databases" / mutant.file).read_text()
    assert compile(mutant.broken(), mutant.file, "exec") != compile(right, mutant.file, "exec")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.rule)
def test_its_tests_are_there(mutant: Mutant) -> None:
    assert mutant.tests
    assert all((SOURCES.parent / "tests" / name).exists() for name in mutant.tests)


def test_the_page_has_every_rule_and_its_tests_are_there() -> None:
    told = PAGE.read_text()
    noticed = noticed_by(told)
    assert [mutant.rule for mutant in MUTANTS if mutant.rule not in noticed] == [], (
        "make mutants ARGS='--page WORD' adds it"
    )
    assert written(MUTANTS, noticed) == told
    files = {test.partition("::")[0] for test in noticed.values()}
    assert [file for file in sorted(files) if not (SOURCES.parent / "tests" / file).exists()] == []


def test_no_rule_stands_twice() -> None:
    assert len({mutant.rule for mutant in MUTANTS}) == len(MUTANTS)
