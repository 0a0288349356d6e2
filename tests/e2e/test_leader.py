"""The leader is deleted, killed, stopped, cut off and frozen: the other takes over, and nothing is made twice."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from e2e.cloud import Cloud
from e2e.installation import until_ready
from e2e.operator_pods import NAMESPACE, OperatorPods
from e2e.waiting import DEADLINE_SECONDS, until
from install.kubectl import Kubectl, Manifest

pytestmark = pytest.mark.usefixtures("quickstart")

CROWD: Final = 20
SLOW_ANSWER_SECONDS: Final = 2.0


def test_deleted(operator: OperatorPods) -> None:
    operator.until_both_ready()
    leader, holder = operator.leader(), operator.holder()
    operator.kubectl("delete", "pod", leader, f"--namespace={NAMESPACE}", "--wait=false")
    assert operator.leader_after(holder) != leader
    assert leader not in [pod["metadata"]["name"] for pod in operator.until_both_ready()]
    until_ready(operator.kubectl)


def test_killed(operator: OperatorPods) -> None:
    operator.until_both_ready()
    leader, holder = operator.leader(), operator.holder()
    restarts = restarts_of(operator, leader)
    operator.signal(operator.container(leader), "KILL")
    operator.leader_after(holder)
    operator.until_both_ready()
    assert restarts_of(operator, leader) == restarts + 1
    until_ready(operator.kubectl)


def test_stopped_and_continued(operator: OperatorPods) -> None:
    """SIGSTOP: it looks alive to the kernel, and does not renew its Lease."""
    operator.until_both_ready()
    leader, holder = operator.leader(), operator.holder()
    restarts = restarts_of(operator, leader)
    container = operator.container(leader)
    operator.signal(container, "STOP")
    try:
        assert operator.leader_after(holder) != leader
    finally:
        operator.signal(container, "CONT")
    its_process_ends(operator, leader, restarts)
    operator.until_both_ready()
    until_ready(operator.kubectl)


def test_cut_off(operator: OperatorPods) -> None:
    operator.until_both_ready()
    leader, holder = operator.leader(), operator.holder()
    with operator.cut_off(operator.container(leader)):
        assert operator.leader_after(holder) != leader
        log_says(operator, leader, '"still_leading": false')
    operator.until_both_ready()
    until_ready(operator.kubectl)


async def test_frozen_in_the_middle_of_creations(operator: OperatorPods, cloud: Cloud) -> None:
    """Its requests are on their way when it stops; it wakes up when another leads, and believes for a moment it does."""
    operator.until_both_ready()
    leader, holder = operator.leader(), operator.holder()
    restarts = restarts_of(operator, leader)
    container = operator.container(leader)
    await cloud.fault(method="POST", path="^/v1/datastores$", when="after", delay_seconds=SLOW_ANSWER_SECONDS)
    with crowd(operator.kubectl):
        await somebody_is_made(cloud)
        with operator.frozen(container):
            made = len(crowd_in(await cloud.names("datastores")))
            answered = len(recorded(operator.kubectl))
            assert operator.leader_after(holder) != leader
        assert answered < CROWD, "it was frozen too late: every creation was finished and written down"
        assert made > 0
        await cloud.clear_faults()
        until_ready(operator.kubectl)
        assert crowd_in(await cloud.names("datastores")) == [name_of(number) for number in range(CROWD)]
        its_process_ends(operator, leader, restarts)
    operator.until_both_ready()
    until("the crowd is gone from the cloud", lambda: not recorded(operator.kubectl))
    assert crowd_in(await cloud.names("datastores")) == []


def restarts_of(operator: OperatorPods, name: str) -> int:
    pod = operator.kubectl.get(f"pod/{name}", f"--namespace={NAMESPACE}")
    return int(pod["status"]["containerStatuses"][0]["restartCount"])


def its_process_ends(operator: OperatorPods, name: str, restarts: int) -> None:
    """It ends by itself when it finds that another leads, or as the kubelet asked while it stood still for too long."""
    until(f"the process of {name} has ended", lambda: restarts_of(operator, name) > restarts)


def log_says(operator: OperatorPods, name: str, words: str) -> None:
    """Wait until the words are in the log of a Pod, of its present process or of the one before."""

    def says_so() -> bool:
        logs = ("logs", name, f"--namespace={NAMESPACE}")
        said = operator.kubectl.attempt(*logs).stdout + operator.kubectl.attempt(*logs, "--previous").stdout
        return words in said

    until(f"the log of {name} says {words}", says_so)


def name_of(number: int) -> str:
    return f"crowd-{number:02}"


def datastore(number: int) -> Manifest:
    return {
        "apiVersion": "manageddatabases.io/v1alpha1",
        "kind": "ManagedDatastore",
        "metadata": {"name": name_of(number), "namespace": "default", "labels": {"crowd": "yes"}},
        "spec": {
            "engine": {"type": "postgresql", "version": "16"},
            "flavor": {"vcpus": 2, "ramMB": 4096, "diskGB": 32},
            "nodeCount": 1,
            "subnetID": "11111111-2222-4333-8444-555555555555",
            "deletionProtection": False,
        },
    }


@contextmanager
def crowd(kubectl: Kubectl) -> Iterator[None]:
    """Twenty datastores at once; deleted in the end."""
    kubectl.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": [datastore(n) for n in range(CROWD)]}))
    try:
        yield
    finally:
        kubectl("delete", "manageddatastores", "--namespace=default", "--selector=crowd=yes", "--wait=false")


def recorded(kubectl: Kubectl) -> list[Manifest]:
    """Those of the crowd of which the operator has written down that they are in the cloud."""
    found = kubectl.get("manageddatastores", "--namespace=default", "--selector=crowd=yes")["items"]
    return [each for each in found if each.get("status", {}).get("id")]


def crowd_in(names: list[str]) -> list[str]:
    return [name for name in names if name.startswith("crowd-")]


async def somebody_is_made(cloud: Cloud) -> None:
    """Return at once when the cloud has the first: the freeze has to come while answers are on their way."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not crowd_in(await cloud.names("datastores")):
        assert time.monotonic() < deadline, "nothing was made in the cloud"
