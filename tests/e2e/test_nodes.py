"""Nodes are drained: the budget keeps one replica at work."""

import subprocess
import threading
from typing import Self

import pytest

from e2e.installation import until_ready
from e2e.operator_pods import NAMESPACE, OperatorPods
from e2e.waiting import until

pytestmark = pytest.mark.usefixtures("quickstart")


def test_a_drain_leaves_one_at_work(operator: OperatorPods) -> None:
    """Both Pods are on the node, so the drain has to wait for the first one's successor before it evicts the second."""
    kubectl = operator.kubectl
    stays, drained = operator.cluster.nodes
    operator.until_both_ready()
    kubectl("cordon", stays)
    try:
        for pod in operator.all():
            if pod["spec"]["nodeName"] == stays:
                kubectl("delete", "pod", pod["metadata"]["name"], f"--namespace={NAMESPACE}")
        pods = operator.until_both_ready()
        assert [pod["spec"]["nodeName"] for pod in pods] == [drained, drained]
    finally:
        kubectl("uncordon", stays)
    try:
        with LeastReady(operator) as least:
            said = kubectl("drain", drained, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=240s")
    finally:
        kubectl("uncordon", drained)
    assert "drained" in said
    assert least.seen >= 1
    pods = operator.until_both_ready()
    assert [pod["spec"]["nodeName"] for pod in pods] == [stays, stays]
    operator.leader()
    until_ready(kubectl)
    back_apart(operator)


def back_apart(operator: OperatorPods) -> None:
    """One made anew goes where none is."""
    one, _ = operator.until_both_ready()
    operator.kubectl("delete", "pod", one["metadata"]["name"], f"--namespace={NAMESPACE}")
    until(
        "the replicas are on different nodes",
        lambda: len({pod["spec"]["nodeName"] for pod in operator.until_both_ready()}) == 2,
    )


class LeastReady:
    """How few of the operator's Pods were Ready at any time, as the budget counts them: from a watch, not from looks."""

    def __init__(self, operator: OperatorPods) -> None:
        self._operator = operator
        self.seen = 2

    def __enter__(self) -> Self:
        budget = [f"--namespace={NAMESPACE}", "poddisruptionbudgets", "--output-watch-events"]
        columns = "jsonpath={.object.status.currentHealthy}{'\\n'}"
        kubectl = self._operator.kubectl
        command = [str(kubectl.program), f"--kubeconfig={kubectl.kubeconfig}", "get", *budget, "--watch", "-o", columns]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        return self

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.seen = min(self.seen, int(line))

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._reader.join()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
