"""Draws how a recorded session ended as an SVG: text in a terminal, which needs no player.

PYTHONPATH=. python -m tools.recorded_session.picture docs/sessions/demo.cast docs/pictures/demo.svg
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

from tools.recorded_session.__main__ import last_drawn

CELL_WIDTH, CELL_HEIGHT = 7.8, 18
EDGE: Final = 14
FONT: Final = 'font-family="monospace" font-size="13"'
BACKGROUND, FOREGROUND = "#1e2227", "#d7dae0"
STYLES: Final = {
    "1": ' font-weight="bold"',
    "2": ' fill="#8b929e"',
    "31": ' fill="#f07178"',
    "32": ' fill="#8fd17f"',
    "33": ' fill="#e6c06b"',
}
"""What the codes of a terminal's styles become; another code is refused."""
_STYLE: Final = re.compile(r"\x1b\[([0-9;]*)m")
_OTHER_CONTROLS: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-ln-z]")


class Piece(NamedTuple):
    """A part of a row that has one style. `column` is where it begins."""

    column: int
    text: str
    style: str


def picture(cast: str) -> str:
    """Return the SVG of a cast's last screen. Raises KeyError for a style that is not in STYLES."""
    header, *events = map(json.loads, cast.splitlines())
    columns = int(header["width"])
    shown = last_drawn("".join(text for _, _, text in events))
    rows = [[Piece(0, f"$ {header['command']}", STYLES["1"])], *_rows(shown, columns)]
    while not rows[-1]:
        rows.pop()
    width, height = round(columns * CELL_WIDTH + 2 * EDGE), len(rows) * CELL_HEIGHT + 2 * EDGE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {FONT}>',
        f"<title>{escape(header['command'])}</title>",
        f'<rect width="{width}" height="{height}" rx="6" fill="{BACKGROUND}"/>',
        f'<g fill="{FOREGROUND}" xml:space="preserve">',
    ]
    for number, row in enumerate(rows, 1):
        for piece in row:
            x, y = EDGE + piece.column * CELL_WIDTH, EDGE + number * CELL_HEIGHT - 5
            length = f'textLength="{len(piece.text) * CELL_WIDTH:.1f}" lengthAdjust="spacingAndGlyphs"'
            parts.append(f'<text x="{x:.1f}" y="{y}" {length}{piece.style}>{escape(piece.text)}</text>')
    return "\n".join([*parts, "</g>", "</svg>\n"])


def _rows(shown: str, columns: int) -> Iterator[list[Piece]]:
    """Yield the rows of a screen of that width, as a terminal breaks its lines."""
    style = ""
    for line in _OTHER_CONTROLS.sub("", shown).replace("\r", "").split("\n"):
        row: list[Piece] = []
        column = 0
        text, *rest = _STYLE.split(line)
        for code, following in zip(["", *rest[::2]], [text, *rest[1::2]], strict=True):
            style = _style(code, style) if code or following is not text else style
            left = following
            while left:
                part, left = left[: columns - column], left[columns - column :]
                row += _words(Piece(column, part, style))
                column += len(part)
                if left:
                    yield row
                    row, column = [], 0
        yield row


def _style(code: str, before: str) -> str:
    return "" if code in ("", "0") else before + STYLES[code]


def _words(piece: Piece) -> Iterator[Piece]:
    """Yield what is between wide gaps, each at its column: spaces in a row would not count everywhere."""
    for found in re.finditer(r"\S+(?: \S+)*", piece.text):
        yield Piece(piece.column + found.start(), found[0], piece.style)


def main(cast: str, svg: str) -> None:
    Path(svg).write_text(picture(Path(cast).read_text()))


if __name__ == "__main__":
    main(*sys.argv[1:])
