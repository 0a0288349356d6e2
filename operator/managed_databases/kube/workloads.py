"""Deployments, StatefulSets and DaemonSets: what is read of them, and whether they are rolled out."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from managed_databases.reconcile.ports import Workload

GROUP: Final = "apps"
VERSION: Final = "v1"
PLURALS: Final[Mapping[str, str]] = {
    "Deployment": "deployments",
    "StatefulSet": "statefulsets",
    "DaemonSet": "daemonsets",
}


def workload_of(kind: str, raw: Mapping[str, Any]) -> Workload:
    metadata, template = raw["metadata"], raw["spec"]["template"]
    return Workload(
        kind=kind,
        namespace=metadata["namespace"],
        name=metadata["name"],
        resource_version=metadata["resourceVersion"],
        annotations=(template.get("metadata") or {}).get("annotations") or {},
        secrets=frozenset(_secrets(template.get("spec") or {})),
        is_rolled_out=_is_rolled_out(kind, raw),
    )


def _is_rolled_out(kind: str, raw: Mapping[str, Any]) -> bool:
    """Return what `kubectl rollout status` waits for. What waits for a person (a paused Deployment, OnDelete) counts as done."""
    spec, status = raw["spec"], raw.get("status") or {}
    strategy = spec.get("updateStrategy") or {}
    if spec.get("paused") or strategy.get("type") == "OnDelete":
        return True
    if status.get("observedGeneration", 0) < raw["metadata"].get("generation", 0):
        return False
    if kind == "DaemonSet":
        wanted = status.get("desiredNumberScheduled", 0)
        return bool(status.get("updatedNumberScheduled", 0) >= wanted and status.get("numberAvailable", 0) >= wanted)
    replicas = spec.get("replicas", 1)
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if kind == "StatefulSet":
        kept = (strategy.get("rollingUpdate") or {}).get("partition") or 0
        return bool(updated >= replicas - kept and available >= replicas)
    return bool(updated >= replicas and available >= replicas and status.get("replicas", 0) <= updated)


def _secrets(pod: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the Secrets that Pods mount or have in their environment."""
    for volume in pod.get("volumes") or ():
        yield from _named((volume.get("secret") or {}).get("secretName"))
        for source in (volume.get("projected") or {}).get("sources") or ():
            yield from _named((source.get("secret") or {}).get("name"))
    for container in (*(pod.get("containers") or ()), *(pod.get("initContainers") or ())):
        for source in container.get("envFrom") or ():
            yield from _named((source.get("secretRef") or {}).get("name"))
        for variable in container.get("env") or ():
            yield from _named(((variable.get("valueFrom") or {}).get("secretKeyRef") or {}).get("name"))


def _named(name: str | None) -> tuple[str, ...]:
    return () if name is None else (name,)
