"""The sandbox's API in OpenAPI 3.0, made of the routes, the request schemas and the shapes of answers."""

from functools import cache
from typing import Any, Final

from managed_databases.sandbox.routes import ROUTES, Operation
from managed_databases.sandbox.sections import SECTIONS
from managed_databases.sandbox.shapes import COUNT, ERROR, OBJECTS, enveloped, listed
from managed_databases.sandbox.validation import Schema

_TITLES: Final = {
    "400": "The request is not valid, or the engine does not have this.",
    "401": "There is no token, or it is not valid any more.",
    "403": "The project may not do this, or would use more than its quota.",
    "404": "The object, or one that it refers to, is not there.",
    "409": "The object, its datastore or one that it refers to is busy, or the name is taken.",
}

_READING_FILTERS: Final = {
    "logs": ("job", "start", "end", "limit", "ips", "databases"),
    "metrics": ("start", "end"),
    "databases-metrics": ("start", "end"),
}

_QUERY_TYPES: Final[dict[str, Schema]] = {
    "limit": {"type": "integer", "minimum": 1, "maximum": 10**6},
    "ram": {"type": "integer", "minimum": 1, "maximum": 10**9},
}
"""The schemas of filters that are not plain texts."""

_OPTIONAL: Final = {
    "roles": ("role", ("datastore_id", "datastore_type_id", "id", "name")),
    "user-setting-parameters": ("user-setting-parameter", ("datastore_id", "datastore_type_id", "id", "name")),
}
"""What only newer clouds have (404 where the sandbox's setting `user_offers` is off): the envelope of one object, and filters."""

_TIMES: Final = {"start", "end"}


@cache
def openapi() -> dict[str, Any]:
    """Return the OpenAPI description; it is always the same."""
    paths: dict[str, dict[str, Any]] = {}
    for (method, section, tail), operation in ROUTES.items():
        path = "/".join(["/v1", section, *([tail] if tail else [])])
        paths.setdefault(path, {})[method.lower()] = _operation(method, section, tail, operation)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "Managed Databases API, as the sandbox serves it",
            "version": "v1",
            "description": "A token comes from POST /identity/v3/auth/tokens (Keystone v3). Assumptions about the API"
            " are marked so in the sandbox's sources.",
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"}},
            "schemas": {"error": ERROR} | OBJECTS | {section.name: section.shape for section in SECTIONS.values()},
        },
    }


def _operation(method: str, section: str, tail: str, operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": "_".join(part for part in (method.lower(), section, tail.replace("{id}/", "")) if part),
        "tags": [section],
        "parameters": [
            *([_parameter("id", "path")] if "{id}" in tail else []),
            *(_parameter(name, "query") for name in _filters(method, section, tail)),
        ],
        "responses": _responses(method, section, tail, operation),
    }
    if operation.status >= 400:
        described["deprecated"] = True
    if operation.schema is not None:
        body = {"application/json": {"schema": _in_openapi(operation.schema)}}
        described["requestBody"] = {"required": True, "content": body}
    return described


def _filters(method: str, section: str, tail: str) -> tuple[str, ...]:
    last = tail.rpartition("/")[2]
    if method != "GET":
        return ()
    if last in _READING_FILTERS:
        return _READING_FILTERS[last]
    if section in _OPTIONAL:
        return () if tail else _OPTIONAL[section][1]
    if section == "configuration-parameters":
        return (*(sorted(SECTIONS[section].filters) if not tail else ()), "ram")
    return tuple(sorted(SECTIONS[section].filters)) if section in SECTIONS and tail in ("", "count") else ()


def _parameter(name: str, place: str) -> dict[str, Any]:
    schema: Schema = _QUERY_TYPES.get(name, {"type": "string"})
    if name in _TIMES:
        schema = {"type": "string", "format": "date-time"}
    if place == "path":
        schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


def _responses(method: str, section: str, tail: str, operation: Operation) -> dict[str, Any]:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/error"}}}
    refused = {"401", "403"}
    if operation.status < 400:
        if "{id}" in tail or method != "GET" or section in _OPTIONAL:
            refused.add("404")
        if method != "GET" or _filters(method, section, tail):
            refused.add("400")
        if method != "GET":
            refused.add("409")
    refusals = {status: {"description": _TITLES[status], "content": error} for status in sorted(refused)}
    if operation.status >= 400:
        return refusals
    good: dict[str, Any] = {"description": "As asked."}
    if operation.status != 204:
        good["content"] = {"application/json": {"schema": _answer(method, section, tail)}}
    statuses = ("200", "201") if operation.creates else (str(operation.status),)
    return dict.fromkeys(statuses, good) | refusals


def _answer(method: str, section: str, tail: str) -> Schema:
    last = tail.rpartition("/")[2]
    if tail == "count":
        return COUNT
    if last in _READING_FILTERS:
        return listed("logs" if last == "logs" else "metrics", _reference(last))
    if tail or method == "POST":
        one = _OPTIONAL[section][0] if section in _OPTIONAL else SECTIONS[section].one
        return enveloped(one, _reference(section))
    return listed(section, _reference(section))


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _in_openapi(schema: Any) -> Any:
    """Return the schema in the words of OpenAPI 3.0, which has no lists of types and writes `uuid` small."""
    if isinstance(schema, list):
        return [_in_openapi(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    told = {name: _in_openapi(one) for name, one in schema.items()}
    if isinstance(kinds := schema.get("type"), list):
        told |= {"type": next(kind for kind in kinds if kind != "null"), "nullable": True}
    if schema.get("format") == "UUID":
        told["format"] = "uuid"
    if told.get("required") == []:  # a list of none is not allowed
        del told["required"]
    return told
