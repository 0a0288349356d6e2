"""Cuts the API's texts and lists to the lengths that the CRD's schema allows. Otherwise one name that is too long would have the
API server refuse the whole status, and with it the truth about everything else.
"""

from collections.abc import Callable, Mapping
from functools import cache

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaValue

from managed_databases.kinds.written import Written

Truncation = Callable[[object], object]


@cache
def truncated_to(model: type[BaseModel]) -> Callable[[Mapping[str, object]], Written]:
    """Return a function that cuts strings and lists to the lengths that the model declares.

    The function takes the fields of a status of this model, all or some, by their names in the status, and returns them. A value
    of another shape than the model's stays as it is: it does not come from the API.
    """
    schema = model.model_json_schema(by_alias=True)
    definitions: JsonSchemaValue = schema.get("$defs", {})
    return _fit_fields(schema.get("properties", {}), definitions) or dict


def _truncation_of(schema: JsonSchemaValue, definitions: JsonSchemaValue) -> Truncation | None:
    """Return the function that cuts values of this schema; None if there is nothing to cut."""
    if "$ref" in schema:
        return _truncation_of(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:  # a type, or null
        return next((fit for each in schema["anyOf"] if (fit := _truncation_of(each, definitions)) is not None), None)
    if "properties" in schema:
        whole = _fit_fields(schema["properties"], definitions)
        return None if whole is None else lambda told: whole(told) if isinstance(told, Mapping) else told
    most: int | None = schema.get("maxLength", schema.get("maxItems"))
    of_each = _truncation_of(schema["items"], definitions) if "items" in schema else None
    if of_each is not None:
        return lambda told: [of_each(value) for value in told[:most]] if isinstance(told, list | tuple) else told
    return None if most is None else lambda told: told[:most] if isinstance(told, str | list | tuple) else told


def _fit_fields(
    properties: JsonSchemaValue, definitions: JsonSchemaValue
) -> Callable[[Mapping[str, object]], Written] | None:
    found = {name: _truncation_of(each, definitions) for name, each in properties.items()}
    fields = {name: fit for name, fit in found.items() if fit is not None}
    if not fields:
        return None
    return lambda told: {name: fields[name](value) if name in fields else value for name, value in told.items()}
