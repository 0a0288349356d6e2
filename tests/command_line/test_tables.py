"""How tables and ages are written."""

from datetime import UTC, datetime

import pytest

from managed_databases.command_line.tables import age, duration, table


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0s"), (0, "0s"), (59.9, "59s"), (60, "1m"), (90, "1m30s"), (179, "2m59s"), (180, "3m"), (3599, "59m"),
        (3600, "1h"), (5400, "1h30m"), (10_800, "3h"), (86_400, "1d"), (180_000, "2d2h"), (864_000, "10d"),
    ],
)  # fmt: skip
def test_a_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ("2026-11-29T10:00:00Z", "1m"),
        ("2026-11-29T11:00:00+01:00", "1m"),
        (None, "?"),
        ("", "?"),
        ("soon", "?"),
        ("0001-01-01T00:00:00+14:00", "?"),
        ("9999-12-31T23:59:59-14:00", "?"),
        (7, "?"),
    ],
)
def test_an_age(told: str | None, text: str) -> None:
    assert age(told, datetime(2026, 11, 29, 10, 1, tzinfo=UTC)) == text


def test_a_table_has_columns_and_nothing_invisible() -> None:
    said = table(("NAME", "WHY"), [("a", ""), ("longer", "clear\x1b[2J")])
    assert said == "NAME     WHY\na        -\nlonger   clear\\x1b[2J\n"
