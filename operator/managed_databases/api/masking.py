"""Hides the secrets of a request in the texts of its answer: APIs repeat their input in error messages."""

import base64
import html
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Final
from urllib.parse import quote, quote_plus, unquote
from urllib.request import getproxies

from pydantic import BaseModel, SecretStr

MASK: Final = "***"
WITHHELD: Final = "(message withheld: it cannot be told apart from a secret)"
MAX_SECRET_LENGTH: Final = 8_192
"""The most characters of a secret. Longer tokens do not fit into the headers of usual servers; passwords have at most 255."""
_SHORTEST_FRAGMENT: Final = 6
_MASK_BYTES: Final = MASK.encode()


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


def proxy_passwords() -> tuple[SecretStr, ...]:
    """Return the passwords in the addresses of the environment's proxies, as they stand there and as they are sent."""
    logins = (address.rpartition("@")[0].rpartition("://")[2] for address in getproxies().values())
    quoted = {login.partition(":")[2] for login in logins} - {""}
    return tuple(SecretStr(password) for password in sorted(quoted | set(map(unquote, quoted))))


def _in_base64(raw: bytes) -> Iterator[str]:
    """Return a value in base64: encoded alone, and, for each of three alignments, its unchanged part inside a longer text."""
    yield base64.b64encode(raw).decode()
    for offset, unstable in ((0, 0), (1, 2), (2, 3)):
        whole = base64.b64encode(bytes(offset) + raw).decode().rstrip("=")
        partly_filled = (offset + len(raw)) % 3 != 0
        fragment = whole[unstable : len(whole) - partly_filled]
        if len(fragment) >= _SHORTEST_FRAGMENT:
            yield fragment


def _escaped(text: str) -> set[str]:
    """Return a text as JSON strings and Python literals write it, with either quote, in ASCII only or not."""
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


def _raws(secret: str) -> set[bytes]:
    """Return a text as bytes. Where it has lone surrogates for bytes that are no UTF-8, as values of Secrets have them, also with
    these bytes.
    """
    raws = {secret.encode(errors="surrogatepass")}
    with suppress(UnicodeEncodeError):  # another surrogate than those that stand for bytes
        raws.add(secret.encode(errors="surrogateescape"))
    return raws


def forms(secret: str) -> frozenset[str]:
    """Return every spelling of `secret` that an answer may contain; none of them is empty."""
    raws = _raws(secret)
    once = {secret} | _escaped(secret) | {repr(raw)[2:-1] for raw in raws}
    twice = {form for text in once for form in _escaped(text)}
    encoded = {html.escape(secret), html.escape(secret, quote=False)}
    for raw in raws:
        encoded |= {quote(raw, safe=""), quote(raw), quote_plus(raw)}
    encoded.add(html.escape(secret).replace("&#x27;", "&#39;"))
    in_base64 = {form for raw in raws for form in _in_base64(raw)}
    for_urls = {form.replace("+", "-").replace("/", "_") for form in in_base64}
    padded = {quote(form, safe="") for form in in_base64}
    return frozenset((once | twice | encoded | in_base64 | for_urls | padded) - {""})


def _period(form: bytes) -> int:
    """Return the least shift by which a text matches itself: two occurrences of the text are never closer together."""
    borders, length = [0] * len(form), 0
    for at in range(1, len(form)):
        while length and form[at] != form[length]:
            length = borders[length - 1]
        length += form[at] == form[length]
        borders[at] = length
    return len(form) - length


def _occurrences(form: bytes, text: bytes) -> Iterator[tuple[int, int]]:
    """Yield where `form` occurs in `text`, also where occurrences overlap, in linear time: repetitions are followed in steps of
    the form's period.
    """
    start = text.find(form)
    period = _period(form) if start >= 0 else 0
    while start >= 0:
        last = start
        while text.startswith(form, last + period):
            last += period
        yield start, last + len(form)
        start = text.find(form, last + 1)


class Masks:
    """Hides the secrets of one request: its token, every secret in its body, and what else its answer may repeat.

    If a secret is longer than MAX_SECRET_LENGTH, its spellings are not searched, and no text of the answer is shown at all.
    """

    def __init__(self, secrets: Iterable[SecretStr]) -> None:
        self._secrets = tuple(one for one in secrets if one.get_secret_value())
        self._withholds = any(len(one.get_secret_value()) > MAX_SECRET_LENGTH for one in self._secrets)

    @cached_property
    def _forms(self) -> frozenset[str]:
        """The spellings of all secrets. They are computed when first needed: that takes milliseconds for a long token, and most
        calls succeed.
        """
        return frozenset[str]().union(*(forms(secret.get_secret_value()) for secret in self._secrets))

    def __repr__(self) -> str:
        return "Masks()"

    def quoted_in(self, text: str) -> bool:
        """Return whether `text` contains a secret as it is, in upper or lower case."""
        return any(one.get_secret_value().lower() in text.lower() for one in self._secrets)

    def apply(self, text: str, most: int | None = None) -> str:
        """Return the first `most` characters of `text`, with `***` for every form of every secret in them.

        The result contains no spelling of a secret, nor the beginning of one that goes on behind the cut. The time grows only in
        proportion to the length of the text.
        """
        if not self._secrets:
            return text[:most]
        if self._withholds:
            return WITHHELD if text else text
        most = len(text) if most is None else min(most, len(text))
        looked_at = _in_bytes(text[: most + max(map(len, self._forms))])
        end = len(_in_bytes(text[:most]))
        lowered = looked_at.lower()  # ASCII only, so that all stays in its place: hex digits come in both cases
        found = {_in_bytes(form).lower() for form in self._forms}
        kept: list[bytes] = []
        at = 0
        for start, stop in sorted(span for form in found for span in _occurrences(form, lowered)):
            if start >= end:
                break
            if start > at or not kept:
                kept += [looked_at[at:start], _MASK_BYTES]
            at = max(at, stop)
        masked = b"".join([*kept, looked_at[at:end]]).decode(errors="surrogatepass")
        return WITHHELD if any(form in masked for form in self._forms) else masked


def _in_bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")
