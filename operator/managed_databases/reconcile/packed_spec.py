"""A large spec is kept as text: as Python objects it would take several times the memory, and it is rarely looked at."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

PACKED_FROM_BYTES: Final = 2 * 2**10
MAX_FIELD_BYTES: Final = 32 * 2**10
"""The most bytes, as JSON, of one field of a namespaced resource's spec."""
TOO_LARGE: Final = "(more than this operator reads)"
"""Stands in the place of a field with more bytes. `reading.py` refuses a spec with this text, so nothing is done by it."""


class Packed(Mapping[str, Any]):
    """A mapping of JSON values that is kept as text. Each access parses the text anew."""

    __slots__ = ("text",)

    def __init__(self, text: bytes) -> None:
        self.text = text

    def __getitem__(self, name: str) -> Any:
        return orjson.loads(self.text)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(orjson.loads(self.text))

    def __len__(self) -> int:
        return len(orjson.loads(self.text))

    def __repr__(self) -> str:
        return f"Packed({len(self.text)} bytes)"


def as_text(spec: Mapping[str, Any]) -> bytes:
    return spec.text if isinstance(spec, Packed) else orjson.dumps(spec)


def as_values(spec: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = orjson.loads(spec.text) if isinstance(spec, Packed) else dict(spec)
    return values


def packed(spec: Mapping[str, Any], *, max_field: int | None = MAX_FIELD_BYTES) -> Mapping[str, Any]:
    """Return the spec as it is kept: as a Packed if it has more than PACKED_FROM_BYTES bytes, else as it was given.

    TOO_LARGE replaces each field of more than `max_field` bytes, and a field with such a long name is left out; with None
    nothing is replaced or left out.
    """
    if isinstance(spec, Packed):
        return spec
    text = orjson.dumps(spec)
    if len(text) <= PACKED_FROM_BYTES:
        return spec
    if max_field is not None and len(text) > max_field:
        fitting = {
            name: TOO_LARGE if len(orjson.dumps(value)) > max_field else value
            for name, value in spec.items()
            if len(name) <= max_field
        }
        text = orjson.dumps(fitting)
    return Packed(bytes(memoryview(text)))  # a copy: orjson's own bytes hold several times as much memory as they need
