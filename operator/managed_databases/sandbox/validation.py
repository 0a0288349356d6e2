"""Checks a request against its schema, in the words that the API uses.

The schemas are the subset of JSON Schema that `schemas.py` needs; the messages are those of the API's own validator
(`'' is too short`), keyed by the dotted path of the field (`datastore.name`).
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from uuid import UUID

Schema = dict[str, Any]

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}


def failures(schema: Schema, value: object, path: str = "") -> dict[str, str]:
    """Return the first failure of each field, by dotted path; empty if the value is valid."""
    found: dict[str, str] = {}
    for where, message in _check(schema, value, path):
        found.setdefault(where, message)
    return found


def is_uuid(text: str) -> bool:
    """Return whether a text is a UUID in the form with dashes, as the API writes it."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def _check(schema: Schema, value: object, path: str) -> Iterator[tuple[str, str]]:
    if (kinds := schema.get("type")) is not None and not _is_of(value, kinds):
        named = ", ".join(f"'{kind}'" for kind in ([kinds] if isinstance(kinds, str) else kinds))
        yield path, f"{value!r} is not of type {named}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield path, f"{value!r} is not one of {schema['enum']!r}"
    if isinstance(value, str):
        yield from ((path, message) for message in _text(schema, value))
    elif isinstance(value, dict):
        yield from _fields(schema, value, path)
    elif isinstance(value, list):
        yield from _items(schema, value, path)
    elif isinstance(value, int | float):
        if value < schema.get("minimum", value):
            yield path, f"{value} is less than the minimum of {schema['minimum']}"
        if value > schema.get("maximum", value):
            yield path, f"{value} is greater than the maximum of {schema['maximum']}"


def _is_of(value: object, kinds: str | list[str]) -> bool:
    if isinstance(kinds, list):
        return any(_is_of(value, kind) for kind in kinds)
    if kinds in ("integer", "number") and isinstance(value, bool):
        return False
    return isinstance(value, _TYPES[kinds])


def _text(schema: Schema, value: str) -> Iterator[str]:
    if len(value) < schema.get("minLength", 0):
        yield f"{value!r} is too short"
    if len(value) > schema.get("maxLength", len(value)):
        yield f"{value!r} is too long"
    if (pattern := schema.get("pattern")) and not _compiled(pattern).search(value):
        yield f"{value!r} does not match {pattern!r}"
    if schema.get("format") == "UUID" and not is_uuid(value):
        yield f"{value!r} is not a 'UUID'"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # `$` also matches before a closing line feed, which no name may have
    return re.compile(re.sub(r"(?<!\\)\$$", r"\\Z", pattern))


def _fields(schema: Schema, value: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    properties: dict[str, Schema] = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield path, f"{name!r} is a required property"
    if schema.get("additionalProperties") is False and (extra := [name for name in value if name not in properties]):
        names = ", ".join(map(repr, extra))
        yield path, f"Additional properties are not allowed ({names} {'was' if len(extra) == 1 else 'were'} unexpected)"
    if len(value) < schema.get("minProperties", 0):
        yield path, f"{value!r} does not have enough properties"
    for name, of_field in properties.items():
        if name in value:
            yield from _check(of_field, value[name], f"{path}.{name}" if path else name)


def _items(schema: Schema, value: list[Any], path: str) -> Iterator[tuple[str, str]]:
    if len(value) < schema.get("minItems", 0):
        yield path, f"{value!r} is too short"
    if schema.get("uniqueItems") and len({repr(item) for item in value}) < len(value):
        yield path, f"{value!r} has non-unique elements"
    for number, item in enumerate(value):
        yield from _check(schema.get("items", {}), item, f"{path}.{number}")
