"""How a model says what its CRD schema says: rules, printer columns, the base of all specs."""

from dataclasses import dataclass
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, model_validator
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

RULES: Final = "x-kubernetes-validations"

IMMUTABLE: Final = "self == oldSelf"
"""For required fields. On an optional field such a rule runs only when both values exist: use `unchangeable`.

Two objects are the same when each of their fields is; one that is null is absent.
"""

UNCHANGEABLE: Final = "unchangeable("
"""How the rule of `unchangeable` begins until the schema of its field is known."""


@dataclass(frozen=True)
class Rule:
    """A CEL rule at a field or, as a class keyword of `Spec`, at a whole model. `message` says why."""

    cel: str
    message: str

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = dict(handler(core))  # a $ref stays a $ref: the rule must not reach the shared definition
        return schema | {RULES: [*schema.get(RULES, []), self.as_schema()]}

    def as_schema(self) -> dict[str, str]:
        return {"rule": self.cel, "message": self.message}


def unchangeable(field: str, message: str) -> Rule:
    """A rule for the *parent* of an optional field: it can neither be changed, nor added later, nor removed."""
    return Rule(f"{UNCHANGEABLE}{field})", message)


class Spec(BaseModel):
    """The base of all that people write. Unknown fields are ignored: a newer CRD must not crash an older operator.

    A null means absent, as in client-side apply, which drops it.

    Rules at the root of a model stand in its `model_config["json_schema_extra"]`, set by `rules(...)`.
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
    """The `model_config` of a `Spec` with CEL rules at its root."""
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
    """The fields that `kubectl scale` sets and shows: a number of the spec, and what it is, of the status."""

    spec_path: str
    status_path: str
