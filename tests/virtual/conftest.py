"""The table of faults at the end of `make chaos`."""

import pytest


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
