"""What is read of workloads: the Secrets that their Pods use, and whether they are rolled out."""

from typing import Any

import pytest

from managed_databases.kube.workloads import workload_of

DONE = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}
DAEMONS = {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2}
OLD = {"observedGeneration": 3}
ON_DELETE = {"updateStrategy": {"type": "OnDelete"}}
PARTITION = {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}}


def raw(spec: dict[str, Any], status: dict[str, Any], pod: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "metadata": {"name": "shop", "namespace": "shop", "resourceVersion": "7", "generation": 4},
        "spec": {"template": {"spec": pod or {}}} | spec,
        "status": status,
    }


@pytest.mark.parametrize(
    ("why", "kind", "spec", "status", "is_rolled_out"),
    [
        ("all are new and available", "Deployment", {"replicas": 2}, DONE, True),
        ("the controller has not seen the template", "Deployment", {"replicas": 2}, DONE | OLD, False),
        ("nothing is known", "Deployment", {"replicas": 2}, {"observedGeneration": 0}, False),
        ("one is old", "Deployment", {"replicas": 2}, DONE | {"updatedReplicas": 1}, False),
        ("an old one is still there", "Deployment", {"replicas": 2}, DONE | {"replicas": 3}, False),
        ("one is not available", "Deployment", {"replicas": 2}, DONE | {"availableReplicas": 1}, False),
        ("none is wanted", "Deployment", {"replicas": 0}, {}, True),
        ("one by default", "Deployment", {}, {}, False),
        ("paused: a person goes on", "Deployment", {"replicas": 2, "paused": True}, OLD, True),
        ("all are new and available", "StatefulSet", {"replicas": 2}, DONE, True),
        ("one is old", "StatefulSet", {"replicas": 2}, DONE | {"updatedReplicas": 1}, False),
        ("one is kept", "StatefulSet", {"replicas": 2} | PARTITION, DONE | {"updatedReplicas": 1}, True),
        ("a person deletes Pods", "StatefulSet", {"replicas": 2} | ON_DELETE, OLD, True),
        ("all are new and available", "DaemonSet", {}, DAEMONS, True),
        ("one is old", "DaemonSet", {}, DAEMONS | {"updatedNumberScheduled": 1}, False),
        ("one is not available", "DaemonSet", {}, DAEMONS | {"numberAvailable": 1}, False),
        ("a person deletes Pods", "DaemonSet", ON_DELETE, OLD, True),
    ],
)
def test_rolled_out(why: str, kind: str, spec: dict[str, Any], status: dict[str, Any], is_rolled_out: bool) -> None:
    seen = workload_of(kind, raw(spec, {"observedGeneration": 4} | status))
    assert seen.is_rolled_out is is_rolled_out, why


@pytest.mark.parametrize(
    "pod",
    [
        {"volumes": [{"name": "v", "secret": {"secretName": "login"}}]},
        {"volumes": [{"name": "v", "projected": {"sources": [{"configMap": {}}, {"secret": {"name": "login"}}]}}]},
        {"containers": [{"envFrom": [{"configMapRef": {"name": "other"}}, {"secretRef": {"name": "login"}}]}]},
        {"containers": [{"env": [{"name": "A", "value": "b"}, {"valueFrom": {"secretKeyRef": {"name": "login"}}}]}]},
        {"initContainers": [{"envFrom": [{"secretRef": {"name": "login"}}]}], "containers": [{}]},
    ],
)
def test_the_secrets_of_its_pods(pod: dict[str, Any]) -> None:
    assert workload_of("Deployment", raw({}, {}, pod)).secrets == {"login"}
