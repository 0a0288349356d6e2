"""Workloads in a Kubernetes in memory, and the rollouts that its controllers would do."""

from collections.abc import Mapping

from managed_databases.reconcile.keepers.logins_of_workloads import RESTARTED_AT, mark
from managed_databases.reconcile.ports import ResourceKey
from virtual.memory_cluster import Raw
from virtual.virtual_world import NAMESPACE, VirtualWorld

SECRET = "app-user"
SHOP = ResourceKey("Deployment", NAMESPACE, "shop")


def put(
    world: VirtualWorld, key: ResourceKey = SHOP, *, secret: str = SECRET, labels: Mapping[str, str] | None = None
) -> ResourceKey:
    """Somebody makes a workload, and it is rolled out."""
    variable = {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": secret, "key": "uri"}}}
    template = {"spec": {"containers": [{"name": "main", "env": [variable]}]}}
    spec = {"replicas": 2, "template": template}
    world.cluster.create(key, {"metadata": {"labels": dict(labels or {})}, "spec": spec})
    roll_out(world, key)
    return key


def roll_out(world: VirtualWorld, key: ResourceKey) -> None:
    """All Pods are of the newest template by now, and available."""
    raw = world.get(key)
    raw["status"] = {
        "observedGeneration": raw["metadata"]["generation"],
        **dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), 2),
        **dict.fromkeys(("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable"), 2),
    }
    world.cluster.touch(key)


def pods(world: VirtualWorld, key: ResourceKey = SHOP) -> Raw:
    """The annotations of its Pods."""
    template = world.get(key)["spec"]["template"]
    return dict(template.get("metadata", {}).get("annotations", {}))


def restarts(world: VirtualWorld, key: ResourceKey = SHOP) -> int:
    """How many times its template has changed."""
    return int(world.get(key)["metadata"]["generation"]) - 1


def is_restarted(world: VirtualWorld, key: ResourceKey = SHOP) -> bool:
    return {RESTARTED_AT, mark(SECRET)} <= pods(world, key).keys()
