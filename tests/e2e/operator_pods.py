"""The operator's Pods on the nodes: which of them leads, and what can be done to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from e2e.real_cluster import RealCluster
from e2e.waiting import until
from install.kubectl import Manifest
from managed_databases.kube.leadership import LEASE_NAME

NAMESPACE: Final = "managed-databases-system"
RELEASE: Final = "managed-databases"
SELECTOR: Final = f"app.kubernetes.io/name=managed-databases-operator,app.kubernetes.io/instance={RELEASE}"


@dataclass(frozen=True)
class Container:
    """A Pod's only container, as its node has it."""

    node: str
    id: str
    pid: int


class OperatorPods:
    def __init__(self, cluster: RealCluster) -> None:
        self.cluster = cluster
        self.kubectl = cluster.kubectl

    def all(self) -> list[Manifest]:
        """Those that are not being deleted."""
        found = self.kubectl.get("pods", f"--namespace={NAMESPACE}", f"--selector={SELECTOR}")["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def ready(self) -> list[Manifest]:
        return [pod for pod in self.all() if is_ready(pod)]

    def until_both_ready(self) -> list[Manifest]:
        """Wait until there are two Pods, both Ready, and nothing else; return them."""
        return until(
            "both Pods are Ready",
            lambda: pods if len(pods := self.all()) == 2 and all(map(is_ready, pods)) else None,
            lambda: [describe(pod) for pod in self.all()],
        )

    def leader(self) -> str:
        """Wait until one of the Pods leads; return its name."""
        return self._leads("one of the Pods leads", lambda name, _: bool(name))

    def leader_after(self, former: str) -> str:
        """Wait until somebody else leads than whoever holds the Lease by `former` (a holder, not a Pod's name)."""
        return self._leads(f"somebody leads after {former}", lambda name, holder: bool(name) and holder != former)

    def holder(self) -> str:
        """Return who holds the Lease; a process that starts again in the same Pod is somebody else."""
        found = self.kubectl.attempt(
            "get", f"lease/{LEASE_NAME}", f"--namespace={NAMESPACE}", "-o", "jsonpath={.spec.holderIdentity}"
        )
        return found.stdout

    def container(self, name: str) -> Container:
        """Return the running container of a Pod."""
        pod = self.kubectl.get(f"pod/{name}", f"--namespace={NAMESPACE}")
        node = pod["spec"]["nodeName"]
        id_ = pod["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")
        for line in self.cluster.ctr(node, "tasks", "list").splitlines():
            if line.split()[0] == id_:
                return Container(node, id_, int(line.split()[1]))
        raise AssertionError(f"{name} has no running container {id_} on {node}")

    def signal(self, container: Container, name: str) -> None:
        """Send its first process a signal, as the node's root does: `KILL`, `STOP`, `CONT`."""
        self.cluster.on(container.node, "kill", f"-{name}", str(container.pid))

    @contextmanager
    def frozen(self, container: Container) -> Iterator[None]:
        """All its processes stand still, without knowing it."""
        self.cluster.ctr(container.node, "tasks", "pause", container.id)
        try:
            yield
        finally:
            self.cluster.ctr(container.node, "tasks", "resume", container.id)

    @contextmanager
    def cut_off(self, container: Container) -> Iterator[None]:
        """Nothing leaves or enters its Pod's network, and nobody is told."""
        into = ["nsenter", f"--target={container.pid}", "--net", "iptables"]
        chains = ("INPUT", "OUTPUT")
        for chain in chains:
            self.cluster.on(container.node, *into, "-I", chain, "-j", "DROP")
        # The network outlives the process, which may be gone when it comes back: something that stays keeps the way in.
        keeper = self._pause_process(container)
        try:
            yield
        finally:
            into[1] = f"--target={keeper}"
            for chain in chains:
                self.cluster.on(container.node, *into, "-D", chain, "-j", "DROP")

    def _pause_process(self, container: Container) -> int:
        """Return the process that keeps the Pod's namespaces: its network is the container's."""
        wanted = self.cluster.on(container.node, "readlink", f"/proc/{container.pid}/ns/net")
        for line in self.cluster.ctr(container.node, "tasks", "list").splitlines()[1:]:
            pid = int(line.split()[1])
            if pid != container.pid and self.cluster.on(container.node, "readlink", f"/proc/{pid}/ns/net") == wanted:
                return pid
        raise AssertionError(f"no pause container shares the network of {container.id}")

    def _leads(self, what: str, accepted: Any) -> str:
        def one() -> str | None:
            holder = self.holder()
            names = [pod["metadata"]["name"] for pod in self.all()]
            name = next((each for each in names if holder.startswith(f"{each}-")), "")
            return name if accepted(name, holder) else None

        return until(what, one, lambda: f"holder {self.holder()}, Pods {[describe(pod) for pod in self.all()]}")


def is_ready(pod: Manifest) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def describe(pod: Manifest) -> dict[str, object]:
    statuses = pod.get("status", {}).get("containerStatuses", [])
    return {
        "name": pod["metadata"]["name"],
        "node": pod["spec"].get("nodeName"),
        "phase": pod.get("status", {}).get("phase"),
        "containers": [(each.get("state"), each.get("restartCount")) for each in statuses],
    }
