"""Which of the names on offer somebody may have meant. It is said to help, and must not cost others their time: whoever writes a
spec, and whatever an API lists, chooses how many names are compared, and how long they are.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

MAX_ASKED: Final = 64
"""So many characters of the name that was asked for are looked at."""
MAX_WORK: Final = 200_000
"""Characters that are compared, each with each of the name asked for: 20 ms or so."""


def nearest(asked: str, offered: Iterable[str], *, most: int, cutoff: float = 0.6) -> list[str]:
    """Return at most so many of those that are like it, the nearest first: of names without end those with the same beginning.

    `cutoff` is how much alike they have to be, from 0 to 1.
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
