"""A second project beside the first one: another tenant of the cloud, in a namespace of its own."""

from typing import Any

from managed_databases.reconcile.ports import ResourceKey
from managed_databases.sandbox.projects import DEFAULT_WORLD
from managed_databases.sandbox.settings import DEFAULT_QUOTA
from stories.world import SUBNET, manifest
from virtual.everything import project
from virtual.memory_cluster import Raw
from virtual.virtual_world import NAMESPACE, SYSTEM, URL, VirtualWorld

TEAM_ID, BANK_ID = (each.id for each in DEFAULT_WORLD.projects[:2])
"""The projects of the namespaces NAMESPACE and BANK."""
BANK = "bank"
DATASTORE: dict[str, Any] = {
    "engine": {"type": "postgresql", "version": "16"},
    "flavor": {"vcpus": 2, "ramMB": 4096, "diskGB": 32},
    "nodeCount": 1,
    "subnetID": SUBNET,
    "deletionProtection": False,
    "backupRetentionDays": 7,
}


async def begin_with_two_projects(world: VirtualWorld) -> None:
    """Start the operator with the default project and `bank`; there is room for whatever is made."""
    put_bank(world)
    world.cluster.apply(project(allowedNamespaces=[{"name": NAMESPACE}, {"name": "other"}]))
    await world.settings(quota=dict.fromkeys(DEFAULT_QUOTA, 10**9))
    await world.start()


def put_bank(world: VirtualWorld) -> None:
    """The second project and its credentials."""
    told = DEFAULT_WORLD.projects[1]
    data = {
        "OS_AUTH_URL": f"{URL}/identity/v3",
        "OS_USERNAME": told.username,
        "OS_PASSWORD": told.password,
        "OS_USER_DOMAIN_NAME": told.domain,
        "INFRA_PROJECT_ID": told.id,
    }
    world.put_secret(SYSTEM, BANK, data)
    second = project(credentialsSecretRef={"name": BANK}, default=False, allowedNamespaces=[{"name": BANK}])
    second["metadata"]["name"] = BANK
    world.cluster.apply(second)


def datastore(key: ResourceKey, **spec: Any) -> Raw:
    in_bank = {"projectRef": {"name": BANK}} if key.namespace == BANK else {}
    return manifest(key.kind, key.name, key.namespace, DATASTORE | in_bank | spec)


def is_in_sync(world: VirtualWorld, key: ResourceKey) -> bool:
    """The cloud has what the newest spec says."""
    raw = world.get(key)
    return bool(raw["status"].get("syncedGeneration") == raw["metadata"]["generation"])
