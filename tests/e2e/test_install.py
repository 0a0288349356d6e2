"""The chart with its defaults, in a namespace that enforces the `restricted` Pod Security Standard."""

import json

from e2e.installation import RESTRICTED
from e2e.operator_pods import NAMESPACE, OperatorPods


def test_both_pods_are_ready_and_one_leads(operator: OperatorPods) -> None:
    pods = operator.until_both_ready()
    assert operator.leader() in [pod["metadata"]["name"] for pod in pods]
    restarts = [status["restartCount"] for pod in pods for status in pod["status"]["containerStatuses"]]
    assert restarts == [0, 0]


def test_the_namespace_takes_no_other_pods(operator: OperatorPods) -> None:
    """Else it enforces nothing, and that the operator runs there says nothing."""
    labels = operator.kubectl.get(f"namespace/{NAMESPACE}")["metadata"]["labels"]
    assert labels.items() >= RESTRICTED.items()
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "lax", "namespace": NAMESPACE},
        "spec": {"containers": [{"name": "lax", "image": "none"}]},
    }
    complaint = operator.kubectl.refused("create", "--dry-run=server", "-f", "-", given=json.dumps(pod))
    assert "violates PodSecurity" in complaint


def test_the_process_has_no_rights_on_its_node(operator: OperatorPods) -> None:
    container = operator.container(operator.leader())
    status = operator.cluster.on(container.node, "cat", f"/proc/{container.pid}/status")
    said = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert said["Uid"].split() == ["65532"] * 4
    assert int(said["CapEff"], 16) == 0
    assert (said["NoNewPrivs"], said["Seccomp"]) == ("1", "2")


def test_the_replicas_stand_on_different_nodes(operator: OperatorPods) -> None:
    """No node has a zone label here; also when both are made anew, together."""
    for _ in range(3):
        pods = operator.until_both_ready()
        assert sorted(pod["spec"]["nodeName"] for pod in pods) == sorted(operator.cluster.nodes)
        names = [pod["metadata"]["name"] for pod in pods]
        operator.kubectl("delete", "pods", f"--namespace={NAMESPACE}", "--wait=true", *names)
    operator.until_both_ready()
    operator.leader()
