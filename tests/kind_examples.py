"""The examples of deploy/examples by kind: tests that need a resource of every kind take from here what they do not write."""

import copy
import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import cloud_kinds, kinds
from managed_databases.kube.crd import custom_resource_definition

EXAMPLES = Path(__file__).parents[1] / "deploy" / "examples"
EVERYTHING = EXAMPLES / "everything.yaml"
"""Has every kind and every option."""

LEFT_OUT = frozenset(
    {"flavor.id", "endpoint", "identityURL", "restore.targetTime", "projectRef.name", "roles", "settings"}
)
"""The head of the example says so; references by id, which take a projectRef, or to another namespace besides."""
_ELSEWHERE = re.compile(r"Ref\.(id|namespace)$|^databases\.id$")

Manifest = dict[str, Any]


@cache
def _everything() -> tuple[Manifest, ...]:
    return tuple(yaml.safe_load_all(EVERYTHING.read_text()))


def examples_of(kind: str) -> list[Manifest]:
    """Return the examples of a kind as they stand in everything.yaml; none for a kind that is not in there yet."""
    return [copy.deepcopy(each) for each in _everything() if each["kind"] == kind]


def first_example(kind: str) -> Manifest:
    """Return the first example of a kind. Raises LookupError if there is none."""
    found = examples_of(kind)
    if not found:
        raise LookupError(f"{kind}: no example in deploy/examples/everything.yaml")
    return found[0]


def examples_beside(written: Collection[str], names: Mapping[str, str]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return kind, name and spec of the first example of each kind that a test has not written itself.

    `names` are what the test calls the resources that the examples refer to.
    """
    missing = [kind for kind in cloud_kinds(kinds()) if kind not in written]
    firsts = [first_example(kind) for kind in missing]
    return [(each["kind"], each["metadata"]["name"], _renamed(each["spec"], names)) for each in firsts]


def _renamed(spec: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {
        field: {"name": names[value["name"]]} if field.endswith("Ref") and value["name"] in names else value
        for field, value in spec.items()
    }


def unsaid_options(kind: Kind) -> set[str]:
    """Return the fields of a kind's spec that none of its examples says. Of `pollSecondsOf`, one field is as good as another."""
    schema = custom_resource_definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    said = {path for each in examples_of(kind.name) for path in _paths_in(each["spec"])}
    unsaid = set(_paths_of(schema["properties"]["spec"])) - said - LEFT_OUT
    return {path for path in unsaid if not _ELSEWHERE.search(path) and not path.startswith("pollSecondsOf.")}


def _paths_of(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """Every field that has no fields of its own; those of a list's items stand for the list."""
    schema = schema.get("items", schema)
    for name, field in schema.get("properties", {}).items():
        yield from _paths_of(field, f"{path}.{name}".lstrip("."))
    if "properties" not in schema:
        yield path


def _paths_in(value: object, path: str = "") -> Iterator[str]:
    """The same of a value, with what is above, as a map may be a field without fields."""
    yield path
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, dict):
            for name, field in each.items():
                yield from _paths_in(field, f"{path}.{name}".lstrip("."))
