"""Cuts what the API said to what the CRD's schema allows: one over-long name would have the API server refuse the whole
status, and with it the truth about everything else.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

Fit = Callable[[Any], Any]


@cache
def fitting(model: type[BaseModel]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Return a function that cuts strings and lists to the lengths that the model declares; all else stays as it is.

    It takes what a status of this model holds, named as in the status, whole or in part.
    """
    schema = model.model_json_schema(by_alias=True)
    fit = _fit_of(schema, schema.get("$defs", {})) or dict
    return lambda told: fit(told)


def _fit_of(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Fit | None:
    """None: there is nothing to cut."""
    if "$ref" in schema:
        return _fit_of(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:  # a type, or null
        return next((fit for each in schema["anyOf"] if (fit := _fit_of(each, definitions)) is not None), None)
    if "properties" in schema:
        found = {name: _fit_of(each, definitions) for name, each in schema["properties"].items()}
        fields = {name: fit for name, fit in found.items() if fit is not None}
        return lambda told: {
            name: value if value is None or name not in fields else fields[name](value) for name, value in told.items()
        }
    most = schema.get("maxLength", schema.get("maxItems"))
    of_each = _fit_of(schema["items"], definitions) if "items" in schema else None
    if of_each is not None:
        return lambda told: [of_each(value) for value in told[:most]]
    return None if most is None else lambda told: told[:most]
