"""Writes CEL rules that say that a value is still the same. For CEL an object whose field is null differs from an object without
the field.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from managed_databases.kinds.schema import IMMUTABLE, UNCHANGEABLE

_RESERVED: Final = frozenset(
    [
        "as",
        "break",
        "const",
        "continue",
        "else",
        "false",
        "for",
        "function",
        "if",
        "import",
        "in",
        "let",
        "loop",
        "namespace",
        "null",
        "package",
        "return",
        "true",
        "var",
        "void",
        "while",
    ]
)


def escaped(name: str) -> str:
    """Return the name of a field as CEL has it."""
    return f"__{name}__" if name in _RESERVED else name


def immutability(rule: dict[str, str], schema: dict[str, Any]) -> dict[str, str]:
    """Return the rule of `schema`. If it says that a value is still the same, that is spelled out field by field; any other
    rule is returned as it is.

    A rule about a whole object still begins with IMMUTABLE.
    """
    cel = rule["rule"]
    if cel == IMMUTABLE and "properties" in schema:
        return rule | {"rule": f"{IMMUTABLE} || ({_same(schema, 'self', 'oldSelf')})"}
    if cel.startswith(UNCHANGEABLE):
        name = cel.removeprefix(UNCHANGEABLE).removesuffix(")")
        return rule | {"rule": _same_field(name, schema["properties"][name], "self", "oldSelf", is_required=False)}
    return rule


def same_fields(schema: dict[str, Any], names: Iterable[str], one: str, other: str) -> Iterator[str]:
    """Yield a CEL expression for each of these fields: true if the field is the same at the paths `one` and `other`."""
    for name in names:
        is_required = name in schema.get("required", ())
        yield _same_field(name, schema["properties"][name], one, other, is_required=is_required)


def _same(schema: dict[str, Any], one: str, other: str) -> str:
    """Return a CEL expression that is true if the values at the paths `one` and `other` are the same."""
    properties = schema.get("properties")
    if not properties:
        return f"{one} == {other}"
    required = schema.get("required", ())
    return " && ".join(
        _same_field(name, field, one, other, is_required=name in required) for name, field in properties.items()
    )


def _same_field(name: str, schema: dict[str, Any], one: str, other: str, *, is_required: bool) -> str:
    name = escaped(name)
    here, there = f"{one}.{name}", f"{other}.{name}"
    same = _same(schema, here, there)
    if is_required:
        return same
    return f"(has({here}) ? has({there}) && {same} : !has({there}))"
