"""The CRDs as values: what the models say, and what they must not say."""

from typing import Annotated, Any, Literal

import pytest
import yaml
from pydantic import Field

from managed_databases.kinds.database_project import KIND as DATABASE_PROJECT
from managed_databases.kinds.frame import CloudStatus
from managed_databases.kinds.registry import kinds
from managed_databases.kinds.schema import IMMUTABLE, RULES, Rule, Spec, rules, unchangeable
from managed_databases.kube.crd import custom_resource_definition
from managed_databases.kube.generated_files import as_yaml
from managed_databases.kube.structural_schema import NotStructural, Schema, structural_schema

Name = Annotated[str, Field(max_length=63)]


class Disk(Spec):
    """A disk.

    More about disks that only developers read.
    """

    model_config = rules(unchangeable("type", "the type of a disk cannot change"))

    type: Literal["local", "network"] | None = None
    size_gb: Annotated[int, Field(ge=5, le=100)] = Field(alias="sizeGB")


def schema_of(model: type[Spec]) -> Schema:
    return structural_schema(model, "spec", for_people=True)


def test_optional_means_absent() -> None:
    class Model(Spec):
        note: Annotated[str, Field(max_length=9)] | None = None

    assert schema_of(Model)["properties"]["note"] == {"type": "string", "maxLength": 9}
    assert "required" not in schema_of(Model)


def test_rules_beside_a_reference_join_those_of_the_definition_and_stay_at_their_field() -> None:
    class Model(Spec):
        root: Annotated[Disk, Rule("self.sizeGB >= oldSelf.sizeGB", "disks only grow")]
        data: Disk

    properties = schema_of(Model)["properties"]
    assert [rule["message"] for rule in properties["root"][RULES]] == [
        "the type of a disk cannot change",
        "disks only grow",
    ]
    assert [rule["message"] for rule in properties["data"][RULES]] == ["the type of a disk cannot change"]


def test_a_description_is_the_docstrings_first_paragraph() -> None:
    class Model(Spec):
        data: Disk
        logs: Disk = Field(description="Where logs go.")

    properties = schema_of(Model)["properties"]
    assert properties["data"]["description"] == "A disk."
    assert properties["logs"]["description"] == "Where logs go."


def test_titles_are_dropped_but_not_a_field_of_that_name() -> None:
    class Model(Spec):
        title: Name

    assert schema_of(Model)["properties"] == {"title": {"type": "string", "maxLength": 63}}


def test_tuples_are_atomic_lists_and_an_empty_default_is_none() -> None:
    class Model(Spec):
        ips: Annotated[tuple[Name, ...], Field(max_length=4)] = ()

    assert schema_of(Model)["properties"]["ips"] == {
        "type": "array",
        "maxItems": 4,
        "x-kubernetes-list-type": "atomic",
        "items": {"type": "string", "maxLength": 63},
    }


class AnyValues(Spec):
    config: Annotated[dict[str, Any], Field(max_length=8)] | None = None


class ScalarValues(Spec):
    config: Annotated[dict[str, bool | int | float | str], Field(max_length=8)] | None = None


@pytest.mark.parametrize("model", [AnyValues, ScalarValues])
def test_configuration_values_stay_as_they_are(model: type[Spec]) -> None:
    assert schema_of(model)["properties"]["config"] == {
        "type": "object",
        "maxProperties": 8,
        "additionalProperties": {"x-kubernetes-preserve-unknown-fields": True},
    }


def test_constraints_on_the_keys_of_a_map_become_rules() -> None:
    class Model(Spec):
        labels: Annotated[dict[Annotated[str, Field(pattern=r"^\d'$", max_length=5)], Name], Field(max_length=8)]

    assert [rule["rule"] for rule in schema_of(Model)["properties"]["labels"][RULES]] == [
        "self.all(key, size(key) <= 5)",
        r"self.all(key, key.matches('^\\d\'$'))",
    ]


class EitherOr(Spec):
    port: int | Name


class Constant(Spec):
    kind: Literal["only"]


class Exclusive(Spec):
    size: Annotated[int, Field(gt=0)]


class Pair(Spec):
    range: tuple[int, int]


class Unbounded(Spec):
    name: str


class UnboundedList(Spec):
    names: tuple[Name, ...]


class UnboundedMap(Spec):
    names: dict[str, Name]


class Within(Spec):
    disks: Annotated[tuple[Exclusive, ...], Field(max_length=3)]


class Recursive(Spec):
    inner: "Recursive | None" = None


class OptionalImmutable(Spec):
    zone: Annotated[Name, Rule(IMMUTABLE, "zones do not move")] | None = None


@pytest.mark.parametrize(
    ("model", "path", "problem"),
    [
        (EitherOr, "spec.port", "anyOf"),
        (Constant, "spec.kind", "const"),
        (Exclusive, "spec.size", "exclusiveMinimum"),
        (Pair, "spec.range", "prefixItems"),
        (Unbounded, "spec.name", "has no maxLength"),
        (UnboundedList, "spec.names", "has no maxItems"),
        (UnboundedMap, "spec.names", "has no maxProperties"),
        (Within, "spec.disks[].size", "exclusiveMinimum"),
        (Recursive, "spec.inner", "contains itself"),
        (OptionalImmutable, "spec.zone", "unchangeable"),
    ],
)
def test_what_a_crd_cannot_say_fails_with_the_fields_path(model: type[Spec], path: str, problem: str) -> None:
    with pytest.raises(NotStructural) as raised:
        schema_of(model)
    assert str(raised.value).startswith(f"{path}: ")
    assert problem in str(raised.value)


def test_a_status_has_one_default_and_it_stands_on_the_status_itself() -> None:
    status = structural_schema(CloudStatus, "status", for_people=False)
    assert "default" not in str(status)
    whole = custom_resource_definition(DATABASE_PROJECT)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert whole["properties"]["status"]["default"] == {"observedGeneration": -1}
    assert whole["properties"]["status"]["properties"]["conditions"]["x-kubernetes-list-map-keys"] == ["type"]


@pytest.mark.parametrize("name", kinds())
def test_every_kind_has_a_crd_that_survives_yaml(name: str) -> None:
    definition = custom_resource_definition(kinds()[name])
    assert yaml.safe_load(as_yaml(definition)) == definition
    assert as_yaml(definition) == as_yaml(custom_resource_definition(kinds()[name]))
