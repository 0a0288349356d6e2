"""The table at the end of `make chaos`."""

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [each for outcome in ("passed", "failed") for each in terminalreporter.stats.get(outcome, [])]
    rows = [(*told, each.failed) for each in reports for name, told in each.user_properties if name == "chaos"]
    if not rows:
        return
    terminalreporter.section("boundaries")
    terminalreporter.line(f"{'scenario':28} {'boundaries':>10} {'tried':>6} {'runs':>5} {'violations':>10}")
    for scenario, boundaries, tried, runs, failed in rows:
        terminalreporter.line(f"{scenario:28} {boundaries:10} {tried:6} {runs:5} {int(failed):10}")
