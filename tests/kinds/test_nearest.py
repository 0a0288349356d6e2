"""The names that somebody may have meant are found among a catalogue's, and never at a cost that others notice."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import pytest

from managed_databases.kinds.nearest import MAX_ASKED, MAX_WORK, nearest

HONEST = [
    f"{first}_{second}"
    for first in ("autovacuum", "checkpoint", "work", "max_wal")
    for second in ("mem", "size", "cost")
]


@pytest.mark.parametrize(
    ("asked", "found"), [("work_men", "work_mem"), ("wrk_mem", "work_mem"), ("autovacum_cost", "autovacuum_cost")]
)
def test_a_slip_of_the_pen_is_understood(asked: str, found: str) -> None:
    assert nearest(asked, HONEST, most=1) == [found]


def test_nothing_is_near_to_nothing() -> None:
    assert nearest("", HONEST, most=3) == nearest("work_mem", [], most=3) == nearest("zzz", HONEST, most=3) == []


@pytest.mark.parametrize(
    ("why", "asked", "offered"),
    [
        ("many", "work_mem", [f"work_mem_{number}" for number in range(50_000)]),
        ("long", "a" * 200, ["ab" * 30_000, *(f"{'ab' * 500}{number}" for number in range(500))]),
        ("many, for a single letter", "a", ["ab" * 60 + str(number) for number in range(20_000)]),
    ],
)
def test_only_so_much_is_compared(
    monkeypatch: pytest.MonkeyPatch, why: str, asked: str, offered: Sequence[str]
) -> None:
    compared = []

    def counted(word: str, possibilities: list[str], **rest: Any) -> list[str]:
        compared.append(len(word) * sum(map(len, possibilities)))
        return get_close_matches(word, possibilities[:10], **rest)

    monkeypatch.setattr("managed_databases.kinds.nearest.get_close_matches", counted)
    nearest(asked, offered, most=3)
    assert len(compared) == 1, why
    assert compared[0] <= MAX_WORK
    assert MAX_ASKED < 200


def test_of_too_many_those_with_the_same_beginning_are_compared() -> None:
    offered = [*(f"a{number:06}" for number in range(50_000)), "work_mem"]
    assert nearest("work_men", offered, most=1) == ["work_mem"]
