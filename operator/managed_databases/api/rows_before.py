"""Remembers the rows of a list, because at rest a list says the same each time: what was read before is not read again."""

from array import array
from collections.abc import Sequence
from typing import Final

from managed_databases.api.models import AnswerModel

NEVER_SAME: Final = 0
"""The hash to remember of a row that is to be read each time, such as one in which something is odd and is told."""


class RowsBefore:
    """Of each row of the last whole list the model and a hash of its text; nothing at first. Where several projects share one,
    equal rows of their lists are the same models.

    Hashes of bytes depend on a random key of the process, so nobody can make a row whose hash is that of another one.
    """

    def __init__(self) -> None:
        self._rows: tuple[AnswerModel, ...] = ()
        self._hashes = array("q")

    def row(self, place: int, text_hash: int) -> AnswerModel | None:
        """Return the model of the row at this place if its text has the same hash as before, else None."""
        is_same = place < len(self._hashes) and self._hashes[place] == text_hash != NEVER_SAME
        return self._rows[place] if is_same else None

    def replace(self, rows: Sequence[AnswerModel], hashes: "array[int]") -> tuple[AnswerModel, ...]:
        """Remember these rows, and return them. A row that another reading has remembered meanwhile is that one's model."""
        self._rows = tuple(self.row(place, hashes[place]) or row for place, row in enumerate(rows))
        self._hashes = hashes
        return self._rows
