"""What models need to become schemas of CRDs: the base of all specs, CEL rules, printer columns."""

from dataclasses import dataclass
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, model_validator
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

RULES: Final = "x-kubernetes-validations"

IMMUTABLE: Final = "self == oldSelf"
"""The rule of a required field that never changes. For an optional field use `unchangeable`, because the API server runs a
rule of an optional field only if both the old and the new value exist.

Two objects are equal if all their fields are; a field that is null counts as absent.
"""

BEGUN: Final = "has({0}.status) && (has({0}.status.id) || has({0}.status.intent) || has({0}.status.lostIDs))"
"""CEL, with the place of the resource: whether the cloud has, may have, or had an object of this resource."""

UNCHANGEABLE: Final = "unchangeable("
"""The beginning of a rule of `unchangeable`, which is replaced by CEL once the schema of its field is known."""


@dataclass(frozen=True)
class Rule:
    """A CEL rule at a field (in `Annotated`) or at a whole model (by `rules`). `message` is shown when the rule refuses."""

    cel: str
    message: str

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = dict(handler(core))  # a $ref stays a $ref: the rule must not reach the shared definition
        return schema | {RULES: [*schema.get(RULES, []), self.as_schema()]}

    def as_schema(self) -> dict[str, str]:
        return {"rule": self.cel, "message": self.message}


def unchangeable(field: str, message: str) -> Rule:
    """Return a rule for the *parent* of an optional field: the field can neither be changed, nor added later, nor removed."""
    return Rule(f"{UNCHANGEABLE}{field})", message)


class Spec(BaseModel):
    """The base of all models of resources. Unknown fields are ignored, so that a newer CRD does not crash an older operator.

    A field that is null counts as absent, as with client-side apply, which drops nulls. CEL rules for a whole model are set
    by `model_config = rules(...)`.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _null_means_absent(cls, given: object) -> object:
        return without_nulls(given) if isinstance(given, dict) else given


def without_nulls(given: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in given.items() if value is not None}


def rules(*all_rules: Rule) -> ConfigDict:
    """Return the `model_config` of a `Spec` with these CEL rules for the whole model."""
    schema: JsonDict = {RULES: [dict(rule.as_schema()) for rule in all_rules]}
    return ConfigDict(json_schema_extra=schema)


@dataclass(frozen=True)
class Column:
    """A printer column of `kubectl get`. `wide` shows it with `-o wide` only."""

    name: str
    path: str
    type: Literal["string", "integer", "number", "boolean", "date"] = "string"
    wide: bool = False
    description: str = ""


@dataclass(frozen=True)
class Scale:
    """The paths of the fields that `kubectl scale` uses: the wanted number in the spec, and the actual number in the status."""

    spec_path: str
    status_path: str
