"""Recorded terminal sessions: the recorder, and that those in docs/sessions are what it makes."""

import json
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tools.recorded_session.__main__ import COLUMNS, ROWS, last_screen, main
from tools.recorded_session.picture import picture

PICTURES = Path(__file__).parents[1] / "docs/pictures"
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


@pytest.mark.parametrize("cast", sorted(SESSIONS.glob("*.cast")), ids=lambda path: path.name)
def test_a_session_of_the_pages_has_a_picture_of_its_end(cast: Path) -> None:
    """After another recording: `python -m tools.recorded_session.picture` (docs/developing.md)."""
    drawn = (PICTURES / cast.with_suffix(".svg").name).read_text()
    assert drawn == picture(cast.read_text())
    assert len(drawn) < 60 * 1024
    root = ElementTree.fromstring(drawn)
    told = "".join("".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text"))
    assert "".join(told.split()) == "".join(cast.with_suffix(".txt").read_text().split()), "each word, and no other"
    for page in ("README.md", "docs/developing.md"):
        assert f"pictures/{cast.with_suffix('.svg').name})" in (SESSIONS.parents[1] / page).read_text()


def test_a_picture_breaks_lines_as_the_terminal_does_and_knows_its_styles() -> None:
    header = json.dumps({"width": 10, "command": "it"})
    drawn = picture(f"{header}\n" + json.dumps([0.1, "o", "\033[32mabcdefghijkl\033[0m <m>\r\n"]))
    places = re.findall(r'<text x="([\d.]+)" y="(\d+)" .*?glyphs"(.*?)>(.*?)</text>'.replace("glyphs", "Glyphs"), drawn)
    assert [(row, style, text) for _, row, style, text in places] == [
        ("27", ' font-weight="bold"', "$ it"),
        ("45", ' fill="#8fd17f"', "abcdefghij"),
        ("63", ' fill="#8fd17f"', "kl"),
        ("63", "", "&lt;m&gt;"),
    ]
    with pytest.raises(KeyError):
        picture(f"{header}\n" + json.dumps([0.1, "o", "\033[95mpink"]))


def test_the_demo_has_made_everything() -> None:
    text = (SESSIONS / "demo.txt").read_text()
    assert "11 of 11 are Ready" in text
    assert "all is Ready" in text
