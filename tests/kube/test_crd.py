"""The CRDs as values: what the models say, and what they must not say."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest
import yaml
from pydantic import Field

from managed_databases.kinds.database_project import KIND as DATABASE_PROJECT
from managed_databases.kinds.registry import kinds
from managed_databases.kinds.schema import IMMUTABLE, RULES, Rule, Spec, rules, unchangeable
from managed_databases.kinds.shared_fields import CloudStatus
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


def test_optional_means_absent_and_so_does_null() -> None:
    class Model(Spec):
        note: Annotated[str, Field(max_length=9)] | None = None

    assert schema_of(Model)["properties"]["note"] == {"type": "string", "nullable": True, "maxLength": 9}
    assert "required" not in schema_of(Model)
    assert Model.model_validate({"note": None}) == Model.model_validate({})
    assert "nullable" not in str(structural_schema(Model, "status", for_people=False))


def test_a_default_takes_the_place_of_a_null_and_stands_at_the_specs_own_fields_only() -> None:
    class Inner(Spec):
        port: Annotated[int, Field(ge=1)] = 5432

    class Model(Spec):
        loud: bool = True
        inner: Inner | None = None

    properties = schema_of(Model)["properties"]
    assert properties["loud"] == {"type": "boolean", "default": True}
    assert properties["inner"]["properties"]["port"] == {
        "description": "By default 5432.",
        "type": "integer",
        "nullable": True,
        "minimum": 1,
    }


def test_an_enum_that_may_be_null_is_a_rule() -> None:
    class Model(Spec):
        mode: Literal["fast", "slow"] | None = Field(default=None, description="How.")

    assert schema_of(Model)["properties"]["mode"] == {
        "description": "How. One of fast, slow.",
        "type": "string",
        "nullable": True,
        "maxLength": 4,
        RULES: [{"rule": "self in ['fast', 'slow']", "message": "one of these: fast, slow"}],
    }


def test_sameness_is_spelled_out_field_by_field() -> None:
    class Place(Spec):
        namespace: Name | None = None
        name: Name

    class Model(Spec):
        model_config = rules(unchangeable("first", "it stays"), unchangeable("second", "it stays"))
        first: Place | None = None
        second: Name | None = None
        third: Annotated[Place, Rule(IMMUTABLE, "it stays")]

    schema = schema_of(Model)
    assert [rule["rule"] for rule in schema[RULES]] == [
        (
            "(has(self.first) ? has(oldSelf.first) && (has(self.first.__namespace__) ? has(oldSelf.first.__namespace__) && "
            "self.first.__namespace__ == oldSelf.first.__namespace__ : !has(oldSelf.first.__namespace__)) && "
            "self.first.name == oldSelf.first.name : !has(oldSelf.first))"
        ),
        "(has(self.second) ? has(oldSelf.second) && self.second == oldSelf.second : !has(oldSelf.second))",
    ]
    assert [rule["rule"] for rule in schema["properties"]["third"][RULES]] == [
        (
            "self == oldSelf || ((has(self.__namespace__) ? has(oldSelf.__namespace__) && "
            "self.__namespace__ == oldSelf.__namespace__ : !has(oldSelf.__namespace__)) && self.name == oldSelf.name)"
        )
    ]


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
        "nullable": True,
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
        "nullable": True,
        "maxProperties": 8,
        "additionalProperties": {
            "x-kubernetes-preserve-unknown-fields": True,
            "maxLength": 1024,
            "maxItems": 0,
            "maxProperties": 0,
        },
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


@pytest.mark.parametrize("name", kinds())
def test_every_field_is_described(name: str) -> None:
    """What Kubernetes itself describes is left out: the API server puts its own words there."""
    whole = custom_resource_definition(kinds()[name])["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert whole["description"].endswith((".", ")"))
    parts = {part: whole["properties"][part] for part in ("spec", "status")}
    assert [path for path, schema in fields_of(parts, "") if not schema.get("description", "").strip()] == []


def fields_of(properties: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    for name, schema in properties.items():
        yield f"{path}.{name}", schema
        yield from fields_of(schema.get("properties", {}), f"{path}.{name}")
        for inner in ("items", "additionalProperties"):
            yield from fields_of(schema.get(inner, {}).get("properties", {}), f"{path}.{name}[]")
