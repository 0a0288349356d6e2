"""Estimates how much memory the rows of a list take, and makes them take less by sharing equal values."""

from collections.abc import Hashable
from functools import cache
from typing import Any, Final, TypeVar

from pydantic import BaseModel

M = TypeVar("M", bound=BaseModel)

KEPT_LIMIT_BYTES: Final = 63 * 2**20
"""The most bytes of memory for all whole lists of one project, by the estimate below."""
KEPT_PER_ROW: Final = 100
_PER_OBJECT: Final = 400
_PER_LIST: Final = 80
_PER_VALUE: Final = 25
_PER_TEXT: Final = 40
_WIDEST_CHARACTER: Final = 4
"""With one non-ASCII or escaped character in a text, each character of that text takes up to this number of bytes."""
_MAX_SHARED: Final = 4_096
_UNIQUE: Final = frozenset({"id", "name", "hostname", "ip", "floating_ip", "value"})


def values_in(text: bytes) -> int:
    """Return about how many values a JSON text has; commas and brackets inside strings are counted, too."""
    return text.count(b",") + text.count(b"{") + text.count(b"[")


def memory_of(text: bytes) -> int:
    """Return about how many bytes of memory rows with this JSON text take, beyond KEPT_PER_ROW for each, without parsing it."""
    texts = max(text.count(b'"') // 2 - text.count(b'":'), 0)
    length = len(text) if text.isascii() and b"\\u" not in text else _WIDEST_CHARACTER * len(text)
    objects = _PER_OBJECT * text.count(b"{") + _PER_LIST * text.count(b"[")
    return length + objects + _PER_VALUE * text.count(b",") + _PER_TEXT * texts


class Sharing:
    """Makes the rows of one list share equal values: most rows have the same values in most fields."""

    def __init__(self) -> None:
        self._values: dict[Hashable, Any] = {}
        self._told: dict[frozenset[str], set[str]] = {}

    def shared(self, model: M) -> M:
        """Return the model with values shared with earlier models. The model is changed, so nobody else may have it yet."""
        known = self._values.setdefault if len(self._values) < _MAX_SHARED else self._values.get
        told, fields = model.__pydantic_fields_set__, model.__dict__
        object.__setattr__(model, "__pydantic_fields_set__", self._told.setdefault(frozenset(told), told))
        texts, models = _plan(model.__class__)
        for name in texts:
            value = fields[name]
            if value.__class__ is str:
                fields[name] = known(value, value)
        for name in models:
            value = fields[name]
            if value is None:
                continue
            if value.__class__ is tuple:
                for one in value:
                    self.shared(one)
            elif not _plan(value.__class__)[1]:
                fields[name] = known(_what(value), value)
        return model


def _what(model: BaseModel) -> Hashable:
    """Return a key that only equal models have; a model with values that are not scalars has a key of its own."""
    what = (model.__class__, frozenset(model.__pydantic_fields_set__), *model.__dict__.values())
    try:
        hash(what)
    except TypeError:
        return object()
    return what


@cache
def _plan(model: type[BaseModel]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return a model's fields with texts that many rows share, those with models, and those with tuples of models."""
    texts = tuple(
        name for name, field in model.model_fields.items() if str(field.annotation) in _TEXTS and name not in _UNIQUE
    )
    return texts, tuple(name for name, field in model.model_fields.items() if _models_in(field.annotation))


_TEXTS: Final = frozenset({str(str), str(str | None)})


def _models_in(annotation: Any) -> bool:
    inner = getattr(annotation, "__args__", ())
    return (isinstance(annotation, type) and issubclass(annotation, BaseModel)) or any(map(_models_in, inner))
