"""Notices that somebody else wants what a keeper keeps to be otherwise."""

from collections import defaultdict
from collections.abc import Hashable
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)

FIGHT_SECONDS: Final = 600.0
MAX_CORRECTIONS: Final = 3
"""So many times in FIGHT_SECONDS one thing is put right; then the operator rests."""


class Fights(Generic[K]):
    """When each thing was put right, as far as that counts."""

    def __init__(self) -> None:
        self._corrections: dict[K, list[float]] = defaultdict(list)

    def may_correct(self, what: K, now: float) -> bool:
        """Return whether the thing may be put right now, and note that it is. `now` is monotonic, in seconds."""
        lately = self._corrections[what] = [at for at in self._corrections[what] if at > now - FIGHT_SECONDS]
        if len(lately) >= MAX_CORRECTIONS:
            return False
        lately.append(now)
        return True
