"""Recorded terminal sessions: the recorder, and that those in docs/sessions are what it makes."""

import json
import sys
from pathlib import Path

import pytest

from tools.recorded_session.__main__ import COLUMNS, ROWS, last_screen, main

SESSIONS = Path(__file__).parents[1] / "docs/sessions"


def events(cast: Path) -> tuple[dict[str, object], list[tuple[float, str, str]]]:
    header, *rest = map(json.loads, cast.read_text().splitlines())
    return header, [tuple(each) for each in rest]


def test_a_session_is_recorded_as_it_was_shown(tmp_path: Path) -> None:
    program = (
        "import os; print(os.get_terminal_size()); print('\\033[2Jz\\u00e4hlt \\033[1m3\\033[0m'); raise SystemExit(7)"
    )
    assert main(str(tmp_path / "a.cast"), sys.executable, "-c", program) == 7
    header, told = events(tmp_path / "a.cast")
    assert (header["version"], header["width"], header["height"]) == (2, COLUMNS, ROWS)
    shown = "".join(text for _, kind, text in told if kind == "o")
    assert f"columns={COLUMNS}, lines={ROWS}" in shown
    assert (tmp_path / "a.txt").read_text().endswith("\nz\u00e4hlt 3\n")


@pytest.mark.parametrize("cast", sorted(SESSIONS.glob("*.cast")), ids=lambda path: path.name)
def test_a_session_of_the_pages_can_be_played_and_its_text_is_its_end(cast: Path) -> None:
    header, told = events(cast)
    assert (header["version"], header["width"]) == (2, COLUMNS)
    times = [at for at, _, _ in told]
    assert times == sorted(times)
    shown = "".join(text for _, _, text in told)
    assert cast.with_suffix(".txt").read_text() == f"$ {header['command']}\n{last_screen(shown)}"


def test_the_demo_has_made_everything() -> None:
    text = (SESSIONS / "demo.txt").read_text()
    assert "11 of 11 are Ready" in text
    assert "all is Ready" in text
