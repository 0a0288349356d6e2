"""Objects that people put into a datastore, and how a story sees which of them the cloud has."""

from typing import Any

import pytest

from cluster import Manifest, Refused
from managed_databases.kinds.registry import cloud_kinds, kinds
from stories.world import World, condition, manifest

KAFKA = {"engine": {"type": "kafka", "version": "3.6"}}


def inside(world: World, kind: str, name: str, /, **spec: Any) -> Manifest:
    return manifest(kind, name, world.namespace, {"datastoreRef": {"name": "main"}} | spec)


def grant(world: World, name: str = "app-in-shop", /, **spec: Any) -> Manifest:
    return inside(world, "DatabaseGrant", name, databaseRef={"name": "shop"}, userRef={"name": "app"}, **spec)


def extension(world: World, name: str, /, **spec: Any) -> Manifest:
    spec = {"databaseRef": {"name": "shop"}, "extension": name} | spec
    return inside(world, "DatabaseExtension", name, **spec)


def slot(world: World, name: str = "warehouse", /, **spec: Any) -> Manifest:
    return inside(world, "LogicalReplicationSlot", name, databaseRef={"name": "shop"}, **spec)


def acl(world: World, name: str, /, **spec: Any) -> Manifest:
    return inside(world, "KafkaACL", name, userRef={"name": "app"}, **spec)


def token(world: World, name: str = "prometheus", /, **spec: Any) -> Manifest:
    return manifest("PrometheusMetricsToken", name, world.namespace, spec)


def with_powers(world: World, *powers: str) -> Manifest:
    return world.project_manifest(allowedNamespaces=[{"name": world.namespace, "powers": list(powers)}])


async def objects(world: World, kind: str) -> list[dict[str, Any]]:
    return await world.sandbox.objects(cloud_kinds(kinds())[kind].collection.name)


async def only(world: World, kind: str) -> dict[str, Any]:
    found = await objects(world, kind)
    assert len(found) == 1, found
    return found[0]


async def id_of(world: World, kind: str, name: str) -> str:
    return str((await world.get(kind, name))["status"]["id"])


async def made_again(world: World, kind: str, name: str, lost: str) -> str:
    """Wait until it is Ready with another object than the lost one; return that one's id."""

    async def look() -> str:
        status = (await world.get(kind, name))["status"]
        assert status.get("id") not in (None, lost), status
        return str(status["id"])

    id_: str = await world.until(f"{kind} {name} is made again", look)
    await world.becomes(kind, name)
    return id_


async def refused(world: World, resource: Manifest) -> str:
    with pytest.raises(Refused) as said:
        await world.apply(resource)
    return str(said.value)


async def says(world: World, kind: str, name: str, reason: str, part: str) -> None:
    async def look() -> bool:
        resource = await world.get(kind, name)
        ready = condition(resource, "Synced")
        assert ready.get("reason") == reason, resource.get("status")
        assert part in ready["message"], ready
        return True

    await world.until(f"{kind} {name} says {reason}: {part}", look)
