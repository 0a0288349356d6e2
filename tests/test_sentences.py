"""The prose that people read has no sentence that has to be read twice, only because of its length."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
PAGES = [
    *(TOP / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((TOP / "docs").glob("*.md")),
]
MOST_WORDS = 45

APART = re.compile(r"^ *```.*?^ *```$|^#[^\n]*$|<!--.*?-->|^\|[ :|-]*\|$", re.MULTILINE | re.DOTALL)
"""What is no prose: blocks of code, headings, comments, the line under a table's head."""
QUOTED = re.compile(r"(`+)(?:(?!\n\n).)+?\1|\]\([^)]*\)", re.DOTALL)
BLOCKS = re.compile(r"\n\s*\n(?: *(?:[-*]|\d+\.) )?|\n *(?:[-*]|\d+\.) |\|")
ENDS = re.compile(r"(?<=[.!?])[)*\"]*\s+")


def sentences(text: str) -> Iterator[str]:
    """Yield each sentence of a page, and of each cell of its tables. What is in backticks counts as one word."""
    prose = QUOTED.sub(lambda found: "]" if found[0].startswith("]") else "x", APART.sub("\n\n", text))
    for block in BLOCKS.split(prose):
        yield from ENDS.split(" ".join(block.split()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_no_sentence_is_too_long(page: Path) -> None:
    found = [sentence for sentence in sentences(page.read_text()) if len(sentence.split()) > MOST_WORDS]
    assert found == [], f"{MOST_WORDS} words at most"


def test_a_long_sentence_would_be_found() -> None:
    long = " ".join(["word"] * MOST_WORDS)
    text = f"# Of\n\nIt is `so (a. b)`. One {long}\nmore.\n\n- {long}. Short.\n- {long}.\n\n| {long} end. | {long} |\n"
    found = [sentence for sentence in sentences(text) if len(sentence.split()) > MOST_WORDS]
    assert found == [f"One {long} more.", f"{long} end."]
