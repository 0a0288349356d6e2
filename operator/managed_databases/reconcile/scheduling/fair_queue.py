"""A queue in which accounts take turns: an account with many entries has no more turns than one with few."""

import heapq
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, Protocol, TypeVar


class Ordered(Protocol):
    def __lt__(self, other: Any, /) -> bool: ...


E = TypeVar("E", bound=Ordered)
Share = tuple[Hashable, ...]
"""The account of an entry, as units from the largest to the smallest: a project, a namespace in it, a datastore in that."""
MayHaveIt = Callable[[Share], bool]


class FairQueue(Generic[E]):
    """Entries by share. The units of a level take turns, and so do the smaller units within each of them; within the smallest
    unit the least entry comes first. A unit that is alone has all turns. Every operation is O(log n), except that `pop` also
    looks at each unit that it passes over.
    """

    def __init__(self) -> None:
        self._units: OrderedDict[Hashable, FairQueue[E]] = OrderedDict()
        """In the order in which they come to their turn."""
        self._entries: list[E] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def push(self, share: Share, entry: E) -> None:
        self._count += 1
        if share:
            if share[0] not in self._units:
                self._units[share[0]] = FairQueue()
            self._units[share[0]].push(share[1:], entry)
        else:
            heapq.heappush(self._entries, entry)

    def pop(self, may_have_it: MayHaveIt | None = None, *, levels: int = 1) -> E | None:
        """Remove and return the next entry; None if there is none.

        With `may_have_it` a unit gets its turn only if that function says so of the unit, or of a unit within it; the function
        is given the unit's path from the largest unit on, and is asked for `levels` levels. A unit that may not have its turn
        keeps its place in the order.
        """
        return self._pop(may_have_it, levels, ())

    def _pop(self, may_have_it: MayHaveIt | None, levels: int, within: Share) -> E | None:
        for unit, branch in self._units.items():
            path = (*within, unit)
            if not self._may(may_have_it, levels, path):
                continue
            entry = branch._pop(None if may_have_it is None or may_have_it(path) else may_have_it, levels, path)
            if branch:
                self._units.move_to_end(unit)
            else:
                del self._units[unit]
            self._count -= 1
            return entry
        if self._entries and (may_have_it is None or not self._units):
            self._count -= 1
            return heapq.heappop(self._entries)
        return None

    def _may(self, may_have_it: MayHaveIt | None, levels: int, path: Share) -> bool:
        if may_have_it is None or may_have_it(path):
            return True
        branch = self._units[path[-1]]
        return len(path) < levels and any(branch._may(may_have_it, levels, (*path, unit)) for unit in branch._units)
