"""Draws the dashboard of a Prometheus that runs somewhere, over its last minutes.

    PYTHONPATH=. python -m tools.dashboard_picture http://127.0.0.1:9090 dashboard.svg --minutes 8

`tools.dashboard_picture.recording` makes something to be seen, and then the picture of docs/observing.md.
"""

import argparse
import time
from pathlib import Path

from tools.dashboard_picture.answers import Span, asking
from tools.dashboard_picture.drawing import MINUTE, picture
from tools.dashboard_picture.panels import shipped

TITLE = "Managed databases"


def draw(prometheus: str, svg: Path, span: Span) -> None:
    svg.parent.mkdir(parents=True, exist_ok=True)
    svg.write_text(picture(shipped(), asking(prometheus, span), span, TITLE))


def main() -> None:
    parser = argparse.ArgumentParser(prog="tools.dashboard_picture", description=__doc__)
    parser.add_argument("prometheus", help="its URL")
    parser.add_argument("svg", type=Path)
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--until", type=float, default=time.time(), help="seconds since 1970; now, if it is not given")
    told = parser.parse_args()
    draw(told.prometheus, told.svg, Span(told.until - told.minutes * MINUTE, told.until))


if __name__ == "__main__":
    main()
