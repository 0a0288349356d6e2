"""The examples that people start from work as they are."""

import asyncio
import re
from pathlib import Path

import pytest
import yaml

from cluster import Manifest
from kind_examples import EXAMPLES
from managed_databases.kinds.registry import kinds
from stories.inside_a_datastore import objects
from stories.pace import fast
from stories.world import World

README = (Path(__file__).parents[2] / "README.md").read_text()
TOLD = {
    name: keys.split(", ")
    for name, keys in re.findall(r"^Secret default/(\S+) for .*, with the keys:\n  (.*)$", README, re.MULTILINE)
}
"""The Secrets of the demo in README.md, with their keys."""
IN_README = {"quickstart.yaml": ["shop-user"], "kafka.yaml": ["producer-user"], "redis.yaml": ["cache-redis"]}


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
@pytest.mark.parametrize(
    "name", ["quickstart.yaml", "postgresql.yaml", "mysql.yaml", "redis.yaml", "kafka.yaml", "everything.yaml"]
)
async def test_an_example(world: World, name: str) -> None:
    objects_ = example(name, world)
    resources = [each for each in objects_ if each["kind"] in kinds()]
    await world.operator.start()
    if not any(each["kind"] == "DatabaseProject" for each in resources):
        await world.apply(world.project_manifest())
    await world.apply(*objects_)
    for each in resources:
        await world.becomes(each["kind"], each["metadata"]["name"])
    for secret in IN_README.get(name, ()):
        await has_the_keys_that_the_readme_shows(world, secret)
    mine = [each for each in resources if each["kind"] != "DatabaseProject"]
    for each in mine:
        if each["kind"] == "ManagedDatastore":
            await world.change("ManagedDatastore", each["metadata"]["name"], deletionProtection=False)
    for each in mine:
        await no_longer_protected(world, each["kind"], each["metadata"]["name"])
    await asyncio.gather(*(world.delete(each["kind"], each["metadata"]["name"]) for each in mine))
    for kind in {each["kind"] for each in mine}:
        assert await objects(world, kind) == [], kind


async def has_the_keys_that_the_readme_shows(world: World, secret: str) -> None:
    """A host is told a moment after Ready."""

    async def look() -> bool:
        assert sorted(await world.secret(secret)) == TOLD[secret], "README.md shows other keys"
        return True

    await world.until(f"{secret} is as in README.md", look)


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
