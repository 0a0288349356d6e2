"""Resources of every kind in virtual time: the examples of each engine, changes by people, and what must be true in the end."""

import asyncio
import copy
from collections.abc import Collection
from functools import cache
from typing import Any

import yaml

from kind_examples import EXAMPLES, first_example
from kube.kind_tests import told_by_kind_tests
from managed_databases.kinds.registry import cloud_kinds, kinds
from managed_databases.reconcile.ports import ResourceKey
from stories.world import manifest
from virtual.memory_cluster import Raw
from virtual.virtual_world import NAMESPACE, VirtualWorld

CLOUD_KINDS = cloud_kinds(kinds())

CHANGES: dict[tuple[str, str], dict[str, Any]] = {
    ("ManagedDatastore", "postgresql"): {
        "name": "postgresql-renamed",
        "config": {"work_mem": 8192},
        "firewall": ["192.0.2.0/24"],
        "backupRetentionDays": 21,
        "pooler": {"mode": "session", "size": 50},
        "nodeCount": 3,
    },
    ("ManagedDatastore", "mysql"): {"flavor": {"vcpus": 4, "ramMB": 8192, "diskGB": 64}},
    ("ManagedDatastore", "kafka"): {"deletionProtection": True},
    ("ManagedDatabase", "orders"): {"ownerRef": {"name": "reports"}},
    ("DatabaseUser", "reports"): {"databaseRef": None, "passwordSecretRef": {"name": "given", "key": "password"}},
    ("DatabaseUser", "producer"): {"access": [{"patternType": "prefixed", "pattern": "audit.", "allowWrite": True}]},
    **{(kind, first_example(kind)["metadata"]["name"]): spec for kind, spec in told_by_kind_tests("CHANGE")},
}

CHANGED_KINDS = {kind for kind, _ in CHANGES}


def change_everything(world: VirtualWorld) -> None:
    """Have people make the CHANGES."""
    world.put_secret(NAMESPACE, "given", {"password": "given-by-a-person-1"})
    for (kind, name), spec in CHANGES.items():
        world.cluster.change(ResourceKey(kind, NAMESPACE, name), **spec)


def collection(kind: str) -> str:
    """The API's name of it."""
    return CLOUD_KINDS[kind].collection.name


@cache
def _examples() -> list[Raw]:
    """Of each engine, and the first one of each kind that none of these has."""
    of_engines = [
        each
        for engine in ("postgresql", "mysql", "redis", "kafka")
        for each in yaml.safe_load_all((EXAMPLES / f"{engine}.yaml").read_text())
    ]
    missing = [kind for kind in CLOUD_KINDS if kind not in {each["kind"] for each in of_engines}]
    return [*of_engines, *(first_example(kind) for kind in missing)]


def everything(**spec: Any) -> list[Raw]:
    """A project and an example of each kind, children first; `spec` is added to what has a cloud object."""
    found: list[Raw] = copy.deepcopy(_examples())
    for each in found:
        each["metadata"]["namespace"] = NAMESPACE
        each["spec"] |= spec
        if each["kind"] == "ManagedDatastore":
            each["spec"]["deletionProtection"] = False
        if each["metadata"]["name"] == "producer":
            each["spec"]["access"] = [{"patternType": "literal", "pattern": "audit", "allowWrite": True}]
    return [*found[::-1], project()]


def project(**spec: Any) -> Raw:
    told = {
        "default": True,
        "region": "region-1",
        "credentialsSecretRef": {"name": "cloud"},
        "allowedNamespaces": [{"name": NAMESPACE, "powers": ["metrics", "adopt"]}],
    }
    return manifest("DatabaseProject", "team", None, told | spec)


def keys_of(manifests: list[Raw]) -> dict[ResourceKey, Raw]:
    return {
        ResourceKey(each["kind"], NAMESPACE, each["metadata"]["name"]): each
        for each in manifests
        if each["kind"] in CLOUD_KINDS
    }


async def all_is_right(world: VirtualWorld, resources: dict[ResourceKey, Raw]) -> None:
    """Every resource is in sync and usable, and holds the one object that is there for it."""

    def look() -> bool:
        for key in resources:
            for type_, status in (
                ("Ready", "True"),
                ("Synced", "True"),
                ("Stalled", "False"),
                ("Reconciling", "False"),
            ):
                assert world.says(key, type_)[0] == status, f"{key}: {world.get(key)['status']}"
            raw = world.get(key)
            assert raw["status"]["observedGeneration"] == raw["metadata"]["generation"], key
            assert "intent" not in raw["status"], key
        return True

    await world.until("all is right", look)
    for _ in range(720):  # what nobody asks for any more may be on its way out
        held = {
            kind: sorted(raw["status"].get("id", "") for raw in world.cluster.of_kind(kind).values())
            for kind in CLOUD_KINDS
        }
        there = {kind: sorted(each["id"] for each in await world.objects(collection(kind))) for kind in CLOUD_KINDS}
        if held == there:
            return
        await asyncio.sleep(5)
    raise AssertionError(f"held {held}, in the cloud {there}")


async def gone(world: VirtualWorld, resources: Collection[ResourceKey]) -> None:
    """Neither these resources are left, nor cloud objects that nobody holds."""

    def look() -> bool:
        left = {key: world.get(key)["status"] for key in resources if key in world.cluster.objects}
        assert not left, left
        return True

    await world.until("they are gone", look)
    for kind in {key.kind for key in resources}:
        held = {raw["status"].get("id") for raw in world.cluster.of_kind(kind).values()}
        assert {each["id"] for each in await world.objects(collection(kind))} <= held, kind


async def nothing_is_left(world: VirtualWorld) -> None:
    await gone(world, [key for key in world.cluster.objects if key.kind in CLOUD_KINDS])
    for kind in CLOUD_KINDS:
        assert not world.cluster.of_kind(kind), kind
        assert await world.objects(collection(kind)) == [], kind
    assert [key for key in world.cluster.of_kind("Secret") if key.namespace == NAMESPACE and key.name != "given"] == []
