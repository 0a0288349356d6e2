"""Nothing that a tenant, or the API by way of a status, can write is without a bound."""

from collections.abc import Iterator
from typing import Any

import pytest

from managed_databases.kinds.registry import kinds
from managed_databases.kube.crd import custom_resource_definition
from managed_databases.reconcile.packed_spec import MAX_FIELD_BYTES

Schema = dict[str, Any]

_NOT_OURS = {"apiVersion", "kind", "metadata"}
"""Kubernetes itself bounds them."""
_SCALAR = {"boolean": 5, "integer": 20, "number": 25}


def root(kind: str) -> Schema:
    (version,) = custom_resource_definition(kinds()[kind])["spec"]["versions"]
    schema: Schema = version["schema"]["openAPIV3Schema"]
    return schema


def unbounded(schema: Schema, path: str) -> Iterator[str]:
    """The paths of what may be as long as one likes."""
    match schema.get("type"):
        case "object" if "properties" in schema:
            for name, field in schema["properties"].items():
                yield from unbounded(field, f"{path}.{name}")
            if "additionalProperties" in schema or schema.get("x-kubernetes-preserve-unknown-fields"):
                yield path
        case "object":
            if "maxProperties" not in schema or "additionalProperties" not in schema:
                yield path
            yield from unbounded(schema.get("additionalProperties", {}), f"{path}.*")
        case "array":
            if "maxItems" not in schema:
                yield path
            yield from unbounded(schema["items"], f"{path}[]")
        case "string":
            if "maxLength" not in schema and "enum" not in schema:
                yield path
        case "boolean" | "integer" | "number":
            pass
        case _:
            bounds = (
                schema.get("maxLength", 10**9) <= 1024,
                schema.get("maxItems") == 0,
                schema.get("maxProperties") == 0,
            )
            if not all(bounds):
                yield path


def greatest(schema: Schema) -> int:
    """The most bytes that it takes as JSON, in ASCII; the names of a map's entries count 0."""
    match schema.get("type"):
        case "object" if "properties" in schema:
            return sum(len(name) + 4 + greatest(field) for name, field in schema["properties"].items()) + 2
        case "object":
            return int(schema["maxProperties"]) * (4 + greatest(schema["additionalProperties"])) + 2
        case "array":
            return int(schema["maxItems"]) * (1 + greatest(schema["items"])) + 2
        case "string":
            return int(schema.get("maxLength") or max(map(len, schema["enum"]))) + 2
        case None:
            return int(schema["maxLength"]) + 2
        case scalar:
            return _SCALAR[str(scalar)]


@pytest.mark.parametrize("kind", kinds())
def test_each_string_list_and_map_has_a_bound(kind: str) -> None:
    fields = {name: field for name, field in root(kind)["properties"].items() if name not in _NOT_OURS}
    assert set(fields) == {"spec", "status"}
    assert [path for name, field in fields.items() for path in unbounded(field, name)] == []


@pytest.mark.parametrize(
    ("schema", "is_bounded"),
    [
        ({"type": "string"}, False),
        ({"type": "array", "maxItems": 3, "items": {"type": "string"}}, False),
        ({"type": "array", "items": {"type": "integer"}}, False),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, False),
        ({"type": "object", "maxProperties": 2, "additionalProperties": {"x-kubernetes-preserve-unknown-fields": True}}, False),
        ({"type": "object", "x-kubernetes-preserve-unknown-fields": True}, False),
        ({"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}}}, True),
    ],
)  # fmt: skip
def test_what_has_no_bound_is_found(schema: Schema, is_bounded: bool) -> None:
    assert (list(unbounded(schema, "x")) == []) is is_bounded


@pytest.mark.parametrize("kind", [name for name, kind in kinds().items() if kind.namespaced])
def test_a_legal_field_is_one_that_the_operator_reads(kind: str) -> None:
    """But for the configuration, of whose names no schema can say what they take, and the rights of 64 guests with the longest
    names: the operator itself looks at the whole.
    """
    spec = root(kind)["properties"]["spec"]["properties"]
    too_large = {name: size for name, field in spec.items() if (size := greatest(field)) > MAX_FIELD_BYTES}
    assert set(too_large) <= {"config", "guestRights"}, too_large
