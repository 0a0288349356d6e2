"""A project that two namespaces use; somebody in one of them writes statuses as an attacker would."""

import copy
from typing import Any

from managed_databases.kube.watched_collections import SECRET
from managed_databases.reconcile.observe.seal_key import KEY_SECRET
from managed_databases.reconcile.ports import ResourceKey
from managed_databases.sandbox.projects import DEFAULT_REGION, DEFAULT_WORLD
from stories.world import manifest
from virtual.everything import project
from virtual.memory_cluster import Raw
from virtual.virtual_world import NAMESPACE, SYSTEM, VirtualWorld
from virtual.walk import KEYS, SPECS

MAIN = KEYS[0]
USERS = "DatabaseUser"
HERS = "attacker"
DECOY = ResourceKey(MAIN.kind, HERS, "decoy")
KEY = ResourceKey(SECRET, SYSTEM, KEY_SECRET)
OPEN = {"allowedNamespaces": [{"name": NAMESPACE, "powers": ["adopt"]}, {"name": HERS}]}


def datastore(key: ResourceKey, **spec: Any) -> Raw:
    return manifest(key.kind, key.name, key.namespace, SPECS[MAIN] | spec)


async def begin(world: VirtualWorld) -> None:
    world.cluster.apply(project(**OPEN))
    await world.start()


async def made(world: VirtualWorld) -> None:
    world.cluster.apply(datastore(MAIN))
    await world.until("it is there", lambda: world.says(MAIN, "Synced")[0] == "True")


def writes_status(world: VirtualWorld, key: ResourceKey, **status: Any) -> None:
    """As whoever may write a status does."""
    world.cluster.objects[key]["status"] |= copy.deepcopy(status)
    world.cluster.touch(key)


def changing(world: VirtualWorld) -> list[tuple[str, str]]:
    """What the cloud was asked to change; signing in is none of that."""
    return [(each.method, each.path) for each in world.sent if each.method != "GET" and each.path.startswith("/v1/")]


def reason(world: VirtualWorld, key: ResourceKey) -> str:
    return world.says(key, "Stalled")[1] if world.says(key, "Stalled")[0] == "True" else ""


def identity(key: str = MAIN.name) -> dict[str, Any]:
    """As that of what `made` makes, under another name."""
    return {"project": "team", "projectID": DEFAULT_WORLD.projects[0].id, "region": DEFAULT_REGION, "key": [key]}


def forged_id(orphan: str) -> dict[str, Any]:
    return {"id": orphan, "identity": identity("orphan")}


def unsealed(world: VirtualWorld) -> None:
    """As a version without seals has left it: no seal, and no key."""
    for raw in world.cluster.objects.values():
        raw.get("status", {}).pop("seal", None)
    for use in world.get(ResourceKey("DatabaseProject", "", "team"))["status"]["inUse"]:
        use.pop("sealKey", None)
    world.cluster.delete(KEY)
