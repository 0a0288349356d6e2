"""Hiding the secrets that a request carried in whatever text comes back: APIs echo their input in error messages."""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Final
from urllib.parse import quote, quote_plus

from pydantic import BaseModel, SecretStr

MASK: Final = "***"
WITHHELD: Final = "(message withheld: it cannot be told apart from a secret)"
_SHORTEST_FRAGMENT: Final = 6


def secrets_in(value: object) -> Iterator[SecretStr]:
    """Yield every SecretStr in a request body, at any depth."""
    if isinstance(value, SecretStr):
        yield value
    elif isinstance(value, BaseModel):
        for _, field in value:
            yield from secrets_in(field)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from secrets_in(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from secrets_in(item)


def _in_base64(raw: bytes) -> Iterator[str]:
    """The value encoded alone, and what stays the same of it inside a longer text, at each of three alignments."""
    yield base64.b64encode(raw).decode()
    for offset, unstable in ((0, 0), (1, 2), (2, 3)):
        whole = base64.b64encode(bytes(offset) + raw).decode().rstrip("=")
        partly_filled = (offset + len(raw)) % 3 != 0
        fragment = whole[unstable : len(whole) - partly_filled]
        if len(fragment) >= _SHORTEST_FRAGMENT:
            yield fragment


def _escaped(text: str) -> set[str]:
    """JSON strings and Python literals, with either quote, ASCII only or not."""
    slashed = text.replace("\\", "\\\\")
    return {
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        json.dumps(text)[1:-1].replace("/", "\\/"),
        repr(text)[1:-1],
        ascii(text)[1:-1],
        slashed.replace("'", "\\'"),
        slashed.replace('"', '\\"'),
    }


def forms(secret: str) -> frozenset[str]:
    """Every way in which an answer may spell `secret`; none of them is empty."""
    raw = secret.encode(errors="surrogatepass")
    once = {secret} | _escaped(secret) | {repr(raw)[2:-1]}
    twice = {form for text in once for form in _escaped(text)}
    encoded = {quote(raw, safe=""), quote(raw), quote_plus(raw), html.escape(secret), html.escape(secret, quote=False)}
    encoded.add(html.escape(secret).replace("&#x27;", "&#39;"))
    in_base64 = set(_in_base64(raw))
    for_urls = {form.replace("+", "-").replace("/", "_") for form in in_base64}
    padded = {quote(form, safe="") for form in in_base64}
    return frozenset((once | twice | encoded | in_base64 | for_urls | padded) - {""})


class Masks:
    """What must not be seen of one request: its token and every secret of its body."""

    def __init__(self, secrets: Iterable[SecretStr]) -> None:
        self._secrets = tuple(secrets)

    @cached_property
    def _forms(self) -> frozenset[str]:
        return frozenset[str]().union(*(forms(secret.get_secret_value()) for secret in self._secrets))

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        """Made when first needed: with a long token it takes milliseconds, and most calls succeed."""
        alternatives = "|".join(re.escape(form) for form in sorted(self._forms, key=len, reverse=True))
        # A look-ahead finds overlapping occurrences too; case is ignored because hex digits come in both.
        return re.compile(f"(?=({alternatives}))", re.IGNORECASE) if alternatives else None

    def __repr__(self) -> str:
        return "Masks()"

    def quoted_in(self, text: str) -> bool:
        """Whether a secret stands in `text` as it is, in whatever case."""
        return any(
            value and value.lower() in text.lower() for value in (one.get_secret_value() for one in self._secrets)
        )

    def apply(self, text: str) -> str:
        """Return `text` with `***` for every form of every secret; no form is left in it, whatever the secret is."""
        if self._pattern is None:
            return text
        kept: list[str] = []
        end = 0
        for match in self._pattern.finditer(text):
            start, stop = match.span(1)
            if start > end or not kept:
                kept += [text[end:start], MASK]
            end = max(end, stop)
        masked = "".join([*kept, text[end:]])
        return WITHHELD if any(form in masked for form in self._forms) else masked
