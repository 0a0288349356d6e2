"""Splits the list in a JSON answer into the texts of its rows while the bytes arrive, without parsing the whole list.

An answer over a limit is refused before it is parsed. Only one row is kept and parsed at a time
([why](../../../docs/adr/0012-lists-are-read-row-by-row.md)).
"""

import re
from collections.abc import Iterator
from typing import Final

import orjson

ROW_LIMIT: Final = 50_000
ROW_LIMIT_BYTES: Final = 128 * 2**10

_STRING: Final = rb'"(?:[^"\\]++|\\.)*+"'
_PLAIN: Final = rb'[^"\[\]{}]++|' + _STRING


def _inside(levels: int) -> bytes:
    """Return a pattern for the text between two brackets, with further brackets in it at most `levels` deep."""
    if not levels:
        return rb"(?:" + _PLAIN + rb")*+"
    deeper = _inside(levels - 1)
    return rb"(?:" + _PLAIN + rb"|\{" + deeper + rb"\}|\[" + deeper + rb"\])*+"


_NEXT_ROW: Final = re.compile(rb"[ \t\r\n]*+,[ \t\r\n]*+(\{" + _inside(3) + rb"\})", re.DOTALL)
"""Finds a whole row at once if it is not nested too deep; other rows are found bracket by bracket."""
_BRACKET: Final = re.compile(rb"(?:" + _PLAIN + rb")*+[\[\]{}]", re.DOTALL)
_TOKEN: Final = re.compile(_STRING + rb'|[\[\]{},:]|[^ \t\r\n\[\]{},:"]++', re.DOTALL)
_BLANKS: Final = re.compile(rb"[ \t\r\n]*+")
_MAX_OTHERS: Final = 8
_OPENING: Final = (b"[", b"{")
_ALONE: Final = frozenset((b"[", b"]", b"{", b"}", b",", b":"))
_NO_VALUES: Final = frozenset((b"]", b"}", b",", b":"))


class Unreadable(Exception):
    """A body that is not what the call expects. The text says why, and contains nothing of the body."""


def not_json() -> Unreadable:
    return Unreadable("the answer is not JSON")


class OverLimit(Exception):
    """A body over a limit. The text says how much the body has of what, and how much is allowed."""

    def __init__(self, what: str, found: int, most: int, *, of: str = "the answer has") -> None:
        super().__init__(f"{of} {found} {what} or more, at most {most} are read")


def require(what: str, found: int, most: int, *, of: str = "the answer has") -> None:
    """Raise OverLimit if `found` is more than `most`."""
    if found > most:
        raise OverLimit(what, found, most, of=of)


class RowSplitter:
    """Finds the list under `envelope` of a JSON object. Feed it with all the bytes, in pieces, then call `end`.

    It checks only the structure around the rows; the caller parses the rows, and so finds out whether they are JSON.
    """

    def __init__(self, envelope: str, *, row_most_bytes: int | None = None, null_is_empty: bool = False) -> None:
        self.rows = 0
        self.others: dict[str, bytes] = {}
        """The texts of the values beside the list, by key."""
        self._max_row = ROW_LIMIT_BYTES if row_most_bytes is None else row_most_bytes
        self._null_is_empty = null_is_empty
        self._key = ""
        self._envelope = envelope
        self._text = b""
        self._at = 0
        self._begun: int | None = None
        """Where the value begins that has not arrived whole yet."""
        self._depth = 0
        self._where = "document"
        self._is_found = self._is_all = False

    @property
    def is_empty(self) -> bool:
        """Whether only blanks have arrived."""
        return self._where == "document" and not self._text[self._at :].strip()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Take the next bytes, and yield the text of each row that is whole now. Raises Unreadable and OverLimit."""
        kept = self._at if self._begun is None else self._begun
        self._text = self._text[kept:] + piece
        self._at -= kept
        self._begun = None if self._begun is None else 0
        while (part := self._next()) is not None:
            if self._where in ("first row", "row") and part != b"]":
                self._where = "after a row"
                self._count()
                yield part
                text = self._text
                while next_ := _NEXT_ROW.match(text, self._at, self._at + self._max_row):
                    self._at = next_.end()
                    self._count()
                    yield next_[1]
            else:
                self._where = self._moved(part)

    def _count(self) -> None:
        self.rows += 1
        if self.rows > ROW_LIMIT:
            raise OverLimit("rows", self.rows, ROW_LIMIT)

    def end(self) -> None:
        """Check, after all bytes, that the document was whole. Raises Unreadable if it was not."""
        self._is_all = True
        for _ in self.feed(b""):
            raise not_json()
        if self._where != "end":
            raise not_json()
        if not self._is_found:
            raise Unreadable(f"the answer has no {self._envelope!r}")

    def _moved(self, part: bytes) -> str:
        """Return the state of the splitter after `part`."""
        match self._where, part:
            case "document", b"{":
                return "first key"
            case "document", _:
                raise Unreadable(f"the answer has no {self._envelope!r}") if part in (b"[", b"null") else not_json()
            case ("first key", b"}") | ("after a value", b"}"):
                return "end"
            case (("first key" | "key"), _) if part.startswith(b'"'):
                self._key = _text_of(part)
                return "colon"
            case "colon", b":" if self._key != self._envelope:
                return "other value"
            case "colon", b":" if not self._is_found:
                self._is_found = True
                return "list"
            case "list", b"[":
                return "first row"
            case "list", b"null" if self._null_is_empty:
                return "after a value"
            case "list", _:
                raise Unreadable("a list was expected in the answer")
            case "after a row", b",":
                return "row"
            case "other value", _ if part not in _NO_VALUES:
                if len(self.others) < _MAX_OTHERS:
                    self.others[self._key] = part
                return "after a value"
            case (("first row" | "after a row"), b"]"):
                return "after a value"
            case "after a value", b",":
                return "key"
        raise not_json()

    def _next(self) -> bytes | None:
        """Return the next whole value if one may follow, else the next token; None if it has not arrived whole."""
        if self._begun is None:
            self._at = _end_of(_BLANKS, self._text, self._at)
            if self._where in ("first row", "row", "other value") and self._text[self._at : self._at + 1] in _OPENING:
                self._begun = self._at
            else:
                return self._token()
        while found := _BRACKET.match(self._text, self._at, self._begun + self._max_row):
            self._at = found.end()
            self._depth += 1 if self._text[self._at - 1] in b"[{" else -1
            if not self._depth:
                return self._ended()
        require("bytes", len(self._text) - self._begun, self._max_row, of=f"row {self.rows} of the answer has")
        return None

    def _ended(self) -> bytes:
        begun, self._begun = self._begun, None
        return self._text[begun : self._at]

    def _token(self) -> bytes | None:
        found = _TOKEN.match(self._text, self._at, self._at + self._max_row)
        if found is None or (found.end() == len(self._text) and not self._is_all and found[0] not in _ALONE):
            if self._is_all and self._at < len(self._text):
                raise not_json()
            require("bytes", len(self._text) - self._at, self._max_row, of=f"row {self.rows} of the answer has")
            return None
        self._at = found.end()
        return found[0]


def _end_of(pattern: re.Pattern[bytes], text: bytes, at: int) -> int:
    found = pattern.match(text, at)
    return at if found is None else found.end()


def _text_of(key: bytes) -> str:
    try:
        return str(orjson.loads(key))
    except orjson.JSONDecodeError:
        pass
    raise not_json()
