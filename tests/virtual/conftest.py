"""A cloud with few parameters, and the table of faults at the end of `make chaos`."""

from collections.abc import Iterator

import pytest

from managed_databases.sandbox import catalogue, objects
from managed_databases.sandbox.store import Row

IN_USE = (catalogue.type_id("postgresql", "16"), catalogue.type_id("kafka", "3.6"))
NAMED = ("work_mem", "max_connections", "autovacuum", "jit", "shared_buffers", "log.retention.ms")


@pytest.fixture(autouse=True)
def few_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the list of all parameters have a few: to read thousands takes longer than most of these tests, which start the
    operator again and again. The stories read them all.
    """
    whole = catalogue.parameter_rows

    def rows(of_type: str | None, ram_mb: int, *, limits_as_text: bool) -> Iterator[Row]:
        for type_ in IN_USE if of_type is None else (of_type,):
            told = whole(type_, ram_mb, limits_as_text=limits_as_text)
            yield from (row for row in told if of_type is not None or row["name"] in NAMED)

    monkeypatch.setattr(objects, "parameter_rows", rows)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [each for outcome in ("passed", "failed") for each in terminalreporter.stats.get(outcome, [])]
    rows = [(told, each.failed) for each in reports for name, told in each.user_properties if name == "fault"]
    if not rows:
        return
    terminalreporter.section("faults")
    terminalreporter.line(f"{'phase of life, what fails':26} {'tried':>6} {'violations':>10}")
    for phase in dict.fromkeys(phase for phase, _ in rows):
        of = [failed for other, failed in rows if other == phase]
        terminalreporter.line(f"{phase:26} {len(of):6} {sum(of):10}")
