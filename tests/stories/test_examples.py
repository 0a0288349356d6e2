"""The examples that people start from work as they are."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import Manifest
from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import kinds
from managed_databases.kube.crd import custom_resource_definition
from stories.inside_a_datastore import objects
from stories.pace import fast
from stories.world import World

EXAMPLES = Path(__file__).parents[2] / "deploy" / "examples"


def example(name: str, world: World) -> list[Manifest]:
    """The example's objects in this world's namespaces, with its project."""
    found = list(yaml.safe_load_all((EXAMPLES / name).read_text()))
    namespaces = {"default": world.namespace, "managed-databases-system": world.system}
    for each in found:
        if each["kind"] == "DatabaseProject":
            each["metadata"]["name"] = world.project
            each["spec"]["credentialsSecretRef"] = {"name": "cloud"}
            each["spec"]["allowedNamespaces"][0]["name"] = world.namespace
            world.project_names.append(world.project)
        else:
            each["metadata"]["namespace"] = namespaces[each["metadata"]["namespace"]]
        if "projectRef" in each.get("spec", {}):
            each["spec"]["projectRef"]["name"] = world.project
    return found


@fast
@pytest.mark.parametrize("name", ["postgresql.yaml", "mysql.yaml", "redis.yaml", "kafka.yaml", "everything.yaml"])
async def test_an_example(world: World, name: str) -> None:
    objects_ = example(name, world)
    resources = [each for each in objects_ if each["kind"] in kinds()]
    await world.operator.start()
    if name != "everything.yaml":
        await world.apply(world.project_manifest())
    await world.apply(*objects_)
    for each in resources:
        await world.becomes(each["kind"], each["metadata"]["name"])
    mine = [each for each in resources if each["kind"] != "DatabaseProject"]
    for each in mine:
        if each["kind"] == "ManagedDatastore":
            await world.change("ManagedDatastore", each["metadata"]["name"], deletionProtection=False)
            await world.becomes("ManagedDatastore", each["metadata"]["name"], "Synced")
    for each in mine:
        await no_longer_protected(world, each["kind"], each["metadata"]["name"])
    await asyncio.gather(*(world.delete(each["kind"], each["metadata"]["name"]) for each in mine))
    for kind in {each["kind"] for each in mine}:
        assert await objects(world, kind) == [], kind


async def no_longer_protected(world: World, kind: str, name: str) -> None:
    """What is in a datastore follows it."""

    async def look() -> bool:
        assert not (await world.get(kind, name))["status"].get("protected")
        return True

    await world.until(f"{kind} {name} may be deleted", look)


def test_everything_is_everything() -> None:
    whole = list(yaml.safe_load_all((EXAMPLES / "everything.yaml").read_text()))
    assert {each["kind"] for each in whole} >= set(kinds())
    for name in ("postgresql.yaml", "mysql.yaml", "redis.yaml", "kafka.yaml"):
        for each in yaml.safe_load_all((EXAMPLES / name).read_text()):
            assert each in whole, f"{name}: {each['metadata']['name']}"


LEFT_OUT = {"flavor.id", "endpoint", "identityURL", "restore.targetTime", "projectRef.name", "roles", "settings"}
"""The head of the example says so; references by id, which take a projectRef, or to another namespace besides."""


@pytest.mark.parametrize("kind", kinds().values(), ids=kinds())
def test_everything_has_every_option(kind: Kind) -> None:
    whole = yaml.safe_load_all((EXAMPLES / "everything.yaml").read_text())
    used = {path for each in whole if each["kind"] == kind.name for path in paths_in(each["spec"])}
    schema = custom_resource_definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    missing = {*paths_of(schema["properties"]["spec"])} - used
    assert {path for path in missing if not re.search(r"Ref\.(id|namespace)$|^databases\.id$", path)} <= LEFT_OUT


def paths_of(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """Every field that has no fields of its own; those of a list's items stand for the list."""
    schema = schema.get("items", schema)
    for name, field in schema.get("properties", {}).items():
        yield from paths_of(field, f"{path}.{name}".lstrip("."))
    if "properties" not in schema:
        yield path


def paths_in(value: object, path: str = "") -> Iterator[str]:
    """The same of a value, with what is above, as a map may be a field without fields."""
    yield path
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, dict):
            for name, field in each.items():
                yield from paths_in(field, f"{path}.{name}".lstrip("."))
