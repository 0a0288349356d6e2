"""Makes the CustomResourceDefinitions from the kinds."""

from collections.abc import Mapping
from typing import Any, Final

from managed_databases.kinds.database_catalogue import WrittenKind
from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import CATEGORY, GROUP, VERSION
from managed_databases.kinds.schema import RULES, Column, Rule
from managed_databases.kube.once_begun import once_begun, taken_transitions
from managed_databases.kube.ratcheting import ratcheting
from managed_databases.kube.structural_schema import Schema, in_order, structural_schema

MAX_NAME_LENGTH: Final = 200
NAME_RULE: Final = Rule(
    f"size(self.metadata.name) <= {MAX_NAME_LENGTH}",
    f"metadata.name has at most {MAX_NAME_LENGTH} characters: the names of Secrets are made from it",
)
NOT_YET_SEEN: Final = {"observedGeneration": -1}
"""The status of a resource before its first pass. This default must be on `status`: on the field alone it has no effect."""


def custom_resource_definition(kind: Kind) -> dict[str, Any]:
    """Return the CRD of one kind as plain values. Raises NotStructural if its models cannot become a CRD's schema."""
    root = root_schema(kind)
    rules = ratcheting(once_begun(root[RULES], kind.begun), root["properties"]["spec"])
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}, **_scale(kind)},
        "additionalPrinterColumns": [_printer_column(column) for column in kind.columns],
        "schema": {"openAPIV3Schema": root | {RULES: list(rules)}},
    }
    # kubectl lists each kind of a category: one that people of a namespace may not read makes it fail for them.
    shared_names = {"categories": [CATEGORY]} if kind.namespaced else {}
    return _definition(kind, shared_names, version, is_namespaced=kind.namespaced)


def written_definition(kind: WrittenKind) -> dict[str, Any]:
    """Return the CRD of a kind that only the operator writes: it has neither spec nor status, and no rules."""
    content = structural_schema(kind.content, kind.name, for_people=False)
    whole = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [_printer_column(column) for column in kind.columns],
        "schema": {"openAPIV3Schema": in_order(content | {"properties": {**whole, **content["properties"]}})},
    }
    return _definition(kind, {}, version, is_namespaced=True)


def _definition(
    kind: Kind | WrittenKind, further_names: Schema, version: Schema, *, is_namespaced: bool
) -> dict[str, Any]:
    names = {
        "kind": kind.name,
        "listKind": f"{kind.name}List",
        "plural": kind.plural,
        "singular": kind.singular,
        "shortNames": list(kind.short_names),
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {**names, **further_names},
            "scope": "Namespaced" if is_namespaced else "Cluster",
            "versions": [version],
        },
    }


def root_schema(kind: Kind) -> Schema:
    """Return the schema of a kind with each rule for itself. Those with `oldSelf` count only once the object is begun."""
    spec = structural_schema(kind.spec, f"{kind.name}.spec", for_people=True)
    rules = [rule.as_schema() for rule in (NAME_RULE, *kind.rules)]
    transitions = list(taken_transitions(spec, ("spec",)))
    if kind.scale is not None:  # the API server reads it for each write, and can read no null there
        scaled = kind.scale.spec_path.removeprefix(".spec.")
        del spec["properties"][scaled]["nullable"]
    description = {"description": spec["description"]} if "description" in spec else {}
    said: Schema = {"required": ["spec"]}
    if "required" not in spec:  # nothing has to be said: a spec that is left out, or null, is an empty one
        spec, said = in_order(spec | {"default": {}}), {}
    return {
        **description,
        "type": "object",
        **said,
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            # With both names typed, the bound counts in the cost of rules over the name.
            "metadata": {
                "type": "object",
                "properties": {"name": {"type": "string", "maxLength": 253}, "generateName": {"type": "string"}},
            },
            "spec": spec,
            "status": _status(kind),
        },
        RULES: [*rules, *transitions],
    }


def _status(kind: Kind) -> Schema:
    status = structural_schema(kind.status, f"{kind.name}.status", for_people=False)
    properties: Mapping[str, Schema] = status["properties"]
    conditions = properties["conditions"] | {
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
    }
    return in_order(
        status
        | {
            "description": "What the operator has seen and done; nobody else writes it.",
            "default": dict(NOT_YET_SEEN),
            # One owner for the whole status: the API server need not keep book of who wrote which field of it.
            "x-kubernetes-map-type": "atomic",
            "properties": {**properties, "conditions": in_order(conditions)},
        }
    )


def _scale(kind: Kind) -> dict[str, Any]:
    if kind.scale is None:
        return {}
    return {
        "scale": {"specReplicasPath": kind.scale.spec_path, "statusReplicasPath": kind.scale.status_path},
    }


def _printer_column(column: Column) -> dict[str, Any]:
    description = {"description": column.description} if column.description else {}
    priority = {"priority": 1} if column.wide else {}
    return {"name": column.name, "type": column.type, "jsonPath": column.path, **description, **priority}
