"""Finds the names most similar to a misspelt one, for messages.

The search is bounded, because tenants and APIs choose how many names are compared and how long these are, and a long search
would cost other tenants their time.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

MAX_ASKED: Final = 64
"""The most characters of the misspelt name that are compared."""
MAX_WORK: Final = 200_000
"""The most pairs of characters that are compared in one search: about 20 ms."""


def nearest(asked: str, offered: Iterable[str], *, most: int, cutoff: float = 0.6) -> list[str]:
    """Return at most `most` of the offered names that are similar to `asked`, the most similar first.

    `cutoff` is the least similarity, from 0 to 1. If there are too many names to compare, names with the same first character
    as `asked`, and short names, come first.
    """
    asked = asked[:MAX_ASKED]
    return get_close_matches(asked, _worth_comparing(asked, set(offered)), n=most, cutoff=cutoff) if asked else []


def _worth_comparing(asked: str, names: Iterable[str]) -> list[str]:
    room = MAX_WORK // len(asked)
    found = []
    for name in sorted(names, key=lambda name: (name[:1] != asked[:1], len(name), name)):
        room -= len(name)
        if room < 0:
            break
        found.append(name)
    return found
