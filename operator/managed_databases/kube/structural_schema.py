"""Turns a pydantic model into a structural schema, the part of OpenAPI that a CustomResourceDefinition may use.

Source of the rules: "Specifying a structural schema" and "Validation rules" in the Kubernetes documentation on custom resources.
A model that has no structural schema fails here, with the path of the field, and not later in a cluster.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from managed_databases.kinds.schema import IMMUTABLE, RULES
from managed_databases.kube.sameness import immutability

Schema = dict[str, Any]

PRESERVE: Final = "x-kubernetes-preserve-unknown-fields"
_REFERENCE: Final = "#/$defs/"
_KEPT: Final = frozenset(
    {
        "type",
        "format",
        "enum",
        "pattern",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "multipleOf",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
        "required",
        RULES,
        PRESERVE,
    }
)
_TREATED: Final = frozenset({"title", "description", "default", "properties", "items", "additionalProperties"})
_SCALARS: Final = frozenset({"boolean", "integer", "number", "string"})
_BOUNDS: Final = {"string": "maxLength", "array": "maxItems", "object": "maxProperties"}
_SHORT_FORMATS: Final = frozenset({"date", "date-time"})
_MAX_SCALAR_LENGTH: Final = 1024
_INSTEAD: Final = {
    "anyOf": "make it one type; either-or is two optional fields and a rule",
    "oneOf": "make it one type; either-or is two optional fields and a rule",
    "allOf": "put the constraints at the field itself",
    "const": "an enum of one value says nothing: leave the field out",
    "exclusiveMinimum": "use an inclusive bound (ge)",
    "exclusiveMaximum": "use an inclusive bound (le)",
    "prefixItems": "make it a list of one type, or an object",
    "uniqueItems": "the API server does not accept it: use a list and a rule",
}


class NotStructural(ValueError):
    """A model needs a schema that a CustomResourceDefinition cannot have. The message begins with the field's path."""

    def __init__(self, path: str, problem: str, instead: str = "") -> None:
        super().__init__(f"{path}: {problem}" + (f"; {instead}" if instead else ""))


class _OptionalMeansAbsent(GenerateJsonSchema):
    """Makes `X | None` the schema of X, in a field that may be absent. `_property` makes all such fields nullable alike."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def structural_schema(model: type[BaseModel], path: str, *, for_people: bool) -> Schema:
    """Return the schema of `model`. Messages of errors begin with `path`. Raises NotStructural.

    Every value has a bound: the API server refuses CEL rules whose cost it cannot estimate, and the operator keeps the values in
    memory. In schemas that people fill in (`for_people`, a spec) the API server fills in defaults. A status has no defaults: a
    default would come back each time that the operator removes the field.

    In a spec a null means an absent field: client-side apply drops nulls, and server-side apply would be refused. So every field
    that may be absent is nullable, except a field with a default, which takes the place of the null. Only the spec's own fields
    have defaults: further down the API server would fill in values that nobody applied, and tools that compare would see a
    difference for ever.
    """
    whole = model.model_json_schema(schema_generator=_OptionalMeansAbsent)
    definitions = whole.pop("$defs", {})
    return _Conversion(definitions, for_people).convert(whole, path, (), 0)


@dataclass(frozen=True)
class _Conversion:
    definitions: Mapping[str, Schema]
    for_people: bool

    def convert(self, given: Schema, path: str, inside: tuple[str, ...], depth: int) -> Schema:
        """Return the structural schema of `given`. `depth` is 0 for the whole, 1 for its fields, and so on; `inside` are the
        definitions that `given` is part of.
        """
        schema, inside = self._inlined(given, path, inside)
        key_rules = self._take_rules_for_keys(schema, path)
        for keyword in schema:
            if keyword not in _KEPT | _TREATED:
                raise NotStructural(path, f"{keyword} cannot stand in a CRD", _INSTEAD.get(keyword, ""))
        result: Schema = {}
        if "description" in schema:
            result["description"] = _first_paragraph(schema["description"])
        result |= {keyword: value for keyword, value in schema.items() if keyword in _KEPT}
        if key_rules:
            result[RULES] = [*result.get(RULES, ()), *key_rules]
        if self.for_people and schema.get("default") not in (None, [], {}):
            self._set_default(result, schema["default"], depth)
        if "properties" in schema:
            required = schema.get("required", ())
            result["properties"] = {
                name: self._property(value, f"{path}.{name}", name in required, inside, depth + 1)
                for name, value in schema["properties"].items()
            }
        if RULES in result:
            result[RULES] = [immutability(rule, result) for rule in result[RULES]]
        if "items" in schema:
            result["items"] = self.convert(schema["items"], f"{path}[]", inside, depth + 1)
        if schema.get("type") == "array":
            result["x-kubernetes-list-type"] = "atomic"
        if schema.get("additionalProperties") not in (None, False):
            result["additionalProperties"] = self._map_value(schema["additionalProperties"], path, inside, depth)
        if "type" not in schema:
            result[PRESERVE] = True
        self._require_bound(result, path)
        return in_order(result)

    def _inlined(self, given: Schema, path: str, inside: tuple[str, ...]) -> tuple[Schema, tuple[str, ...]]:
        """Return the schema with the definition in the place of its `$ref`, and the definitions that it is part of then. A
        keyword beside the `$ref` replaces the definition's; rules are joined.
        """
        schema = dict(given)
        while (reference := schema.pop("$ref", None)) is not None:
            name = reference.removeprefix(_REFERENCE)
            if name in inside:
                raise NotStructural(path, f"{name} contains itself", "a CRD cannot be recursive")
            inside = (*inside, name)
            definition = self.definitions[name]
            joined = [*definition.get(RULES, ()), *schema.get(RULES, ())]
            schema = definition | schema | ({RULES: joined} if joined else {})
        return schema, inside

    def _set_default(self, result: Schema, default: Any, depth: int) -> None:
        if depth == 1:
            result["default"] = default
        else:
            told = f"By default {str(default).lower() if isinstance(default, bool) else default}."
            result["description"] = f"{result['description']} {told}" if "description" in result else told

    def _property(self, given: Schema, path: str, required: bool, inside: tuple[str, ...], depth: int) -> Schema:
        schema = self.convert(given, path, inside, depth)
        changes_unseen = not required and "default" not in schema
        if changes_unseen and any(rule["rule"] == IMMUTABLE for rule in schema.get(RULES, ())):
            raise NotStructural(
                path,
                f"`{IMMUTABLE}` lets an optional field be added and removed",
                "use unchangeable(...) at the parent",
            )
        if self.for_people and not required and "default" not in schema:
            return in_order(_nullable(schema))
        return schema

    def _take_rules_for_keys(self, schema: Schema, path: str) -> list[dict[str, str]]:
        """Remove the keywords about a map's keys from the schema, and return CEL rules that say the same.

        There are none for a map whose values have no type, because CEL cannot look into it: only the operator checks its keys.
        """
        names = dict(schema.pop("propertyNames", {}))
        if patterns := schema.pop("patternProperties", None):
            [(names["pattern"], schema["additionalProperties"])] = patterns.items()
        values = self._map_value(schema.get("additionalProperties", True), path, (), 0)
        rules = _rules_for_keys(names, path)
        return [] if PRESERVE in values else rules

    def _map_value(self, given: Schema | bool, path: str, inside: tuple[str, ...], depth: int) -> Schema:
        """Return the schema of a map's values.

        Values of several scalar types get no type: int-or-string would refuse 1.5. A value without a type is bounded all the
        same, because each of the bounds counts only for values of one type.
        """
        if isinstance(given, bool) or all(branch.get("type") in _SCALARS for branch in given.get("anyOf", [{}])):
            branches = [] if isinstance(given, bool) else given.get("anyOf", [])
            longest = max((branch.get("maxLength", 0) for branch in branches), default=0) or _MAX_SCALAR_LENGTH
            return {PRESERVE: True, "maxLength": longest, "maxItems": 0, "maxProperties": 0}
        return self.convert(given, f"{path}.*", inside, depth + 1)

    def _require_bound(self, schema: Schema, path: str) -> None:
        bound = _BOUNDS.get(schema.get("type", ""))
        unbounded = bound is not None and bound not in schema and "enum" not in schema
        if schema.get("type") == "object" and "additionalProperties" not in schema:
            unbounded = False
        if unbounded and schema.get("format") not in _SHORT_FORMATS:
            raise NotStructural(
                path,
                f"has no {bound}",
                "bound it (max_length): rules on it are refused as too costly, and whoever writes it could fill the memory",
            )


def _nullable(schema: Schema) -> Schema:
    """Return the schema with null allowed. The API server takes no null for an enum, so a rule says the values instead."""
    if (values := schema.get("enum")) is None:
        return schema | {"nullable": True}
    told = ", ".join(values)
    quoted = ", ".join(f"'{value}'" for value in values)
    rule = {"rule": f"self in [{quoted}]", "message": f"one of these: {told}"}
    return {name: value for name, value in schema.items() if name != "enum"} | {
        "description": f"{schema.get('description', '')} One of {told}.".strip(),
        "nullable": True,
        "maxLength": max(map(len, values)),
        RULES: [*schema.get(RULES, ()), rule],
    }


def _rules_for_keys(names: Schema, path: str) -> list[dict[str, str]]:
    """Return CEL rules on a map's keys that say what `names` says: a structural schema has no `propertyNames`."""
    rules = []
    for keyword, value in names.items():
        match keyword:
            case "minLength":
                rules.append(
                    {
                        "rule": f"self.all(key, size(key) >= {value})",
                        "message": f"keys have at least {value} characters",
                    }
                )
            case "maxLength":
                rules.append(
                    {"rule": f"self.all(key, size(key) <= {value})", "message": f"keys have at most {value} characters"}
                )
            case "pattern":
                quoted = value.replace("\\", "\\\\").replace("'", "\\'")
                rules.append({"rule": f"self.all(key, key.matches('{quoted}'))", "message": f"keys match {value}"})
            case "type" | "title" | "description":
                pass
            case _:
                raise NotStructural(path, f"{keyword} cannot be asked of a map's keys")
    return rules


def _first_paragraph(text: str) -> str:
    return " ".join(text.strip().split("\n\n")[0].split())


def in_order(schema: Schema) -> Schema:
    """Return `schema` with its keywords in order: its meaning and type first, then its bounds, and what it contains last."""
    first = ("description", "type", "format", "nullable", "default", "enum")
    last = ("required", "properties", "items", "additionalProperties", RULES)
    middle = [keyword for keyword in schema if keyword not in first + last]
    return {keyword: schema[keyword] for keyword in (*first, *middle, *last) if keyword in schema}
