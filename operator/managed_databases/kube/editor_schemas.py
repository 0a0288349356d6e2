"""JSON schemas of our manifests, for editors and for checks without a cluster: made from the CustomResourceDefinitions.

The files have the names that such tools expect: `kafkatopic_v1alpha1.json`. `all.json` is for files with manifests of any kind,
and leaves alone what is not ours.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import GROUP, VERSION
from managed_databases.kinds.schema import RULES
from managed_databases.kube.crd import custom_resource_definition

FOLDER: Final = PurePosixPath("schemas")
ALL: Final = FOLDER / "all.json"
DRAFT: Final = "http://json-schema.org/draft-07/schema#"
"""What all editors know."""

API_VERSION: Final = f"{GROUP}/{VERSION}"
_OF_KUBERNETES: Final = "x-kubernetes-"
_OPEN: Final = "x-kubernetes-preserve-unknown-fields"

Schema = Mapping[str, Any]


def schema_files(kinds: Iterable[Kind]) -> dict[PurePosixPath, str]:
    """Return the text of each schema by its path in the folder of CRDs."""
    by_kind = {kind.name: manifest_schema(kind) for kind in kinds}
    files = {FOLDER / f"{name.lower()}_{VERSION}.json": {"$schema": DRAFT} | each for name, each in by_kind.items()}
    files[ALL] = _any_of(by_kind)
    return {path: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for path, schema in files.items()}


def manifest_schema(kind: Kind) -> dict[str, Any]:
    """Return the schema of a manifest of the kind, with nothing in the spec but what there is."""
    (version,) = custom_resource_definition(kind)["spec"]["versions"]
    whole = version["schema"]["openAPIV3Schema"]
    return {
        "title": kind.name,
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": False,
        "properties": {
            "apiVersion": {"const": API_VERSION},
            "kind": {"const": kind.name},
            "metadata": _metadata(namespaced=kind.namespaced),
            "spec": _closed(whole["properties"]["spec"]),
            "status": {"type": "object", "description": "Written by the operator."},
        },
    }


def _any_of(by_kind: Mapping[str, Schema]) -> dict[str, Any]:
    """Return a schema that holds a manifest of ours to its kind."""
    ours = {"properties": {"apiVersion": {"const": API_VERSION}}, "required": ["apiVersion"]}
    known = {"properties": {"kind": {"enum": [*by_kind]}}, "required": ["kind"]}
    of_kind = [
        {
            "if": {
                "properties": {"apiVersion": {"const": API_VERSION}, "kind": {"const": name}},
                "required": ["apiVersion", "kind"],
            },
            "then": {"$ref": f"#/definitions/{name}"},
        }
        for name in by_kind
    ]
    return {
        "$schema": DRAFT,
        "title": f"A manifest of {API_VERSION}, or of others",
        "definitions": dict(by_kind),
        "allOf": [{"if": ours, "then": known}, *of_kind],
    }


def _metadata(*, namespaced: bool) -> dict[str, Any]:
    texts = {"type": "object", "additionalProperties": {"type": "string"}}
    names = {"name": {"type": "string"}, "generateName": {"type": "string"}, "labels": texts, "annotations": texts}
    return {"type": "object", "properties": names | ({"namespace": {"type": "string"}} if namespaced else {})}


def _closed(schema: Schema) -> dict[str, Any]:
    """Return the schema in the words of JSON Schema. Rules, which only the API server can check, are told in the description."""
    made = {name: value for name, value in schema.items() if not name.startswith(_OF_KUBERNETES) and name != "nullable"}
    if told := [rule["message"] for rule in schema.get(RULES, ())]:
        made["description"] = "\n".join((made.get("description", ""), *(f"- {each}" for each in told))).strip()
    if "properties" in schema:
        made["properties"] = {name: _closed(each) for name, each in schema["properties"].items()}
        if not schema.get(_OPEN):
            made["additionalProperties"] = False
    elif isinstance(further := schema.get("additionalProperties"), Mapping):
        made["additionalProperties"] = _closed(further)
    if "items" in schema:
        made["items"] = _closed(schema["items"])
    return _or_null(made) if schema.get("nullable") or "default" in schema else made


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A field that is null is as one that is absent: it has its default, if there is one."""
    if "type" in schema:
        schema["type"] = [schema["type"], "null"]
    if "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    return schema
